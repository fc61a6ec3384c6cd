//! Which frames of a film are looked at by the networks.
//!
//! Fields are smoothed by time, so a film of 60 frames a second needs no more of them than one of 15. Between
//! two frames that are looked at, the smoother carries the field on. A cut is looked at whenever it comes: what
//! tells it here is a few pixels of every frame, and it rather looks once too often.

use crate::frame::Frame;
use crate::scene_change::SceneSignature;
use crate::time::FrameTime;

/// Frames looked at in a second.
const RATE: f64 = 15.0;
/// What the clock of a film may be off, in seconds: 15 frames a second in whole milliseconds are all looked at.
const TOLERANCE: f64 = 0.002;
/// Mean difference, of the full range, from the frame before above which a frame is looked at whatever the time.
const CHANGE: f32 = 0.05;

/// Tells for every frame of a film whether it is looked at.
#[derive(Default)]
pub struct KeyframeSelector {
    last: Option<FrameTime>,
    before: Option<SceneSignature>,
}

impl KeyframeSelector {
    /// Whether the next frame is a keyframe. While a scene might resume (`is_unsettled`), every one is.
    pub fn run(&mut self, frame: &Frame, is_unsettled: bool) -> bool {
        let signature = SceneSignature::of(&frame.pixels, frame.size);
        let changes = self.before.as_ref().is_none_or(|before| before.difference(&signature) > CHANGE);
        self.before = Some(signature);
        let since = self.last.map_or(f64::INFINITY, |last| (frame.time - last).as_secs_f64());
        let is_due = !(0.0..1.0 / RATE - TOLERANCE).contains(&since);
        let is_keyframe = changes || is_unsettled || is_due;
        if is_keyframe {
            self.last = Some(frame.time);
        }
        is_keyframe
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Size;

    fn grey(time: f64, level: u8) -> Frame {
        let size = Size { width: 64, height: 36 };
        Frame::filled(size, FrameTime::from_secs_f64(time), [level, level, level, 255])
    }

    /// How many of a second's frames are keyframes.
    fn in_a_second(rate: usize) -> usize {
        let mut selector = KeyframeSelector::default();
        (0..rate).filter(|k| selector.run(&grey(*k as f64 / rate as f64, 90), false)).count()
    }

    #[test]
    fn there_are_at_most_fifteen_a_second_evenly_spread() {
        assert_eq!([8, 15, 24, 25, 30, 50, 60, 120].map(in_a_second), [8, 15, 12, 13, 15, 13, 15, 15]);
    }

    #[test]
    fn a_cut_a_doubt_and_a_clock_that_runs_back_are_looked_at_at_once() {
        let mut selector = KeyframeSelector::default();
        let mut at = |time, level, is_unsettled| selector.run(&grey(time, level), is_unsettled);
        assert!(at(0.0, 90, false));
        assert!(!at(0.01, 90, false));
        assert!(at(0.02, 110, false), "a cut");
        assert!(at(0.03, 110, true), "a scene that might resume");
        assert!(!at(0.04, 110, false));
        assert!(at(0.01, 110, false), "back");
    }
}
