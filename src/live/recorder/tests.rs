use super::*;
use crate::cancel::CancelToken;
use crate::video::read::{FileSource, Source as _};

#[test]
fn what_is_recorded_plays_with_its_own_times() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for extension in ["mp4", "mov", "mkv"] {
        let path = free_name(folder.path(), extension);
        record(&path, &[5.0, 5.05, 5.2]);
        let mut played = FileSource::open(&path, Clip::default(), CancelToken::new()).expect("plays");
        let mut times = Vec::new();
        while let Some(frame) = played.next().expect("whole") {
            times.push((frame.time.as_secs_f64() * 1000.0).round());
        }
        assert_eq!(times, [0.0, 50.0, 200.0], "{extension}");
        assert!(free_name(folder.path(), extension) != path);
    }
    assert_eq!(std::fs::read_dir(folder.path()).expect("there").count(), 3, "nothing else is left");
}

#[test]
fn what_has_ended_well_has_one_index() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for extension in ["mp4", "mov"] {
        let path = free_name(folder.path(), extension);
        let many: Vec<_> = (0..60).map(|number| f64::from(number) * 0.04).collect();
        record(&path, &many);
        let bytes = std::fs::read(&path).expect("there");
        let has = |name: &[u8; 4]| bytes.windows(4).any(|part| part == name);
        assert!(has(b"moov") && has(b"stts") && !has(b"moof"), "{extension}");
    }
}

#[test]
fn one_that_ended_by_itself_is_told_is_whole_and_gives_way_to_the_next() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let tell = Arc::new(Mutex::new(None));
    let heard = tell.clone();
    let recorder = Recorder::new(LiveClock::new(), move |notice: Option<String>| {
        *heard.lock().expect("no panic") = notice;
    });
    let size = Size { width: 64, height: 36 };
    let info =
        crate::live::capture::info::live_info(size, crate::time::FrameRate::new(30, 1).expect("positive"));
    let frame =
        |size: Size, secs: f64| Arc::new(Frame::filled(size, FrameTime::from_secs_f64(secs), [200; 4]));
    let first = free_name(folder.path(), "mp4");
    recorder.start(&FileOutput::new(&first), &info, &MicrophoneName::None).expect("started");
    (0..5).for_each(|k| recorder.offer(&frame(size, f64::from(k) * 0.1)));
    // Another camera was chosen.
    recorder.offer(&frame(Size { width: 32, height: 32 }, 0.6));
    while recorder.path().is_some() {
        std::thread::yield_now();
    }
    assert!(recorder.since().is_none());
    assert!(tell.lock().expect("no panic").as_ref().is_some_and(|told| told.contains("another size")));
    let second = free_name(folder.path(), "mp4");
    recorder.start(&FileOutput::new(&second), &info, &MicrophoneName::None).expect("started");
    assert!(recorder.since().is_some() && tell.lock().expect("no panic").is_none());
    recorder.offer(&frame(size, 1.0));
    recorder.stop().expect("finished");
    for (path, count) in [(first, 5), (second, 1)] {
        let mut played = FileSource::open(&path, Clip::default(), CancelToken::new()).expect("plays");
        assert_eq!(std::iter::from_fn(|| played.next().expect("whole")).count(), count, "{}", path.display());
    }
}

/// Records grey pictures that come at these seconds.
fn record(path: &Path, secs: &[f64]) {
    let size = Size { width: 64, height: 36 };
    let rate = crate::time::FrameRate::new(30, 1).expect("positive");
    let info = crate::live::capture::info::live_info(size, rate);
    let recorder = Recorder::new(LiveClock::new(), |_| {});
    recorder.offer(&Arc::new(Frame::filled(size, FrameTime::ZERO, [0; 4])));
    recorder.start(&FileOutput::new(path), &info, &MicrophoneName::None).expect("started");
    for &secs in secs {
        let frame = Frame::filled(size, FrameTime::from_secs_f64(secs), [200, 90, 20, 255]);
        recorder.offer(&Arc::new(frame));
    }
    assert_eq!(recorder.path().as_deref(), Some(path));
    recorder.stop().expect("finished");
    assert!(recorder.path().is_none());
}
