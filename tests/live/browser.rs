//! The pages in Chromium, steered by its own protocol.

use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tungstenite::{Message, WebSocket};

use crate::kit::{Folder, LONG, Session, live};

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

/// The bytes of a text in base 64.
fn base64(text: &str) -> Vec<u8> {
    let value = |c: u8| match c {
        b'A'..=b'Z' => c - b'A',
        b'a'..=b'z' => c - b'a' + 26,
        b'0'..=b'9' => c - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let letters: Vec<u32> = text.bytes().filter(|c| *c != b'=').map(|c| u32::from(value(c))).collect();
    let of_four = |four: &[u32]| {
        let bits = (0..4).fold(0, |bits, k| bits << 6 | four.get(k).copied().unwrap_or_default());
        bits.to_be_bytes()[1..four.len()].to_vec()
    };
    letters.chunks(4).flat_map(of_four).collect()
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

    /// Looks at the page as on a screen of this size; a phone's has fingers.
    fn resize(&mut self, width: u32, height: u32, is_phone: bool) {
        let screen = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": is_phone });
        self.call("Emulation.setDeviceMetricsOverride", screen);
        self.value("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))");
    }

    /// Keeps what is seen, for people who want to look at it: in the folder of `STYLEWARP_SHOTS`.
    fn keep_shot(&mut self, name: &str) {
        if let Some(folder) = std::env::var_os("STYLEWARP_SHOTS") {
            let shot = self.call("Page.captureScreenshot", json!({ "format": "png" }));
            let bytes = base64(shot["data"].as_str().expect("a picture"));
            std::fs::write(std::path::Path::new(&folder).join(name), bytes).expect("written");
        }
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

#[test]
#[ignore = "needs Chromium: ./setup.sh --tests"]
fn the_page_is_as_good_on_a_phone() {
    let folder = Folder::new();
    let args = "--camera test --warp 0 --texture scream --paint 0 --serve 127.0.0.1:0";
    let mut session = Session::start(&folder, args);
    let site = session.site();
    let browser = Browser::new();
    let mut page = browser.page(&site.page);
    page.value(
        "until(() => canvas().width === 640 && document.querySelectorAll('#looks button').length > 3)",
    );
    page.value("globalThis.box = (id) => document.getElementById(id).getBoundingClientRect()");
    // Upright: the picture above the dials, the looks after them, and nothing beyond the edge.
    page.resize(390, 844, true);
    let fits = "document.scrollingElement.scrollWidth <= innerWidth";
    let upright =
        "box('shown').bottom <= box('dials').top + 1 && box('dials').bottom <= box('choice').top + 1";
    assert_eq!(page.value(&format!("{fits} && {upright}")), true);
    assert_eq!(page.value("box('picture').width > 360 && box('picture').height > 190"), true);
    page.keep_shot("phone-upright.png");
    // Scrolled to the last look, the picture is still in sight.
    page.value("document.querySelector('#looks').lastElementChild.scrollIntoView()");
    page.value("pause(300)");
    assert_eq!(page.value("box('picture').top >= 0 && box('picture').bottom <= innerHeight"), true);
    page.keep_shot("phone-scrolled.png");
    // Across: beside them.
    page.value("scrollTo(0, 0)");
    page.resize(844, 390, true);
    let across =
        "box('shown').right <= box('dials').left + 1 && box('dials').bottom <= box('choice').top + 1";
    assert_eq!(page.value(&format!("{fits} && {across}")), true);
    assert_eq!(page.value("box('picture').bottom <= innerHeight"), true);
    page.keep_shot("phone-across.png");
    page.resize(1280, 800, false);
    assert_eq!(page.value(&format!("{fits} && box('shown').right <= box('dials').left + 1")), true);
    page.keep_shot("page.png");
    session.end();
}

#[test]
#[ignore = "needs Chromium: ./setup.sh --tests"]
fn the_page_freezes_compares_records_and_finds_looks() {
    let folder = Folder::new();
    let args = "--camera test --warp 0 --texture scream --paint 1 --serve 127.0.0.1:0";
    let mut session = Session::start(&folder, args);
    let site = session.site();
    let browser = Browser::new();
    let mut page = browser.page(&site.page);
    page.value("globalThis.state = () => fetch(rooted('api/state')).then((answer) => answer.json())");
    page.value(
        "until(() => canvas().width === 640 && document.querySelectorAll('#looks button').length > 3)",
    );
    // The original on the left of the line: the first bar is grey, and paint is not.
    page.value("at('compare').click()");
    let grey = "(([r, g, b]) => Math.abs(r - 191) < 14 && Math.abs(g - 191) < 14 && Math.abs(b - 191) < 14)(colour(0.05, 0.05))";
    page.value(&format!("until(() => {grey})"));
    page.keep_shot("page-compare.png");
    page.value("player.split = 0");
    page.value(&format!("until(() => !({grey}))"));
    page.value("at('compare').click()");
    // A painting is found by a part of its name, and worn over the look.
    page.value("(() => { at('search').value = 'starry n'; at('search').oninput() })()");
    assert_eq!(
        page.value("[...document.querySelectorAll('#looks button')].map((look) => look.textContent).join()"),
        "starry-night"
    );
    page.value("document.querySelector('#looks button').click()");
    page.value("until(async () => (await state()).dials.texture === 'starry-night')");
    page.value("until(() => document.querySelector('#looks button').ariaPressed === 'true')");
    // Double click: as the look has it, wherever the dial was.
    page.value("(() => { at('paint').value = 0.3; at('paint').oninput({ target: at('paint') }) })()");
    page.value("until(async () => Math.abs((await state()).dials.paint - 0.3) < 1e-3)");
    page.value("at('paint').dispatchEvent(new MouseEvent('dblclick'))");
    page.value("until(async () => (await state()).dials.paint === 1)");
    page.value("at('record').click()");
    page.value("until(() => /^0:0[1-9]$/.test(at('record').textContent))");
    page.value("at('record').click()");
    page.value("until(async () => (await state()).recording_secs === null)");
    // A file takes a moment to be whole.
    crate::screen::until(|| folder.path("stylewarp-0001.mp4").exists());
    let snapshot = "fetch(at('snapshot').href).then((answer) => answer.blob()).then(createImageBitmap).then((picture) => picture.width)";
    assert_eq!(page.value(snapshot), 640);
    // Frozen, a page that is loaded anew has the picture at once.
    page.value("at('frozen').click()");
    page.value("until(async () => (await state()).dials.frozen && !at('badge').hidden)");
    page.value("pause(3000)");
    page.keep_shot("page-frozen.png");
    let mut again = browser.page(&format!("{}source", site.page));
    again.value("until(() => canvas().width === 640 && sum() > 0)");
    // Latency is named by what it is.
    let readings = page.value("at('reading').textContent");
    let readings = readings.as_str().expect("text");
    assert!(readings.contains("camera to output") && readings.contains("99 of 100 within"), "{readings}");
    assert!(readings.contains("camera to this page"), "{readings}");
    session.end();
}

/// Pictures drawn a second on a page, and finished in the session meanwhile.
fn rates(page: &mut Page) -> [f64; 2] {
    let rates = page.value(
        "(async () => {
            const finished = async () => (await (await fetch(rooted('api/state'))).json()).reading.finished;
            const count = async () => [performance.now() / 1000, player.drawn, await finished()];
            const before = await count();
            await pause(5000);
            const after = await count();
            return [1, 2].map((k) => (after[k] - before[k]) / (after[0] - before[0]));
        })()",
    );
    [0, 1].map(|k| rates[k].as_f64().expect("a number"))
}

#[test]
#[ignore = "needs Chromium: ./setup.sh --tests"]
fn obs_gets_a_transparent_picture_where_nothing_shows_behind() {
    let folder = Folder::new();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let person = root.join("tests/data/person.png");
    for size in ["640:360", "1280:720"] {
        folder.ffmpeg(&format!(
            "-loop 1 -i {} -vf scale={size} -t 2 -r 30 -pix_fmt yuv420p -c:v libx264 in.mp4",
            person.display()
        ));
        let args = "--camera file:in.mp4 --warp 0 --paint 0 --backdrop clear --no-window --serve 127.0.0.1:0";
        let mut command = live(&folder, args);
        let mut session = Session::spawn(command.env("STYLEWARP_MODELS", root.join("models")));
        let site = session.site();
        let browser = Browser::new();
        let mut page = browser.page(&format!("{}source", site.page));
        page.value("until(() => canvas().width >= 640 && colour(0.02, 0.02)[3] < 30)");
        // Where the program's own mask of this picture is sure: the person, and the room beside.
        let [person, room] = [page.value("colour(0.5, 0.9)"), page.value("colour(0.02, 0.02)")];
        assert!(person[3].as_u64() > Some(240) && room[3].as_u64() < Some(10), "{person} {room}");
        // What is not seen tells nothing of the room.
        assert!((0..3).all(|k| room[k].as_u64() < Some(10)), "{room}");
        let [drawn, fps] = rates(&mut page);
        println!("{size}: {drawn:.1} transparent pictures a second on the page, {fps:.1} in the session");
        assert!(drawn > 0.6 * fps, "{size}: {drawn} of {fps}");
        page.keep_shot(&format!("obs-{}.png", size.replace(':', "x")));
        session.end();
    }
}

#[test]
#[ignore = "needs Chromium: ./setup.sh --tests"]
fn a_painting_is_made_better_on_the_page() {
    let folder = Folder::new();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    stylewarp::assets::painting("nafea")
        .expect("the program's own")
        .save(folder.path("art.png"))
        .expect("written");
    let args = "--camera test --warp 0 --texture art.png --no-window --serve 127.0.0.1:0";
    let mut command = live(&folder, args);
    let mut session = Session::spawn(command.env("STYLEWARP_MODELS", root.join("models")));
    let site = session.site();
    let browser = Browser::new();
    let mut page = browser.page(&site.page);
    page.resize(1280, 800, false);
    page.value("until(() => canvas().width === 640 && !at('better').hidden)");
    assert_eq!(page.value("at('better').title.includes('tunes a painter to art')"), true);
    page.keep_shot("page-better.png");
    page.value("at('better').click()");
    page.value("until(() => at('better').hidden && at('far').textContent.startsWith('art: '))");
    crate::tuning::becomes(&site, |state| state["tuning"]["running"]["left_secs"].as_u64() > Some(0));
    page.value("until(() => / left$/.test(at('far').textContent))");
    page.keep_shot("page-tuning.png");
    page.value("at('pause').click()");
    page.value(
        "until(() => at('far').textContent.endsWith('stands still') && at('pause').textContent === 'Go on')",
    );
    page.resize(390, 844, true);
    assert_eq!(page.value("document.scrollingElement.scrollWidth <= innerWidth"), true);
    page.keep_shot("phone-tuning.png");
    page.value("at('stop').click()");
    crate::tuning::becomes(&site, |state| state["tuning"]["running"].is_null());
    page.value("until(() => at('far').textContent === 'art is kept as far as it came, and can go on')");
    // Among the looks, with its picture, and worn.
    let button = "[...document.querySelectorAll('#looks button')].find((look) => look.textContent === 'art')";
    page.value(&format!("until(() => {button}?.ariaPressed === 'true')"));
    page.value(&format!("{button}.scrollIntoView()"));
    page.value(&format!("until(() => {button}.querySelector('img').naturalWidth > 0)"));
    page.keep_shot("phone-tuned.png");
    session.end();
}
