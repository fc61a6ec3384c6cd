//! Where frames go.

use crate::error::Result;
use crate::frame::Frame;

mod codec;
mod container;
mod copy;
mod encode;
mod file;
mod mux;
mod planes;
mod tags;

pub use codec::Codec;
pub use file::{FileOutput, FileSink};

/// Takes frames in the order of their times.
pub trait Sink: Send {
    /// Takes one frame.
    ///
    /// # Errors
    /// Where it cannot be encoded or written.
    fn write(&mut self, frame: Frame) -> Result<()>;

    /// Writes what is held back and makes the result visible. Dropped without
    /// it, a sink leaves nothing behind.
    ///
    /// # Errors
    /// As [`Sink::write`].
    fn finish(self: Box<Self>) -> Result<()>;
}
