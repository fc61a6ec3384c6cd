//! Cancellation: a flag that asks a run to end early.
//!
//! A source checks its [`CancelToken`] before it hands out the next frame, and a
//! raised token means "no more frames". A cancelled run therefore takes the path of a
//! finished one, and its output is always playable.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A request to end, shared between all its clones.
#[derive(Debug, Clone, Default)]
pub struct CancelToken(Arc<AtomicBool>);

impl CancelToken {
    /// Never raised until [`CancelToken::raise`].
    pub fn new() -> Self {
        Self::default()
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
        let stop = CancelToken::new();
        let other = stop.clone();
        assert!(!other.is_raised());
        assert!(!stop.raise());
        assert!(other.is_raised() && other.raise());
    }
}
