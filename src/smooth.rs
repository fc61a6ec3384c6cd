//! Temporal smoothing of flow fields.
//!
//! The network looks at each frame by itself, so its field trembles by several
//! pixels. For files there is time to look ahead: the field of a frame is a
//! Gaussian average, by time and not by frame count, over the frames before *and*
//! after it. A symmetric window has no lag at all, and because a field's cells are
//! places of the exemplar (the left eye, the chin) and its values are where those
//! are in the frame, it follows a subject that moves at a steady speed exactly.
//! Cells count by their confidence, so a cell lost for a moment leans on the
//! moments when it was sure.
//!
//! A cut ends the window on both sides: nothing is ever averaged across it.

use std::collections::VecDeque;

use crate::time::FrameTime;
use crate::warper::Match;

/// Below this likeness of neighbouring frames there is a cut between them.
const CUT: f32 = 0.45;
/// Standard deviation of the window, in seconds.
const SIGMA: f64 = 0.12;
/// The window's reach to either side, in seconds.
const REACH: f64 = 0.3;
/// Weight of a cell of no confidence, so that sums are never empty.
const LEAST: f32 = 0.02;

/// Look-ahead smoother: frames go in as they come and come out, in order, when
/// enough of their future is known.
pub struct Lookahead<T> {
    /// The current shot's matches within reach of the oldest waiting frame.
    shot: VecDeque<(FrameTime, Match)>,
    /// What waits for its field, with its time; the newest of `shot`.
    waiting: VecDeque<(FrameTime, T)>,
}

impl<T> Default for Lookahead<T> {
    fn default() -> Self {
        Self { shot: VecDeque::new(), waiting: VecDeque::new() }
    }
}

impl<T> Lookahead<T> {
    /// Takes the next frame; calls `ready` for each one whose window is full.
    ///
    /// # Errors
    /// Whatever `ready` returns.
    pub fn push<E>(
        &mut self,
        time: FrameTime,
        found: Match,
        item: T,
        mut ready: impl FnMut(T, Match) -> Result<(), E>,
    ) -> Result<(), E> {
        let gap = self.shot.back().is_some_and(|(last, _)| (time - *last).as_secs_f64() > REACH);
        if gap || found.likeness.is_some_and(|likeness| likeness < CUT) {
            tracing::debug!("a cut at {time} (likeness {:.2})", found.likeness.unwrap_or_default());
            self.finish(&mut ready)?;
        }
        self.shot.push_back((time, found));
        self.waiting.push_back((time, item));
        while self.waiting.front().is_some_and(|(front, _)| (time - *front).as_secs_f64() > REACH) {
            self.emit(&mut ready)?;
        }
        Ok(())
    }

    /// Lets go of all that waits: the end of the shot, or of the film.
    ///
    /// # Errors
    /// Whatever `ready` returns.
    pub fn finish<E>(&mut self, mut ready: impl FnMut(T, Match) -> Result<(), E>) -> Result<(), E> {
        while !self.waiting.is_empty() {
            self.emit(&mut ready)?;
        }
        self.shot.clear();
        Ok(())
    }

    fn emit<E>(&mut self, ready: &mut impl FnMut(T, Match) -> Result<(), E>) -> Result<(), E> {
        let Some((time, item)) = self.waiting.pop_front() else { return Ok(()) };
        while self.shot.front().is_some_and(|(first, _)| (time - *first).as_secs_f64() > REACH) {
            self.shot.pop_front();
        }
        ready(item, self.average(time))
    }

    fn average(&self, time: FrameTime) -> Match {
        let cells = self.shot[0].1.displacement.len();
        let mut mean = vec![[0.0f32; 2]; cells];
        let mut weights = vec![0.0f32; cells];
        let mut confidence = vec![0.0f32; cells];
        let mut total = 0.0;
        for (at, found) in &self.shot {
            let away = (*at - time).as_secs_f64();
            // The window is symmetric: near a cut it shrinks on both sides alike,
            // or the field would lean towards the longer one and lag.
            if away.abs() > self.reach(time) {
                continue;
            }
            let kernel = (-0.5 * (away / SIGMA).powi(2)).exp() as f32;
            total += kernel;
            for cell in 0..cells {
                let weight = kernel * found.confidence[cell].max(LEAST);
                weights[cell] += weight;
                confidence[cell] += kernel * found.confidence[cell];
                let [x, y] = found.displacement[cell];
                mean[cell] = [mean[cell][0] + weight * x, mean[cell][1] + weight * y];
            }
        }
        Match {
            displacement: mean.iter().zip(&weights).map(|(sum, weight)| sum.map(|v| v / weight)).collect(),
            confidence: confidence.iter().map(|sum| sum / total).collect(),
            likeness: None,
        }
    }

    /// How far the window of a frame reaches to either side, in seconds. At the
    /// ends of a shot, where a symmetric window would be a single frame, a
    /// little lag is the lesser evil: it never gets shorter than half of sigma.
    fn reach(&self, time: FrameTime) -> f64 {
        let ends = [self.shot.front(), self.shot.back()];
        let least =
            ends.into_iter().flatten().map(|(at, _)| (*at - time).as_secs_f64().abs()).fold(REACH, f64::min);
        least.max(SIGMA / 2.0) + 1e-9
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;
    use proptest::prelude::*;

    fn at(value: f32, confidence: f32, likeness: Option<f32>) -> Match {
        Match { displacement: vec![[value, -value]], confidence: vec![confidence], likeness }
    }

    /// Smooths a film of single-cell fields; frames are `(seconds, match)`.
    fn smooth(film: &[(f64, Match)]) -> Vec<f32> {
        let mut out = Vec::new();
        let mut order = Vec::new();
        let mut smoother = Lookahead::default();
        let mut ready = |index: usize, found: Match| {
            order.push(index);
            out.push(found.displacement[0][0]);
            Ok::<_, Infallible>(())
        };
        for (index, (secs, found)) in film.iter().enumerate() {
            let Ok(()) = smoother.push(FrameTime::from_secs_f64(*secs), found.clone(), index, &mut ready);
        }
        let Ok(()) = smoother.finish(&mut ready);
        assert!(order.iter().copied().eq(0..film.len()), "every frame once, in order");
        out
    }

    #[test]
    fn steady_motion_has_no_lag_whatever_the_frame_times() {
        let times =
            [0.0, 0.03, 0.05, 0.10, 0.12, 0.17, 0.2, 0.25, 0.3, 0.31, 0.4, 0.42, 0.5, 0.55, 0.6, 0.7, 0.8];
        let even: Vec<_> =
            (0..40).map(|k| (f64::from(k) / 25.0, at(k as f32 / 25.0, 1.0, Some(0.9)))).collect();
        for (got, (secs, _)) in smooth(&even).iter().zip(&even).skip(1).take(38) {
            assert!((f64::from(*got) - secs).abs() < 0.03, "{got} at {secs}");
        }
        let uneven: Vec<_> = times.iter().map(|&t| (t, at(t as f32, 1.0, Some(0.9)))).collect();
        for (got, secs) in smooth(&uneven).iter().zip(times) {
            assert!((f64::from(*got) - secs).abs() < 0.04, "{got} at {secs}");
        }
    }

    #[test]
    fn trembling_is_calmed() {
        let film: Vec<_> = (0..60)
            .map(|k| (f64::from(k) / 30.0, at(if k % 2 == 0 { 1.0 } else { -1.0 }, 1.0, Some(0.9))))
            .collect();
        assert!(smooth(&film)[10..50].iter().all(|v| v.abs() < 0.05));
    }

    #[test]
    fn nothing_crosses_a_cut_but_without_one_it_would() {
        let film = |likeness| -> Vec<_> {
            (0..40)
                .map(|k| {
                    (
                        f64::from(k) / 25.0,
                        at(if k < 20 { 0.0 } else { 1.0 }, 1.0, (k == 20).then_some(likeness)),
                    )
                })
                .collect()
        };
        let cut = smooth(&film(0.2));
        assert!(cut[..20].iter().all(|v| *v == 0.0) && cut[20..].iter().all(|v| *v == 1.0), "{cut:?}");
        assert!(smooth(&film(0.9))[19] > 0.1, "negative control");
    }

    #[test]
    fn unsure_moments_lean_on_sure_ones() {
        let film: Vec<_> = (0..30)
            .map(|k| {
                let lost = k == 15;
                (
                    f64::from(k) / 30.0,
                    at(if lost { 9.0 } else { 1.0 }, if lost { 0.0 } else { 1.0 }, Some(0.9)),
                )
            })
            .collect();
        assert!((smooth(&film)[15] - 1.0).abs() < 0.1);
    }

    proptest! {
        #[test]
        fn never_leaves_the_hull_of_its_inputs(values in proptest::collection::vec((-1f32..1.0, 0f32..1.0, 0.001f64..0.5), 1..60)) {
            let mut now = 0.0;
            let film: Vec<_> = values.iter().map(|&(v, c, step)| { now += step; (now, at(v, c, None)) }).collect();
            let (low, high) = values.iter().fold((f32::MAX, f32::MIN), |(l, h), v| (l.min(v.0), h.max(v.0)));
            for got in smooth(&film) {
                prop_assert!(got >= low - 1e-5 && got <= high + 1e-5);
            }
        }
    }
}
