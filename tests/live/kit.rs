//! Starts sessions and listens to what they say.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, bounded};
use serde_json::Value;

pub(crate) use crate::clips::{Folder, probe};
use crate::networks;

/// Longer than anything takes on any machine.
pub(crate) const LONG: Duration = Duration::from_secs(120);

/// The program, on the tiny networks and the processor, without a window.
pub(crate) fn live(folder: &Folder, args: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stylewarp"));
    command
        .current_dir(folder.path(""))
        .env("STYLEWARP_MODELS", networks::tiny())
        .env("XDG_CONFIG_HOME", folder.path("home"))
        .env("HOME", folder.path(""))
        .env_remove("STYLEWARP_LOG")
        .args(["live", "--device", "cpu", "--microphone", "none"])
        .args(args.split_whitespace());
    command
}

/// Where a session's pages are.
pub(crate) struct Site {
    /// Host and port.
    pub(crate) address: String,
    /// The beginning of every path: the token.
    pub(crate) root: String,
    /// The whole address of the page with the dials.
    pub(crate) page: String,
}

/// A running session that says what happens.
pub(crate) struct Session {
    child: Child,
    events: Receiver<Value>,
}

impl Session {
    /// One without a window.
    pub(crate) fn start(folder: &Folder, args: &str) -> Self {
        Self::spawn(live(folder, args).arg("--no-window"))
    }

    /// Any.
    pub(crate) fn spawn(command: &mut Command) -> Self {
        let mut child = command
            .arg("--json")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let (out, events) = bounded(10_000);
        std::thread::Builder::new()
            .spawn(move || {
                for line in lines.map_while(Result::ok) {
                    let event = serde_json::from_str(&line).expect("JSON");
                    if out.send(event).is_err() {
                        return;
                    }
                }
            })
            .expect("a thread");
        Self { child, events }
    }

    /// The next event of a kind for which `is_it` holds.
    pub(crate) fn event(&mut self, kind: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let until = Instant::now() + LONG;
        while let Ok(event) = self.events.recv_deadline(until) {
            if event["event"] == kind && is_it(&event) {
                return event;
            }
        }
        let _ = self.child.kill();
        let mut said = String::new();
        let _ = self.child.stderr.take().expect("piped").read_to_string(&mut said);
        panic!("no such {kind}; it said:\n{said}");
    }

    /// Where the pages are served.
    pub(crate) fn site(&mut self) -> Site {
        let serving = self.event("serving", |_| true);
        let text = |name: &str| serving[name].as_str().expect("an address").to_owned();
        let (page, address) = (text("page"), text("address"));
        let root = page.strip_prefix(&format!("http://{address}")).and_then(|path| path.strip_suffix('/'));
        Site { root: root.expect("of the same host").to_owned(), address, page }
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("it can be asked").is_none()
    }

    /// Asks it to end; it must end well. What it said on stderr.
    pub(crate) fn end(self) -> String {
        self.end_by("-INT", Some(0))
    }

    /// Sends it a signal; it must end with this code. What it said on stderr.
    pub(crate) fn end_by(mut self, signal: &str, code: Option<i32>) -> String {
        let kill = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(kill.expect("kill is there").success());
        let mut said = String::new();
        self.child.stderr.take().expect("piped").read_to_string(&mut said).expect("UTF-8");
        assert_eq!(self.child.wait().expect("ends").code(), code, "{said}");
        assert!(!said.contains("panicked"), "{said}");
        said
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Where a test failed on the way.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
