//! The window, on a screen of its own.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use image::RgbImage;

use crate::kit::{Folder, LONG, Session, live, probe};

/// A screen with a window manager, gone when dropped.
struct Screen {
    name: String,
    servers: Vec<Child>,
}

impl Screen {
    fn new() -> Self {
        let mut server = Command::new("Xvfb")
            .args("-displayfd 1 -screen 0 1280x800x24 -nolisten tcp".split(' '))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("./setup.sh --tests installs Xvfb");
        let mut number = String::new();
        let mut told = BufReader::new(server.stdout.take().expect("piped"));
        told.read_line(&mut number).expect("it tells its number");
        let name = format!(":{}", number.trim());
        let manager = Command::new("openbox").env("DISPLAY", &name).stderr(Stdio::null()).spawn();
        Self { name, servers: vec![manager.expect("./setup.sh --tests installs openbox"), server] }
    }

    fn run(&self, program: &str, args: &str) {
        let done = Command::new(program).env("DISPLAY", &self.name).args(args.split(' ')).output();
        let done = done.expect("./setup.sh --tests installs it");
        assert!(done.status.success(), "{program} {args}: {}", String::from_utf8_lossy(&done.stderr));
    }

    fn shot(&self, folder: &Folder) -> RgbImage {
        let path = folder.path("screen.png");
        self.run("import", &format!("-window root {}", path.display()));
        image::open(&path).expect("a picture").into_rgb8()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        for server in &mut self.servers {
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

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

#[track_caller]
fn until(done: impl Fn() -> bool) {
    let end = Instant::now() + LONG;
    while !done() {
        assert!(Instant::now() < end, "it never came");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn exists(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|about| about.len() > 0)
}

#[test]
#[ignore = "needs a screen: ./setup.sh --tests"]
fn the_window_shows_the_picture_and_obeys_its_keys() {
    let (folder, screen) = (Folder::new(), Screen::new());
    assert!(bars(&screen.shot(&folder)).iter().all(|share| *share < 1e-3), "an empty screen");
    let mut command = live(&folder, "--camera test --warp 0 --paint 0");
    let mut session = Session::spawn(command.env("DISPLAY", &screen.name).env_remove("WAYLAND_DISPLAY"));
    until(|| bars(&screen.shot(&folder)).iter().all(|share| *share > 0.02));
    screen.run("xdotool", "search --sync --name stylewarp windowactivate --sync");

    // Before the picture is frozen, two looks differ.
    let picture = |shot: RgbImage| image::imageops::crop_imm(&shot, 100, 150, 600, 400).to_image();
    let look = || {
        std::thread::sleep(Duration::from_millis(700));
        picture(screen.shot(&folder))
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
