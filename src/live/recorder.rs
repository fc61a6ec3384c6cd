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
use crate::video::error::VideoError;
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
            (Err(error), MicrophoneName::Default) if is_without_sound(&error) => {
                tracing::info!("the recording has no sound: this machine has no microphone");
                Ok((None, None))
            }
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

/// Whether a microphone cannot be opened because the machine lists none.
fn is_without_sound(error: &Error) -> bool {
    matches!(error.downcast_ref(), Some(VideoError::Microphone { available, .. }) if available.is_empty())
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
mod tests;
