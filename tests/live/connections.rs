//! Connections that are left open, filled or flooded.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::kit::{Folder, Session, Site};

const PLAIN: &str = "--camera test --warp 0 --paint 0 --serve 127.0.0.1:0";
/// Longer than the server waits for a request's head, on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(15);

fn connect(site: &Site) -> TcpStream {
    let stream = TcpStream::connect(&site.address).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("possible");
    stream
}

fn head(site: &Site, path: &str) -> String {
    let Site { address, root, .. } = site;
    format!("GET {root}{path} HTTP/1.1\r\nHost: {address}\r\n")
}

/// The status of an answer, and how long it took.
fn state(site: &Site) -> (u16, Duration) {
    let (began, mut stream) = (Instant::now(), connect(site));
    let request = head(site, "/api/state") + "Connection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).expect("it listens");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.unwrap_or_default(), began.elapsed())
}

/// Whether the server ends a connection, and after how long.
fn ends(mut stream: TcpStream) -> Option<Duration> {
    let began = Instant::now();
    let mut bytes = [0; 4096];
    loop {
        match stream.read(&mut bytes) {
            Ok(0) => return Some(began.elapsed()),
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {
                return Some(began.elapsed());
            }
            Err(_) => return None,
        }
    }
}

#[test]
fn half_a_request_and_an_idle_connection_end() {
    let folder = Folder::new();
    let mut session = Session::start(&folder, PLAIN);
    let site = session.site();
    let mut half = connect(&site);
    half.write_all(&head(&site, "/api/state").into_bytes()).expect("it listens");
    let mut idle = connect(&site);
    idle.write_all((head(&site, "/api/state") + "\r\n").as_bytes()).expect("it listens");
    // A body that never comes.
    let mut body = connect(&site);
    let promised = head(&site, "/api/turn").replace("GET", "POST");
    let promised = promised + "Content-Type: application/json\r\nContent-Length: 9\r\n\r\n{";
    body.write_all(promised.as_bytes()).expect("it listens");
    let silent = connect(&site);
    for (what, stream) in [("half", half), ("idle", idle), ("body", body), ("silent", silent)] {
        assert!(ends(stream).is_some(), "{what} stays open");
    }
    session.end();
}

#[test]
fn heads_beyond_32_kb_are_refused() {
    let folder = Folder::new();
    let mut session = Session::start(&folder, PLAIN);
    let site = session.site();
    let asked = |bytes: usize| {
        let mut stream = connect(&site);
        let line = format!("X: {}\r\n", "x".repeat(995));
        let request = head(&site, "/api/state") + &line.repeat(bytes / 1000) + "Connection: close\r\n\r\n";
        let _ = stream.write_all(request.as_bytes());
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).split(' ').nth(1).map(str::to_owned)
    };
    assert_eq!(asked(20_000).as_deref(), Some("200"));
    assert_eq!(asked(60_000).as_deref(), Some("431"));
    session.end();
}

#[test]
fn a_thousand_half_requests_keep_nobody_out() {
    let folder = Folder::new();
    let mut session = Session::start(&folder, PLAIN);
    let site = session.site();
    let open: Vec<_> = (0..1024)
        .map(|_| {
            let mut stream = connect(&site);
            stream.write_all(b"GET / HTTP/1.1\r\nHost: ").expect("it listens");
            stream
        })
        .collect();
    let (status, took) = state(&site);
    assert!(status == 200 && took < Duration::from_secs(4), "{status} after {took:?}");
    let before = session.event("live", |_| true)["finished"].as_u64();
    session.event("live", |event: &Value| event["finished"].as_u64() > before);
    // All but the last few have been cut off, long before their time is over.
    let cut = open.into_iter().take(900).filter(|stream| {
        stream.set_read_timeout(Some(Duration::from_millis(50))).expect("possible");
        ends(stream.try_clone().expect("another")).is_some()
    });
    assert_eq!(cut.count(), 900);
    session.end();
}

#[test]
fn pings_of_a_viewer_who_does_not_read_take_no_memory() {
    let folder = Folder::new();
    let mut session = Session::start(&folder, PLAIN);
    let site = session.site();
    let before = session.event("live", |event| event["memory_mb"].is_number())["memory_mb"].as_f64();
    let mut viewer = connect(&site);
    let upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    viewer.write_all((head(&site, "/frames") + upgrade).as_bytes()).expect("it listens");
    viewer.set_write_timeout(Some(Duration::from_millis(200))).expect("possible");
    // A ping of 125 bytes, masked with zeros.
    let ping = [&[0x89, 0x80 | 125, 0, 0, 0, 0][..], &[b'p'; 125]].concat();
    let flood = ping.repeat(1000);
    let mut sent = 0;
    let mut send = |seconds: u64| {
        let (until, before) = (Instant::now() + Duration::from_secs(seconds), sent);
        while Instant::now() < until {
            // Whole pings, one after the other, however much is taken at a time.
            match viewer.write(&flood[sent % flood.len()..]) {
                Ok(taken) => sent += taken,
                Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock, "{error}"),
            }
        }
        sent - before
    };
    // The system takes some for both ends; then the server takes no more than it can answer.
    let (at_first, later) = (send(4), send(3));
    assert!(at_first > flood.len() && later < 1_000_000, "{at_first} bytes, then {later}");
    let (status, took) = state(&site);
    assert!(status == 200 && took < Duration::from_secs(4), "{status} after {took:?}");
    let after = session.event("live", |_| true);
    let after = session.event("live", |event| event["finished"].as_u64() > after["finished"].as_u64());
    let grown = after["memory_mb"].as_f64().zip(before).map(|(after, before)| after - before);
    assert!(grown.is_some_and(|megabytes| megabytes < 50.0), "{grown:?} MB");
    session.end();
}

#[test]
fn a_noisy_client_slows_itself_alone() {
    let folder = Folder::new();
    let mut session = Session::start(&folder, PLAIN);
    let site = session.site();
    let mut noisy = connect(&site);
    // 2000 requests at once, in one connection.
    let requests = (head(&site, "/player.js") + "\r\n").repeat(2000);
    noisy.set_write_timeout(Some(Duration::from_millis(200))).expect("possible");
    let _ = noisy.write_all(requests.as_bytes());
    let slowest = (0..20).map(|_| state(&site)).max().expect("twenty");
    assert!(slowest.0 == 200 && slowest.1 < Duration::from_secs(2), "{slowest:?}");
    // Beyond 400, it gets no more than 200 a second.
    noisy.set_read_timeout(Some(Duration::from_millis(100))).expect("possible");
    let (mut text, mut bytes, until) = (Vec::new(), [0; 65536], Instant::now() + Duration::from_secs(1));
    while Instant::now() < until {
        let count = noisy.read(&mut bytes).unwrap_or_default();
        text.extend_from_slice(&bytes[..count]);
    }
    let answers = String::from_utf8_lossy(&text).matches("HTTP/1.1 200").count();
    assert!((100..1900).contains(&answers), "{answers}");
    session.end();
}
