//! Writing: frames become a file.
//!
//! In: frames in the order of their times, and the input that they came from. Out: one
//! file, which appears under its name only when it is complete. `pixels` and `encode`
//! make the video stream, `passthrough` copies sound and subtitles packet by packet,
//! `metadata` keeps titles and chapters.
//! Nothing here changes what a picture shows.

use crate::error::Result;
use crate::frame::Frame;

mod codec;
mod container;
mod encode;
mod file;
mod metadata;
mod passthrough;
mod pixels;
mod stream;

pub use codec::Codec;
pub use file::{FileOutput, FileSink};

/// Takes frames in the order of their times.
pub trait Sink: Send {
    /// Takes one frame.
    ///
    /// # Errors
    /// Returns an error if it cannot be encoded or written.
    fn write(&mut self, frame: Frame) -> Result<()>;

    /// Writes what is held back and makes the result visible. Dropped without
    /// it, a sink leaves nothing behind.
    ///
    /// # Errors
    /// As [`Sink::write`].
    fn finish(self: Box<Self>) -> Result<()>;
}
