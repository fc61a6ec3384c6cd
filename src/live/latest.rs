//! A mailbox for one thing, the latest: what live stages hand frames over with.
//!
//! The writer never waits: a thing that nobody took is replaced and counted. So
//! a slow reader sees fewer frames, never older ones, and delays nobody. Either
//! end closes by being dropped.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A new mailbox's two ends.
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let shared = Arc::new(Shared {
        state: Mutex::new(State { item: None, replaced: 0, open: true }),
        changed: Condvar::new(),
    });
    (Sender(shared.clone()), Receiver(shared))
}

struct Shared<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    item: Option<T>,
    replaced: u64,
    open: bool,
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // A panic elsewhere cannot leave it half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        self.lock().open = false;
        self.changed.notify_all();
    }
}

/// The writer's end.
pub struct Sender<T>(Arc<Shared<T>>);

impl<T> Sender<T> {
    /// Puts a thing in, in place of one that was not taken; whether anyone may yet take it.
    pub fn send(&self, item: T) -> bool {
        let mut state = self.0.lock();
        if state.item.replace(item).is_some() {
            state.replaced += 1;
        }
        let open = state.open;
        drop(state);
        self.0.changed.notify_all();
        open
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// What a reader finds.
#[derive(Debug, PartialEq, Eq)]
pub enum Received<T> {
    /// The latest thing.
    Item(T),
    /// Nothing in time.
    Nothing,
    /// Nothing, and nothing will come.
    Closed,
}

/// The reader's end.
pub struct Receiver<T>(Arc<Shared<T>>);

impl<T> Receiver<T> {
    /// The latest thing, as soon as there is one, for at most `patience`.
    pub fn take(&self, patience: Duration) -> Received<T> {
        let until = Instant::now() + patience;
        let mut state = self.0.lock();
        loop {
            if let Some(item) = state.item.take() {
                return Received::Item(item);
            }
            if !state.open {
                return Received::Closed;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Received::Nothing;
            }
            let waited = self.0.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The latest thing, if there is one.
    pub fn now(&self) -> Option<T> {
        self.0.lock().item.take()
    }

    /// Things that were replaced before they were taken.
    pub fn replaced(&self) -> u64 {
        self.0.lock().replaced
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.0.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_millis(1);
    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn the_latest_wins_and_the_rest_is_counted() {
        let (put, take) = channel();
        assert_eq!(take.take(SOON), Received::Nothing);
        assert!((1..=3).all(|k| put.send(k)));
        assert_eq!((take.replaced(), take.now(), take.now()), (2, Some(3), None));
    }

    #[test]
    fn a_dropped_end_closes_the_other_but_loses_nothing() {
        let (put, take) = channel();
        put.send(7);
        drop(put);
        assert_eq!([take.take(LONG), take.take(LONG)], [Received::Item(7), Received::Closed]);
        let (put, take) = channel();
        drop(take);
        assert!(!put.send(1));
    }

    #[test]
    fn a_waiting_reader_is_woken() {
        let (put, take) = channel();
        std::thread::scope(|scope| {
            scope.spawn(move || put.send(5));
            assert_eq!(take.take(LONG), Received::Item(5));
        });
    }
}
