//! What a microphone hears is recorded beside the picture, at the same time. The microphone is made up: FFmpeg's own
//! device `lavfi` reads samples from a pipe, into which they are written as they would be said.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::thread::{Builder, sleep};
use std::time::Duration;

use stylewarp::cancel::CancelToken;
use stylewarp::frame::{Frame, Size};
use stylewarp::live::capture::request::{CameraName, CameraRequest};
use stylewarp::live::clock::LiveClock;
use stylewarp::live::recorder::Recorder;
use stylewarp::time::FrameTime;
use stylewarp::video::read::microphone::{Microphone, MicrophoneName};
use stylewarp::video::read::{Clip, FileSource, Source as _, VideoInfo};
use stylewarp::video::write::FileOutput;

use crate::clips::{Folder, probe, run};

const RATE: usize = 44_100;
/// Samples written at once: 10 ms.
const BLOCK: usize = RATE / 100;
const FRAME: Size = Size { width: 64, height: 36 };

/// Whether there is a flash and a beep at a time: for a tenth of every second.
fn is_marked(secs: f64) -> bool {
    secs.rem_euclid(1.0) < 0.1
}

fn secs(clock: LiveClock) -> f64 {
    clock.now().as_secs_f64()
}

/// A pipe into which somebody beeps for so long, on time, once somebody listens. Its name as a microphone's.
fn beeping(folder: &Folder, clock: LiveClock, until: f64) -> MicrophoneName {
    let pipe = folder.path("said");
    run(Command::new("mkfifo").arg(&pipe));
    let name = format!("lavfi:amovie=filename={}:format_name=s16le", pipe.display());
    let speak = move || {
        let mut said = OpenOptions::new().write(true).open(pipe).expect("the pipe");
        let began = secs(clock);
        for block in 0.. {
            let from = began + 0.01 * f64::from(block);
            let sample = |k: usize| {
                let at = from + k as f64 / RATE as f64;
                let wave = (at * 1000.0 * std::f64::consts::TAU).sin() * 12_000.0;
                (if is_marked(at) { wave as i16 } else { 0 }).to_le_bytes()
            };
            let samples: Vec<u8> = (0..BLOCK).flat_map(sample).collect();
            // It is heard when it has been said.
            clock.sleep_until(FrameTime::from_secs_f64(from + 0.01));
            if from > until || said.write_all(&samples).is_err() {
                break;
            }
        }
    };
    Builder::new().name("speaker".into()).spawn(speak).expect("a thread");
    name.parse().expect("a name")
}

/// Of every flash or beep, when it began.
fn beginnings(marks: impl Iterator<Item = (f64, bool)>) -> Vec<f64> {
    let mut quiet_since = f64::NEG_INFINITY;
    let mut began = Vec::new();
    for (at, is_marked) in marks {
        if is_marked {
            if at - quiet_since > 0.3 {
                began.push(at);
            }
            quiet_since = at;
        }
    }
    began
}

fn flashes(path: &Path) -> Vec<f64> {
    let mut source = FileSource::open(path, Clip::default(), Default::default()).expect("plays");
    let mut marks = Vec::new();
    while let Some(frame) = source.next().expect("whole") {
        marks.push((frame.time.as_secs_f64(), frame.pixels[0] > 128));
    }
    beginnings(marks.into_iter())
}

/// On the file's clock: silence stands where the sound begins later than the picture.
fn beeps(path: &Path) -> Vec<f64> {
    let decode = "-v error -i IN -map 0:a -af aresample=async=1:first_pts=0 -ac 1 -ar 44100 -f s16le -";
    let mut ffmpeg = Command::new("ffmpeg");
    for part in decode.split(' ') {
        ffmpeg.arg(if part == "IN" { path.as_os_str() } else { part.as_ref() });
    }
    let samples = run(&mut ffmpeg);
    let loud = |pair: &[u8]| i16::from_le_bytes([pair[0], pair[1]]).unsigned_abs() > 3000;
    beginnings(samples.chunks_exact(2).enumerate().map(|(k, pair)| (k as f64 / RATE as f64, loud(pair))))
}

/// Of pictures as large as those recorded here.
fn info(clock: LiveClock) -> VideoInfo {
    let card = CameraRequest { name: CameraName::Test, size: Some(FRAME), fps: Some(25) };
    card.open(clock, &CancelToken::new()).expect("the test card").info().clone()
}

/// Records a flashing picture and a beeping microphone for so many seconds.
fn record(folder: &Folder, path: PathBuf, lasts: f64, beeps_until: f64) -> Option<String> {
    let clock = LiveClock::new();
    let told = Arc::new(std::sync::Mutex::new(None));
    let heard = told.clone();
    let recorder = Recorder::new(clock, move |notice| *heard.lock().expect("no panic") = notice);
    let info = info(clock);
    let microphone = beeping(folder, clock, beeps_until);
    recorder.start(&FileOutput::new(path), &info, &microphone).expect("it begins");
    let began = secs(clock);
    while secs(clock) < began + lasts {
        let at = clock.now();
        let level = if is_marked(at.as_secs_f64()) { 230 } else { 20 };
        recorder.offer(&Arc::new(Frame::filled(FRAME, at, [level, level, level, 255])));
        sleep(Duration::from_millis(5));
    }
    recorder.stop().expect("whole");
    told.lock().expect("no panic").take()
}

#[test]
fn sound_and_picture_keep_together() {
    let folder = Folder::new();
    for extension in ["mp4", "mkv"] {
        let path = folder.path(&format!("seen.{extension}"));
        let told = record(&folder, path.clone(), 6.0, f64::INFINITY);
        std::fs::remove_file(folder.path("said")).expect("the pipe");
        assert_eq!(told, None);
        assert_eq!(
            probe(&path, "-show_entries stream=codec_type")["streams"].as_array().map(Vec::len),
            Some(2)
        );
        let (seen, heard) = (flashes(&path), beeps(&path));
        assert!(seen.len() >= 5 && heard.len() >= 5, "{seen:?} {heard:?}");
        for flash in &seen[1..seen.len() - 1] {
            let off = heard.iter().map(|beep| beep - flash).min_by(|a, b| a.abs().total_cmp(&b.abs()));
            // A frame may come 5 ms after the mark.
            assert!(off.is_some_and(|off| off.abs() < 0.02), "{extension}: {seen:?} {heard:?}");
        }
    }
}

#[test]
fn a_microphone_that_is_pulled_out_leaves_the_picture() {
    let folder = Folder::new();
    let path = folder.path("seen.mp4");
    let told = record(&folder, path.clone(), 6.0, 2.5).expect("told");
    assert!(told.contains("goes on without sound"), "{told}");
    let (seen, heard) = (flashes(&path), beeps(&path));
    assert!(seen.len() >= 5 && (1..4).contains(&heard.len()), "{seen:?} {heard:?}");
}

#[test]
fn a_microphone_that_is_none_is_told_and_one_that_is_usual_is_not_missed() {
    let name: MicrophoneName = "no-such-microphone".parse().expect("a name");
    let Err(error) = Microphone::open(&name) else { panic!("it is there") };
    assert!(error.to_string().contains("no-such-microphone"), "{error}");
    assert!(Microphone::open(&MicrophoneName::None).expect("nothing to open").is_none());
    let folder = Folder::new();
    let recorder = Recorder::new(LiveClock::new(), |_| {});
    let info = info(LiveClock::new());
    let path = folder.path("seen.mp4");
    assert!(recorder.start(&FileOutput::new(&path), &info, &name).is_err());
    recorder.start(&FileOutput::new(&path), &info, &MicrophoneName::Default).expect("with sound or without");
    recorder.offer(&Arc::new(Frame::filled(FRAME, FrameTime::ZERO, [90; 4])));
    recorder.stop().expect("whole");
    assert_eq!(flashes(&path).len(), 0);
}
