//! A source that makes frames up, a sink that keeps them, and engines between.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use stylewarp::cancel::CancelToken;
use stylewarp::engine::{Engine, EngineConfig};
use stylewarp::frame::{Frame, Size};
use stylewarp::look::Look;
use stylewarp::nn::device::Device;
use stylewarp::time::{FrameRate, FrameTime, TimeBase};
use stylewarp::video::colour::Colour;
use stylewarp::video::error::VideoError;
use stylewarp::video::read::{Clip, Source, VideoInfo};
use stylewarp::video::write::Sink;
use stylewarp::{Error, Result};

use crate::networks;

pub(crate) const SIZE: Size = Size { width: 48, height: 32 };

/// Frame number `n` of the made-up film, at 25 a second. No two are alike, and
/// every 20th is a cut: the colours change places.
pub(crate) fn frame(n: u64) -> Frame {
    let mut frame = Frame::filled(SIZE, FrameTime::from_nanos(n as i64 * 40_000_000), [0, 0, 0, 255]);
    let colour = (n / 20 % 3) as usize;
    for (k, pixel) in frame.pixels.chunks_exact_mut(4).enumerate() {
        let (x, y) = (k as u64 % 48, k as u64 / 48);
        pixel[colour] = (40 + x * 4) as u8;
        pixel[(colour + 1) % 3] = ((n * 7 + (x / 6 + y / 5) % 2 * 90) % 160) as u8;
    }
    frame
}

/// Hands out frames 0 up to `count`, then does what `end` says.
pub(crate) struct Film {
    pub(crate) info: VideoInfo,
    pub(crate) count: u64,
    pub(crate) end: fn() -> Result<Option<Frame>>,
    pub(crate) stop: CancelToken,
    /// Frames handed out.
    pub(crate) handed: Arc<AtomicU64>,
}

impl Film {
    pub(crate) fn new(count: u64) -> Self {
        let info = VideoInfo {
            size: SIZE,
            rate: FrameRate::new(25, 1).expect("positive"),
            time_base: TimeBase::new(1, 25).expect("positive"),
            colour: Colour::untagged(SIZE),
            pixel_aspect: (1, 1),
            frames: None,
            duration: None,
            origin: FrameTime::ZERO,
            clip: Clip::default(),
        };
        Self { info, count, end: || Ok(None), stop: CancelToken::new(), handed: Arc::default() }
    }
}

impl Source for Film {
    fn info(&self) -> &VideoInfo {
        &self.info
    }

    fn next(&mut self) -> Result<Option<Frame>> {
        let n = self.handed.load(Ordering::SeqCst);
        if self.stop.is_raised() {
            return Ok(None);
        }
        if n == self.count {
            return (self.end)();
        }
        self.handed.store(n + 1, Ordering::SeqCst);
        Ok(Some(frame(n)))
    }

    fn stop(&self) -> CancelToken {
        self.stop.clone()
    }
}

/// What became of a sink.
#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) frames: Vec<Frame>,
    pub(crate) finished: bool,
}

/// Keeps what it is given.
#[derive(Clone, Default)]
pub(crate) struct SheetKind {
    pub(crate) inside: Arc<Mutex<Kept>>,
    /// Refuses the frame after so many.
    pub(crate) room: Option<usize>,
    /// Refuses to finish.
    pub(crate) broken: bool,
}

/// The failure of a source or a sink, recognisable by its path.
pub(crate) fn failure(of: &str) -> Error {
    VideoError::NoFrames { path: of.into() }.into()
}

impl SheetKind {
    pub(crate) fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.inside.lock().expect("nobody panics while writing")
    }
}

impl Sink for SheetKind {
    fn write(&mut self, frame: Frame) -> Result<()> {
        if self.room == Some(self.kept().frames.len()) {
            return Err(failure("sink"));
        }
        self.kept().frames.push(frame);
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<()> {
        if self.broken {
            return Err(failure("finish"));
        }
        self.kept().finished = true;
        Ok(())
    }
}

/// A look of this much warp and flat paint, with the default exemplar.
pub(crate) fn look(warp: f32, paint: f32) -> Look {
    let mut look = Look::default();
    look.geometry = Some(image::RgbImage::from_fn(64, 64, |x, y| image::Rgb([x as u8 * 2, y as u8 * 2, 60])));
    look.texture = Some("starry-night".parse().expect("a texture"));
    (look.warp, look.paint, look.relief) = (warp, paint, 0.0);
    look
}

/// An engine on the networks of a folder.
pub(crate) fn engine_on(models: PathBuf, look: &Look) -> Result<Engine> {
    Engine::new(
        look,
        None,
        SIZE.aspect(),
        &EngineConfig { models: Some(models), device: Device::Cpu, ..EngineConfig::default() },
    )
}

/// An engine on the tiny networks.
pub(crate) fn engine(look: &Look) -> Engine {
    engine_on(networks::tiny(), look).expect("the tiny networks load")
}

/// What an engine's stages make of frames, one after the other in this thread.
pub(crate) fn looped(engine: Engine, frames: impl IntoIterator<Item = Frame>) -> Vec<Frame> {
    let Engine { mut analyzer, mut renderer, .. } = engine;
    let mut done = Vec::new();
    let mut ready = |analysed| -> Result<()> {
        done.push(renderer.run(analysed)?);
        Ok(())
    };
    for frame in frames {
        analyzer.push(frame, &mut ready).expect("analysed");
    }
    analyzer.finish(&mut ready).expect("analysed");
    done
}
