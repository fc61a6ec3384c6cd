//! What cannot be: one clear line, and what to try.

use std::net::TcpListener;

use crate::kit::{Folder, live};

#[track_caller]
fn refuses(folder: &Folder, args: &str, code: i32, words: [&str; 2]) {
    let done = live(folder, args).arg("--no-window").output().expect("starts");
    let said = String::from_utf8(done.stderr).expect("UTF-8");
    assert_eq!(done.status.code(), Some(code), "{args}\n{said}");
    assert!(said.starts_with("stylewarp: ") && !said.contains("panicked"), "{args}\n{said}");
    for word in words {
        assert!(said.contains(word), "{args}: {word:?} is not in\n{said}");
    }
}

#[test]
fn cameras_that_are_not_there() {
    let folder = Folder::new();
    refuses(&folder, "--camera no-such-camera", 2, ["there is no camera no-such-camera", "--camera test"]);
    refuses(&folder, "--camera file:no-such.mp4", 1, ["cannot read no-such.mp4", "because"]);
    std::fs::write(folder.path("text.mp4"), "this is no video").expect("written");
    refuses(&folder, "--camera file:text.mp4", 1, ["cannot open text.mp4", "ffprobe"]);
}

#[test]
fn addresses_that_cannot_be_served_at() {
    let folder = Folder::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("it has one");
    let test = "--camera test --serve";
    refuses(&folder, &format!("{test} {address}"), 1, ["cannot serve at", "another port"]);
    refuses(
        &folder,
        &format!("{test} 0.0.0.0:0"),
        2,
        ["can be reached from other machines", "--serve-insecure"],
    );
}

#[test]
fn outlets_that_take_no_pictures() {
    let folder = Folder::new();
    std::fs::write(folder.path("out.mp4"), "precious").expect("written");
    // It has no -y to advise.
    let words = ["out.mp4 exists already\n  try: another name for the recording\n", "another name"];
    refuses(&folder, "--camera test --record out.mp4", 2, words);
    assert_eq!(std::fs::read(folder.path("out.mp4")).expect("there"), b"precious");
    refuses(&folder, "--camera test --record out.txt", 2, ["no video format", ".mp4"]);
    if cfg!(target_os = "linux") {
        refuses(
            &folder,
            "--camera test --loopback /dev/null",
            1,
            ["cannot be a camera at /dev/null", "doctor"],
        );
        refuses(&folder, "--camera test --loopback nowhere", 1, ["cannot be a camera at nowhere", "doctor"]);
    }
}

#[test]
fn looks_that_are_not_there() {
    let folder = Folder::new();
    refuses(&folder, "--camera test --preset nothing", 2, ["no preset called nothing", "modigliani"]);
    refuses(&folder, "--camera test --texture nothing", 2, ["no texture called nothing", "scream"]);
}

#[test]
fn no_screen_no_window() {
    let folder = Folder::new();
    let mut command = live(&folder, "--camera test");
    command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY").env_remove("WAYLAND_SOCKET");
    let done = command.output().expect("starts");
    let said = String::from_utf8(done.stderr).expect("UTF-8");
    if cfg!(target_os = "linux") {
        assert_eq!(done.status.code(), Some(1), "{said}");
        assert!(said.contains("no window can be opened") && said.contains("--no-window"), "{said}");
    }
}
