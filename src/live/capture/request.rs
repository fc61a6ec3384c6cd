//! What a live session looks at: a camera, or for those without one a looped
//! clip or the test card, at their own pace.

use std::path::{Path, PathBuf};

use crate::cancel::CancelToken;
use crate::error::Result;
use crate::frame::{Frame, Size};
use crate::live::capture::camera::CameraSource;
use crate::live::capture::info::live_info;
use crate::live::capture::test_pattern;
use crate::live::clock::LiveClock;
use crate::time::{FrameRate, FrameTime};
use crate::video::error::VideoError;
use crate::video::read::{Clip, FileSource, Source, VideoInfo};

/// Of the test card, unless others are asked for.
const CARD_SIZE: Size = Size { width: 640, height: 360 };
const CARD_RATE: u32 = 30;

/// Which camera, as typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CameraName {
    /// A moving pattern with a clock in it.
    Test,
    /// A clip, over and over.
    File(PathBuf),
    /// A device: its number, its path, or part of its name.
    Device(String),
}

impl std::str::FromStr for CameraName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            _ if text.is_empty() => Err("no name at all".into()),
            _ if text == "test" => Ok(Self::Test),
            Some(("file", "")) => Err("file: wants a name after it, as in file:clip.mp4".into()),
            Some(("file", path)) => Ok(Self::File(path.into())),
            _ => Ok(Self::Device(text.into())),
        }
    }
}

impl std::fmt::Display for CameraName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Test => f.write_str("test"),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Device(name) => f.write_str(name),
        }
    }
}

/// What to look at, and what is wished for; a camera gives what comes closest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CameraRequest {
    /// Which camera.
    pub name: CameraName,
    /// Size of its pictures.
    pub size: Option<Size>,
    /// Pictures a second.
    pub fps: Option<u32>,
}

impl CameraRequest {
    /// The rate to hold, of what a camera gives: no more than was asked for.
    pub(crate) fn rate(&self, given: &VideoInfo) -> FrameRate {
        match self.fps.and_then(|fps| FrameRate::new(fps as i32, 1)) {
            Some(asked) if asked.as_f64() < given.rate.as_f64() => asked,
            _ => given.rate,
        }
    }

    /// Opens it. Frames are stamped by `clock`; [`Source::next`] waits for the next one.
    ///
    /// # Errors
    /// Returns an error if there is none, or it is busy, forbidden or gives nothing we can read.
    pub fn open(&self, clock: LiveClock, stop: &CancelToken) -> Result<Box<dyn Source>> {
        Ok(match &self.name {
            CameraName::Test => Box::new(TestSource::new(self, clock, stop.clone())),
            CameraName::File(path) => Box::new(LoopSource::open(path, clock, stop.clone())?),
            CameraName::Device(name) => {
                Box::new(CameraSource::open(name, self.size, self.fps, clock, stop.clone())?)
            }
        })
    }
}

/// The test card, drawn when it is due.
struct TestSource {
    info: VideoInfo,
    clock: LiveClock,
    drawn: i64,
    began: FrameTime,
    stop: CancelToken,
}

impl TestSource {
    fn new(request: &CameraRequest, clock: LiveClock, stop: CancelToken) -> Self {
        let fps = request.fps.unwrap_or(CARD_RATE).clamp(1, 240) as i32;
        let rate = FrameRate::new(fps, 1).expect("positive");
        let info = live_info(request.size.unwrap_or(CARD_SIZE), rate);
        Self { info, began: clock.now(), clock, drawn: 0, stop }
    }
}

impl Source for TestSource {
    fn info(&self) -> &VideoInfo {
        &self.info
    }

    fn next(&mut self) -> Result<Option<Frame>> {
        let base = self.info.rate.frame_base();
        // Those that are late already were never due.
        self.drawn = (self.drawn + 1).max((self.clock.now() - self.began).to_ticks(base));
        self.clock.sleep_until(self.began + FrameTime::from_ticks(self.drawn, base));
        Ok((!self.stop.is_raised()).then(|| test_pattern::draw(self.info.size, self.clock.now())))
    }
}

/// A clip, over and over, each frame when it is due.
struct LoopSource {
    path: PathBuf,
    clip: FileSource,
    clock: LiveClock,
    /// The clip's zero on the live clock.
    began: FrameTime,
    stop: CancelToken,
}

impl LoopSource {
    /// Frames that come later than this are not caught up with: the clip is too much for the machine.
    const LATE: FrameTime = FrameTime::from_nanos(250_000_000);

    fn open(path: &Path, clock: LiveClock, stop: CancelToken) -> Result<Self> {
        let clip = FileSource::open(path, Clip::default(), stop.clone())?;
        Ok(Self { path: path.into(), clip, clock, began: clock.now(), stop })
    }
}

impl Source for LoopSource {
    fn info(&self) -> &VideoInfo {
        self.clip.info()
    }

    fn next(&mut self) -> Result<Option<Frame>> {
        let frame = match self.clip.next()? {
            Some(frame) => frame,
            None if self.stop.is_raised() => return Ok(None),
            None => {
                self.clip = FileSource::open(&self.path, Clip::default(), self.stop.clone())?;
                self.began = self.clock.now();
                match self.clip.next()? {
                    Some(first) => first,
                    None if self.stop.is_raised() => return Ok(None),
                    None => return Err(VideoError::NoFrames { path: self.path.clone() }.into()),
                }
            }
        };
        if self.began + frame.time + Self::LATE < self.clock.now() {
            self.began = self.clock.now() - frame.time;
        }
        self.clock.sleep_until(self.began + frame.time);
        Ok(Some(Frame { time: self.clock.now(), ..frame }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cameras_as_typed() {
        let parse = |text: &str| text.parse::<CameraName>();
        assert_eq!(parse("test"), Ok(CameraName::Test));
        assert_eq!(parse("file:a:b.mp4"), Ok(CameraName::File("a:b.mp4".into())));
        assert_eq!(parse("/dev/video2"), Ok(CameraName::Device("/dev/video2".into())));
        assert_eq!(parse("file:x").map(|name| name.to_string()), Ok("file:x".into()));
        assert!(parse("").is_err() && parse("file:").is_err());
    }

    #[test]
    fn the_test_card_keeps_its_pace_and_stops() {
        let stop = CancelToken::new();
        let request = CameraRequest { name: CameraName::Test, size: Size::new(64, 36), fps: Some(200) };
        let mut card = request.open(LiveClock::new(), &stop).expect("always there");
        let times: Vec<_> = (0..4).map(|_| card.next().expect("drawn").expect("goes on").time).collect();
        assert!(times.windows(2).all(|pair| pair[0] < pair[1]));
        stop.raise();
        assert!(card.next().expect("no failure").is_none());
    }
}
