//! The page, as clients see it, well-behaved or not.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;
use tungstenite::{Message, WebSocket, client::IntoClientRequest as _};

use stylewarp::live::capture::test_pattern;

use crate::kit::{Folder, Session};

const PLAIN: &str = "--camera test --warp 0 --paint 0 --serve 127.0.0.1:0";

/// Sends a request as it is; status, and the answer with its headers.
fn ask(address: &str, request: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("possible");
    stream.write_all(request.as_bytes()).expect("it takes it");
    let mut answer = Vec::new();
    // Some are answered and cut off.
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
    (status, answer)
}

fn get(address: &str, path: &str, headers: &str) -> (u16, String) {
    ask(address, &format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{headers}\r\n"))
}

fn turn(address: &str, body: &str) -> (u16, String) {
    let length = body.len();
    ask(
        address,
        &format!(
            "POST /api/turn HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        ),
    )
}

fn state(address: &str) -> Value {
    let (status, answer) = get(address, "/api/state", "");
    assert_eq!(status, 200, "{answer}");
    let body = answer.split_once("\r\n\r\n").expect("a body").1;
    serde_json::from_str(body).expect("JSON")
}

fn watch(address: &str) -> WebSocket<TcpStream> {
    let stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("possible");
    let request = format!("ws://{address}/frames").into_client_request().expect("valid");
    tungstenite::client(request, stream).expect("it takes viewers").0
}

/// The next picture: when it was taken, and its JPEG.
fn next(socket: &mut WebSocket<TcpStream>) -> (f64, Vec<u8>) {
    socket.send(Message::text("next")).expect("it listens");
    let Message::Binary(bytes) = socket.read().expect("a picture") else { panic!("not a picture") };
    let (time, jpeg) = bytes.split_at(8);
    (f64::from_le_bytes(time.try_into().expect("eight bytes")), jpeg.to_vec())
}

#[test]
fn pictures_are_those_taken_at_the_times_told() {
    let folder = Folder::new();
    let mut session = Session::start(&folder, PLAIN);
    let address = session.address();
    let mut socket = watch(&address);
    let mut last = 0.0;
    for _ in 0..5 {
        let (time, jpeg) = next(&mut socket);
        let picture = image::load_from_memory(&jpeg).expect("a JPEG").into_rgba8();
        let size = stylewarp::frame::Size::new(picture.width(), picture.height()).expect("not empty");
        let clock = test_pattern::read_clock(size, picture.as_raw()).expect("a clock");
        assert!((clock as f64 - time).abs() < 2.0, "{clock} in the picture, {time} told");
        assert!(time > last);
        last = time;
    }
    session.end();
}

#[test]
fn only_its_own_pages_and_only_by_its_own_name() {
    let folder = Folder::new();
    let mut session = Session::start(&folder, PLAIN);
    let address = session.address();
    for path in ["/", "/source", "/player.js", "/api/state"] {
        assert_eq!(get(&address, path, "").0, 200, "{path}");
        assert_eq!(get(&address, path, "Origin: http://evil.example\r\n").0, 403, "{path}");
        let stranger = format!("GET {path} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n");
        assert_eq!(ask(&address, &stranger).0, 403, "{path}");
    }
    let upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: http://evil.example\r\n";
    let (status, _) = ask(&address, &format!("GET /frames HTTP/1.1\r\nHost: {address}\r\n{upgrade}\r\n"));
    assert_eq!(status, 403);
    session.end();
}

#[test]
fn dials_are_turned_and_nonsense_is_not() {
    let folder = Folder::new();
    let mut session = Session::start(&folder, PLAIN);
    let address = session.address();
    assert_eq!(turn(&address, r#"{"warp": 0.5, "mirror": true}"#).0, 204);
    let dials = &state(&address)["dials"];
    assert_eq!((&dials["warp"], &dials["mirror"]), (&0.5.into(), &true.into()));
    for (body, status) in [
        ("", 400),
        ("{", 400),
        (r#"{"warp": 9}"#, 400),
        (r#"{"warp": "much"}"#, 422),
        (r#"{"wrap": 1}"#, 422),
        (r#"{"preset": "no-such-look"}"#, 400),
        (r#"{"preset": "../../../etc/passwd"}"#, 400),
        (r#"{"preset": "/etc/passwd.toml"}"#, 400),
        (&format!(r#"{{"preset": "{}"}}"#, "x".repeat(100_000)), 413),
    ] {
        let (got, answer) = turn(&address, body);
        assert_eq!(got, status, "{}\n{answer}", &body[..body.len().min(60)]);
    }
    let plain = format!(
        "POST /api/turn HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{{}}"
    );
    assert_eq!(ask(&address, &plain).0, 415);
    for path in [
        "/thumbnails/..%2F..%2FCargo.toml",
        "/thumbnails/no-such",
        "/../Cargo.toml",
        "/%2e%2e/Cargo.toml",
        "/no",
    ] {
        assert_eq!(get(&address, path, "").0, 404, "{path}");
    }
    assert_eq!(get(&address, "/thumbnails/moon", "").0, 200);
    assert_eq!(state(&address)["dials"]["warp"], 0.5);
    session.end();
}

#[test]
fn a_look_changes_while_pictures_go_on() {
    let folder = Folder::new();
    let looks = folder.path("home/stylewarp/presets");
    std::fs::create_dir_all(&looks).expect("made");
    std::fs::write(looks.join("broken.toml"), "texture = \"no-such\"\n").expect("written");
    let mut session = Session::start(&folder, "--camera test --preset modigliani --serve 127.0.0.1:0");
    let address = session.address();
    let mut socket = watch(&address);
    next(&mut socket);
    let mut change = |look: &str, is_done: &dyn Fn(&Value) -> bool| {
        assert_eq!(turn(&address, &format!(r#"{{"preset": "{look}"}}"#)).0, 204);
        for _ in 0..500 {
            next(&mut socket);
            if is_done(&state(&address)) {
                return;
            }
        }
        panic!("{look}: {}", state(&address));
    };
    change("scream", &|state| state["dials"]["preset"] == "scream");
    // There is no such texture: the look stays, and the page says so.
    change("broken", &|state| state["notice"].as_str().is_some_and(|told| told.contains("no-such")));
    assert_eq!(state(&address)["dials"]["preset"], "scream");
    change("modigliani", &|state| state["dials"]["preset"] == "modigliani" && state["notice"].is_null());
    session.end();
}

#[test]
fn junk_silence_and_crowds_do_no_harm() {
    let folder = Folder::new();
    let mut session = Session::start(&folder, PLAIN);
    let address = session.address();
    let junk = ["\0\0\0\0\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}"];
    for junk in junk {
        let _ = TcpStream::connect(&address).expect("it listens").write_all(junk.as_bytes());
    }
    let endless = format!("GET /{} HTTP/1.1\r\n", "a".repeat(1 << 20));
    let _ = TcpStream::connect(&address).expect("it listens").write_all(endless.as_bytes());
    // Some who never read, some who say nothing, some who never ask again.
    let mut silent: Vec<_> = (0..8).map(|_| TcpStream::connect(&address).expect("it listens")).collect();
    for stream in &mut silent[..4] {
        let request = format!("GET /stream.mjpg HTTP/1.1\r\nHost: {address}\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("it listens");
    }
    let mut greedy = watch(&address);
    let _ = greedy.send(Message::text("x".repeat(10_000)));
    let mut viewers: Vec<_> = (0..10).map(|_| watch(&address)).collect();
    for _ in 0..5 {
        for viewer in &mut viewers {
            assert!(!next(viewer).1.is_empty());
        }
    }
    // As many as may; one more is told so.
    let mut crowd = Vec::new();
    let full = (0..40).find_map(|_| {
        let stream = TcpStream::connect(&address).expect("it listens");
        let request = format!("ws://{address}/frames").into_client_request().expect("valid");
        match tungstenite::client(request, stream) {
            Ok((socket, _)) => {
                crowd.push(socket);
                None
            }
            Err(error) => Some(error.to_string()),
        }
    });
    assert!(full.expect("a limit").contains("503"));
    let reading = session.event("live", |_| true);
    assert!(reading["fps"].as_f64() > Some(1.0), "{reading}");
    assert!(session.is_running());
    session.end();
}
