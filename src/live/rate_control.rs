//! Holds the frame rate: paints smaller where the machine is too slow, larger
//! again where it has time to spare, and leaves out frames that nobody asked for.

use crate::time::{FrameRate, FrameTime};

/// Lines painted at, in shares of the frame's: each step down takes some 30 % off the pixels.
const STEPS: [f32; 7] = [1.0, 0.84, 0.71, 0.6, 0.5, 0.42, 0.35];
/// Fewest lines that still look like something.
const FEWEST: u32 = 160;
/// Seconds over which time spent is averaged.
const MEMORY: f64 = 0.5;
/// Seconds to watch after a change before the next one down.
const SETTLE: f64 = 1.0;
/// Seconds of spare time before a step up; doubled, up to the longest, each time it was in vain.
const PATIENCE: f64 = 4.0;
const LONGEST: f64 = 64.0;
/// Shares of a frame's time: more is too much, and so little allows a step up.
const FULL: f64 = 0.97;
const SPARE: f64 = 0.8;

/// Decides what is painted, and how large.
#[derive(Debug)]
pub struct RateController {
    /// Seconds a frame may take.
    interval: f64,
    /// Lines that were asked for; then nothing is adapted.
    fixed: Option<u32>,
    step: usize,
    spent: f64,
    changed: FrameTime,
    patience: f64,
    /// When the last frame let through was due.
    due: Option<FrameTime>,
}

impl RateController {
    /// For so many frames a second; `fixed` lines are kept whatever it takes.
    pub fn new(rate: FrameRate, fixed: Option<u32>) -> Self {
        let interval = 1.0 / rate.as_f64();
        Self { interval, fixed, step: 0, spent: 0.0, changed: FrameTime::ZERO, patience: PATIENCE, due: None }
    }

    /// Seconds from one frame to the next.
    pub fn interval(&self) -> f64 {
        self.interval
    }

    /// Holds another rate from now on.
    pub fn set_rate(&mut self, rate: FrameRate) {
        (self.interval, self.due) = (1.0 / rate.as_f64(), None);
    }

    /// Whether a frame is wanted: those of a camera that is faster than asked for are left out evenly.
    pub fn wants(&mut self, time: FrameTime) -> bool {
        let interval = FrameTime::from_secs_f64(self.interval);
        let slack = FrameTime::from_secs_f64(self.interval * 0.25);
        let Some(due) = self.due else {
            self.due = Some(time);
            return true;
        };
        let next = due + interval;
        if time + slack < next {
            return false;
        }
        // What is late is not made up for.
        self.due = Some(if time - next > interval { time } else { next });
        true
    }

    /// Lines to paint a frame of so many lines at; `None` for all of them.
    pub fn lines(&self, of: u32) -> Option<u32> {
        self.fixed.or_else(|| {
            let lines = (of as f32 * STEPS[self.step]).round() as u32;
            (self.step > 0).then_some(lines.max(FEWEST).min(of))
        })
    }

    /// Takes note of the seconds that a frame took; whether the lines change.
    pub fn spent(&mut self, now: FrameTime, secs: f64) -> bool {
        let share = 1.0 - (-secs.max(self.interval) / MEMORY).exp();
        self.spent += share * (secs - self.spent);
        if self.fixed.is_some() {
            return false;
        }
        let since = (now - self.changed).as_secs_f64();
        let growth = |step: usize| f64::from(STEPS[step - 1] / STEPS[step]).powi(2);
        if self.spent > FULL * self.interval && since > SETTLE && self.step + 1 < STEPS.len() {
            if self.changed > FrameTime::ZERO && since < self.patience {
                self.patience = (2.0 * self.patience).min(LONGEST);
            }
            self.step += 1;
        } else if self.step > 0
            && since > self.patience
            && self.spent * growth(self.step) < SPARE * self.interval
        {
            self.step -= 1;
        } else {
            return false;
        }
        self.changed = now;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(fps: i32, fixed: Option<u32>) -> RateController {
        RateController::new(FrameRate::new(fps, 1).expect("positive"), fixed)
    }

    /// Runs for some seconds on a machine that needs `full` seconds for all lines.
    fn run(rate: &mut RateController, from: f64, secs: f64, full: f64) -> usize {
        let (mut now, mut changes) = (from, 0);
        while now < from + secs {
            let share = rate.lines(1000).unwrap_or(1000) as f64 / 1000.0;
            let spent = full * share * share;
            now += spent.max(rate.interval);
            changes += usize::from(rate.spent(FrameTime::from_secs_f64(now), spent));
        }
        changes
    }

    #[test]
    fn it_finds_the_size_that_fits_and_stays() {
        let mut rate = rate(25, None);
        run(&mut rate, 0.0, 20.0, 0.1);
        let lines = rate.lines(1000).expect("fewer");
        assert!((500..=630).contains(&lines), "{lines}");
        assert_eq!(run(&mut rate, 20.0, 120.0, 0.1), 0);
        // The machine has time again.
        run(&mut rate, 140.0, 200.0, 0.01);
        assert_eq!(rate.lines(1000), None);
    }

    #[test]
    fn on_the_brink_it_tries_less_and_less_often() {
        let mut rate = rate(25, None);
        // Noise makes it look spare for a while, then too much again.
        let changes: usize = (0..40)
            .map(|k| run(&mut rate, f64::from(k) * 15.0, 15.0, if k % 2 == 0 { 0.1 } else { 0.03 }))
            .sum();
        // Without waiting longer each time there would be 120.
        assert!(changes <= 30, "{changes}");
        assert!(rate.patience > PATIENCE);
    }

    #[test]
    fn lines_that_were_asked_for_are_kept() {
        let mut rate = rate(25, Some(300));
        assert_eq!(run(&mut rate, 0.0, 20.0, 3.0), 0);
        assert_eq!(rate.lines(1000), Some(300));
    }

    #[test]
    fn a_camera_that_is_too_fast_is_thinned_out_evenly() {
        let mut rate = rate(30, None);
        let millis = |k: i64| FrameTime::from_nanos(k * 16_666_667 + (k % 3) * 2_000_000);
        let kept: Vec<_> = (0..120).filter(|k| rate.wants(millis(*k))).collect();
        assert!((58..=62).contains(&kept.len()), "{}", kept.len());
        // One at the rate itself loses nothing, though its clock trembles.
        let mut rate = self::rate(30, None);
        assert!((0..120).all(|k| rate.wants(FrameTime::from_nanos(k * 33_333_333 + (k % 2) * 5_000_000))));
    }
}
