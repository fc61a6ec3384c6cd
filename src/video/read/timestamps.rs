//! The moment each frame is shown at.
//!
//! FFmpeg's *best effort* timestamp is taken as it comes, in ticks of the
//! stream, so a variable frame rate stays what it is. Two repairs are made:
//!
//! * A frame without a timestamp (raw streams, some AVI files) follows its
//!   predecessor at the nominal rate, counted from the last known time so that
//!   rounding does not add up.
//! * A timestamp that does not advance (damaged files, clocks that jump) is
//!   moved to one tick after its predecessor: no frame is lost, and no encoder
//!   sees time run backwards.

use crate::time::{FrameRate, FrameTime, TimeBase};

/// Gives each decoded frame its ticks, strictly increasing.
#[derive(Debug)]
pub(super) struct Clock {
    base: TimeBase,
    rate: FrameRate,
    /// Last time told by the stream, and frames since.
    anchor: (i64, i64),
    last: Option<i64>,
}

impl Clock {
    /// For a stream that counts in `base` and shows about `rate` frames.
    pub(super) fn new(base: TimeBase, rate: FrameRate) -> Self {
        Self { base, rate, anchor: (0, 0), last: None }
    }

    /// Whether there was a frame yet.
    pub(super) fn has_started(&self) -> bool {
        self.last.is_some()
    }

    /// Ticks of the next frame, given what the stream says of it.
    pub(super) fn tick(&mut self, stamp: Option<i64>) -> i64 {
        match stamp {
            Some(ticks) => self.anchor = (ticks, 0),
            None if self.last.is_some() => self.anchor.1 += 1,
            None => {}
        }
        let (told, frames_since) = self.anchor;
        let since = FrameTime::from_ticks(frames_since, self.rate.frame_base());
        let expected = told.saturating_add(since.to_ticks(self.base));
        let ticks = self.last.map_or(expected, |last| expected.max(last.saturating_add(1)));
        self.last = Some(ticks);
        ticks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(base: (i32, i32), rate: (i32, i32)) -> Clock {
        let base = TimeBase::new(base.0, base.1).expect("positive");
        Clock::new(base, FrameRate::new(rate.0, rate.1).expect("positive"))
    }

    #[test]
    fn told_times_are_kept() {
        let mut clock = clock((1, 1000), (25, 1));
        let told = [-40, 0, 33, 67, 500, 501];
        assert_eq!(told.map(|ticks| clock.tick(Some(ticks))), told);
    }

    #[test]
    fn gaps_are_filled_without_drift() {
        let mut clock = clock((1, 1000), (30_000, 1001));
        let filled: Vec<i64> = (0..301).map(|_| clock.tick(None)).collect();
        assert_eq!((filled[0], filled[1], filled[2], filled[300]), (0, 33, 67, 10_010));
        assert_eq!((clock.tick(Some(20_000)), clock.tick(None)), (20_000, 20_033));
    }

    #[test]
    fn time_never_stands_or_runs_back() {
        let mut clock = clock((1, 1000), (25, 1));
        assert_eq!([40, 40, 0, 80].map(|ticks| clock.tick(Some(ticks))), [40, 41, 42, 80]);
        assert_eq!(clock.tick(Some(i64::MAX)), i64::MAX);
    }
}
