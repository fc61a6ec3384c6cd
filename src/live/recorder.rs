//! Records a session to a file, with the times at which frames were taken.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::error::{Error, Result};
use crate::frame::Frame;
use crate::time::FrameTime;
use crate::video::read::{Clip, VideoInfo};
use crate::video::write::{FileOutput, FileSink, Sink as _};

/// Frames that may wait for the encoder; more are lost, and counted.
const WAITING: usize = 8;

/// The recorder of a session.
#[derive(Default)]
pub struct Recorder {
    reel: Mutex<Option<Recording>>,
    lost: Arc<AtomicU64>,
}

struct Recording {
    path: PathBuf,
    frames: Sender<Arc<Frame>>,
    writer: JoinHandle<Result<()>>,
}

impl Recorder {
    fn lock(&self) -> MutexGuard<'_, Option<Recording>> {
        // It is there or it is not.
        self.reel.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to record, after ending what was recorded before.
    ///
    /// # Errors
    /// Returns an error if the file cannot be made, or the recording before could not be finished.
    pub fn start(&self, output: &FileOutput, info: &VideoInfo) -> Result<()> {
        let before = self.stop();
        let sink = FileSink::record(output, info)?;
        let (frames, waiting) = bounded(WAITING);
        let size = info.size;
        let name = "record";
        let writer = Builder::new().name(name.into()).spawn(move || write_all(sink, size, waiting));
        let writer = writer.map_err(|_| Error::Stage { name })?;
        *self.lock() = Some(Recording { path: output.path.clone(), frames, writer });
        before
    }

    /// Records a frame, if it records.
    pub(super) fn offer(&self, frame: &Arc<Frame>) {
        if let Some(reel) = &*self.lock()
            && reel.frames.try_send(frame.clone()).is_err()
        {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What is being recorded to.
    pub fn path(&self) -> Option<PathBuf> {
        self.lock().as_ref().map(|reel| reel.path.clone())
    }

    /// Ends the recording, if there is one: the file is whole and has its name.
    ///
    /// # Errors
    /// Returns an error if it could not be written.
    pub fn stop(&self) -> Result<()> {
        let Some(Recording { path, frames, writer }) = self.lock().take() else { return Ok(()) };
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

fn write_all(mut sink: FileSink, size: crate::frame::Size, frames: Receiver<Arc<Frame>>) -> Result<()> {
    let mut first = None;
    for frame in frames {
        if frame.size != size {
            tracing::warn!("the recording ends, because the camera's pictures have another size now");
            break;
        }
        let began = *first.get_or_insert(frame.time);
        sink.write(Frame { time: frame.time - began, ..Frame::clone(&frame) })?;
    }
    Box::new(sink).finish()
}

/// The first name of the kind `stylewarp-0001.png` that is free in a folder.
pub fn free_name(folder: &Path, extension: &str) -> PathBuf {
    let name = |number: u32| folder.join(format!("stylewarp-{number:04}.{extension}"));
    (1..=9999).map(name).find(|path| !path.exists()).unwrap_or_else(|| name(10_000))
}

/// A recording's picture, given the session's.
pub fn recorded(info: &VideoInfo) -> VideoInfo {
    VideoInfo { frames: None, duration: None, origin: FrameTime::ZERO, clip: Clip::default(), ..info.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cancel::CancelToken;
    use crate::frame::Size;
    use crate::video::read::{FileSource, Source as _};
    use crate::video::write::Audio;

    #[test]
    fn what_is_recorded_plays_with_its_own_times() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = free_name(folder.path(), "mp4");
        let size = Size { width: 64, height: 36 };
        let info = crate::live::capture::info::live_info(
            size,
            crate::time::FrameRate::new(30, 1).expect("positive"),
        );
        let recorder = Recorder::default();
        recorder.offer(&Arc::new(Frame::filled(size, FrameTime::ZERO, [0; 4])));
        let output = FileOutput {
            path: path.clone(),
            overwrite: false,
            codec: None,
            crf: None,
            audio: Audio::default(),
        };
        recorder.start(&output, &info).expect("started");
        let told = [5.0, 5.05, 5.2];
        for secs in told {
            let frame = Frame::filled(size, FrameTime::from_secs_f64(secs), [200, 90, 20, 255]);
            recorder.offer(&Arc::new(frame));
        }
        assert_eq!(recorder.path(), Some(path.clone()));
        recorder.stop().expect("finished");
        let mut played = FileSource::open(&path, Clip::default(), CancelToken::new()).expect("plays");
        let mut times = Vec::new();
        while let Some(frame) = played.next().expect("whole") {
            times.push((frame.time.as_secs_f64() * 1000.0).round());
        }
        assert_eq!(times, [0.0, 50.0, 200.0]);
        assert!(free_name(folder.path(), "mp4") != path && recorder.path().is_none());
    }
}
