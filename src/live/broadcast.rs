//! Hands every finished frame to whoever listens: outputs come and go while a session runs.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::frame::Frame;
use crate::live::latest::{Receiver, Sender, channel};

/// A finished frame and what it was made of.
#[derive(Debug, Clone)]
pub struct FramePair {
    /// As the camera gave it.
    pub original: Arc<Frame>,
    /// Redrawn.
    pub finished: Arc<Frame>,
}

/// Those who listen; copies are the same.
#[derive(Clone, Default)]
pub struct Broadcast(Arc<Mutex<Listeners>>);

#[derive(Default)]
struct Listeners {
    open: bool,
    last: Option<FramePair>,
    outs: Vec<Sender<FramePair>>,
}

impl Broadcast {
    /// One that nobody listens to yet.
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(Listeners { open: true, ..Listeners::default() })))
    }

    fn lock(&self) -> MutexGuard<'_, Listeners> {
        // Every change is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Listens from now on. The last frame is there at once: where the picture stands still, no other would come.
    pub fn subscribe(&self) -> Receiver<FramePair> {
        let (put, take) = channel();
        let mut listeners = self.lock();
        if let Some(last) = &listeners.last {
            put.send(last.clone());
        }
        // Of one that is closed the receiver finds the other end gone.
        if listeners.open {
            listeners.outs.push(put);
        }
        take
    }

    /// The last frame.
    pub fn last(&self) -> Option<FramePair> {
        self.lock().last.clone()
    }

    /// Hands a frame to all; whoever has gone is forgotten.
    pub(super) fn send(&self, pair: FramePair) {
        let mut listeners = self.lock();
        listeners.outs.retain(|out| out.send(pair.clone()));
        listeners.last = Some(pair);
    }

    /// Ends it for all.
    pub(super) fn close(&self) {
        *self.lock() = Listeners::default();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::frame::Size;
    use crate::live::latest::Received;
    use crate::time::FrameTime;

    #[test]
    fn listeners_come_and_go_and_newcomers_get_the_last_frame() {
        let pair = |value: u8| {
            let frame = Frame::filled(Size { width: 1, height: 1 }, FrameTime::ZERO, [value; 4]);
            FramePair { original: Arc::new(frame.clone()), finished: Arc::new(frame) }
        };
        let broadcast = Broadcast::new();
        let early = broadcast.subscribe();
        assert!(early.now().is_none());
        broadcast.send(pair(1));
        let late = broadcast.subscribe();
        for listener in [&early, &late] {
            assert_eq!(listener.now().map(|pair| pair.finished.pixels[0]), Some(1));
        }
        drop(early);
        broadcast.send(pair(2));
        assert_eq!(broadcast.lock().outs.len(), 1);
        broadcast.close();
        assert!(late.now().is_some());
        assert!(matches!(late.take(Duration::from_secs(9)), Received::Closed));
        assert!(matches!(broadcast.subscribe().take(Duration::from_secs(9)), Received::Closed));
    }
}
