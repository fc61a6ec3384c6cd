//! A screen of its own for windows, with what a desktop does to them: keys, a pointer, files that are dropped.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use image::RgbImage;

use crate::kit::{Folder, LONG, Session, live};

/// A screen with a window manager, gone when dropped.
pub(crate) struct Screen {
    pub(crate) name: String,
    servers: Vec<Child>,
}

impl Screen {
    pub(crate) fn new() -> Self {
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

    pub(crate) fn run(&self, program: &str, args: &str) -> String {
        let done = Command::new(program).env("DISPLAY", &self.name).args(args.split(' ')).output();
        let done = done.expect("./setup.sh --tests installs it");
        assert!(done.status.success(), "{program} {args}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8_lossy(&done.stdout).trim().to_owned()
    }

    /// The whole screen.
    pub(crate) fn shot(&self, folder: &Folder) -> RgbImage {
        self.picture(folder, "root")
    }

    /// A window, as it is seen.
    pub(crate) fn picture(&self, folder: &Folder, window: &str) -> RgbImage {
        let path = folder.path("screen.png");
        let take = || {
            let mut import = Command::new("import");
            import.env("DISPLAY", &self.name).args(["-window", window]).arg(&path);
            import.output().expect("./setup.sh --tests installs it").status.success()
        };
        // A window that is being resized cannot be read for a moment.
        until(take);
        image::open(&path).expect("a picture").into_rgb8()
    }

    /// A session with a window on this screen, to which keys go.
    pub(crate) fn session(&self, folder: &Folder, args: &str) -> Session {
        let mut command = live(folder, args);
        let session = Session::spawn(command.env("DISPLAY", &self.name).env_remove("WAYLAND_DISPLAY"));
        self.activate();
        session
    }

    /// Waits for the window, and until keys go to it.
    pub(crate) fn activate(&self) {
        self.run("xdotool", "search --sync --name stylewarp windowactivate --sync");
        until(|| {
            let mut asked = Command::new("xdotool");
            let told = asked.env("DISPLAY", &self.name).arg("getactivewindow").output();
            let active = String::from_utf8_lossy(&told.expect("installed").stdout).trim().to_owned();
            active == self.window() || {
                self.run("xdotool", &format!("windowactivate {}", self.window()));
                false
            }
        });
    }

    /// The number of the window.
    pub(crate) fn window(&self) -> String {
        self.run("xdotool", "search --name stylewarp").lines().last().expect("a window").to_owned()
    }

    /// Makes the window as large as this, and waits until it is.
    pub(crate) fn resize(&self, width: u32, height: u32) {
        let window = self.window();
        self.run("xdotool", &format!("windowsize --sync {window} {width} {height}"));
        until(|| {
            let shape = self.run("xdotool", &format!("getwindowgeometry {window}"));
            shape.contains(&format!("{width}x{height}"))
        });
    }

    /// Clicks into the window, counted from its upper left.
    pub(crate) fn click(&self, x: u32, y: u32) {
        let window = self.window();
        self.run("xdotool", &format!("mousemove --window {window} {x} {y} sleep 0.2 click 1"));
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

#[track_caller]
pub(crate) fn until(done: impl Fn() -> bool) {
    let end = Instant::now() + LONG;
    while !done() {
        assert!(Instant::now() < end, "it never came");
        std::thread::sleep(Duration::from_millis(100));
    }
}
