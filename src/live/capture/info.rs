//! The video information of a live picture, which no container tells.

use crate::frame::Size;
use crate::time::{FrameRate, FrameTime, TimeBase};
use crate::video::colour::Colour;
use crate::video::read::{Clip, VideoInfo};

/// What is known of a live picture.
pub(crate) fn live_info(size: Size, rate: FrameRate) -> VideoInfo {
    VideoInfo {
        size,
        rate,
        time_base: TimeBase::new(1, 90_000).expect("positive"),
        colour: Colour::untagged(size),
        pixel_aspect: (1, 1),
        frames: None,
        duration: None,
        origin: FrameTime::ZERO,
        clip: Clip::default(),
    }
}
