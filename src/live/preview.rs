//! Paints the camera's own picture in a look, small, for the strip of looks.
//!
//! In the background, one at a time, with a rest after each: the session never waits for it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle, sleep};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::cancel::CancelToken;
use crate::engine::{Engine, EngineConfig};
use crate::error::{Error, Result};
use crate::frame::resize::{Filter, Pixels, Resizer};
use crate::frame::{Frame, Size};
use crate::live::background::Background;
use crate::live::latest::{self, Received};
use crate::live::look_loader::with_defaults;
use crate::live::thumbnail;
use crate::look::{Look, LookSpec};
use crate::nn::device::Device;

/// Lines of a preview; networks make little of fewer.
const LINES: u32 = 144;
/// How long is rested after a preview, in times of what it took.
const REST: u32 = 3;
/// How long is waited for the session to have time.
const WAIT: Duration = Duration::from_secs(3);
const TICK: Duration = Duration::from_millis(100);

/// What can be worn, by a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Garment {
    /// Nothing.
    Original,
    /// A look.
    Look(String),
    /// A painting, over the look that is worn.
    Painting(String),
}

/// What is to be painted, in this order.
pub struct Request {
    /// The picture.
    pub frame: Arc<Frame>,
    /// What it wears.
    pub garments: Vec<Garment>,
}

/// A preview that is ready.
pub struct Preview {
    /// What the picture wears.
    pub garment: Garment,
    /// The picture, or where it has not been painted yet what the garment is made of.
    pub picture: Frame,
    /// Whether it shows the camera's picture.
    pub is_painted: bool,
}

/// The thread's previews. Dropped, it ends first: nothing may run in a network while the program is taken apart.
pub struct Previews {
    /// There until it is dropped.
    ready: Option<Receiver<Preview>>,
    thread: Option<JoinHandle<()>>,
    stop: CancelToken,
}

impl Previews {
    /// Those that are ready.
    pub fn take(&self) -> Vec<Preview> {
        self.ready.iter().flat_map(Receiver::try_iter).collect()
    }
}

impl Drop for Previews {
    fn drop(&mut self) {
        self.stop.raise();
        self.ready = None;
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::warn!("what paints previews broke down; this is a bug");
        }
    }
}

/// Starts the thread; it ends when nobody can ask for anything any more. `is_busy` tells whether the session has no
/// time to spare.
///
/// # Errors
/// Returns an error if the system has no thread to give.
pub fn start(
    requests: latest::Receiver<Request>,
    setup: EngineConfig,
    is_busy: impl Fn() -> bool + Send + 'static,
) -> Result<Previews> {
    let (out, ready) = bounded(4);
    let (name, stop) = ("previews", CancelToken::new());
    let ends = stop.clone();
    let work = move || {
        let mut background = None;
        let (mut request, mut shown) = (None, BTreeSet::new());
        while !ends.is_raised() {
            match requests.take(if request.is_some() { Duration::ZERO } else { TICK }) {
                Received::Item(newer) => {
                    if !show_new(&newer.garments, &mut shown, &out) {
                        return;
                    }
                    // What things are made of is there at once; everything else has time.
                    background.get_or_insert_with(Background::enter);
                    request = Some(newer);
                }
                Received::Nothing => {}
                Received::Closed => return,
            }
            let Some(now) = request.as_mut().filter(|request: &&mut Request| !request.garments.is_empty())
            else {
                request = None;
                continue;
            };
            let garment = now.garments.remove(0);
            let waiting = Instant::now();
            while is_busy() && waiting.elapsed() < WAIT && !ends.is_raised() {
                sleep(TICK);
            }
            if ends.is_raised() {
                return;
            }
            let began = Instant::now();
            let background = background.get_or_insert_with(Background::enter);
            let painted = background.run(|| paint(&now.frame, &garment, &setup));
            match painted {
                Ok(picture) => {
                    if out.send(Preview { garment, picture, is_painted: true }).is_err() {
                        return;
                    }
                }
                Err(error) => tracing::debug!("no preview of {garment:?}: {error}"),
            }
            let (rests, rest) = (Instant::now(), (began.elapsed() * REST).min(WAIT));
            while rests.elapsed() < rest && !ends.is_raised() {
                sleep(TICK.min(rest));
            }
        }
    };
    let thread = Builder::new().name(name.into()).spawn(work).map_err(|_| Error::Stage { name })?;
    Ok(Previews { ready: Some(ready), thread: Some(thread), stop })
}

/// Shows what garments are made of that were not seen before; whether anyone looks.
fn show_new(garments: &[Garment], shown: &mut BTreeSet<Garment>, out: &Sender<Preview>) -> bool {
    garments.iter().filter(|garment| shown.insert((*garment).clone())).all(|garment| match made_of(garment) {
        Ok(picture) => out.send(Preview { garment: garment.clone(), picture, is_painted: false }).is_ok(),
        Err(error) => {
            tracing::debug!("nothing of {garment:?} can be shown: {error}");
            true
        }
    })
}

/// What a garment is made of, for as long as it has not been painted.
///
/// # Errors
/// Returns an error if it cannot be read, or is none.
fn made_of(garment: &Garment) -> Result<Frame> {
    match garment {
        Garment::Original => Err(Error::NothingToShow),
        Garment::Look(name) => thumbnail::draw(name),
        Garment::Painting(name) => thumbnail::painting(name),
    }
}

/// The picture in a garment, [`LINES`] high at most.
fn paint(frame: &Frame, garment: &Garment, setup: &EngineConfig) -> Result<Frame> {
    let small = small(frame)?;
    let spec = match garment {
        Garment::Original => return Ok(small),
        Garment::Look(name) => LookSpec { preset: Some(name.clone()), ..LookSpec::default() },
        Garment::Painting(name) => LookSpec { texture: Some(name.clone()), ..LookSpec::default() },
    };
    let look: Look = with_defaults(spec.resolve()?)?;
    // A graphics card has better things to do.
    let setup = EngineConfig { device: Device::Cpu, ..setup.clone() };
    Engine::new(&look, None, small.size.aspect(), &setup)?.stylize(small)
}

fn small(frame: &Frame) -> Result<Frame> {
    let lines = frame.size.width.min(frame.size.height);
    if lines <= LINES {
        return Ok(frame.clone());
    }
    let side = |of: u32| {
        ((u64::from(of) * u64::from(LINES)).div_ceil(u64::from(lines)) as u32).clamp(1, Size::MAX_SIDE)
    };
    let size = Size { width: side(frame.size.width), height: side(frame.size.height) };
    let source = Pixels { bytes: &frame.pixels, size: frame.size };
    let pixels = Resizer::default().pixels(source, size, Filter::Bilinear)?.to_vec();
    Ok(Frame { size, time: frame.time, pixels })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::FrameTime;

    #[test]
    fn the_original_is_the_picture_made_small() {
        let frame = Frame::filled(Size { width: 1280, height: 720 }, FrameTime::ZERO, [9, 99, 200, 255]);
        let made = paint(&frame, &Garment::Original, &EngineConfig::default()).expect("resized");
        assert_eq!(made.size, Size { width: 256, height: 144 });
        assert!(made.pixels.as_chunks::<4>().0.iter().all(|pixel| *pixel == [9, 99, 200, 255]));
        let tiny = Frame::filled(Size { width: 64, height: 36 }, FrameTime::ZERO, [1; 4]);
        assert_eq!(small(&tiny).expect("as it is").size, tiny.size);
    }

    #[test]
    fn the_newest_request_counts_and_what_cannot_be_painted_is_passed_over() {
        let (put, take) = latest::channel();
        let setup = EngineConfig { models: Some("no/such/folder".into()), ..EngineConfig::default() };
        let ready = start(take, setup, || false).expect("started");
        let frame = Arc::new(Frame::filled(Size { width: 64, height: 36 }, FrameTime::ZERO, [50; 4]));
        let looks =
            |names: &[&str]| names.iter().map(|name| Garment::Look((*name).into())).collect::<Vec<_>>();
        let garments = [looks(&["no-such-look", "moon"]), vec![Garment::Original]].concat();
        put.send(Request { frame: frame.clone(), garments });
        let next = || {
            let ready = ready.ready.as_ref().expect("not dropped");
            ready.recv_timeout(Duration::from_secs(60)).expect("ready")
        };
        // Without networks it is shown by what it is made of.
        let first = next();
        assert!(first.garment == Garment::Look("moon".into()) && !first.is_painted);
        let second = next();
        assert!(second.garment == Garment::Original && second.is_painted);
        // It ends in the middle of a long list, at once.
        put.send(Request { frame, garments: vec![Garment::Original; 1000] });
        next();
        let began = Instant::now();
        drop(ready);
        assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    }
}
