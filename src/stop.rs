//! Interruption: the first signal finishes the file, the second gives up.
//!
//! [`Stop`] is looked at in one place only, where a [`crate::source::Source`]
//! hands out its next frame, and means "no more frames": an interrupted run
//! takes exactly the path of a finished one, so the output is always playable.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::Result;

/// A shared "no more frames, please".
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Never raised until [`Stop::raise`].
    pub fn new() -> Self {
        Self::default()
    }

    /// Raised by SIGINT, SIGTERM and SIGHUP (Ctrl-C on Windows); a second
    /// signal ends the process at once with exit code 130, leaving the `.part`
    /// file behind.
    ///
    /// # Errors
    /// Where a handler is installed already.
    pub fn on_signal() -> Result<Self> {
        let stop = Self::new();
        let raised = stop.clone();
        #[expect(clippy::disallowed_methods, reason = "giving up at once is what a second signal asks for")]
        ctrlc::set_handler(move || {
            if raised.raise() {
                std::process::exit(130);
            }
        })?;
        Ok(stop)
    }

    /// Asks for the end; says whether that had been asked for before.
    pub fn raise(&self) -> bool {
        self.0.swap(true, Ordering::SeqCst)
    }

    /// Whether the end was asked for.
    pub fn is_raised(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_the_flag_and_the_second_raise_knows() {
        let stop = Stop::new();
        let other = stop.clone();
        assert!(!other.is_raised());
        assert!(!stop.raise());
        assert!(other.is_raised() && other.raise());
    }
}
