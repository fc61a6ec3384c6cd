//! The camera's threads.
//!
//! A driver may never return from reading, so the thread that reads is left to
//! itself: nobody joins it. A second one watches it. When nothing comes for some
//! seconds, or the camera fails, the picture stands still, the user is told, the
//! reading thread is asked to give the camera back, and another opens it, again
//! and again until it answers: unplugged and plugged in again, it comes back by
//! itself. Another camera that is asked for takes its place in the same way. What went wrong first stays told until a
//! picture comes: that opening fails afterwards, again and again, is its consequence. Threads that do not come back from their driver are few: beyond
//! [`MOST_HUNG`], no more are started until one of them does.

use std::sync::Arc;
use std::thread::{Builder, JoinHandle, sleep};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use crate::cancel::CancelToken;
use crate::error::{Error, Result};
use crate::frame::Frame;
use crate::live::capture::request::{CameraName, CameraRequest};
use crate::live::capture::shutter::Shutter;
use crate::live::clock::LiveClock;
use crate::live::controls::Controls;
use crate::live::error::LiveError;
use crate::live::latest;
use crate::live::stats::Stats;
use crate::time::FrameRate;
use crate::video::read::{Source, VideoInfo};

/// How often the watching thread looks whether it should end.
const TICK: Duration = Duration::from_millis(100);
/// Reading threads that may hang in a driver at a time.
const MOST_HUNG: usize = 3;

/// How long is waited for what.
#[derive(Debug, Clone, Copy)]
struct Patience {
    /// For a camera to open, and for its first picture: some take their time to start.
    first: Duration,
    /// For every other picture.
    next: Duration,
    /// For a camera that was lost to be given back by its driver.
    end: Duration,
    /// Before a lost camera is opened again.
    pause: Duration,
}

const PATIENCE: Patience = Patience {
    first: Duration::from_secs(8),
    next: Duration::from_secs(3),
    end: Duration::from_secs(2),
    pause: Duration::from_millis(700),
};

/// What the reading thread tells.
enum Event {
    Opened(Box<VideoInfo>),
    Frame(Frame),
    Failed(Error),
}

/// Opens a camera, which ends when the token is raised.
type Opener = dyn Fn(&CancelToken) -> Result<Box<dyn Source>> + Send + Sync;

/// Where pictures go, and the rates of the cameras that give them.
pub(crate) struct Outs {
    pub frames: latest::Sender<Arc<Frame>>,
    pub rates: latest::Sender<FrameRate>,
}

/// What a session's camera threads share.
#[derive(Clone)]
pub(crate) struct Capture {
    request: CameraRequest,
    opener: Arc<Opener>,
    clock: LiveClock,
    stop: CancelToken,
    patience: Patience,
}

/// A thread that reads. Dropped, it is asked to end and nobody listens to it any more.
struct Reader {
    events: Receiver<Event>,
    end: CancelToken,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.end.raise();
    }
}

/// A camera that has been opened, not yet watched.
pub(crate) struct OpenCamera {
    pub info: VideoInfo,
    reader: Reader,
}

impl Capture {
    /// A camera as asked for, until `stop`.
    pub(crate) fn new(request: CameraRequest, clock: LiveClock, stop: CancelToken) -> Self {
        let opener = opener(&request, clock);
        Self { request, opener, clock, stop, patience: PATIENCE }
    }

    /// Opens the camera and waits for it to answer.
    pub(crate) fn open(&self) -> Result<OpenCamera> {
        let reader = self.read()?;
        match reader.events.recv_timeout(self.patience.first) {
            Ok(Event::Opened(info)) => Ok(OpenCamera { info: *info, reader }),
            Ok(Event::Failed(error)) => Err(error),
            _ => Err(LiveError::CameraStalled { name: self.request.name.to_string() }.into()),
        }
    }

    /// Starts a thread that reads until it fails, is asked to end, or nobody listens.
    fn read(&self) -> Result<Reader> {
        let (out, events) = bounded(1);
        let (opener, end) = (self.opener.clone(), CancelToken::new());
        let until = end.clone();
        let name = "camera";
        let thread = Builder::new().name(name.into()).spawn(move || {
            if let Err(error) = pump(&*opener, &until, &out) {
                // If nobody listens any more, nobody minds.
                let _ = out.send(Event::Failed(error));
            }
        });
        let thread = Some(thread.map_err(|_| Error::Stage { name })?);
        Ok(Reader { events, end, thread })
    }

    /// Starts the watching thread, which hands every picture on, and takes other cameras.
    pub(crate) fn watch(
        mut self,
        opened: OpenCamera,
        others: latest::Receiver<CameraRequest>,
        out: Outs,
        controls: Arc<Controls>,
        stats: Arc<Stats>,
    ) -> Result<()> {
        let name = "watch";
        let watch = move || {
            let (mut reader, mut hung) = (opened.reader, Vec::new());
            let (mut heard, mut patience) = (Instant::now(), self.patience.first);
            let (mut trouble, mut shutter) = (Trouble::default(), Shutter::default());
            while !self.stop.is_raised() {
                let mut failed = None;
                if let Some(request) = others.now() {
                    self.opener = opener(&request, self.clock);
                    (self.request, trouble) = (request, Trouble::default());
                    controls.notices.tell("camera", None);
                } else {
                    match reader.events.recv_timeout(TICK.min(self.patience.next)) {
                        Ok(Event::Frame(frame)) => {
                            (heard, patience) = (Instant::now(), self.patience.next);
                            stats.captured(self.clock.now());
                            trouble = Trouble::default();
                            controls.notices.tell("camera", None);
                            controls.notices.tell("shutter", shutter.run(&frame).map(str::to_owned));
                            if !hand_on(frame, &out.frames, &controls) {
                                return;
                            }
                            continue;
                        }
                        Ok(Event::Opened(info)) => {
                            tracing::debug!("the camera gives {}", info.size);
                            out.rates.send(self.request.rate(&info));
                            continue;
                        }
                        Ok(Event::Failed(error)) => failed = Some(error.in_a_line()),
                        Err(RecvTimeoutError::Timeout) if heard.elapsed() < patience => continue,
                        Err(RecvTimeoutError::Timeout) => {
                            let (name, secs) = (&self.request.name, patience.as_secs());
                            failed = Some(format!("the camera {name} has given none for {secs} s"));
                        }
                        Err(RecvTimeoutError::Disconnected) => failed = Some("the camera ended".into()),
                    }
                }
                if let Some(reason) = failed {
                    controls.notices.tell("camera", Some(trouble.first(reason)));
                }
                match self.again(reader, &mut hung, &mut trouble, &controls) {
                    Some(another) => reader = another,
                    None => return,
                }
                (heard, patience) = (Instant::now(), self.patience.first);
            }
        };
        Builder::new().name(name.into()).spawn(watch).map(drop).map_err(|_| Error::Stage { name })
    }

    /// Another reading thread, after the one before has given the camera back, or hangs; `None` when the
    /// session stops.
    fn again(
        &self,
        mut before: Reader,
        hung: &mut Vec<JoinHandle<()>>,
        trouble: &mut Trouble,
        controls: &Controls,
    ) -> Option<Reader> {
        hung.extend(before.thread.take());
        drop(before);
        let began = Instant::now();
        loop {
            hung.retain(|thread| !thread.is_finished());
            let waited = began.elapsed();
            let may_open = hung.is_empty() || (waited >= self.patience.end && hung.len() < MOST_HUNG);
            if self.stop.is_raised() {
                return None;
            }
            if waited >= self.patience.pause && may_open {
                match self.read() {
                    Ok(reader) => return Some(reader),
                    // The system has no thread to give now.
                    Err(error) => tracing::debug!("{error}"),
                }
            }
            if waited >= self.patience.end && !may_open {
                controls.notices.tell("camera", Some(trouble.hangs(&self.request.name)));
            }
            sleep(TICK.min(self.patience.pause));
        }
    }
}

/// Why the picture stands still.
#[derive(Default)]
struct Trouble(Option<String>);

impl Trouble {
    /// For people, given the latest reason: the first one counts.
    fn first(&mut self, reason: String) -> String {
        if let Some(first) = self.0.as_ref().filter(|first| **first != reason) {
            tracing::debug!("{first}; after that: {reason}");
        }
        format!("the picture stands still: {}", self.0.get_or_insert(reason))
    }

    /// The same of a camera whose driver does not come back.
    fn hangs(&mut self, name: &CameraName) -> String {
        let told = self.first(format!("the camera {name} does not answer"));
        format!("{told}; its driver hangs: unplug it and plug it in again")
    }
}

fn opener(request: &CameraRequest, clock: LiveClock) -> Arc<Opener> {
    let request = request.clone();
    Arc::new(move |end: &CancelToken| request.open(clock, end))
}

fn pump(opener: &Opener, end: &CancelToken, out: &Sender<Event>) -> Result<()> {
    let mut source = opener(end)?;
    let mut heard = out.send(Event::Opened(Box::new(source.info().clone()))).is_ok();
    while heard && let Some(frame) = source.next()? {
        heard = out.send(Event::Frame(frame)).is_ok();
    }
    Ok(())
}

/// Hands a picture on, unless the picture is frozen; whether anyone may yet take it.
fn hand_on(frame: Frame, out: &latest::Sender<Arc<Frame>>, controls: &Controls) -> bool {
    controls.state().frozen || out.send(Arc::new(frame))
}

#[cfg(test)]
mod tests;
