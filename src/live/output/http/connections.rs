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
mod tests {
    use axum::routing::get;
    use proptest::prelude::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;
    use crate::live::output::http::token::Token;

    /// What the server says at once to a client that sends some bytes and then goes away.
    fn answer_to(runtime: &tokio::runtime::Runtime, bytes: &[u8]) -> Vec<u8> {
        let address = "127.0.0.1:8787".parse().expect("an address");
        let guard = Guard { address, insecure: false, token: Token::of("0123456789abcdef") };
        let router = Router::new().route("/", get(async || "welcome"));
        runtime.block_on(async {
            let (mut client, server) = tokio::io::duplex(1 << 16);
            let connection = Arc::new(Connection::new());
            let talk = talk(server, connection, Arc::new(guard), TowerToHyperService::new(router));
            let ask = async {
                let mut answer = Vec::new();
                // Some are cut off before they have said everything.
                let _ = client.write_all(bytes).await;
                let moment = Duration::from_millis(2);
                while let Ok(Ok(1..)) = timeout(moment, client.read_buf(&mut answer)).await {}
                let _ = client.shutdown().await;
                let _ = client.read_to_end(&mut answer).await;
                answer
            };
            tokio::join!(talk, ask).1
        })
    }

    /// Lines that look like a request's head, more or less.
    fn head() -> impl Strategy<Value = Vec<u8>> {
        let target = prop_oneof![
            Just("/0123456789abcdef/".to_owned()),
            Just("http://127.0.0.1:8787/0123456789abcdef/".to_owned()),
            Just("*".to_owned()),
            "[!-~]{0,40}",
        ];
        let line = prop_oneof![
            Just("Host: 127.0.0.1:8787".to_owned()),
            Just("Sec-Fetch-Site: none".to_owned()),
            "(Host|Origin|Sec-Fetch-Site|Content-Length|Transfer-Encoding|Upgrade): ?[ -~]{0,24}",
            "[ -~\\t\u{80}-\u{ff}]{0,40}",
        ];
        let method = prop_oneof![4 => Just("GET".to_owned()), 1 => "[A-Z]{1,8}"];
        let version = prop_oneof![4 => Just("HTTP/1.1".to_owned()), 1 => "HTTP/[0-9.]{0,4}"];
        let lines = proptest::collection::vec(line, 0..8);
        (method, target, version, lines).prop_map(|(method, target, version, lines)| {
            let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
            format!("{method} {target} {version}\r\n{lines}\r\n").into_bytes()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn no_request_panics_or_hangs(
            bytes in prop_oneof![head(), proptest::collection::vec(any::<u8>(), 0..200)]
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
            let answer = String::from_utf8_lossy(&answer_to(&runtime, &bytes)).into_owned();
            let asked = String::from_utf8_lossy(&bytes).into_owned();
            if answer.contains("welcome") {
                prop_assert!(asked.contains("/0123456789abcdef/") && asked.contains("127.0.0.1:8787"));
            }
        }
    }

    #[test]
    fn a_request_that_is_right_is_answered() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let request = b"GET /0123456789abcdef/ HTTP/1.1\r\nHost: 127.0.0.1:8787\r\n\r\n";
        let answer = String::from_utf8(answer_to(&runtime, request)).expect("text");
        assert!(answer.ends_with("welcome"), "{answer}");
    }

    #[test]
    fn a_client_that_asks_too_often_waits_ever_longer() {
        let begin = Instant::now();
        let mut pace = Pace::new(begin);
        let waits: Vec<_> = (0..800).map(|_| pace.ask(begin)).collect();
        assert!(waits[..400].iter().all(Duration::is_zero));
        assert_eq!(waits[799], Duration::from_secs(2));
        // Whoever waits is served at the rate for the long run.
        assert_eq!(pace.ask(begin + Duration::from_secs(2)), Duration::from_millis(5));
        assert_eq!(pace.ask(begin + Duration::from_secs(60)), Duration::ZERO);
    }

    #[test]
    fn strangers_make_room_and_users_do_not() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let mut open = Open::default();
            let mut connections = Vec::new();
            let mut connect = |open: &mut Open, proven: bool| {
                if !open.has_room() {
                    return false;
                }
                let connection = Arc::new(Connection::new());
                connection.proven.store(proven, Ordering::Relaxed);
                let held = connection.clone();
                let task = tokio::spawn(async move {
                    let _held = held;
                    std::future::pending::<()>().await;
                });
                open.0.push_back((Arc::downgrade(&connection), task.abort_handle()));
                connections.push((connection, task));
                true
            };
            assert!((0..10 * MOST).all(|_| connect(&mut open, false)));
            assert_eq!(open.0.len(), MOST);
            assert!((0..MOST).all(|_| connect(&mut open, true)));
            assert!(!connect(&mut open, true) && !connect(&mut open, false));
            // Those that were cut off have ended.
            for _ in 0..1000 {
                tokio::task::yield_now().await;
            }
            assert!(connections[..10 * MOST].iter().all(|(_, task)| task.is_finished()));
            connections.clear();
            open.has_room();
            assert_eq!(open.0.len(), MOST, "their tasks go on");
        });
    }
}
