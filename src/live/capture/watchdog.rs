//! The camera's threads.
//!
//! A driver may never return from reading, so the thread that reads is left to
//! itself: nobody joins it. A second one watches it. When nothing comes for
//! [`PATIENCE`], or the camera fails, the picture stands still, the user is told,
//! and the camera is opened again until it answers: unplugged and plugged in
//! again, it comes back by itself.

use std::sync::Arc;
use std::thread::Builder;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use crate::cancel::CancelToken;
use crate::error::{Error, Result};
use crate::frame::Frame;
use crate::live::capture::request::CameraRequest;
use crate::live::clock::LiveClock;
use crate::live::controls::Controls;
use crate::live::latest;
use crate::live::stats::Stats;
use crate::video::read::VideoInfo;

/// Seconds without a picture after which a camera counts as lost.
const PATIENCE: Duration = Duration::from_secs(3);
/// For the first picture: some cameras take their time to start.
const FIRST: Duration = Duration::from_secs(8);
/// Between attempts to open a lost camera.
const PAUSE: Duration = Duration::from_millis(700);

/// What the reading thread tells.
enum Event {
    Opened(Box<VideoInfo>),
    Frame(Frame),
    Failed(Error),
}

/// What a session's camera threads share.
#[derive(Clone)]
pub(crate) struct Capture {
    pub request: CameraRequest,
    pub clock: LiveClock,
    pub stop: CancelToken,
}

/// A camera that has been opened, not yet watched.
pub(crate) struct Opened {
    pub info: VideoInfo,
    events: Receiver<Event>,
}

impl Capture {
    /// Opens the camera and waits for it to answer.
    pub(crate) fn open(&self) -> Result<Opened> {
        let events = self.read()?;
        match events.recv_timeout(FIRST) {
            Ok(Event::Opened(info)) => Ok(Opened { info: *info, events }),
            Ok(Event::Failed(error)) => Err(error),
            _ => Err(Error::CameraStalled { name: self.request.name.to_string() }),
        }
    }

    /// Starts a thread that reads until it fails, is stopped, or nobody listens.
    fn read(&self) -> Result<Receiver<Event>> {
        let (out, events) = bounded(1);
        let capture = self.clone();
        let name = "camera";
        Builder::new()
            .name(name.into())
            .spawn(move || {
                if let Err(error) = capture.pump(&out) {
                    // If nobody listens any more, nobody minds.
                    let _ = out.send(Event::Failed(error));
                }
            })
            .map_err(|_| Error::Stage { name })?;
        Ok(events)
    }

    fn pump(&self, out: &Sender<Event>) -> Result<()> {
        let mut source = self.request.open(self.clock, &self.stop)?;
        let mut heard = out.send(Event::Opened(Box::new(source.info().clone()))).is_ok();
        while heard && let Some(frame) = source.next()? {
            heard = out.send(Event::Frame(frame)).is_ok();
        }
        Ok(())
    }

    /// Starts the watching thread, which hands every picture on.
    pub(crate) fn watch(
        self,
        opened: Opened,
        out: latest::Sender<Arc<Frame>>,
        controls: Arc<Controls>,
        stats: Arc<Stats>,
    ) -> Result<()> {
        let name = "watch";
        let watch = move || {
            let mut events = opened.events;
            while !self.stop.is_raised() {
                match events.recv_timeout(PATIENCE) {
                    Ok(Event::Frame(frame)) => {
                        stats.captured(self.clock.now());
                        controls.set_notice("camera", None);
                        let state = controls.state();
                        if state.frozen {
                            continue;
                        }
                        let frame = if state.mirror { mirrored(frame) } else { frame };
                        if !out.send(Arc::new(frame)) {
                            return;
                        }
                    }
                    Ok(Event::Opened(info)) => tracing::debug!("the camera gives {}", info.size),
                    Ok(Event::Failed(error)) => {
                        controls.set_notice(
                            "camera",
                            Some(format!("the picture stands still: {}", one_line(&error))),
                        );
                        events = self.again(events);
                    }
                    Err(RecvTimeoutError::Timeout) => {
                        controls.set_notice(
                            "camera",
                            Some(format!(
                                "the picture stands still: the camera {} has given none for {} s",
                                self.request.name,
                                PATIENCE.as_secs()
                            )),
                        );
                        events = self.again(events);
                    }
                    Err(RecvTimeoutError::Disconnected) if self.stop.is_raised() => return,
                    Err(RecvTimeoutError::Disconnected) => {
                        controls
                            .set_notice("camera", Some("the picture stands still: the camera ended".into()));
                        events = self.again(events);
                    }
                }
            }
        };
        Builder::new().name(name.into()).spawn(watch).map(drop).map_err(|_| Error::Stage { name })
    }

    /// Another reading thread, after a pause; the one before is let go.
    fn again(&self, before: Receiver<Event>) -> Receiver<Event> {
        std::thread::sleep(PAUSE);
        self.read().unwrap_or(before)
    }
}

fn one_line(error: &Error) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(", {cause}")).unwrap_or_default();
    format!("{error}{cause}")
}

/// Left and right swapped.
fn mirrored(mut frame: Frame) -> Frame {
    let stride = frame.stride();
    for row in frame.pixels.chunks_exact_mut(stride) {
        let (pixels, _) = row.as_chunks_mut::<4>();
        pixels.reverse();
    }
    frame
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Size;
    use crate::live::capture::request::CameraName;
    use crate::live::controls::ControlState;
    use crate::live::latest::{Received, channel};
    use crate::look::Look;
    use crate::time::FrameTime;

    #[test]
    fn mirrors_pixels_not_channels() {
        let size = Size { width: 2, height: 2 };
        let frame = Frame { size, time: FrameTime::ZERO, pixels: (0..16).collect() };
        assert_eq!(mirrored(frame).pixels, [4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11]);
    }

    #[test]
    fn a_clip_that_vanishes_is_told_and_comes_back() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("clip.mp4");
        // Short: it is opened again and again.
        std::fs::copy("tests/data/bunny.mp4", &path).expect("copied");
        let request = CameraRequest { name: CameraName::File(path.clone()), size: None, fps: None };
        let capture = Capture { request, clock: LiveClock::new(), stop: CancelToken::new() };
        let stop = capture.stop.clone();
        let (wanted, _names) = channel();
        let controls = Arc::new(Controls::new(ControlState::of(&Look::default(), false), wanted));
        let (put, take) = channel();
        let opened = capture.open().expect("a clip");
        std::fs::rename(&path, folder.path().join("away.mp4")).expect("renamed");
        capture.watch(opened, put, controls.clone(), Arc::default()).expect("started");
        let patience = Duration::from_secs(30);
        let until = |done: &dyn Fn() -> bool| {
            for _ in 0..3000 {
                if done() {
                    return;
                }
                std::thread::sleep(Duration::from_millis(10));
            }
            panic!("it never came");
        };
        assert!(matches!(take.take(patience), Received::Item(_)));
        until(&|| controls.notice().is_some_and(|told| told.contains("stands still")));
        std::fs::rename(folder.path().join("away.mp4"), &path).expect("renamed");
        until(&|| controls.notice().is_none());
        take.now();
        assert!(matches!(take.take(patience), Received::Item(_)));
        stop.raise();
    }

    #[test]
    fn what_cannot_be_opened_is_an_error_at_once() {
        let name = CameraName::File("no-such.mp4".into());
        let request = CameraRequest { name, size: None, fps: None };
        let capture = Capture { request, clock: LiveClock::new(), stop: CancelToken::new() };
        assert!(matches!(capture.open(), Err(Error::Read { .. })));
    }
}
