//! Who may ask.
//!
//! A web page that someone visits can make the browser send requests to this
//! machine, and can even have its own name resolved to it (DNS rebinding). So a
//! request must name this server as its host, and if a page sent it, that page
//! must be this server's. Requests beyond what sliders need are turned away.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Requests a second in the long run, and at once.
const RATE: f64 = 200.0;
const BURST: f64 = 400.0;

/// What is asked of a request.
pub(super) struct Guard {
    address: SocketAddr,
    insecure: bool,
    /// Requests that may come now, and when that was counted.
    bucket: Mutex<(f64, Instant)>,
}

impl Guard {
    pub(super) fn new(address: SocketAddr, insecure: bool) -> Self {
        Self { address, insecure, bucket: Mutex::new((BURST, Instant::now())) }
    }

    /// Why a request with such headers is refused, if it is.
    fn refusal(&self, headers: &HeaderMap) -> Option<&'static str> {
        let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("\u{fffd}"));
        let host = text(header::HOST).unwrap_or_default();
        if !self.is_ours(host) {
            return Some("this is not the host you asked for");
        }
        match text(header::ORIGIN) {
            Some(origin) if origin.strip_prefix("http://") != Some(host) => {
                Some("pages of other origins may not ask")
            }
            _ => None,
        }
    }

    /// Whether a host header (a name or address, and a port) means this server.
    fn is_ours(&self, host: &str) -> bool {
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) if !port.contains(']') => (name, port.parse().ok()),
            _ => (host, Some(80)),
        };
        if port != Some(self.address.port()) {
            return false;
        }
        let ip = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().ok();
        match ip {
            // Of an address that was served on purpose, or to all: whoever can reach it names it by it.
            Some(ip) => ip.is_loopback() || ip == self.address.ip() || self.insecure,
            // A name other than this one may be anybody's.
            None => name.eq_ignore_ascii_case("localhost"),
        }
    }

    fn takes_another(&self) -> bool {
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let (left, since) = *bucket;
        let left = (left + RATE * (now - since).as_secs_f64()).min(BURST);
        *bucket = (if left >= 1.0 { left - 1.0 } else { left }, now);
        left >= 1.0
    }
}

/// Lets a request pass, or answers it.
pub(super) async fn check(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    if let Some(reason) = guard.refusal(request.headers()) {
        return (StatusCode::FORBIDDEN, reason).into_response();
    }
    if !guard.takes_another() {
        return StatusCode::TOO_MANY_REQUESTS.into_response();
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(insecure: bool, host: &str, origin: Option<&str>) -> bool {
        let guard = Guard::new("127.0.0.1:8787".parse().expect("an address"), insecure);
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().expect("a header"));
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().expect("a header"));
        }
        guard.refusal(&headers).is_some()
    }

    #[test]
    fn only_this_server_and_its_own_pages() {
        for host in ["127.0.0.1:8787", "localhost:8787", "[::1]:8787", "LOCALHOST:8787"] {
            assert!(!refused(false, host, None), "{host}");
            assert!(!refused(false, host, Some(&format!("http://{host}"))), "{host}");
        }
        for host in
            ["evil.example:8787", "127.0.0.1", "127.0.0.1:80", "192.168.1.5:8787", "", "localhost.evil:8787"]
        {
            assert!(refused(false, host, None), "{host}");
        }
        for origin in ["http://evil.example", "https://localhost:8787", "null", "http://localhost:9999"] {
            assert!(refused(false, "localhost:8787", Some(origin)), "{origin}");
        }
        // Served to all, names are still nobody's.
        assert!(!refused(true, "192.168.1.5:8787", None) && refused(true, "evil.example:8787", None));
    }

    #[test]
    fn a_flood_is_turned_away() {
        let guard = Guard::new("127.0.0.1:1".parse().expect("an address"), false);
        let passed = (0..2000).filter(|_| guard.takes_another()).count();
        assert!((BURST as usize..1000).contains(&passed), "{passed}");
    }
}
