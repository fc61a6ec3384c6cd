//! Snapshots and recordings, in a thread of their own: encoding a picture, opening an encoder and closing a file take
//! long enough for a window to stand still.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::error::{Error, Result};
use crate::frame::{Frame, Size};
use crate::image_file;
use crate::live::recorder::{Recorder, free_name};
use crate::video::read::VideoInfo;
use crate::video::write::FileOutput;

/// Jobs that may wait, and messages that may.
const WAITING: usize = 4;

/// What is to be done.
pub(super) enum Job {
    /// Saves a picture.
    Snapshot(Arc<Frame>),
    /// Begins to record pictures of a size, or ends what is being recorded.
    Record(Size),
}

/// Where things are saved, and how.
pub(super) struct Setup {
    pub(super) recorder: Arc<Recorder>,
    pub(super) info: VideoInfo,
    pub(super) folder: PathBuf,
    pub(super) report: fn(&Error, &str) -> String,
}

/// The thread that saves; dropped, it ends what it has begun first.
pub(super) struct Saver {
    /// There until it is dropped.
    jobs: Option<Sender<Job>>,
    told: Receiver<String>,
    thread: Option<JoinHandle<()>>,
}

impl Saver {
    /// Starts the thread.
    ///
    /// # Errors
    /// Returns an error if the system has no thread to give.
    pub(super) fn start(setup: Setup) -> io::Result<Self> {
        let (jobs, waiting) = bounded::<Job>(WAITING);
        let (tell, told) = bounded(WAITING);
        let work = move || {
            for job in waiting {
                // A window that has not shown the last messages yet does not need this one.
                let _ = tell.try_send(setup.run(job));
            }
        };
        let thread = Builder::new().name("save".into()).spawn(work)?;
        Ok(Self { jobs: Some(jobs), told, thread: Some(thread) })
    }

    /// Gives it a job; whether it can take one more.
    pub(super) fn ask(&self, job: Job) -> bool {
        self.jobs.as_ref().is_some_and(|jobs| jobs.try_send(job).is_ok())
    }

    /// How a job went, for people.
    pub(super) fn told(&self) -> Option<String> {
        self.told.try_recv().ok()
    }
}

impl Drop for Saver {
    fn drop(&mut self) {
        self.jobs = None;
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::warn!("what saves pictures broke down; this is a bug");
        }
    }
}

impl Setup {
    fn run(&self, job: Job) -> String {
        let (done, what) = match job {
            Job::Snapshot(frame) => (self.snapshot(&frame), "no snapshot"),
            Job::Record(size) => (self.record(size), "no recording"),
        };
        done.unwrap_or_else(|error| (self.report)(&error, what))
    }

    fn snapshot(&self, frame: &Frame) -> Result<String> {
        let path = free_name(&self.folder, "png");
        image_file::write(&path, frame, false)?;
        Ok(format!("saved {}", path.display()))
    }

    fn record(&self, size: Size) -> Result<String> {
        if let Some(path) = self.recorder.path() {
            self.recorder.stop()?;
            return Ok(format!("saved {}", path.display()));
        }
        let path = free_name(&self.folder, "mp4");
        let output = FileOutput::new(&path);
        self.recorder.start(&output, &VideoInfo { size, ..self.info.clone() })?;
        Ok(format!("recording to {}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::capture::info::live_info;
    use crate::time::{FrameRate, FrameTime};

    #[test]
    fn what_was_begun_is_saved_before_it_ends() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let size = Size { width: 64, height: 36 };
        let setup = Setup {
            recorder: Arc::new(Recorder::new(|_| {})),
            info: live_info(size, FrameRate::new(30, 1).expect("positive")),
            folder: folder.path().into(),
            report: |error, who| error.explained(who),
        };
        let recorder = setup.recorder.clone();
        let saver = Saver::start(setup).expect("started");
        let frame = Arc::new(Frame::filled(size, FrameTime::ZERO, [200, 90, 20, 255]));
        assert!(saver.ask(Job::Snapshot(frame.clone())) && saver.ask(Job::Record(size)));
        while recorder.path().is_none() {
            std::thread::yield_now();
        }
        recorder.offer(&frame);
        assert!(saver.ask(Job::Record(size)));
        let told = saver.told.clone();
        drop(saver);
        let told: Vec<_> = told.try_iter().collect();
        assert_eq!(told.len(), 3, "{told:?}");
        for (told, words) in told.iter().zip([["saved", ".png"], ["recording", ".mp4"], ["saved", ".mp4"]]) {
            assert!(words.iter().all(|word| told.contains(word)), "{told}");
        }
        assert_eq!(std::fs::read_dir(folder.path()).expect("listed").count(), 2);
    }
}
