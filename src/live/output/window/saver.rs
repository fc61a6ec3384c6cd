//! Snapshots, recordings and outputs, in a thread of their own: encoding a picture, opening an encoder or a device and
//! closing a file take long enough for a window to stand still.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::error::Result;
use crate::frame::Frame;
use crate::image_file;
use crate::live::SessionHandle;
use crate::live::output::http::{self, ServeOptions};
use crate::live::output::open::OpenOutputs;
use crate::live::recorder::free_name;

/// Jobs that may wait, and messages that may.
const WAITING: usize = 4;

/// What is to be done.
pub(super) enum Job {
    /// Saves a picture.
    Snapshot(Arc<Frame>),
    /// Begins to record, or ends what is being recorded.
    Record,
    /// Serves the page, or does so no more.
    Page(bool),
    /// Is a camera at this device, or at none.
    VirtualCamera(Option<PathBuf>),
}

/// Whose pictures are saved, and where they go besides.
pub(super) struct Setup {
    pub(super) live: SessionHandle,
    pub(super) open: Arc<OpenOutputs>,
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
            Job::Record => (self.record(), "no recording"),
            Job::Page(true) => (self.serve(), "no browser source"),
            Job::Page(false) => {
                self.open.end_page();
                (Ok("the browser source is gone".into()), "")
            }
            Job::VirtualCamera(Some(path)) => {
                let told = format!("OBS, Zoom and browsers see a camera at {}", path.display());
                (self.open.start_camera(&path).map(|()| told), "no virtual camera")
            }
            Job::VirtualCamera(None) => {
                self.open.end_camera();
                (Ok("the virtual camera is gone".into()), "")
            }
        };
        done.unwrap_or_else(|error| (self.live.report)(&error, what))
    }

    fn snapshot(&self, frame: &Frame) -> Result<String> {
        let path = free_name(&self.live.folder, "png");
        // Where nothing shows behind the subject, it stays transparent.
        image_file::write_over(&path, frame, [0; 3], false)?;
        Ok(format!("saved {}", path.display()))
    }

    /// At the usual port, or at one that is free.
    fn serve(&self) -> Result<String> {
        let options = |port| ServeOptions {
            address: (std::net::Ipv4Addr::LOCALHOST, port).into(),
            insecure: false,
            new_token: false,
        };
        let usual = http::bind(options(http::PORT)).map(|listener| (listener, options(http::PORT)));
        let (listener, options) =
            usual.or_else(|_| http::bind(options(0)).map(|listener| (listener, options(0))))?;
        self.open.serve(listener, options)?;
        Ok("the browser source is there; copy its address into OBS".into())
    }

    fn record(&self) -> Result<String> {
        match self.live.recorder.path() {
            Some(_) => self.live.end_recording(),
            None => self.live.start_recording(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Size;
    use crate::live::capture::info::live_info;
    use crate::time::{FrameRate, FrameTime};

    #[test]
    fn what_was_begun_is_saved_before_it_ends() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let size = Size { width: 64, height: 36 };
        let info = live_info(size, FrameRate::new(30, 1).expect("positive"));
        let live = SessionHandle { folder: folder.path().into(), ..SessionHandle::idle(info) };
        let setup = Setup { live: live.clone(), open: Arc::new(OpenOutputs::new(live)) };
        let recorder = setup.live.recorder.clone();
        let saver = Saver::start(setup).expect("started");
        let frame = Arc::new(Frame::filled(size, FrameTime::ZERO, [200, 90, 20, 255]));
        assert!(saver.ask(Job::Snapshot(frame.clone())) && saver.ask(Job::Record));
        while recorder.path().is_none() {
            std::thread::yield_now();
        }
        recorder.offer(&frame);
        assert!(saver.ask(Job::Record));
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
