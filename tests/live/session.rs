//! Sessions as a whole: rates, latency, recordings, looks.

use std::process::Command;

use stylewarp::cancel::CancelToken;
use stylewarp::frame::Frame;
use stylewarp::live::capture::test_pattern;
use stylewarp::video::read::{Clip, FileSource, Source as _};

use crate::kit::{Folder, Session, live, probe};
use crate::networks;

fn frames(path: &std::path::Path) -> Vec<Frame> {
    let mut source = FileSource::open(path, Clip::default(), CancelToken::new()).expect("plays");
    std::iter::from_fn(|| source.next().expect("whole")).collect()
}

#[test]
fn a_session_says_how_it_goes_and_ends_when_asked() {
    let folder = Folder::new();
    let mut session = Session::start(&folder, "--camera test --texture scream");
    let reading = session.event("live", |event| event["finished"].as_u64() > Some(20));
    for number in ["fps", "camera_fps", "latency_ms", "latency_p99_ms", "memory_mb", "lines"] {
        assert!(reading[number].as_f64().is_some_and(|value| value > 0.0), "{number}: {reading}");
    }
    let of = |name: &str| reading[name].as_u64().expect("a number");
    assert!(of("finished") + of("dropped") <= of("captured") + 2, "{reading}");
    let said = session.end();
    assert_eq!(said, "");
}

#[test]
fn a_session_of_some_length_ends_by_itself() {
    let folder = Folder::new();
    let done = live(&folder, "--camera test --no-window --warp 0 --paint 0 --duration 1 -q").output();
    let done = done.expect("starts");
    assert_eq!((done.status.code(), done.stdout.len(), done.stderr.len()), (Some(0), 0, 0));
}

/// The clock in the pictures against the times in the file: a recording's times are those at which
/// the frames were taken.
#[test]
fn a_recording_keeps_the_times_at_which_frames_were_taken() {
    let folder = Folder::new();
    let mut session = Session::start(&folder, "--camera test --warp 0 --paint 0 --record out.mp4");
    session.event("live", |event| event["finished"].as_u64() > Some(40));
    session.end();
    let frames = frames(&folder.path("out.mp4"));
    assert!(frames.len() > 30, "{}", frames.len());
    let shown: Vec<_> = frames
        .iter()
        .map(|frame| test_pattern::read_clock(frame.size, &frame.pixels).expect("a clock"))
        .collect();
    for (frame, clock) in frames.iter().zip(&shown) {
        let (told, seen) = (frame.time.as_secs_f64() * 1e3, (clock - shown[0]) as f64);
        assert!((told - seen).abs() < 3.0, "{told} ms in the file, {seen} ms in the picture");
    }
    assert_eq!(folder.list(), ["out.mp4"]);
    let stream = probe(&folder.path("out.mp4"), "-show_streams");
    assert_eq!(stream["streams"][0]["codec_name"], "h264");
}

fn difference(a: &Frame, b: &Frame) -> f64 {
    let squares = a.pixels.iter().zip(&b.pixels).map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2));
    (squares.sum::<f64>() / a.pixels.len() as f64).sqrt()
}

#[test]
fn a_session_looks_like_the_file_mode_of_the_same_clip() {
    let folder = Folder::new();
    folder.clip("in.mp4", "testsrc2=size=96x64:rate=10:duration=3", "-c:v libx264 -pix_fmt yuv420p");
    let look = "--texture scream --steady 0 --warp 0";
    let as_file = |name: &str, look: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stylewarp-video"));
        command.current_dir(folder.path("")).env("STYLEWARP_MODELS", networks::tiny());
        command.args(["in.mp4", name, "--device", "cpu", "-q", "--crf", "10"]).args(look.split(' '));
        assert!(command.status().expect("starts").success());
        frames(&folder.path(name))
    };
    let (same, other) = (as_file("same.mp4", look), as_file("other.mp4", "--texture scream --paint 0"));
    let args = format!("--camera file:in.mp4 --record live.mp4 {look}");
    let mut session = Session::start(&folder, &args);
    session.event("live", |event| event["finished"].as_u64() > Some(15));
    session.end();
    let best = |of: &[Frame], frame: &Frame| {
        of.iter().map(|other| difference(frame, other)).fold(f64::INFINITY, f64::min)
    };
    let live = frames(&folder.path("live.mp4"));
    assert!(live.len() > 10, "{}", live.len());
    for frame in &live {
        let (same, other) = (best(&same, frame), best(&other, frame));
        assert!(same < 5.0 && other > 3.0 * same, "{same} from the file's, {other} from another look's");
    }
}
