//! Recordings survive: a full disk, and a session that is killed.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use crate::kit::{Folder, Session, live, probe};

/// The times of the pictures that can be decoded, without a word of complaint: seconds.
fn decoded(path: &Path) -> Vec<f64> {
    let mut player = Command::new("ffmpeg");
    // Pixels alone: other outputs have an opinion of times that are closer than a frame.
    player.args(["-v", "error", "-xerror", "-y", "-i"]).arg(path).args(["-f", "rawvideo", "/dev/null"]);
    let done = player.output().expect("installed");
    assert!(done.status.success() && done.stderr.is_empty(), "{}", String::from_utf8_lossy(&done.stderr));
    let frames = probe(path, "-select_streams v:0 -show_entries frame=pts_time");
    let frames = frames["frames"].as_array().expect("a list");
    let time = |frame: &serde_json::Value| frame["pts_time"].as_str()?.parse().ok();
    frames.iter().map(|frame| time(frame).expect("a time")).collect()
}

/// The hidden file of a session that cannot remove it any more.
fn left(folder: &Folder) -> std::path::PathBuf {
    let hidden = folder.list().into_iter().find(|name| name.ends_with(".stylewarp-part"));
    folder.path(&hidden.expect("a hidden file"))
}

#[test]
fn of_a_session_that_is_killed_at_most_the_last_second_is_lost() {
    for name in ["out.mp4", "out.mkv", "out.webm", "out.mov"] {
        let folder = Folder::new();
        let args = format!("--camera test --resolution 320x240 --warp 0 --paint 0 --record {name}");
        let mut session = Session::start(&folder, &args);
        session.event("start", |_| true);
        let began = Instant::now();
        session.event("live", |_| began.elapsed().as_secs() >= 3);
        let recorded = began.elapsed().as_secs_f64();
        session.end_by("-KILL", None);
        let kept = decoded(&left(&folder)).last().copied().expect("some pictures");
        assert!(kept > recorded - 1.0, "{name}: {kept} s of {recorded} s are kept");
    }
}

/// A limit on the size of files is a full disk with another number.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_at_once_and_what_is_there_plays() {
    for name in ["out.mp4", "out.mkv"] {
        let folder = Folder::new();
        let whole = live(
            &folder,
            &format!("--camera test --resolution 320x240 --warp 0 --paint 0 --no-window --record {name}"),
        );
        // The shell ignores the signal that would kill the process, and so does it.
        let mut command = Command::new("sh");
        command.args(["-c", "trap '' XFSZ; ulimit -f 200; exec \"$0\" \"$@\""]);
        command.arg(whole.get_program()).args(whole.get_args()).current_dir(folder.path(""));
        for (key, value) in whole.get_envs() {
            match value {
                Some(value) => command.env(key, value),
                None => command.env_remove(key),
            };
        }
        let mut session = Session::spawn(&mut command);
        let told = session.event("live", |event| event["notice"].is_string());
        let notice = told["notice"].as_str().expect("text");
        assert!(notice.contains("broke off, it is kept") && notice.contains("File too large"), "{notice}");
        // While the session goes on, the recording is there.
        assert_eq!(folder.list(), [name]);
        assert!(decoded(&folder.path(name)).len() > 5, "{name}");
        session.event("live", |event| event["finished"].as_u64() > told["finished"].as_u64());
        let said = session.end_by("-INT", Some(1));
        assert!(said.contains("broke off") && said.contains(&format!("cannot write {name}")), "{said}");
        assert_eq!(folder.list(), [name]);
    }
}

/// What is lost does not come again: of this even a session that should say nothing speaks, at once.
#[cfg(target_os = "linux")]
#[test]
fn a_recording_that_breaks_off_is_told_in_spite_of_quiet() {
    use std::io::{BufRead as _, BufReader};
    let folder = Folder::new();
    let args = "--camera test --resolution 320x240 --warp 0 --paint 0 --no-window --quiet --record out.mp4";
    let whole = live(&folder, args);
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; ulimit -f 200; exec \"$0\" \"$@\""]);
    command.arg(whole.get_program()).args(whole.get_args()).current_dir(folder.path(""));
    command.envs(whole.get_envs().filter_map(|(key, value)| Some((key, value?))));
    command.stdin(std::process::Stdio::null()).stderr(std::process::Stdio::piped());
    let mut session = command.spawn().expect("the program starts");
    let lines = BufReader::new(session.stderr.take().expect("piped")).lines();
    let first = lines.map_while(Result::ok).next().unwrap_or_default();
    let goes_on = session.try_wait().expect("it can be asked").is_none();
    let _ = session.kill();
    let _ = session.wait();
    assert!(goes_on && first.contains("broke off, it is kept"), "{first}");
}
