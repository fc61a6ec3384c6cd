//! Connections, which all end.
//!
//! A request's head must come whole within [`HEAD`], and its answer be ready within [`ANSWER`] and be taken piece by
//! piece within [`STALL`]. There are at most [`MOST`] connections. When one more comes, the oldest that has not shown
//! the token makes room: strangers can fill no place that the user needs. A client that asks too often waits by
//! itself; nobody else does.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::response::{IntoResponse as _, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};
use tokio_io_timeout::TimeoutStream;

use super::guard::{Guard, protect};

/// Connections at a time.
const MOST: usize = 64;
/// For a request's head, counted from the end of the request before: an idle connection ends, too.
const HEAD: Duration = Duration::from_secs(5);
/// Bytes of a request's head.
const MOST_HEAD: usize = 32 << 10;
/// For a request's body and the beginning of its answer.
const ANSWER: Duration = Duration::from_secs(10);
/// For a client to take anything of what it is sent.
const STALL: Duration = Duration::from_secs(20);
/// After the system had no connection to give, for instance because the program has too many files open.
const PAUSE: Duration = Duration::from_millis(100);

/// A connection that is open, as an HTTP client or as a viewer.
pub(super) struct Connection {
    /// Whether it has shown the token.
    proven: AtomicBool,
    pace: Mutex<Pace>,
}

impl Connection {
    fn new() -> Self {
        Self { proven: AtomicBool::new(false), pace: Mutex::new(Pace::new(Instant::now())) }
    }

    /// Waits for this client's next turn.
    pub(super) async fn turn(&self) {
        let wait = self.pace.lock().unwrap_or_else(PoisonError::into_inner).ask(Instant::now());
        if !wait.is_zero() {
            sleep(wait).await;
        }
    }
}

/// How often one client asks: more than sliders need passes at once, the rest is slowed down.
struct Pace {
    /// Turns that are left; below zero, turns that were taken in advance.
    left: f64,
    since: Instant,
}

impl Pace {
    /// Turns a second in the long run, and at once.
    const RATE: f64 = 200.0;
    const BURST: f64 = 400.0;

    fn new(now: Instant) -> Self {
        Self { left: Self::BURST, since: now }
    }

    /// Takes a turn; how long it is until then.
    fn ask(&mut self, now: Instant) -> Duration {
        let gained = Self::RATE * now.duration_since(self.since).as_secs_f64();
        self.left = (self.left + gained).min(Self::BURST) - 1.0;
        self.since = now;
        Duration::from_micros((-self.left / Self::RATE * 1e6).max(0.0) as u64)
    }
}

/// The connections there are, the oldest first.
#[derive(Default)]
struct Open(VecDeque<(Weak<Connection>, AbortHandle)>);

impl Open {
    /// Whether there is room for one more, after those that ended are forgotten, and if need be after the
    /// oldest that has not shown the token is cut off.
    fn has_room(&mut self) -> bool {
        self.0.retain(|(connection, _)| connection.strong_count() > 0);
        if self.0.len() < MOST {
            return true;
        }
        let is_stranger = |connection: &Weak<Connection>| {
            connection.upgrade().is_none_or(|c| !c.proven.load(Ordering::Relaxed))
        };
        let stranger = self.0.iter().position(|(connection, _)| is_stranger(connection));
        match stranger.and_then(|place| self.0.remove(place)) {
            Some((_, task)) => {
                task.abort();
                true
            }
            None => false,
        }
    }
}

/// Accepts and serves connections, for ever.
pub(super) async fn serve(listener: TcpListener, guard: Arc<Guard>, router: Router) -> Infallible {
    let router = TowerToHyperService::new(router);
    let mut open = Open::default();
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::debug!("no connection: {error}");
                sleep(PAUSE).await;
                continue;
            }
        };
        if open.has_room() {
            let connection = Arc::new(Connection::new());
            let held = Arc::downgrade(&connection);
            let task = tokio::spawn(talk(stream, connection, guard.clone(), router.clone()));
            open.0.push_back((held, task.abort_handle()));
        }
    }
}

/// Answers the requests of a connection until it ends.
async fn talk<S: AsyncRead + AsyncWrite + Send + 'static>(
    stream: S,
    connection: Arc<Connection>,
    guard: Arc<Guard>,
    router: TowerToHyperService<Router>,
) {
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(STALL));
    let service = service_fn(move |request: Request<Incoming>| {
        let (connection, guard, router) = (connection.clone(), guard.clone(), router.clone());
        async move {
            connection.turn().await;
            Ok::<_, Infallible>(protect(answer(request, connection, &guard, router).await))
        }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(MOST_HEAD);
    let served = http.serve_connection(TokioIo::new(Box::pin(stream)), service).with_upgrades().await;
    if let Err(error) = served {
        tracing::trace!("a connection ended: {error}");
    }
}

async fn answer(
    request: Request<Incoming>,
    connection: Arc<Connection>,
    guard: &Guard,
    router: TowerToHyperService<Router>,
) -> Response {
    let mut request = request.map(Body::new);
    match guard.admit(request.uri(), request.headers()) {
        Ok(uri) => *request.uri_mut() = uri,
        Err(refusal) => return refusal.answer(),
    }
    connection.proven.store(true, Ordering::Relaxed);
    // A viewer's connection lives on after its only request.
    request.extensions_mut().insert(connection);
    match timeout(ANSWER, router.call(request)).await {
        Ok(Ok(answer)) => answer,
        Err(_) => StatusCode::REQUEST_TIMEOUT.into_response(),
    }
}

#[cfg(test)]
mod tests;
