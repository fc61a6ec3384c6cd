//! "Make it better", with the program's own networks, of which a few steps are enough to see that all holds together.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::kit::{Folder, LONG, Session, Site, live};
use crate::networks;
use crate::page::{ask, get, post, state, turn};

const PRESETS: &str = "home/stylewarp/presets";

/// A session in a painting of the user's that wears a file for its name, on the networks of a folder.
fn session(folder: &Folder, models: &Path) -> (Session, Site) {
    let painting = stylewarp::assets::painting("nafea").expect("the program's own");
    painting.save(folder.path("My Nafea.png")).expect("written");
    let mut command =
        live(folder, "--camera test --fps 5 --resolution 256x144 --no-window --warp 0 --serve 127.0.0.1:0");
    command.args(["--texture", "My Nafea.png"]);
    let mut session = Session::spawn(command.env("STYLEWARP_MODELS", models));
    let site = session.site();
    (session, site)
}

fn own_models() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("models")
}

#[track_caller]
pub(crate) fn becomes(site: &Site, is_it: impl Fn(&Value) -> bool) -> Value {
    // What has the lowest priority takes long on a machine that has much else to do.
    let end = std::time::Instant::now() + 10 * LONG;
    loop {
        let now = state(site);
        if is_it(&now) {
            return now;
        }
        assert!(std::time::Instant::now() < end, "it never came: {} {}", now["tuning"], now["notices"]);
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn tune(site: &Site, body: &str) -> (u16, String) {
    post(site, "/api/tune", body)
}

#[test]
fn a_painting_is_tuned_to_while_the_stream_goes_on_and_becomes_a_look() {
    let folder = Folder::new();
    let (mut session, site) = session(&folder, &own_models());
    let before = state(&site);
    assert_eq!((&before["tuning"]["can"], &before["tuning"]["missing"]), (&"My Nafea".into(), &Value::Null));
    assert_eq!(tune(&site, r#"{"what": "begin", "minutes": 0.15}"#).0, 204);
    let (status, told) = tune(&site, r#"{"what": "begin"}"#);
    assert!(status == 409 && told.contains("still being tuned"), "{told}");
    // It stands still when it is asked to, while pictures come.
    becomes(&site, |state| state["tuning"]["running"]["share"].as_f64() > Some(0.0));
    assert_eq!(tune(&site, r#"{"what": "pause"}"#).0, 204);
    let paused = becomes(&site, |state| state["tuning"]["running"]["paused"] == "asked");
    let finished = |state: &Value| state["reading"]["finished"].as_u64();
    let later = becomes(&site, |state| finished(state) > finished(&paused).map(|count| count + 10));
    // The step that it was at has ended, of nine.
    let share = |state: &Value| state["tuning"]["running"]["share"].as_f64().expect("it is paused");
    assert!(share(&later) - share(&paused) < 0.12, "{}", later["tuning"]);
    assert_eq!(tune(&site, r#"{"what": "resume"}"#).0, 204);
    let done = becomes(&site, |state| state["tuning"]["running"].is_null());
    assert_eq!(done["tuning"]["said"], "my-nafea is done, and among your looks");
    // It is worn, is in the list with a picture of its own, and paints.
    becomes(&site, |state| state["dials"]["texture"] == "my-nafea");
    assert!(done["looks"].as_array().expect("a list").contains(&"my-nafea".into()));
    assert_eq!(get(&site, "/thumbnails/my-nafea", "").0, 200);
    assert_eq!(turn(&site, r#"{"preset": "my-nafea"}"#).0, 204);
    let worn = becomes(&site, |state| state["dials"]["preset"] == "my-nafea");
    becomes(&site, |state| finished(state) > finished(&worn).map(|count| count + 3));
    assert_eq!(worn["notices"], Value::Array(Vec::new()));
    let mut kept =
        std::fs::read_dir(folder.path(PRESETS)).expect("made").flatten().map(|entry| entry.file_name());
    let mut kept: Vec<_> = kept.by_ref().collect();
    kept.sort();
    assert_eq!(kept, ["my-nafea.png", "my-nafea.safetensors", "my-nafea.toml"]);
    session.event("live", |_| true);
    assert_eq!(session.end(), "");
}

#[test]
fn what_the_end_of_a_session_interrupts_goes_on_in_the_next() {
    let folder = Folder::new();
    let (mut first, site) = session(&folder, &own_models());
    assert_eq!(tune(&site, r#"{"what": "begin"}"#).0, 204);
    becomes(&site, |state| state["tuning"]["running"]["left_secs"].as_u64() > Some(0));
    first.event("live", |_| true);
    first.end();
    let style = folder.path(PRESETS).join("my-nafea.safetensors");
    let unfinished = std::fs::metadata(&style).expect("kept").len();
    // Of the same painting, under the same name, and done after a few more steps.
    let (second, site) = session(&folder, &own_models());
    assert_eq!(tune(&site, r#"{"what": "begin", "minutes": 0.15}"#).0, 204);
    let done = becomes(&site, |state| state["tuning"]["said"].is_string());
    assert_eq!(done["tuning"]["said"], "my-nafea is done, and among your looks", "{}", done["notices"]);
    becomes(&site, |state| state["dials"]["texture"] == "my-nafea");
    assert!(std::fs::metadata(&style).expect("kept").len() < unfinished);
    second.end();
}

#[test]
fn what_cannot_be_tuned_to_is_told_and_the_stream_goes_on() {
    let folder = Folder::new();
    // Without the networks that only tuning needs.
    let (without, site) = session(&folder, &networks::tiny());
    let told = state(&site)["tuning"]["missing"].clone();
    assert!(
        told.as_str().is_some_and(|told| told.contains("tuner.onnx") && told.contains("try: ")),
        "{told}"
    );
    let (status, told) = tune(&site, r#"{"what": "begin"}"#);
    assert!(status == 409 && told.contains("tuner.onnx"), "{told}");
    for wrong in [r#"{"what": "grow"}"#, r#"{"what": "begin", "path": "/etc/passwd"}"#, "{}"] {
        assert_eq!(tune(&site, wrong).0, 422, "{wrong}");
    }
    without.end();
    // A blank page.
    let (mut session, site) = session(&folder, &own_models());
    image::RgbImage::from_pixel(300, 300, image::Rgb([250; 3]))
        .save(folder.path("My Nafea.png"))
        .expect("written");
    assert_eq!(tune(&site, r#"{"what": "begin", "minutes": 0.15}"#).0, 204);
    let told = becomes(&site, |state| !state["notices"].as_array().expect("a list").is_empty());
    let notice = told["notices"][0].as_str().expect("text").to_owned();
    assert!(notice.contains("no brushwork") && notice.contains("try: "), "{notice}");
    assert_eq!(std::fs::read_dir(folder.path(PRESETS)).expect("made").count(), 0, "nothing is left behind");
    assert_eq!(tune(&site, r#"{"what": "begin", "minutes": 0}"#).0, 409);
    // One of the program's own is tuned already.
    assert_eq!(turn(&site, r#"{"preset": "scream"}"#).0, 204);
    becomes(&site, |state| state["dials"]["preset"] == "scream" && state["tuning"]["can"].is_null());
    let (status, told) = tune(&site, r#"{"what": "begin"}"#);
    assert!(status == 409 && told.contains("no painting of yours"), "{told}");
    let before = session.event("live", |_| true)["finished"].as_u64();
    session.event("live", |event| event["finished"].as_u64() > before);
    session.end();
}

#[cfg(unix)]
#[test]
fn a_full_disk_is_told_and_what_was_there_stays() {
    let folder = Folder::new();
    let painting = stylewarp::assets::painting("nafea").expect("the program's own");
    image::imageops::thumbnail(&painting, 200, 160).save(folder.path("art.png")).expect("written");
    let presets = folder.path(PRESETS);
    std::fs::create_dir_all(&presets).expect("made");
    for name in ["art.toml", "art.safetensors"] {
        std::fs::write(presets.join(name), "precious").expect("written");
    }
    // A limit on the size of files is a full disk with another number: the painting's picture fits, and the style does not.
    let size = std::fs::metadata(folder.path("art.png")).expect("there").len();
    let mut command = std::process::Command::new("sh");
    let program = env!("CARGO_BIN_EXE_stylewarp");
    let args = "live --device cpu --camera test --fps 5 --resolution 256x144 --no-window --warp 0 --serve 127.0.0.1:0 --texture art.png";
    let blocks = size.div_ceil(512) + 40;
    command
        .args(["-c", &format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\""), program])
        .args(args.split_whitespace())
        .current_dir(folder.path(""))
        .env("XDG_CONFIG_HOME", folder.path("home"))
        .env("STYLEWARP_MODELS", own_models());
    let mut session = Session::spawn(&mut command);
    let site = session.site();
    assert_eq!(tune(&site, r#"{"what": "begin", "minutes": 0.1}"#).0, 204);
    let told = becomes(&site, |state| !state["notices"].as_array().expect("a list").is_empty());
    let notice = told["notices"][0].as_str().expect("text").to_owned();
    assert!(notice.contains("cannot write") && notice.contains("the space left"), "{notice}");
    for name in ["art.toml", "art.safetensors"] {
        assert_eq!(std::fs::read(presets.join(name)).expect("there"), b"precious", "{name}");
    }
    assert_eq!(std::fs::read_dir(&presets).expect("listed").count(), 2, "nothing is left behind");
    session.event("live", |_| true);
    session.end();
}

#[test]
fn a_painting_is_dropped_onto_the_page_and_reaches_no_other_file() {
    let folder = Folder::new();
    let (session, site) = session(&folder, &networks::tiny());
    let bring = |name: &str, picture: &[u8]| {
        let Site { address, root, .. } = &site;
        let mut request = format!(
            "POST {root}/api/painting/{name} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
            picture.len()
        )
        .into_bytes();
        request.extend_from_slice(picture);
        ask(address, &request)
    };
    let picture = std::fs::read(folder.path("My Nafea.png")).expect("written");
    assert_eq!(bring("..%2F..%2FDe%20Zaan.png", &picture).0, 204);
    becomes(&site, |state| state["dials"]["texture"] == "de-zaan.png" && state["tuning"]["can"] == "de-zaan");
    let (status, told) = bring("text.png", b"this is no picture");
    assert!(status == 400 && told.contains("cannot read the picture") && told.contains("try: "), "{told}");
    let size = folder.path("home/stylewarp/dropped/de-zaan.png").metadata().expect("kept").len();
    assert_eq!(size, picture.len() as u64);
    assert_eq!(std::fs::read_dir(folder.path("home/stylewarp/dropped")).expect("made").count(), 1);
    // Refused, and cut off, which may overtake the answer.
    assert_ne!(bring("large.png", &vec![0; 25 << 20]).0, 204);
    assert_eq!(std::fs::read_dir(folder.path("home/stylewarp/dropped")).expect("made").count(), 1);
    session.end();
}
