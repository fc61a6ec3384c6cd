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

mod cadence;
mod codec;
mod container;
mod defragment;
mod encode;
mod file;
mod join;
mod lengths;
mod metadata;
mod muxer;
mod passthrough;
mod pixels;
mod sequence;
mod sound;
mod stream;
mod streams;
mod subtitles;
mod timecode;
mod track;
mod y4m;

pub use codec::Codec;
pub use file::{FileOutput, FileSink};
pub use join::{FilmJoiner, JoinPart};
pub(crate) use join::{check_part, part_extension};
pub use sequence::sequence;
pub use streams::{Audio, Changed};
pub use y4m::y4m;

impl Sink for Box<dyn Sink> {
    fn write(&mut self, frame: Frame) -> Result<()> {
        (**self).write(frame)
    }

    fn last_until(&mut self, end: FrameTime) {
        (**self).last_until(end);
    }

    fn finish(self: Box<Self>) -> Result<()> {
        (*self).finish()
    }
}

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
