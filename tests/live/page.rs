//! The page, as clients see it, well-behaved or not.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;
use tungstenite::{Message, WebSocket, client::IntoClientRequest as _};

use stylewarp::live::capture::test_pattern;

use crate::kit::{Folder, Session, Site};

const PLAIN: &str = "--camera test --warp 0 --paint 0 --serve 127.0.0.1:0";

/// Sends a request as it is; status, and the answer with its headers.
pub(crate) fn ask(address: &str, request: impl AsRef<[u8]>) -> (u16, String) {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("possible");
    // What is too much is refused before it is whole.
    let _ = stream.write_all(request.as_ref());
    let mut answer = Vec::new();
    // Some are answered and cut off.
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
    (status, answer)
}

/// Asks for a path below the token.
pub(crate) fn get(site: &Site, path: &str, headers: &str) -> (u16, String) {
    let Site { address, root, .. } = site;
    ask(
        address,
        format!("GET {root}{path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{headers}\r\n"),
    )
}

pub(crate) fn turn(site: &Site, body: &str) -> (u16, String) {
    post(site, "/api/turn", body)
}

pub(crate) fn post(Site { address, root, .. }: &Site, path: &str, body: &str) -> (u16, String) {
    let length = body.len();
    ask(
        address,
        format!(
            "POST {root}{path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        ),
    )
}

pub(crate) fn state(site: &Site) -> Value {
    let (status, answer) = get(site, "/api/state", "");
    assert_eq!(status, 200, "{answer}");
    let body = answer.split_once("\r\n\r\n").expect("a body").1;
    serde_json::from_str(body).expect("JSON")
}

/// A viewer, if there is a seat.
fn try_watch(Site { address, root, .. }: &Site) -> Result<WebSocket<TcpStream>, String> {
    let stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("possible");
    let request = format!("ws://{address}{root}/frames").into_client_request().expect("valid");
    tungstenite::client(request, stream).map(|(socket, _)| socket).map_err(|error| error.to_string())
}

fn watch(site: &Site) -> WebSocket<TcpStream> {
    try_watch(site).expect("it takes viewers")
}

/// The next picture: when it was taken, and its JPEG.
fn next(socket: &mut WebSocket<TcpStream>) -> (f64, Vec<u8>) {
    socket.send(Message::text("next")).expect("it listens");
    let Message::Binary(bytes) = socket.read().expect("a picture") else { panic!("not a picture") };
    let (time, rest) = bytes.split_at(8);
    let (length, jpeg) = rest.split_at(4);
    let length = u32::from_le_bytes(length.try_into().expect("four bytes"));
    assert_eq!(length as usize, jpeg.len(), "nothing was asked for beside the picture");
    (f64::from_le_bytes(time.try_into().expect("eight bytes")), jpeg.to_vec())
}

fn decoded(jpeg: &[u8]) -> image::RgbaImage {
    image::load_from_memory(jpeg).expect("a JPEG").into_rgba8()
}

/// What the clock in a picture shows.
fn clock(picture: &image::RgbaImage) -> Option<i64> {
    let size = stylewarp::frame::Size::new(picture.width(), picture.height()).expect("not empty");
    test_pattern::read_clock(size, picture.as_raw())
}

#[test]
fn pictures_are_those_taken_at_the_times_told() {
    let folder = Folder::new();
    let mut session = Session::start(&folder, PLAIN);
    let site = session.site();
    let mut socket = watch(&site);
    let mut last = 0.0;
    for _ in 0..5 {
        let (time, jpeg) = next(&mut socket);
        let clock = clock(&decoded(&jpeg)).expect("a clock");
        assert!((clock as f64 - time).abs() < 2.0, "{clock} in the picture, {time} told");
        assert!(time > last);
        last = time;
    }
    session.end();
}

#[test]
fn no_page_of_the_web_reaches_the_server() {
    let folder = Folder::new();
    let mut session = Session::start(&folder, PLAIN);
    let site = session.site();
    let Site { address, root, .. } = &site;
    let upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let paths = [
        "/",
        "/source",
        "/player.js",
        "/control.js",
        "/api/state",
        "/thumbnails/moon",
        "/paintings/scream",
        "/snapshot.png",
        "/frames",
        "/stream.mjpg",
    ];
    for path in paths {
        let headers = if path == "/frames" { upgrade } else { "" };
        let asked = |target: &str, host: &str, more: &str| {
            ask(address, format!("GET {target} HTTP/1.1\r\n{host}{headers}{more}\r\n")).0
        };
        let (target, host) = (format!("{root}{path}"), format!("Host: {address}\r\n"));
        if !matches!(path, "/frames" | "/stream.mjpg") {
            for site in ["none", "same-origin"] {
                let more = format!("Connection: close\r\nSec-Fetch-Site: {site}\r\n");
                assert_eq!(asked(&target, &host, &more), 200, "{path} {site}");
            }
        }
        for more in [
            "Sec-Fetch-Site: cross-site\r\n",
            "Sec-Fetch-Site: same-site\r\n",
            "Origin: http://evil.example\r\n",
            "Host: evil.example\r\n",
        ] {
            assert_eq!(asked(&target, &host, more), 403, "{path} {more}");
        }
        for host in ["Host: evil.example\r\n", "Host: [[127.0.0.1]]\r\n", "Host: 127.0.0.1:+8787\r\n", ""] {
            assert_eq!(asked(&target, host, ""), 403, "{path} {host}");
        }
        assert_eq!(asked(&format!("http://evil.example{target}"), &host, ""), 403, "{path}");
        // Neither without the token, nor with another.
        let wrong = format!("/{}{path}", "0".repeat(root.len() - 1));
        assert_eq!((asked(path, &host, ""), asked(&wrong, &host, "")), (403, 403), "{path}");
    }
    for (path, status) in [("/", 200), ("/no", 404)] {
        let (got, answer) = get(&site, path, "");
        assert_eq!(got, status);
        for header in [
            "cross-origin-resource-policy: same-origin",
            "content-security-policy: frame-ancestors 'none'",
            "x-frame-options: DENY",
            "referrer-policy: no-referrer",
        ] {
            assert!(answer.contains(header), "{header} is not in\n{answer}");
        }
    }
    session.end();
}

#[test]
fn the_address_stays_until_another_is_asked_for() {
    let folder = Folder::new();
    let root = |args: &str| {
        let mut session = Session::start(&folder, &format!("{PLAIN} {args}"));
        let site = session.site();
        assert_eq!(get(&site, "/api/state", "").0, 200);
        session.end();
        site.root
    };
    let first = root("");
    assert!(first.len() > 32, "{first}");
    assert_eq!(root(""), first);
    let other = root("--new-token");
    assert_ne!(other, first);
    assert_eq!(root(""), other);
    assert!(folder.path("home/stylewarp/page-token").exists());
}

#[test]
fn dials_are_turned_and_nonsense_is_not() {
    let folder = Folder::new();
    let mut session = Session::start(&folder, PLAIN);
    let site = session.site();
    assert_eq!(turn(&site, r#"{"warp": 0.5, "mirror": true}"#).0, 204);
    let dials = &state(&site)["dials"];
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
        (r#"{"texture": "/etc/passwd"}"#, 400),
        (r#"{"texture": "scream:0.5,/etc/passwd"}"#, 400),
        (&format!(r#"{{"preset": "{}"}}"#, "x".repeat(100_000)), 413),
    ] {
        let (got, answer) = turn(&site, body);
        assert_eq!(got, status, "{}\n{answer}", &body[..body.len().min(60)]);
    }
    let Site { address, root, .. } = &site;
    let plain = format!(
        "POST {root}/api/turn HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{{}}"
    );
    assert_eq!(ask(address, &plain).0, 415);
    for path in [
        "/thumbnails/..%2F..%2FCargo.toml",
        "/thumbnails/no-such",
        "/paintings/..%2Fscream",
        "/paintings/no-such",
        "/../Cargo.toml",
        "/%2e%2e/Cargo.toml",
        "/no",
    ] {
        assert_eq!(get(&site, path, "").0, 404, "{path}");
    }
    assert_eq!(get(&site, "/thumbnails/moon", "").0, 200);
    assert_eq!(state(&site)["dials"]["warp"], 0.5);
    session.end();
}

#[test]
fn a_look_changes_while_pictures_go_on() {
    let folder = Folder::new();
    let looks = folder.path("home/stylewarp/presets");
    std::fs::create_dir_all(&looks).expect("made");
    std::fs::write(looks.join("broken.toml"), "texture = \"no-such\"\n").expect("written");
    let mut session = Session::start(&folder, "--camera test --preset modigliani --serve 127.0.0.1:0");
    let site = session.site();
    let mut socket = watch(&site);
    next(&mut socket);
    let mut change = |look: &str, is_done: &dyn Fn(&Value) -> bool| {
        assert_eq!(turn(&site, &format!(r#"{{"preset": "{look}"}}"#)).0, 204);
        for _ in 0..500 {
            next(&mut socket);
            if is_done(&state(&site)) {
                return;
            }
        }
        panic!("{look}: {}", state(&site));
    };
    change("scream", &|state| state["dials"]["preset"] == "scream");
    // There is no such texture: the look stays, and the page says so.
    change("broken", &|state| state["notice"].as_str().is_some_and(|told| told.contains("no-such")));
    assert_eq!(state(&site)["dials"]["preset"], "scream");
    change("modigliani", &|state| state["dials"]["preset"] == "modigliani" && state["notice"].is_null());
    session.end();
}

#[test]
fn parts_are_chosen_on_the_page_and_a_missing_network_is_told() {
    let folder = Folder::new();
    let mut session = Session::start(&folder, PLAIN);
    let site = session.site();
    let mut socket = watch(&site);
    assert_eq!(
        turn(&site, r#"{"paint_where": "subject", "warp_where": "background", "backdrop": "blur"}"#).0,
        204
    );
    // The tiny networks have none that finds people: the picture goes on, and the page says so.
    let told = (0..500).find_map(|_| {
        next(&mut socket);
        state(&site)["notice"].as_str().filter(|told| told.contains("segmenter")).map(str::to_owned)
    });
    assert!(told.is_some_and(|told| told.contains("stylewarp doctor")));
    let dials = &state(&site)["dials"];
    assert_eq!((&dials["paint_where"], &dials["warp_where"]), (&"subject".into(), &"background".into()));
    assert_eq!((&dials["backdrop"], &dials["has_picture"]), (&"blur".into(), &false.into()));
    let (status, answer) = turn(&site, r#"{"backdrop": "picture"}"#);
    assert!(status == 400 && answer.contains("--backdrop"), "{answer}");
    assert_eq!(turn(&site, r#"{"backdrop": "/etc/passwd"}"#).0, 422);
    // Where nothing is asked of it any more, nothing is amiss.
    assert_eq!(turn(&site, r#"{"paint_where": "all", "warp_where": "all", "backdrop": "keep"}"#).0, 204);
    assert!((0..500).any(|_| {
        next(&mut socket);
        state(&site)["notice"].is_null()
    }));
    session.end();
}

#[test]
fn junk_silence_and_crowds_do_no_harm() {
    let folder = Folder::new();
    let mut session = Session::start(&folder, PLAIN);
    let site = session.site();
    let Site { address, root, .. } = &site;
    let junk = ["\0\0\0\0\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}"];
    for junk in junk {
        let _ = TcpStream::connect(address).expect("it listens").write_all(junk.as_bytes());
    }
    let endless = format!("GET /{} HTTP/1.1\r\n", "a".repeat(1 << 20));
    let _ = TcpStream::connect(address).expect("it listens").write_all(endless.as_bytes());
    // Some who never read, some who say nothing, some who never ask again.
    let mut silent: Vec<_> = (0..8).map(|_| TcpStream::connect(address).expect("it listens")).collect();
    for stream in &mut silent[..4] {
        let request = format!("GET {root}/stream.mjpg HTTP/1.1\r\nHost: {address}\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("it listens");
    }
    let mut greedy = watch(&site);
    let _ = greedy.send(Message::text("x".repeat(10_000)));
    let mut viewers: Vec<_> = (0..10).map(|_| watch(&site)).collect();
    for _ in 0..5 {
        for viewer in &mut viewers {
            assert!(!next(viewer).1.is_empty());
        }
    }
    // As many as may; one more is told so.
    let mut crowd = Vec::new();
    let full = (0..40).find_map(|_| try_watch(&site).map(|socket| crowd.push(socket)).err());
    assert!(full.expect("a limit").contains("503"));
    let reading = session.event("live", |_| true);
    assert!(reading["fps"].as_f64() > Some(1.0), "{reading}");
    assert!(session.is_running());
    session.end();
}

/// Freezing stops the camera, not the painting: what is turned is seen on the same picture, and whoever comes gets it.
#[test]
fn a_frozen_picture_is_there_for_newcomers_and_changes_with_the_dials() {
    let folder = Folder::new();
    let args = "--camera test --warp 0 --texture scream --paint 0 --serve 127.0.0.1:0";
    let mut session = Session::start(&folder, args);
    let site = session.site();
    next(&mut watch(&site));
    assert_eq!(turn(&site, r#"{"frozen": true}"#).0, 204);
    // One may yet have been on its way.
    std::thread::sleep(Duration::from_millis(500));
    let seen = || decoded(&next(&mut watch(&site)).1);
    let frozen = clock(&seen()).expect("a clock");
    // Long after the last change, every newcomer gets the very same, and programs that know MJPEG too.
    std::thread::sleep(Duration::from_secs(4));
    assert_eq!(clock(&seen()), Some(frozen));
    let mut stream = TcpStream::connect(&site.address).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("possible");
    let request = format!("GET {}/stream.mjpg HTTP/1.1\r\nHost: {}\r\n\r\n", site.root, site.address);
    stream.write_all(request.as_bytes()).expect("it listens");
    let (mut bytes, mut piece) = (Vec::new(), [0; 4096]);
    while !bytes.windows(2).any(|two| two == [0xff, 0xd9]) {
        let count = stream.read(&mut piece).expect("a picture");
        bytes.extend_from_slice(&piece[..count]);
    }
    // A dial, a mask's backdrop and a look change it, and it is the same picture still.
    let mut viewer = watch(&site);
    let before = decoded(&next(&mut viewer).1);
    let mut change = |body: &str, is_it: &dyn Fn(&image::RgbaImage) -> bool| {
        assert_eq!(turn(&site, body).0, 204, "{body}");
        assert!((0..60).any(|_| is_it(&decoded(&next(&mut viewer).1))), "{body}");
    };
    let differs = |picture: &image::RgbaImage| {
        let off = |(a, b): (&u8, &u8)| u64::from(a.abs_diff(*b));
        picture.as_raw().iter().zip(before.as_raw()).map(off).sum::<u64>() > before.as_raw().len() as u64
    };
    change(r#"{"paint": 1}"#, &differs);
    change(r#"{"paint": 0}"#, &|picture| clock(picture) == Some(frozen));
    change(r#"{"mirror": true}"#, &|picture| {
        clock(picture).is_none() && clock(&image::imageops::flip_horizontal(picture)) == Some(frozen)
    });
    change(r#"{"mirror": false}"#, &|picture| clock(picture) == Some(frozen));
    change(r#"{"texture": "starry-night"}"#, &differs);
    change(r#"{"original": true}"#, &|picture| clock(picture) == Some(frozen));
    // The camera went on meanwhile.
    change(r#"{"frozen": false}"#, &|picture| clock(picture).is_some_and(|shown| shown > frozen + 4000));
    session.end();
}

#[test]
fn the_last_picture_of_a_lost_camera_is_there_for_newcomers() {
    let folder = Folder::new();
    folder.clip("in.mp4", "testsrc2=size=96x64:rate=20:duration=1", "-c:v libx264 -pix_fmt yuv420p");
    let mut session = Session::start(&folder, "--camera file:in.mp4 --warp 0 --paint 0 --serve 127.0.0.1:0");
    let site = session.site();
    next(&mut watch(&site));
    std::fs::rename(folder.path("in.mp4"), folder.path("away.mp4")).expect("renamed");
    session.event("live", |event| event["notice"].as_str().is_some_and(|told| told.contains("stands still")));
    assert_eq!(state(&site)["camera_lost"], true);
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(decoded(&next(&mut watch(&site)).1).dimensions(), (96, 64));
    std::fs::rename(folder.path("away.mp4"), folder.path("in.mp4")).expect("renamed");
    session.event("live", |event| event["notice"].is_null());
    assert_eq!(state(&site)["camera_lost"], false);
    session.end();
}

#[test]
fn viewers_get_the_original_beside_the_picture_if_they_ask() {
    let folder = Folder::new();
    let args = "--camera test --warp 0 --texture scream --paint 1 --serve 127.0.0.1:0";
    let mut session = Session::start(&folder, args);
    let site = session.site();
    let (mut plain, mut both) = (watch(&site), watch(&site));
    let ask_for = |socket: &mut WebSocket<TcpStream>, what: &str| {
        socket.send(Message::text(what.to_owned())).expect("it listens");
        let Message::Binary(bytes) = socket.read().expect("a picture") else { panic!("not a picture") };
        let length = u32::from_le_bytes(bytes[8..12].try_into().expect("four bytes")) as usize;
        (decoded(&bytes[12..12 + length]), decoded(&bytes[12 + length..]))
    };
    for _ in 0..3 {
        let (painted, original) = ask_for(&mut both, "next with original");
        assert!(clock(&original).is_some() && painted.dimensions() == original.dimensions());
        assert!(painted.as_raw() != original.as_raw());
        let (_, opaque) = ask_for(&mut both, "next with alpha");
        assert!(opaque.pixels().all(|pixel| pixel.0[0] > 250), "nothing is cut out");
        // Others are not troubled by it.
        next(&mut plain);
    }
    plain.send(Message::text("nonsense")).expect("it listens");
    assert!(matches!(plain.read(), Ok(Message::Close(_)) | Err(_)));
    session.end();
}

#[test]
fn snapshots_and_recordings_are_made_from_the_page() {
    let folder = Folder::new();
    let mut session = Session::start(&folder, PLAIN);
    let site = session.site();
    next(&mut watch(&site));
    let Site { address, root, .. } = &site;
    let mut stream = TcpStream::connect(address).expect("it listens");
    let request = format!("GET {root}/snapshot.png HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("it listens");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    let start = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a body") + 4;
    let picture = image::load_from_memory(&answer[start..]).expect("a PNG").into_rgba8();
    assert!(clock(&picture).is_some());
    let record = |on: bool| post(&site, "/api/record", &format!(r#"{{"on": {on}}}"#));
    assert!(state(&site)["recording_secs"].is_null());
    let (status, answer) = record(true);
    assert!(status == 200 && answer.contains("stylewarp-0001.mp4"), "{answer}");
    assert_eq!(record(true).0, 200, "twice is once");
    session.event("live", |event| event["finished"].as_u64() > Some(60));
    assert!(state(&site)["recording_secs"].is_number());
    // A picture that stands still is recorded too.
    turn(&site, r#"{"frozen": true}"#);
    std::thread::sleep(Duration::from_secs(3));
    assert!(record(false).1.contains("saved"));
    let about = crate::kit::probe(&folder.path("stylewarp-0001.mp4"), "-show_entries format=duration");
    let secs: f64 =
        about["format"]["duration"].as_str().and_then(|secs| secs.parse().ok()).expect("a length");
    assert!(secs > 3.0, "{secs}");
    assert_eq!(post(&site, "/api/record", r#"{"on": 1}"#).0, 422);
    session.end();
}

#[test]
fn it_says_on_the_terminal_where_it_serves() {
    use std::io::{BufRead as _, BufReader};
    for typed in ["0", "localhost:0"] {
        let folder = Folder::new();
        let mut command = crate::kit::live(
            &folder,
            &format!("--camera test --warp 0 --paint 0 --no-window --serve {typed}"),
        );
        let mut child = command.stderr(std::process::Stdio::piped()).spawn().expect("starts");
        let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines().map_while(Result::ok);
        let page = lines
            .find_map(|line| line.strip_prefix("page with the dials:").map(|rest| rest.trim().to_owned()));
        let page = page.expect("told");
        let (address, path) =
            page.strip_prefix("http://").and_then(|rest| rest.split_once('/')).expect("an address");
        assert!(address.starts_with("127.0.0.1:") && !address.ends_with(":0"), "{page}");
        let request = format!("GET /{path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        assert_eq!(ask(address, &request).0, 200, "{page}");
        let _ = child.kill();
        let _ = child.wait();
    }
}

#[test]
fn a_look_that_is_deleted_while_it_is_worn_stays_on() {
    let folder = Folder::new();
    let looks = folder.path("home/stylewarp/presets");
    std::fs::create_dir_all(&looks).expect("made");
    for name in ["mine", "other"] {
        std::fs::write(looks.join(format!("{name}.toml")), "texture = \"scream\"\nwarp = 0.0\n")
            .expect("written");
    }
    let mut session = Session::start(&folder, "--camera test --preset mine --serve 127.0.0.1:0");
    let site = session.site();
    std::fs::remove_file(looks.join("mine.toml")).expect("there");
    std::fs::remove_file(looks.join("other.toml")).expect("there");
    assert_eq!(turn(&site, r#"{"preset": "other"}"#).0, 204);
    session.event("live", |event| {
        event["notice"].as_str().is_some_and(|told| told.contains("no preset called other"))
    });
    assert_eq!(state(&site)["dials"]["preset"], "mine");
    let before = session.event("live", |_| true)["finished"].as_u64();
    session.event("live", |event| event["finished"].as_u64() > before);
    // A painting over it cannot be had either, as the look under it is gone; one that is there can.
    assert_eq!(turn(&site, r#"{"preset": "scream"}"#).0, 204);
    session.event("live", |event| event["notice"].is_null());
    assert_eq!(state(&site)["dials"]["preset"], "scream");
    session.end();
}
