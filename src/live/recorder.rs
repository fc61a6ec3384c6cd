//! Records a session to a file, with the times at which frames were taken, and what a microphone hears meanwhile.
//!
//! What is recorded does not come again, so a recording that cannot go on, on a full disk say,
//! is told at once and kept as far as it goes.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded, never, select};

use crate::error::{Error, Result};
use crate::frame::{Frame, Size};
use crate::live::clock::LiveClock;
use crate::live::microphone::{self, TimedSound};
use crate::time::FrameTime;
use crate::video::read::microphone::{Microphone, MicrophoneName};
use crate::video::read::{Clip, VideoInfo};
use crate::video::write::{FileOutput, FileSink, Sink as _};

/// Frames that may wait for the encoder; more are lost, and counted.
const WAITING: usize = 8;

/// Takes word of what is amiss with the recording, or that nothing is.
type Tell = Arc<dyn Fn(Option<String>) + Send + Sync>;

/// The recorder of a session.
pub struct Recorder {
    reel: Mutex<Option<Recording>>,
    /// What frames are stamped by, and so sound.
    clock: LiveClock,
    lost: AtomicU64,
    tell: Tell,
}

struct Recording {
    path: PathBuf,
    since: Instant,
    frames: Sender<Arc<Frame>>,
    writer: JoinHandle<Result<()>>,
}

impl Recorder {
    /// One that does not record yet, of frames stamped by `clock`; `tell` hears at once when a recording breaks off.
    pub fn new(clock: LiveClock, tell: impl Fn(Option<String>) + Send + Sync + 'static) -> Self {
        Self { reel: Mutex::default(), clock, lost: AtomicU64::default(), tell: Arc::new(tell) }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Recording>> {
        // It is there or it is not.
        self.reel.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to record, after ending what was recorded before. Without the microphone that is usual there is no sound;
    /// without one that was named there is no recording.
    ///
    /// # Errors
    /// Returns an error if the file cannot be made, the recording before could not be finished, or a microphone that was
    /// named cannot be listened to.
    pub fn start(&self, output: &FileOutput, info: &VideoInfo, microphone: &MicrophoneName) -> Result<()> {
        // What broke off by itself was told then.
        let is_told = self.lock().as_ref().is_some_and(|reel| reel.writer.is_finished());
        let before = self.stop().or_else(|error| if is_told { Ok(()) } else { Err(error) });
        output.check_recording()?;
        let (microphone, silent) = self.microphone(microphone)?;
        let sink = FileSink::record(output, info, microphone.as_ref())?;
        (self.tell)(silent);
        let (told, tell) = (self.tell.clone(), self.tell.clone());
        let sounds = match microphone {
            Some(microphone) => microphone::listen(microphone, self.clock, move |why| told(Some(why)))?,
            None => never(),
        };
        let (frames, waiting) = bounded(WAITING);
        let size = info.size;
        let name = "record";
        let writing = move || write_all(sink, size, &waiting, sounds, &tell);
        let writer = Builder::new().name(name.into()).spawn(writing).map_err(|_| Error::Stage { name })?;
        *self.lock() = Some(Recording { path: output.path.clone(), since: Instant::now(), frames, writer });
        before
    }

    /// The microphone, or why the recording will have no sound although one was expected.
    fn microphone(&self, name: &MicrophoneName) -> Result<(Option<Microphone>, Option<String>)> {
        match (microphone::open(name), name) {
            (Ok(microphone), _) => Ok((microphone, None)),
            (Err(error), MicrophoneName::Default) => {
                let why = format!(
                    "the recording has no sound: {}; `--microphone` names another one, or `none`",
                    error.in_a_line()
                );
                Ok((None, Some(why)))
            }
            (Err(error), _) => Err(error),
        }
    }

    /// Records a frame, if it records.
    pub fn offer(&self, frame: &Arc<Frame>) {
        // One that broke off takes no more, and that is known.
        if let Some(reel) = &*self.lock()
            && let Err(TrySendError::Full(_)) = reel.frames.try_send(frame.clone())
        {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What is being recorded to, if nothing broke it off.
    pub fn path(&self) -> Option<PathBuf> {
        self.running(|reel| reel.path.clone())
    }

    /// Since when it records, if nothing broke it off.
    pub fn since(&self) -> Option<Instant> {
        self.running(|reel| reel.since)
    }

    fn running<T>(&self, of: impl Fn(&Recording) -> T) -> Option<T> {
        self.lock().as_ref().filter(|reel| !reel.writer.is_finished()).map(of)
    }

    /// Ends the recording, if there is one: the file is whole and has its name.
    ///
    /// # Errors
    /// Returns an error if it could not be written.
    pub fn stop(&self) -> Result<()> {
        let Some(Recording { path, frames, writer, .. }) = self.lock().take() else { return Ok(()) };
        drop(frames);
        writer.join().unwrap_or(Err(Error::Stage { name: "record" }))?;
        match self.lost.swap(0, Ordering::Relaxed) {
            0 => tracing::info!("recorded {}", path.display()),
            lost => {
                tracing::warn!("{} lacks {lost} frames that could not be encoded in time", path.display())
            }
        }
        Ok(())
    }
}

fn write_all(
    mut sink: FileSink,
    size: Size,
    frames: &Receiver<Arc<Frame>>,
    mut sounds: Receiver<TimedSound>,
    tell: &Tell,
) -> Result<()> {
    let (mut first, mut last) = (None, FrameTime::ZERO);
    loop {
        let written = select! {
            recv(frames) -> frame => match frame {
                Ok(frame) if frame.size != size => {
                    tell(Some("the recording ended, because the camera's pictures have another size now".into()));
                    break;
                }
                Ok(frame) => {
                    last = frame.time - *first.get_or_insert(frame.time);
                    sink.write(Frame { time: last, ..Frame::clone(&frame) })
                }
                Err(_) => break,
            },
            recv(sounds) -> heard => match (heard, first) {
                (Ok((sound, time)), Some(began)) => sink.hear(sound, time - began),
                // It begins with its first picture.
                (Ok(_), None) => Ok(()),
                (Err(_), _) => {
                    sounds = never();
                    Ok(())
                }
            },
        };
        if let Err(error) = written {
            return Err(broken_off(sink, last, error, tell));
        }
    }
    Box::new(sink).finish()
}

/// Keeps what there is of a recording that cannot go on, and tells so.
fn broken_off(sink: FileSink, last: FrameTime, error: Error, tell: &Tell) -> Error {
    let kept = match sink.keep() {
        Ok(()) => format!("it is kept up to about {last}"),
        Err(lost) => format!("and nothing is kept, because {lost}"),
    };
    let told = format!("the recording broke off, {kept}: {}", error.in_a_line());
    // On the terminal too, even with `--quiet`: what is lost does not come again.
    tracing::error!("{told}");
    tell(Some(told));
    error
}

/// The first name of the kind `stylewarp-0001.png` that is free in a folder.
pub fn free_name(folder: &Path, extension: &str) -> PathBuf {
    let name = |number: u32| folder.join(format!("stylewarp-{number:04}.{extension}"));
    let is_free = |path: &PathBuf| path.symlink_metadata().is_err();
    (1..u32::MAX).map(name).find(is_free).unwrap_or_else(|| name(u32::MAX))
}

/// A recording's picture, given the session's.
pub fn recorded(info: &VideoInfo) -> VideoInfo {
    VideoInfo { frames: None, duration: None, origin: FrameTime::ZERO, clip: Clip::default(), ..info.clone() }
}

#[cfg(test)]
mod tests {
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
        let info = crate::live::capture::info::live_info(
            size,
            crate::time::FrameRate::new(30, 1).expect("positive"),
        );
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
            assert_eq!(
                std::iter::from_fn(|| played.next().expect("whole")).count(),
                count,
                "{}",
                path.display()
            );
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
}
