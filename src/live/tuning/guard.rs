//! When tuning has to wait: the stream comes first.
//!
//! What a session did before is compared with what it does now. Where that is less by more than a fifth, tuning waits; if
//! it stays so while tuning waits, something else is the reason, and the new rate is what is compared with.

/// Share of the rate, or of the lines, below which tuning waits.
const LEAST: f32 = 0.8;
/// ... and above which it was tuning that they were missing for.
const BACK: f32 = 0.9;
/// Seconds after a change until rates, which are means over five, say something of it.
const SETTLE: f64 = 6.0;
/// Longest wait, in seconds: each that comes soon is twice as long as the one before.
const LONGEST: f64 = 96.0;

/// What the stream does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rate {
    /// Frames finished a second.
    pub(super) fps: f32,
    /// Frames that the camera gives a second.
    pub(super) camera_fps: f32,
    /// Lines painted at.
    pub(super) lines: u32,
}

impl Rate {
    /// Of a stream of which nothing is known: there is nothing to lose.
    pub(super) const UNKNOWN: Self = Self { fps: 0.0, camera_fps: 0.0, lines: 0 };

    /// Whether a share of what was is not reached, for no fault of the camera's.
    fn is_below(self, share: f32, before: Self) -> bool {
        let is_slow = |fps: f32| self.fps < share * fps;
        is_slow(before.fps) && is_slow(self.camera_fps) || (self.lines as f32) < share * before.lines as f32
    }
}

/// Decides whether to tune or to wait.
#[derive(Debug)]
pub(super) struct Guard {
    /// As it was without tuning.
    before: Rate,
    waits: bool,
    /// When that began.
    since: f64,
    /// Seconds of the next wait.
    wait: f64,
}

impl Guard {
    /// Of a stream that does this now, at this second.
    pub(super) fn new(before: Rate, now: f64) -> Self {
        Self { before, waits: false, since: now, wait: SETTLE }
    }

    /// Whether tuning has to wait at this second. Without a rate, as where the picture stands still, it has not.
    pub(super) fn waits(&mut self, rate: Option<Rate>, now: f64) -> bool {
        let since = now - self.since;
        let turn = match rate {
            None => self.waits,
            Some(rate) if self.waits => {
                let is_over = since >= self.wait;
                if is_over {
                    if rate.is_below(BACK, self.before) {
                        self.wait = SETTLE;
                    } else {
                        self.wait = (2.0 * self.wait).min(LONGEST);
                    }
                    self.before = rate;
                }
                is_over
            }
            Some(rate) => {
                if since > 2.0 * self.wait {
                    // All has been well for long.
                    self.wait = SETTLE;
                }
                since >= SETTLE && rate.is_below(LEAST, self.before)
            }
        };
        if turn {
            (self.waits, self.since) = (!self.waits, now);
        }
        self.waits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(fps: f32, lines: u32) -> Rate {
        Rate { fps, camera_fps: 30.0, lines }
    }

    /// Runs for so many seconds; `stream` tells what it does with tuning and without. Seconds tuned.
    fn run(guard: &mut Guard, from: u32, secs: u32, stream: impl Fn(bool) -> Rate) -> u32 {
        (from..from + secs)
            .map(|now| u32::from(!guard.waits(Some(stream(!guard.waits)), f64::from(now))))
            .sum()
    }

    #[test]
    fn a_stream_that_does_not_notice_is_not_waited_for() {
        let mut guard = Guard::new(rate(30.0, 360), 0.0);
        assert_eq!(run(&mut guard, 0, 300, |tunes| rate(if tunes { 25.0 } else { 30.0 }, 360)), 300);
    }

    #[test]
    fn a_stream_that_loses_more_than_a_fifth_has_most_of_the_time_to_itself() {
        for with in [rate(20.0, 360), rate(30.0, 250)] {
            let mut guard = Guard::new(rate(30.0, 360), 0.0);
            let tuned = run(&mut guard, 0, 600, |tunes| if tunes { with } else { rate(30.0, 360) });
            assert!((30..120).contains(&tuned), "{tuned} of 600 seconds");
        }
    }

    #[test]
    fn what_slows_a_stream_for_good_is_not_tuning() {
        let mut guard = Guard::new(rate(30.0, 360), 0.0);
        // Another look, that takes longer to paint.
        let tuned = run(&mut guard, 0, 300, |_| rate(14.0, 360));
        assert!(tuned > 280, "{tuned} of 300 seconds");
        // It is what is compared with from now on.
        assert!(run(&mut guard, 300, 20, |tunes| rate(if tunes { 9.0 } else { 14.0 }, 360)) < 15);
    }

    #[test]
    fn neither_a_slow_camera_nor_a_picture_that_stands_still_is_a_reason() {
        let mut guard = Guard::new(rate(30.0, 360), 0.0);
        let dark = Rate { fps: 14.8, camera_fps: 15.0, lines: 360 };
        assert_eq!(run(&mut guard, 0, 100, |_| dark), 100);
        assert!((100..200).all(|now| !guard.waits(None, f64::from(now))));
        // One that begins to stand still while tuning waits.
        assert!((200..220).any(|now| guard.waits(Some(rate(9.0, 360)), f64::from(now))));
        assert!(!guard.waits(None, 220.0));
    }
}
