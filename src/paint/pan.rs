//! How far the whole picture has moved, for the grain of the canvas that moves along with it.
//!
//! A sum over a whole shot could only be known by whoever saw the whole shot. So it is counted anew every
//! [`EPOCH`] on the film's own clock, and for [`FADE`] seconds the new count shows more and more and the old
//! one less: the grain of a moment depends on the last eight seconds at most and on nothing before, and a film
//! can be painted in parts. As long as nothing pans, both counts are zero, and nothing changes.

use crate::time::FrameTime;

/// Seconds after which a new count begins.
pub(crate) const EPOCH: f64 = 6.0;
/// Seconds in which it takes the place of the one before.
const FADE: f64 = 2.0;
/// Seconds that a picture's grain depends on, at most.
#[cfg(feature = "video")]
pub(crate) const MEMORY: f64 = EPOCH + FADE;

/// Two counts of how far a picture has moved, in cells of the grain.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Pan {
    epoch: i64,
    /// Since the epoch began, or the shot.
    now: [f32; 2],
    /// Since the epoch before began, or the shot.
    before: [f32; 2],
    /// How much of the earlier count still shows, 0..=1.
    share: f32,
}

impl Pan {
    /// At the first picture of a shot.
    pub(crate) fn begin(time: FrameTime) -> Self {
        Self { epoch: epoch(time), ..Self::default() }
    }

    /// The picture shown at `time` has moved by so much from the one before.
    pub(crate) fn advance(&mut self, time: FrameTime, step: [f32; 2]) {
        let add = |to: [f32; 2]| [to[0] + step[0], to[1] + step[1]];
        let passed = epoch(time) - self.epoch;
        (self.before, self.now) = match passed {
            0 => (add(self.before), add(self.now)),
            1 => (add(self.now), [0.0; 2]),
            _ => ([0.0; 2], [0.0; 2]),
        };
        self.epoch += passed;
        let since = time.as_secs_f64() - self.epoch as f64 * EPOCH;
        self.share = (1.0 - since / FADE).clamp(0.0, 1.0) as f32;
        if self.share == 0.0 {
            self.before = self.now;
        }
    }

    /// Fills a row of noise of lattices of this pitch (in cells), which `row_at` makes at a count: at the newer one,
    /// with what still shows of the older.
    pub(crate) fn fill(
        &self,
        pitch: f32,
        row: &mut [f32],
        older: &mut Vec<f32>,
        row_at: impl Fn([f32; 2], &mut [f32]),
    ) {
        row_at(self.now, row);
        if self.now == self.before {
            return;
        }
        older.resize(row.len(), 0.0);
        row_at(self.before, older);
        let level = self.level(pitch);
        for (value, before) in row.iter_mut().zip(older) {
            *value = (*value + (*before - *value) * self.share) * level;
        }
    }

    /// Both counts, the newer first, and how much of the older shows.
    #[cfg(test)]
    pub(crate) fn counts(&self) -> ([f32; 2], [f32; 2], f32) {
        (self.now, self.before, self.share)
    }

    /// What noise of lattices of this pitch (in cells) has to be multiplied by after the two counts were
    /// mixed, to keep its deviation: the nearer the two places, the less a mixture weakens it.
    fn level(&self, pitch: f32) -> f32 {
        let [x, y] = [0, 1].map(|axis| spline((self.now[axis] - self.before[axis]).abs() / pitch));
        let (new, old) = (1.0 - self.share, self.share);
        (new * new + old * old + 2.0 * new * old * x * y).sqrt().recip()
    }
}

fn epoch(time: FrameTime) -> i64 {
    time.as_nanos().div_euclid((EPOCH * 1e9) as i64)
}

/// Correlation of linearly interpolated white noise with itself, so many nodes away: a cubic B-spline.
fn spline(away: f32) -> f32 {
    match away {
        near if near < 1.0 => 1.0 - 1.5 * near * near + 0.75 * near * near * near,
        far if far < 2.0 => 0.25 * (2.0 - far).powi(3),
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(frame: u32) -> FrameTime {
        FrameTime::from_nanos(i64::from(frame) * 40_000_000)
    }

    fn step(frame: u32) -> [f32; 2] {
        [1.0, (frame % 3) as f32]
    }

    /// The pan of a frame, of which nothing before `first` was seen.
    fn seen_from(first: u32, frame: u32) -> Pan {
        let mut pan = Pan::begin(at(first));
        (first + 1..=frame).for_each(|frame| pan.advance(at(frame), step(frame)));
        pan
    }

    proptest! {
        /// Whoever has seen the last epochs knows as much as who has seen all.
        #[test]
        fn a_place_is_a_function_of_time(frame in 0u32..2000, earlier in 0u32..100) {
            let epochs = frame / 150;
            let first = epochs.saturating_sub(1) * 150;
            let all = seen_from(first.saturating_sub(earlier), frame);
            let warmed = seen_from(first, frame);
            prop_assert_eq!(all.counts(), warmed.counts());
        }
    }

    #[test]
    fn one_count_gives_way_to_the_next_and_without_a_pan_both_are_zero() {
        let (_, _, share) = seen_from(0, 149).counts();
        assert_eq!(share, 0.0, "long after the beginning");
        let shares: Vec<f32> = (150..=200).map(|frame| seen_from(0, frame).counts().2).collect();
        assert!(shares[0] == 1.0 && shares[50] == 0.0 && shares.is_sorted_by(|a, b| a >= b), "{shares:?}");
        let (now, before, _) = seen_from(0, 150).counts();
        assert_eq!((now, before), ([0.0; 2], [150.0, 150.0]), "the older count goes on");
        let mut still = Pan::begin(at(0));
        (1..400).for_each(|frame| still.advance(at(frame), [0.0; 2]));
        assert_eq!((still.counts().0, still.counts().1, still.level(1.0)), ([0.0; 2], [0.0; 2], 1.0));
    }

    #[test]
    fn a_mixture_is_as_strong_as_its_parts() {
        let pan = |away: f32| Pan { epoch: 0, now: [0.0; 2], before: [away, 0.0], share: 0.5 };
        assert!((pan(0.0).level(1.0) - 1.0).abs() < 1e-6);
        assert!((pan(9.0).level(1.0) - 2.0_f32.sqrt()).abs() < 1e-6);
        assert!((pan(9.0).level(4.0) - 2.0_f32.sqrt()).abs() < 1e-6 && pan(1.0).level(4.0) < 1.05);
    }
}
