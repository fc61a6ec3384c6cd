//! The pages in Chromium, steered by its own protocol.

use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tungstenite::{Message, WebSocket};

use crate::kit::{Folder, LONG, Session};

/// A browser without a screen, gone when dropped.
struct Browser {
    process: Child,
    address: String,
    _profile: TempDir,
}

impl Browser {
    fn new() -> Self {
        let profile = TempDir::new().expect("a temporary folder");
        let mut process = Command::new("chromium")
            .args(
                "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking \
                 --disable-component-update --disable-sync --disable-background-timer-throttling \
                 --disable-renderer-backgrounding --disable-backgrounding-occluded-windows --remote-debugging-port=0 --remote-allow-origins=*"
                    .split_whitespace(),
            )
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("./setup.sh --tests installs Chromium");
        let said = BufReader::new(process.stderr.take().expect("piped")).lines();
        let mut said = said.map_while(Result::ok);
        let listening =
            said.find_map(|line| line.split_once("listening on ws://").map(|(_, rest)| rest.to_owned()));
        let address = listening.expect("it listens").split('/').next().expect("an address").to_owned();
        // It says more, and must not wait for a reader.
        std::thread::Builder::new().spawn(move || said.for_each(drop)).expect("a thread");
        Self { process, address, _profile: profile }
    }

    /// Opens a page.
    fn page(&self, url: &str) -> Page {
        let request = format!("PUT /json/new?{url} HTTP/1.1\r\nHost: {}\r\n\r\n", self.address);
        let answer = ask(&self.address, &request);
        let target: Value = serde_json::from_str(&answer).expect("JSON");
        let socket = target["webSocketDebuggerUrl"].as_str().expect("an address");
        let stream = TcpStream::connect(&self.address).expect("it listens");
        stream.set_read_timeout(Some(LONG)).expect("possible");
        let mut page = Page { socket: tungstenite::client(socket, stream).expect("it listens").0, sent: 0 };
        while page.value("document.readyState === 'complete' && location.host !== ''") != true {
            std::thread::sleep(Duration::from_millis(50));
        }
        page.value(HELPERS);
        page
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The body of an answer. The browser leaves the line open, so its length counts.
fn ask(address: &str, request: &str) -> String {
    use std::io::{Read as _, Write as _};
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(LONG)).expect("possible");
    stream.write_all(request.as_bytes()).expect("it takes it");
    let (mut answer, mut length) = (BufReader::new(stream), 0);
    loop {
        let mut line = String::new();
        answer.read_line(&mut line).expect("a header");
        match line.trim().split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse().expect("a number");
            }
            None if line.trim().is_empty() => break,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    answer.read_exact(&mut body).expect("a body");
    String::from_utf8(body).expect("UTF-8")
}

struct Page {
    socket: WebSocket<TcpStream>,
    sent: u64,
}

impl Page {
    /// The value of an expression, awaited.
    fn value(&mut self, expression: &str) -> Value {
        let asked = json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let answer = self.call("Runtime.evaluate", asked);
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    /// A page behind another one is never drawn.
    fn bring_forward(&mut self) {
        self.call("Page.bringToFront", json!({}));
    }

    fn call(&mut self, method: &str, params: Value) -> Value {
        self.sent += 1;
        let request = json!({ "id": self.sent, "method": method, "params": params });
        self.socket.send(Message::text(request.to_string())).expect("it listens");
        loop {
            let Message::Text(text) = self.socket.read().expect("an answer") else { continue };
            let answer: Value = serde_json::from_str(&text).expect("JSON");
            if answer["id"] == self.sent {
                return answer["result"].clone();
            }
        }
    }
}

/// In a page: waits until a condition holds, for at most a minute.
const HELPERS: &str = r#"
    const pause = (ms) => new Promise((done) => setTimeout(done, ms));
    async function until(is) {
        for (let k = 0; k < 600; k++) { if (await is()) return true; await pause(100) }
        throw new Error("it never came: " + is);
    }
    const rooted = (path) => `/${location.pathname.split("/")[1]}/${path}`;
    const canvas = () => document.getElementById("picture");
    const pixels = () => canvas().getContext("2d").getImageData(0, 0, canvas().width, canvas().height).data;
    const sum = () => pixels().reduce((sum, value, k) => (sum + value * (k % 97)) % 1e9, 0);
    const colour = (x, y) => [...canvas().getContext("2d").getImageData(x * canvas().width, y * canvas().height, 1, 1).data];
"#;

#[test]
#[ignore = "needs Chromium: ./setup.sh --tests"]
fn the_source_page_shows_moving_pictures_on_nothing() {
    let folder = Folder::new();
    let mut session = Session::start(&folder, "--camera test --warp 0 --paint 0 --serve 127.0.0.1:0");
    let site = session.site();
    let browser = Browser::new();
    let mut page = browser.page(&format!("{}source", site.page));
    page.value("until(() => canvas().width === 640)");
    let moves = "(async () => { const seen = new Set(); for (let k = 0; k < 15; k++) { seen.add(sum()); await pause(100) } return seen.size })()";
    assert!(page.value(moves).as_u64() > Some(5));
    // The second bar of the test card is yellow.
    let yellow = page.value("colour(0.2, 0.05)");
    let near = |k: usize, value: u64| yellow[k].as_u64().is_some_and(|v| v.abs_diff(value) < 14);
    assert!(near(0, 191) && near(1, 191) && near(2, 20), "{yellow}");
    assert_eq!(page.value("getComputedStyle(document.body).backgroundColor"), "rgba(0, 0, 0, 0)");
    assert_eq!(page.value("document.body.innerText.trim()"), "");
    session.end();
}

#[test]
#[ignore = "needs Chromium: ./setup.sh --tests"]
fn a_slider_of_the_control_page_changes_the_picture() {
    let folder = Folder::new();
    let mut session =
        Session::start(&folder, "--camera test --warp 0 --texture scream --paint 0 --serve 127.0.0.1:0");
    let site = session.site();
    let browser = Browser::new();
    let mut page = browser.page(&site.page);
    page.value(
        "until(() => canvas().width === 640 && document.querySelectorAll('#looks button').length > 3)",
    );
    let before = page.value("until(() => colour(0.2, 0.05)[0] > 100).then(() => colour(0.2, 0.05))");
    page.value("(() => { const slider = document.getElementById('paint'); slider.value = 1; slider.oninput({ target: slider }) })()");
    page.value(&format!(
        "until(() => {{ const [a, b] = [colour(0.2, 0.05), {before}]; return a.some((value, k) => Math.abs(value - b[k]) > 25) }})"
    ));
    // One whose brushwork the tiny networks know.
    page.value("[...document.querySelectorAll('#looks button')].find((look) => look.textContent === 'scream').click()");
    let look =
        "fetch(rooted('api/state')).then((answer) => answer.json()).then((state) => state.dials.preset)";
    page.value(&format!("until(async () => await {look} === 'scream')"));
    session.end();
}

/// The age of pictures on the page, read off the clock in them: in milliseconds, half are younger.
fn age(page: &mut Page, show: &str) -> f64 {
    page.value(&format!(
        "(async () => {{
            const state = () => fetch(rooted('api/state')).then((answer) => answer.json());
            let offset = 0, best = Infinity;
            for (let k = 0; k < 20; k++) {{
                const sent = performance.now(), now = (await state()).now_ms, trip = performance.now() - sent;
                if (trip < best) [best, offset] = [trip, now - sent - trip / 2];
            }}
            const read = () => {{
                const cells = Array.from({{ length: 24 }}, (_, k) => colour((k + 0.5) / 24, 0.95)[0] > 127 ? 1 : 0);
                return cells.slice(0, 20).reduce((value, bit) => value * 2 + bit, 0);
            }};
            {show}
            const ages = [];
            let last = -1;
            while (ages.length < 60) {{
                await new Promise(requestAnimationFrame);
                draw();
                const clock = read();
                if (clock === last) continue;
                last = clock;
                ages.push(performance.now() + offset - clock);
            }}
            ages.sort((a, b) => a - b);
            return ages[30];
        }})()"
    ))
    .as_f64()
    .expect("a number")
}

#[test]
#[ignore = "needs Chromium: ./setup.sh --tests"]
fn pictures_on_the_page_are_young_and_stay_so() {
    let folder = Folder::new();
    let mut session = Session::start(&folder, "--camera test --warp 0 --paint 0 --serve 127.0.0.1:0");
    let site = session.site();
    let browser = Browser::new();
    let mut page = browser.page(&format!("{}source", site.page));
    page.value("until(() => canvas().width === 640)");
    let socket = age(&mut page, "const draw = () => {};");
    // The same as MJPEG, in an image that is drawn onto another canvas.
    let mut other = browser.page(&format!("{}api/state", site.page));
    other.value(
        "document.body.innerHTML = '<img id=stream src=../stream.mjpg><canvas id=picture width=640 height=360></canvas>';
         until(() => document.getElementById('stream').naturalWidth === 640)",
    );
    let mjpeg = age(
        &mut other,
        "const draw = () => canvas().getContext('2d').drawImage(document.getElementById('stream'), 0, 0);",
    );
    page.bring_forward();
    println!("median age of a picture in the page: WebSocket {socket:.0} ms, MJPEG {mjpeg:.0} ms");
    // Ten more, one of which never reads: nobody waits for them.
    page.value(
        "globalThis.more = Array.from({ length: 10 }, (_, k) => {
            const socket = new WebSocket(`ws://${location.host}${rooted('frames')}`);
            socket.binaryType = 'arraybuffer';
            socket.onopen = () => socket.send('next');
            if (k) socket.onmessage = () => { socket.seen = (socket.seen ?? 0) + 1; socket.send('next') };
            return socket;
        });
        until(() => more.slice(1).every((socket) => socket.seen > 10))",
    );
    // A machine that is busy may take longer; one whose pictures wait in line takes ever longer.
    let crowded = age(&mut page, "const draw = () => {};");
    assert!(socket < 2000.0 && mjpeg < 4000.0 && crowded < 2000.0, "{socket} {mjpeg} {crowded}");
    session.end();
}
