//! Ctrl-C: the first signal ends a run in good order, the second at once.

use std::time::{Duration, Instant};

use crate::cancel::CancelToken;
use crate::error::{Error, Result};

/// Ctrl-C cannot be caught.
#[derive(Debug, thiserror::Error)]
#[error("the handler for interruption cannot be installed")]
struct SignalError(#[from] ctrlc::Error);

/// Signals so near to each other are one: `timeout` and service managers send theirs to the process and to its group.
const SAME: Duration = Duration::from_millis(500);

/// A token raised by SIGINT, SIGTERM and SIGHUP (Ctrl-C on Windows). A second signal ends
/// the process at once with exit code 130, leaving an unfinished file behind, which the next run names.
///
/// # Errors
/// Returns an error if a handler is installed already.
pub fn on_signal() -> Result<CancelToken> {
    let stop = CancelToken::new();
    let (raised, mut first) = (stop.clone(), None);
    #[expect(clippy::disallowed_methods, reason = "giving up at once is what a second signal asks for")]
    ctrlc::set_handler(move || {
        let since = *first.get_or_insert_with(Instant::now);
        if raised.raise() && since.elapsed() > SAME {
            std::process::exit(130);
        }
    })
    .map_err(|error| Error::Other(Box::new(SignalError(error))))?;
    Ok(stop)
}
