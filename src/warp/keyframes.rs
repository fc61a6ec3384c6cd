//! Which frames of a film are looked at by the networks.
//!
//! Fields are smoothed by time, so a film of 60 frames a second needs no more of them than one of 15. Between
//! two frames that are looked at, the smoother carries the field on. A cut is looked at whenever it comes: what
//! tells it here is a few pixels of every frame ([`crate::scene_change`]), and it rather looks once too often.

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
}

impl KeyframeSelector {
    /// Whether the next frame, which differs so much from the one before, is a keyframe. While a scene might
    /// resume (`is_unsettled`), every one is.
    pub fn run(&mut self, time: FrameTime, difference: f32, is_unsettled: bool) -> bool {
        let since = self.last.map_or(f64::INFINITY, |last| (time - last).as_secs_f64());
        let is_due = !(0.0..1.0 / RATE - TOLERANCE).contains(&since);
        let is_keyframe = difference > CHANGE || is_unsettled || is_due;
        if is_keyframe {
            self.last = Some(time);
        }
        is_keyframe
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of a second's frames are keyframes.
    fn in_a_second(rate: usize) -> usize {
        let mut selector = KeyframeSelector::default();
        let time = |k: usize| FrameTime::from_secs_f64(k as f64 / rate as f64);
        (0..rate).filter(|k| selector.run(time(*k), 0.0, false)).count()
    }

    #[test]
    fn there_are_at_most_fifteen_a_second_evenly_spread() {
        assert_eq!([8, 15, 24, 25, 30, 50, 60, 120].map(in_a_second), [8, 15, 12, 13, 15, 13, 15, 15]);
    }

    #[test]
    fn a_cut_a_doubt_and_a_clock_that_runs_back_are_looked_at_at_once() {
        let mut selector = KeyframeSelector::default();
        let mut at = |time, difference, is_unsettled| {
            selector.run(FrameTime::from_secs_f64(time), difference, is_unsettled)
        };
        assert!(at(0.0, 0.0, false));
        assert!(!at(0.01, 0.04, false));
        assert!(at(0.02, 0.06, false), "a cut");
        assert!(at(0.03, 0.0, true), "a scene that might resume");
        assert!(!at(0.04, 0.0, false));
        assert!(at(0.01, 0.0, false), "back");
    }
}
