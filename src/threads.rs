//! How many threads compute at once: one number for pixels, networks and codecs.
//!
//! Stages share them: each works on all cores while others wait for it, so each may have as many. Threads that only
//! wait, for a file or for the stage before, are not counted.

use std::cell::RefCell;
use std::num::NonZeroUsize;
use std::sync::OnceLock;

use thread_local::ThreadLocal;

static COUNT: OnceLock<usize> = OnceLock::new();

/// Sets the number, for the whole process. Only the first call, before anything computes, has an effect.
pub fn limit(count: NonZeroUsize) {
    if COUNT.set(count.get()).is_ok() {
        // Fails where a pool runs already, which then is as large as the machine.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(count.get()).build_global();
    }
}

/// The number: what [`limit`] set, else what the system gives this process.
pub fn count() -> usize {
    *COUNT.get_or_init(|| std::thread::available_parallelism().map_or(1, NonZeroUsize::get))
}

/// Room to work in, of which every thread that computes has its own and keeps it.
#[derive(Default)]
pub(crate) struct PerThread<T: Send>(ThreadLocal<RefCell<T>>);

impl<T: Send + Default> PerThread<T> {
    /// Works in this thread's own. The work must not itself wait for other threads: while it waited, this one might
    /// be given more of the same work.
    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        work(&mut self.0.get_or_default().borrow_mut())
    }
}
