//! Writing: frames become a file.
//!
//! In: frames in the order of their times, and the input that they came from. Out: one
//! file, which appears under its name only when it is complete. `pixels` and `encode`
//! make the video stream, `passthrough` hands on sound and subtitles packet by packet, as
//! `streams` decides: copied, or stored anew by `sound` and `subtitles`; `metadata` keeps
//! titles and chapters.
//! Nothing here changes what a picture shows.

use crate::error::Result;
use crate::frame::Frame;
use crate::time::FrameTime;

mod codec;
mod container;
mod defragment;
mod encode;
mod file;
mod metadata;
mod passthrough;
mod pixels;
mod sound;
mod stream;
mod streams;
mod subtitles;
mod timecode;
mod track;

pub use codec::Codec;
pub use file::{FileOutput, FileSink};
pub use streams::{Audio, Changed};

/// Takes frames in the order of their times.
pub trait Sink: Send {
    /// Takes one frame.
    ///
    /// # Errors
    /// Returns an error if it cannot be encoded or written.
    fn write(&mut self, frame: Frame) -> Result<()>;

    /// Says when the last frame will stop being shown; one frame's length after its time if
    /// nobody says.
    fn last_until(&mut self, _end: FrameTime) {}

    /// Writes what is held back and makes the result visible. Dropped without
    /// it, a sink leaves nothing behind.
    ///
    /// # Errors
    /// As [`Sink::write`].
    fn finish(self: Box<Self>) -> Result<()>;
}
