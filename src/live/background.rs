//! Work that has time: in a thread of the lowest priority, and with one of its own for pixels, so that no thread of the
//! session's pool ever does it. On Linux the threads of the networks inherit that priority from the one that opens
//! them; elsewhere pauses have to do.

use rayon::{ThreadPool, ThreadPoolBuilder};

/// The thread that calls, stepped back, and its own pool.
pub(super) struct Background(Option<ThreadPool>);

impl Background {
    /// Lets everyone else go before the thread that calls, from now on.
    pub(super) fn enter() -> Self {
        // Of one thread, and those that it starts; on other systems it would be the whole program's.
        #[cfg(target_os = "linux")]
        if let Err(error) = rustix::process::nice(19) {
            tracing::debug!("what has time is done at the usual priority: {error}");
        }
        Self(ThreadPoolBuilder::new().num_threads(1).build().ok())
    }

    /// Does something there.
    pub(super) fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        match &self.0 {
            Some(pool) => pool.install(work),
            None => work(),
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn its_threads_step_back_and_no_others() {
        let nice = || rustix::process::nice(0).expect("told");
        let before = nice();
        let inside = std::thread::scope(|scope| {
            let thread = std::thread::Builder::new();
            let work = || Background::enter().run(|| (nice(), rayon::current_num_threads()));
            thread.spawn_scoped(scope, work).expect("a thread").join().expect("no panic")
        });
        assert_eq!(inside, (19, 1));
        assert_eq!(nice(), before);
    }
}
