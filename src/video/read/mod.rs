//! Reading: a file becomes a stream of frames.
//!
//! In: a path and the part that is wanted. Out: frames in the order of their times,
//! upright, in RGBA, and what is known of the video before its first frame
//! ([`VideoInfo`]). The stages are one file each: `probe`, `decode`, `timestamps`,
//! `deinterlace`, `convert`, `orient`, `fit`.
//! Sound and subtitles are not read here; [`crate::video::write`] copies them.

use crate::cancel::CancelToken;
use crate::error::Result;
use crate::frame::{Frame, Size};
use crate::time::{FrameRate, FrameTime, TimeBase};
use crate::video::colour::Colour;

mod convert;
mod decode;
mod deinterlace;
mod file;
mod filters;
mod fit;
mod isobmff;
mod matroska;
pub mod microphone;
mod opening;
mod orient;
mod probe;
mod timestamps;

pub use file::{Clip, FileSource, Stretch};

/// A stream of frames in the order of their times.
pub trait Source: Send {
    /// What every frame has in common.
    fn info(&self) -> &VideoInfo;

    /// The next frame; `None` at the end, or once asked to stop.
    ///
    /// # Errors
    /// Returns an error if the stream cannot be read any further. A damaged picture is not an
    /// error: it is skipped, counted and logged.
    fn next(&mut self) -> Result<Option<Frame>>;

    /// Raised when no more is wanted: the source then hands nothing out, and what was handed out and is not drawn yet is left
    /// out. Never raised unless a source says otherwise.
    fn stop(&self) -> CancelToken {
        CancelToken::new()
    }

    /// When the last frame handed out stops being shown, on the frames' clock; `None` if that
    /// is not known.
    fn end(&self) -> Option<FrameTime> {
        None
    }
}

/// What is known of a video before its first frame.
#[derive(Debug, Clone)]
pub struct VideoInfo {
    /// Size of the upright picture; every frame has it.
    pub size: Size,
    /// Nominal rate; frames carry their own times, which may not follow it.
    pub rate: FrameRate,
    /// The stream's own ticks.
    pub time_base: TimeBase,
    /// How RGB was made from what is stored, to go back the same way.
    pub colour: Colour,
    /// Width over height of one pixel, of the upright picture.
    pub pixel_aspect: (u32, u32),
    /// Number of frames, where the container tells or time and rate do.
    pub frames: Option<u64>,
    /// Length, where the container tells.
    pub duration: Option<FrameTime>,
    /// The moment of the file's own clock at which the frames' clock is zero:
    /// what to subtract from the times of sound and subtitles.
    pub origin: FrameTime,
    /// The part that was asked for: its sound begins and ends where its pictures do.
    pub clip: Clip,
}

impl VideoInfo {
    /// Width over height of the picture as shown.
    pub fn display_aspect(&self) -> f32 {
        let (width, height) = self.pixel_aspect;
        self.size.aspect() * width as f32 / height as f32
    }
}
