//! The wall clock of a live session.

use std::time::Instant;

use crate::time::FrameTime;

/// A monotonic clock that is zero when it is made and stamps live frames.
/// Copies show the same time.
#[derive(Debug, Clone, Copy)]
pub struct LiveClock(Instant);

impl LiveClock {
    /// A clock that begins now.
    #[expect(clippy::new_without_default, reason = "a clock that begins now is no default")]
    pub fn new() -> Self {
        Self(Instant::now())
    }

    /// The time.
    pub fn now(self) -> FrameTime {
        FrameTime::from_nanos(i64::try_from(self.0.elapsed().as_nanos()).unwrap_or(i64::MAX))
    }

    /// Sleeps until a moment, if that is yet to come.
    pub fn sleep_until(self, time: FrameTime) {
        let left = (time - self.now()).as_nanos();
        if let Ok(nanos @ 1..) = u64::try_from(left) {
            std::thread::sleep(std::time::Duration::from_nanos(nanos));
        }
    }
}
