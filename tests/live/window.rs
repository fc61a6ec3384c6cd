//! The window, on a screen of its own.

use std::path::Path;
use std::time::Duration;

use image::RgbImage;
use serde_json::Value;

use crate::kit::{Folder, Session, Site, live, probe};
use crate::page::state;
use crate::screen::{Screen, until};

/// Heights of the bar and of the strip of looks, and the width of the dials; the strip of a low window is lower.
const BAR: u32 = 32;
const STRIP: u32 = 92;
const LOW_STRIP: u32 = 64;
const DIALS: u32 = 236;
/// A look that the tiny networks know, without shapes.
const SCREAM: &str = "--camera test --preset scream --warp 0";

/// Shares of the screen that have the test card's colours: yellow, cyan, green, magenta, red, blue.
fn bars(shot: &RgbImage) -> [f64; 6] {
    let colours =
        [[191, 191, 20], [20, 191, 191], [20, 191, 20], [191, 20, 191], [191, 20, 20], [20, 20, 191u8]];
    let is = |pixel: &image::Rgb<u8>, colour: &[u8; 3]| {
        pixel.0.iter().zip(colour).all(|(a, b)| a.abs_diff(*b) < 8)
    };
    let share = |colour: [u8; 3]| {
        let of_it = shot.pixels().filter(|pixel| is(pixel, &colour)).count();
        of_it as f64 / f64::from(shot.width() * shot.height())
    };
    colours.map(share)
}

fn exists(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|about| about.len() > 0)
}

#[test]
#[ignore = "needs a screen: ./setup.sh --tests"]
fn the_window_shows_the_picture_and_obeys_its_keys() {
    let (folder, screen) = (Folder::new(), Screen::new());
    assert!(bars(&screen.shot(&folder)).iter().all(|share| *share < 1e-3), "an empty screen");
    let mut session = screen.session(&folder, "--camera test --warp 0 --paint 0");
    until(|| bars(&screen.shot(&folder)).iter().all(|share| *share > 0.02));

    // Before the picture is frozen, two looks differ.
    let picture = |shot: RgbImage| image::imageops::crop_imm(&shot, 100, 60, 700, 400).to_image();
    let look = || {
        std::thread::sleep(Duration::from_millis(700));
        picture(screen.picture(&folder, &screen.window()))
    };
    assert!(look() != look(), "it moves");
    screen.run("xdotool", "key space");
    until(|| look() == look());
    screen.run("xdotool", "key space");
    until(|| look() != look());

    screen.run("xdotool", "key s");
    let snapshot = folder.path("stylewarp-0001.png");
    until(|| exists(&snapshot) && image::open(&snapshot).is_ok());
    assert_eq!(image::open(&snapshot).expect("a picture").width(), 640);

    screen.run("xdotool", "key r");
    let recording = folder.path("stylewarp-0001.mp4");
    until(|| folder.list().iter().any(|name| name.starts_with(".stylewarp-0001.mp4.")));
    std::thread::sleep(Duration::from_secs(2));
    screen.run("xdotool", "key r");
    until(|| exists(&recording));
    let stream = &probe(&recording, "-count_frames -show_streams")["streams"][0];
    let count: u32 = stream["nb_read_frames"].as_str().and_then(|n| n.parse().ok()).expect("a number");
    assert!(count > 5, "{stream}");

    // The original, on the left, of a picture that is mirrored: bars from both ends meet.
    screen.run("xdotool", "key c h");
    session.event("live", |_| true);
    assert!(session.is_running());
    session.end();
}

/// How many pixels of a part of a picture have about this colour.
fn count(picture: &RgbImage, [left, top, wide, tall]: [u32; 4], colour: [u8; 3]) -> usize {
    let part = image::imageops::crop_imm(picture, left, top, wide, tall).to_image();
    let is = |pixel: &&image::Rgb<u8>| pixel.0.iter().zip(colour).all(|(a, b)| a.abs_diff(b) < 12);
    part.pixels().filter(is).count()
}

/// Keeps what is seen, for people who want to look at it: in the folder of `STYLEWARP_SHOTS`.
fn keep(shot: &RgbImage, name: &str) {
    if let Some(folder) = std::env::var_os("STYLEWARP_SHOTS") {
        shot.save(Path::new(&folder).join(name)).expect("written");
    }
}

/// How the session says that it stands, as soon as it says so.
#[track_caller]
fn becomes(site: &Site, is_it: impl Fn(&Value) -> bool) -> Value {
    let end = std::time::Instant::now() + crate::kit::LONG;
    loop {
        let now = state(site);
        if is_it(&now) {
            return now;
        }
        assert!(std::time::Instant::now() < end, "it never came: {}", now["dials"]);
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// A session with a window and a page, when its first picture is there.
fn begin(screen: &Screen, folder: &Folder, args: &str) -> (Session, Site) {
    let mut session = screen.session(folder, &format!("{args} --serve 127.0.0.1:0"));
    let site = session.site();
    session.event("live", |event| event["finished"].as_u64() > Some(3));
    (session, site)
}

#[test]
#[ignore = "needs a screen: ./setup.sh --tests"]
fn nothing_is_cut_off_at_any_size() {
    let (folder, screen) = (Folder::new(), Screen::new());
    let (session, site) = begin(&screen, &folder, SCREAM);
    // The looks are drawn one after the other.
    std::thread::sleep(Duration::from_secs(6));
    const GLOW: [u8; 3] = [224, 164, 88];
    const RED: [u8; 3] = [200, 40, 40];
    for (width, height, strip) in [(430, 310, LOW_STRIP), (900, 560, STRIP), (1200, 720, STRIP)] {
        screen.resize(width, height);
        let shot = || screen.picture(&folder, &screen.window());
        until(|| {
            shot().dimensions() == (width, height)
                && count(&shot(), [0, 0, width, 40], [0, 0, 0]) < 40 * width as usize
        });
        std::thread::sleep(Duration::from_secs(1));
        let seen = shot();
        keep(&seen, &format!("window-{width}x{height}.png"));
        let bar = [0, height - strip - BAR, width, BAR];
        assert!(count(&seen, bar, RED) > 300, "the red button, at {width}x{height}");
        // The light at the end of the bar, whole: a disc of 14 pixels across, in one of three colours.
        let end = [width - 40, height - strip - BAR, 40, BAR];
        let lights = [[72, 180, 97], [236, 169, 46], [222, 66, 60]];
        assert!(lights.iter().any(|light| count(&seen, end, *light) > 120), "the light, at {width}x{height}");
        // The chosen look has come into view, whole: a frame around its picture.
        let looks = [0, height - strip, width, strip];
        assert!(
            count(&seen, looks, GLOW) > 250,
            "the chosen look, at {width}x{height}: {}",
            count(&seen, looks, GLOW)
        );
    }
    // Where they are folded away, the dials come when they are called, and scroll.
    screen.resize(430, 310);
    screen.run("xdotool", "key d");
    std::thread::sleep(Duration::from_secs(2));
    let folded = screen.picture(&folder, &screen.window());
    keep(&folded, "window-430x310-dials.png");
    let (x, y) = (430 - DIALS + 100, 100);
    let window = screen.window();
    screen.run("xdotool", &format!("mousemove --window {window} {x} {y} click --repeat 30 --delay 30 5"));
    std::thread::sleep(Duration::from_secs(2));
    let scrolled = screen.picture(&folder, &window);
    keep(&scrolled, "window-430x310-scrolled.png");
    let column =
        |shot: &RgbImage| image::imageops::crop_imm(shot, 430 - DIALS + 8, 0, DIALS - 8, 200).to_image();
    assert!(column(&folded) != column(&scrolled), "the dials scroll");
    screen.run("xdotool", "key d h");
    std::thread::sleep(Duration::from_secs(1));
    let help = screen.picture(&folder, &window);
    keep(&help, "window-430x310-help.png");
    // From the first line to the last, and nothing beyond the edges.
    let white = |place| count(&help, place, [255, 255, 255]);
    assert!(white([0, 0, 430, 90]) > 50 && white([0, 220, 430, 90]) > 50);
    assert_eq!(white([0, 0, 4, 310]) + white([426, 0, 4, 310]), 0);
    screen.run("xdotool", "key Escape");
    assert_eq!(state(&site)["dials"]["preset"], "scream");
    session.end();
}

#[test]
#[ignore = "needs a screen: ./setup.sh --tests"]
fn quick_presses_all_count_and_letters_that_are_typed_do_nothing_else() {
    let (folder, screen) = (Folder::new(), Screen::new());
    let (session, site) = begin(&screen, &folder, SCREAM);
    let looks = state(&site)["looks"].as_array().expect("a list").clone();
    let at = |name: &str| looks.iter().position(|look| look == name).expect("one of them");
    screen.run("xdotool", "key --delay 1 Right Right Right Right Right");
    let expected = looks[(at("scream") + 5) % looks.len()].clone();
    becomes(&site, |state| state["dials"]["wanted"] == expected);
    // Typed into the search: these letters snap, mirror, record, freeze and compare elsewhere.
    screen.run("xdotool", "key slash");
    std::thread::sleep(Duration::from_millis(500));
    screen.run("xdotool", "type --delay 30 scream");
    screen.run("xdotool", "key space m r b f h BackSpace BackSpace BackSpace BackSpace BackSpace BackSpace");
    std::thread::sleep(Duration::from_millis(500));
    keep(&screen.picture(&folder, &screen.window()), "window-search.png");
    screen.run("xdotool", "key Return");
    let found = becomes(&site, |state| state["dials"]["preset"] == "scream");
    assert!(found["dials"]["mirror"] == false && found["dials"]["frozen"] == false, "{}", found["dials"]);
    assert!(found["recording_secs"].is_null());
    assert!(
        !folder.list().iter().any(|name| name.ends_with(".png") && name.starts_with("stylewarp")),
        "{:?}",
        folder.list()
    );
    // Numbers: 0 is the original, 1 the first look.
    screen.run("xdotool", "key Escape 0");
    becomes(&site, |state| state["dials"]["original"] == true);
    screen.run("xdotool", "key 1");
    becomes(&site, |state| state["dials"]["wanted"] == looks[0] && state["dials"]["original"] == false);
    session.end();
}

#[test]
#[ignore = "needs a screen: ./setup.sh --tests"]
fn the_last_session_comes_back_with_its_favourites() {
    let (folder, screen) = (Folder::new(), Screen::new());
    let (session, site) = begin(&screen, &folder, SCREAM);
    screen.run("xdotool", "key b m");
    becomes(&site, |state| state["dials"]["mirror"] == true);
    assert_eq!(crate::page::turn(&site, r#"{"warp": 0.25, "stroke_size": 1.5}"#).0, 204);
    std::thread::sleep(Duration::from_secs(1));
    session.end();
    let kept = std::fs::read_to_string(folder.path("home/stylewarp/window.toml")).expect("kept");
    assert!(kept.contains("favourites = [\"scream\"]"), "{kept}");
    // Nothing named: as it was.
    let (session, site) = begin(&screen, &folder, "--camera test");
    let dials = state(&site)["dials"].clone();
    assert_eq!(
        (&dials["preset"], &dials["warp"], &dials["stroke_size"]),
        (&"scream".into(), &0.25.into(), &1.5.into())
    );
    assert_eq!(dials["mirror"], true);
    // The favourite stands in front.
    screen.run("xdotool", "key 0 1");
    becomes(&site, |state| state["dials"]["original"] == false && state["dials"]["wanted"] == "scream");
    session.end();
    // What is typed counts more, and without a window nothing comes back.
    let (session, site) = begin(&screen, &folder, "--camera test --warp 1.5");
    assert_eq!(
        (&state(&site)["dials"]["preset"], &state(&site)["dials"]["warp"]),
        (&"scream".into(), &1.5.into())
    );
    session.end();
    let mut session = Session::start(&folder, "--camera test --serve 127.0.0.1:0 --texture scream --warp 0");
    let site = session.site();
    assert_eq!(
        (&state(&site)["dials"]["preset"], &state(&site)["dials"]["mirror"]),
        (&"none".into(), &false.into())
    );
    session.end();
}

#[test]
#[ignore = "needs a screen: ./setup.sh --tests"]
fn the_red_button_records_and_badges_tell_what_is() {
    let (folder, screen) = (Folder::new(), Screen::new());
    let (session, site) = begin(&screen, &folder, SCREAM);
    let (width, height) = (1000, 640);
    screen.resize(width, height);
    screen.click(46, height - STRIP - BAR / 2);
    becomes(&site, |state| state["recording_secs"].as_u64() > Some(1));
    const BADGE: [u8; 3] = [190, 40, 40];
    let shot = || screen.picture(&folder, &screen.window());
    let corner = [width - DIALS - 100, 0, 100, 40];
    until(|| count(&shot(), corner, BADGE) > 500);
    screen.run("xdotool", "key space");
    const FROZEN: [u8; 3] = [40, 90, 170];
    until(|| count(&shot(), [0, 0, 100, 40], FROZEN) > 500);
    keep(&shot(), "window-recording-frozen.png");
    screen.click(46, height - STRIP - BAR / 2);
    until(|| exists(&folder.path("stylewarp-0001.mp4")));
    becomes(&site, |state| state["recording_secs"].is_null());
    until(|| count(&shot(), corner, BADGE) < 50);
    // Full screen shows the way out, and Esc is it.
    screen.run("xdotool", "key space f");
    until(|| shot().dimensions() == (1280, 800));
    screen.run("xdotool", "mousemove 640 500 mousemove 600 480");
    std::thread::sleep(Duration::from_millis(700));
    keep(&shot(), "window-full.png");
    assert!(count(&shot(), [0, 700, 1280, 100], [200, 40, 40]) < 50, "no bar");
    screen.run("xdotool", "key Escape");
    until(|| shot().dimensions() == (width, height));
    session.end();
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "needs a screen: ./setup.sh --tests"]
fn pictures_are_dropped_onto_the_window_and_what_is_none_is_told() {
    use crate::drag::Program;
    let (folder, screen) = (Folder::new(), Screen::new());
    let (mut session, site) = begin(&screen, &folder, SCREAM);
    let (width, height) = (1000, 640);
    screen.resize(width, height);
    let window: u32 = screen.window().parse().expect("a number");
    let files: Vec<_> = (0..40).map(|k| folder.path(&format!("picture-{k}.png"))).collect();
    let picture = RgbImage::from_fn(120, 90, |x, y| image::Rgb([x as u8 * 2, y as u8 * 2, 90]));
    files.iter().for_each(|file| picture.save(file).expect("written"));
    let hand = Program::new(&screen.name);
    std::fs::write(folder.path("text.png"), "this is no picture").expect("written");
    hand.drop_on(window, &[folder.path("text.png")]);
    std::thread::sleep(Duration::from_secs(2));
    keep(&screen.picture(&folder, &screen.window()), "window-no-picture.png");
    assert_eq!(state(&site)["dials"]["texture"], Value::Null);
    // Forty in a hurry; the last one is asked about.
    files.iter().for_each(|file| hand.drop_on(window, std::slice::from_ref(file)));
    std::thread::sleep(Duration::from_secs(2));
    keep(&screen.picture(&folder, &screen.window()), "window-drop.png");
    let middle = (height - STRIP - BAR) / 2;
    screen.click((width - DIALS) / 4, middle);
    becomes(&site, |state| state["dials"]["texture"] == "picture-39.png");
    hand.drop_on(window, &files[..1]);
    std::thread::sleep(Duration::from_secs(2));
    screen.click((width - DIALS) * 3 / 4, middle);
    let worn = becomes(&site, |state| state["dials"]["geometry"] == "picture-0.png");
    assert_eq!((&worn["dials"]["texture"], &worn["dials"]["warp"]), (&"picture-39.png".into(), &1.0.into()));
    // One that is not wanted after all.
    hand.drop_on(window, &files[1..2]);
    std::thread::sleep(Duration::from_secs(2));
    screen.run("xdotool", "key Escape");
    let before = session.event("live", |_| true)["finished"].as_u64();
    session.event("live", |event| event["finished"].as_u64() > before);
    assert_eq!(state(&site)["dials"]["geometry"], "picture-0.png");
    session.end();
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "needs a screen: ./setup.sh --tests"]
fn a_browser_source_is_begun_in_the_window_and_its_address_copied() {
    let (folder, screen) = (Folder::new(), Screen::new());
    let mut session = screen.session(&folder, SCREAM);
    session.event("live", |event| event["finished"].as_u64() > Some(3));
    let (width, height) = (1000, 640);
    screen.resize(width, height);
    std::thread::sleep(Duration::from_secs(1));
    // The fold, the tick, the button.
    let (fold, tick, button) = (298, 444, 467);
    screen.click(width - 140, fold);
    std::thread::sleep(Duration::from_secs(1));
    screen.click(width - 170, tick);
    std::thread::sleep(Duration::from_secs(2));
    keep(&screen.picture(&folder, &screen.window()), "window-outputs.png");
    // The button comes when the page is there.
    let desktop = crate::drag::Program::new(&screen.name);
    let copy = || {
        screen.click(width - 170, button);
        std::thread::sleep(Duration::from_secs(1));
        desktop.clipboard()
    };
    until(|| copy().starts_with("http://"));
    let copied = copy();
    let rest = copied.strip_prefix("http://").expect("an address");
    let (address, path) = rest.split_once('/').expect("a path");
    assert!(path.ends_with("/source"), "{copied}");
    let request = format!("GET /{path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    assert_eq!(crate::page::ask(address, &request).0, 200, "{copied}");
    // And ended.
    screen.click(width - 170, tick);
    until(|| std::net::TcpStream::connect(address).is_err());
    session.end();
}

#[test]
#[ignore = "needs a screen: ./setup.sh --tests"]
fn a_double_click_resets_a_dial_and_a_notice_is_put_away() {
    let (folder, screen) = (Folder::new(), Screen::new());
    // The tiny networks have none that finds people, which is told.
    let (session, site) =
        begin(&screen, &folder, "--camera test --preset scream --paint 0 --warp 0 --paint-where subject");
    let (width, height) = (1000, 640);
    screen.resize(width, height);
    let shot = || screen.picture(&folder, &screen.window());
    let place = [150, 45, 450, 30];
    let colours = || {
        [[191, 191, 20], [20, 191, 191], [20, 191, 20]]
            .map(|bar| count(&shot(), place, bar))
            .iter()
            .sum::<usize>()
    };
    until(|| colours() < 3000);
    keep(&shot(), "window-notice.png");
    screen.run("xdotool", "key Escape");
    until(|| colours() > 6000);
    let rail = width - 177;
    let window = screen.window();
    // A hand takes its time.
    screen.run(
        "xdotool",
        &format!("mousemove --window {window} {} 36 sleep 0.5 mousedown 1 sleep 0.5 mouseup 1", rail + 70),
    );
    let turned = becomes(&site, |state| state["dials"]["warp"].as_f64() > Some(1.0))["dials"]["warp"].clone();
    assert_ne!(turned, 1.0);
    std::thread::sleep(Duration::from_secs(1));
    screen.run(
        "xdotool",
        &format!("mousemove --window {window} {} 36 sleep 1 click --repeat 2 --delay 80 1", rail + 70),
    );
    // The look's own, whatever the session began with.
    becomes(&site, |state| state["dials"]["warp"] == state["own"]["warp"]);
    session.end();
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "needs a screen: ./setup.sh --tests"]
fn light_and_dark_follow_the_system() {
    let (folder, screen) = (Folder::new(), Screen::new());
    let service = folder.path("gdbus");
    let brightness = |answer: &str| {
        std::fs::write(&service, format!("#!/bin/sh\necho '(<<uint32 {answer}>>,)'\n")).expect("written");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&service, mode).expect("changed");
        let mut command = live(&folder, SCREAM);
        let path = format!("{}:{}", folder.path("").display(), std::env::var("PATH").expect("a path"));
        command.env("DISPLAY", &screen.name).env_remove("WAYLAND_DISPLAY").env("PATH", path);
        let mut session = Session::spawn(&mut command);
        screen.activate();
        session.event("live", |event| event["finished"].as_u64() > Some(3));
        std::thread::sleep(Duration::from_secs(2));
        let seen = screen.picture(&folder, &screen.window());
        keep(&seen, &format!("window-theme-{answer}.png"));
        session.end();
        // Beside the dials.
        seen.get_pixel(seen.width() - 4, seen.height() / 2).0[0]
    };
    let (dark, light) = (brightness("1"), brightness("2"));
    assert!(dark < 60 && light > 200, "{dark} {light}");
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "needs a screen: ./setup.sh --tests"]
fn a_dropped_painting_is_made_better_and_stays_among_the_looks() {
    use crate::drag::Program;
    let (folder, screen) = (Folder::new(), Screen::new());
    let start = |args: &str| {
        let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
        let mut command = live(&folder, &format!("{args} --serve 127.0.0.1:0"));
        command.env("DISPLAY", &screen.name).env_remove("WAYLAND_DISPLAY").env("STYLEWARP_MODELS", models);
        let mut session = Session::spawn(&mut command);
        screen.activate();
        let site = session.site();
        session.event("live", |event| event["finished"].as_u64() > Some(3));
        (session, site)
    };
    let (session, site) = start(SCREAM);
    let (width, height) = (1000, 640);
    screen.resize(width, height);
    let art = folder.path("art.png");
    stylewarp::assets::painting("nafea").expect("the program's own").save(&art).expect("written");
    Program::new(&screen.name)
        .drop_on(screen.window().parse().expect("a number"), std::slice::from_ref(&art));
    std::thread::sleep(Duration::from_secs(3));
    screen.click((width - DIALS) / 4, (height - STRIP - BAR) / 2);
    becomes(&site, |state| state["tuning"]["can"] == "art" && state["dials"]["texture"] == "art.png");
    std::thread::sleep(Duration::from_secs(3));
    let row = |name: &str| {
        let seen = screen.picture(&folder, &screen.window());
        keep(&seen, name);
        image::imageops::crop_imm(&seen, width - DIALS, 0, DIALS, 90).to_image()
    };
    let button = row("window-better.png");
    // While the picture stands still, all of the machine is there for it.
    screen.run("xdotool", "key space t");
    crate::tuning::becomes(&site, |state| state["tuning"]["running"]["share"].as_f64() > Some(0.0));
    std::thread::sleep(Duration::from_secs(2));
    assert!(row("window-tuning.png") != button, "how far it is has the button's place");
    for (width, height) in [(1200, 720), (900, 560), (430, 310)] {
        screen.resize(width, height);
        std::thread::sleep(Duration::from_secs(3));
        keep(&screen.picture(&folder, &screen.window()), &format!("window-tuning-{width}x{height}.png"));
    }
    screen.run("xdotool", "key d");
    std::thread::sleep(Duration::from_secs(2));
    keep(&screen.picture(&folder, &screen.window()), "window-tuning-430x310-dials.png");
    screen.resize(width, height);
    screen.run("xdotool", "key t");
    becomes(&site, |state| state["tuning"]["running"]["paused"] == "asked");
    std::thread::sleep(Duration::from_secs(1));
    keep(&screen.picture(&folder, &screen.window()), "window-tuning-paused.png");
    // The end of the session keeps it, and the next one begins with it.
    session.end();
    assert!(exists(&folder.path("home/stylewarp/presets/art.safetensors")));
    let (session, site) = start("--camera test");
    let worn = becomes(&site, |state| state["dials"]["texture"] == "art" && state["tuning"]["can"] == "art");
    assert!(worn["looks"].as_array().expect("a list").contains(&"art".into()));
    session.end();
}
