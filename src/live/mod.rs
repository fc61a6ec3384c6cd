//! A live session: camera in, redrawn picture out, always the latest.
//!
//! In: a camera, a look, what people turn. Out: the latest frame to a window, a page, a virtual camera, a file. It knows
//! nothing of command lines.
//!
//! ```text
//!                               .-> latest -> analyze: Matcher, OneEuroSmoother, FieldSolver -.
//!                               |                                                             v
//! camera, watchdog -> latest -> render: FieldInterpolator, Renderer <-------------- latest field
//!                               |
//!                               '-> latest an output, Recorder
//! ```
//!
//! Nothing here waits in a queue: what a stage does not take in time is replaced by what is newer, and counted. So
//! latency is what computing takes and never grows. The warp is found at its own rate; a field is used until there is
//! a newer one ([`field_handoff`]). Frames are painted smaller until the frame rate holds ([`rate_control`]). Looks and
//! sliders change while it runs ([`controls`], [`look_loader`]).

use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use crate::cancel::CancelToken;
use crate::engine::{AnalyzedFrame, Analyzer, Engine, EngineConfig, RenderParams, Renderer};
use crate::error::{Error, Result, first_cause};
use crate::frame::Frame;
use crate::live::capture::request::CameraRequest;
use crate::live::clock::LiveClock;
use crate::live::latest::{Received, Receiver, Sender, channel};
use crate::look::Look;
use crate::paint::composite::BlendParams;
use crate::paint::painter::{PaintParams, Painter};
use crate::paint::subject::{Backdrop, Regions};
use crate::time::FrameRate;
use crate::video::read::VideoInfo;

pub mod capture;
pub mod clock;
pub mod controls;
pub mod error;
pub mod field_handoff;
pub mod latest;
pub mod look_loader;
pub mod output;
pub mod rate_control;
pub mod recorder;
pub mod session;
pub mod stats;
pub mod status;
mod thumbnail;

use crate::live::capture::watchdog::Capture;
use controls::{ControlState, Controls};
use field_handoff::{FieldInterpolator, LatestField, TimedField};
use look_loader::with_defaults;
use rate_control::RateController;
use recorder::Recorder;
use stats::Stats;

/// How long a stage waits before it looks whether it should end.
const PATIENCE: Duration = Duration::from_millis(100);

/// What a session should be.
#[derive(Debug, Clone)]
pub struct LiveConfig {
    /// What it looks at.
    pub camera: CameraRequest,
    /// Whether left and right are swapped.
    pub mirror: bool,
    /// Lines to paint at; adapted to the frame rate if not given.
    pub lines: Option<u32>,
    /// The look it begins with.
    pub look: Look,
    /// What it runs on.
    pub setup: EngineConfig,
    /// How an error is told to people; the text is what it stopped.
    pub report: fn(&Error, &str) -> String,
    /// Whether a window will show it, and tell when it did.
    pub window: bool,
}

/// A finished frame and what it was made of.
#[derive(Debug, Clone)]
pub struct FramePair {
    /// As the camera gave it.
    pub original: Arc<Frame>,
    /// Redrawn.
    pub finished: Arc<Frame>,
}

/// A running session.
pub struct LiveSession {
    /// Its dials.
    pub controls: Arc<Controls>,
    /// What it measures.
    pub stats: Arc<Stats>,
    /// What its frames are stamped by.
    pub clock: LiveClock,
    /// What the camera gave when it was opened.
    pub info: VideoInfo,
    /// Its recorder.
    pub recorder: Arc<Recorder>,
    /// What runs on what, for people.
    pub devices: String,
    /// As in [`LiveConfig::report`].
    pub report: fn(&Error, &str) -> String,
    stop: CancelToken,
    threads: Vec<(&'static str, JoinHandle<Result<()>>)>,
}

impl LiveSession {
    /// Opens the camera and the networks and begins; finished frames go to `outs`.
    ///
    /// # Errors
    /// Returns an error if the camera, a network, the style or the device cannot be had.
    pub fn start(plan: LiveConfig, outs: Vec<Sender<FramePair>>, stop: CancelToken) -> Result<Self> {
        let clock = LiveClock::new();
        let capture = Capture::new(plan.camera.clone(), clock, stop.clone());
        let opened = capture.open()?;
        let info = opened.info.clone();
        let look = with_defaults(plan.look)?;
        let backdrop = look.regions.backdrop.clone();
        // Both stages are loaded, whatever their strength is to begin with.
        let whole = Look { warp: 1.0, paint: 1.0, ..look.clone() };
        let Engine { analyzer, renderer, devices } =
            Engine::new(&whole, plan.lines, info.size.aspect(), &plan.setup)?;

        let (wanted, names) = channel();
        let controls = Arc::new(Controls::new(ControlState::of(&look, plan.mirror), wanted));
        let (stats, newest) = (Arc::new(Stats::default()), LatestField::default());
        let told = controls.clone();
        let recorder = Arc::new(Recorder::new(move |notice| told.set_notice("recording", notice)));
        let (frames_out, frames) = channel();
        let (looks_out, looks) = channel();
        let (shapes_out, shapes) = channel();
        let (painters_out, painters) = channel();
        let rate = match plan.camera.fps.and_then(|fps| FrameRate::new(fps as i32, 1)) {
            Some(asked) if asked.as_f64() < info.rate.as_f64() => asked,
            _ => info.rate,
        };
        let shared = Shared { controls: controls.clone(), stats: stats.clone(), clock, stop: stop.clone() };
        let stage = AnalyzeStage { analyzer, frames: looks, shapes, newest: newest.clone() };
        let painting = RenderStage {
            carry: FieldInterpolator::default(),
            rate: RateController::new(rate, plan.lines),
            renderer,
            frames,
            looks: looks_out,
            painters,
            newest,
            backdrop,
            outs,
            recorder: recorder.clone(),
            window: plan.window,
        };
        let setup = plan.setup;
        let (dressing, raised) = (controls.clone(), stop.clone());
        let parts = look_loader::Outs { looks: shapes_out, painters: painters_out };
        let analysing = shared.clone();
        let threads = vec![
            spawn("look loader", &stop, move || {
                look_loader::run(&names, &dressing, &setup, &parts, &raised);
                Ok(())
            })?,
            spawn("analyse", &stop, move || stage.run(&analysing))?,
            spawn("render", &stop, move || painting.run(&shared))?,
        ];
        capture.watch(opened, frames_out, controls.clone(), stats.clone())?;
        Ok(Self { controls, stats, clock, info, recorder, devices, report: plan.report, stop, threads })
    }

    /// Whether it is over, because it was asked to end or because a stage failed.
    pub fn is_over(&self) -> bool {
        self.stop.is_raised()
    }

    /// Ends it, and the recording with it.
    ///
    /// # Errors
    /// What made it end, if it was not asked to.
    pub fn end(self) -> Result<()> {
        self.stop.raise();
        let ended = self.threads.into_iter().map(|(name, thread)| {
            // The camera's threads are not waited for: a driver may never answer.
            thread.join().unwrap_or(Err(Error::Stage { name }))
        });
        let stages = first_cause(ended);
        first_cause([stages.map(drop), self.recorder.stop()]).map(drop)
    }
}

/// Starts a stage; however it ends, the session ends with it.
fn spawn(
    name: &'static str,
    stop: &CancelToken,
    work: impl FnOnce() -> Result<()> + Send + 'static,
) -> Result<(&'static str, JoinHandle<Result<()>>)> {
    struct Raise(CancelToken);
    impl Drop for Raise {
        fn drop(&mut self) {
            self.0.raise();
        }
    }
    let raise = Raise(stop.clone());
    let thread = Builder::new().name(name.into()).spawn(move || {
        let _raise = raise;
        work()
    });
    thread.map(|thread| (name, thread)).map_err(|_| Error::Stage { name })
}

/// What every stage has.
#[derive(Clone)]
struct Shared {
    controls: Arc<Controls>,
    stats: Arc<Stats>,
    clock: LiveClock,
    stop: CancelToken,
}

/// Finds fields, at its own rate.
struct AnalyzeStage {
    analyzer: Analyzer,
    frames: Receiver<Arc<Frame>>,
    shapes: Receiver<Arc<Look>>,
    newest: LatestField,
}

impl AnalyzeStage {
    fn run(mut self, shared: &Shared) -> Result<()> {
        while !shared.stop.is_raised() {
            if let Some(look) = self.shapes.now()
                && let Some(exemplar) = &look.geometry
            {
                self.analyzer.set_exemplar(exemplar)?;
            }
            let frame = match self.frames.take(PATIENCE) {
                Received::Item(frame) => frame,
                Received::Nothing => continue,
                Received::Closed => break,
            };
            let state = shared.controls.state();
            self.analyzer.set_params(state.warp, state.align);
            let field = self.analyzer.follow(&frame)?;
            self.newest.send(TimedField { time: frame.time, field });
            shared.stats.analysed(shared.clock.now());
        }
        Ok(())
    }
}

/// Bends and paints the latest frame.
struct RenderStage {
    renderer: Renderer,
    carry: FieldInterpolator,
    rate: RateController,
    frames: Receiver<Arc<Frame>>,
    /// Where the analysis gets what it looks at.
    looks: Sender<Arc<Frame>>,
    painters: Receiver<Painter>,
    newest: LatestField,
    /// The colour and the picture that can show behind the subject.
    backdrop: Backdrop,
    outs: Vec<Sender<FramePair>>,
    recorder: Arc<Recorder>,
    window: bool,
}

impl RenderStage {
    fn run(mut self, shared: &Shared) -> Result<()> {
        while !shared.stop.is_raised() {
            let original = match self.frames.take(PATIENCE) {
                Received::Item(frame) if self.rate.wants(frame.time) => frame,
                Received::Item(_) | Received::Nothing => continue,
                Received::Closed => break,
            };
            let began = Instant::now();
            self.looks.send(original.clone());
            let lines = original.size.width.min(original.size.height);
            let painted_at = self.set_params(&shared.controls.state(), lines);
            let field = self.carry.run(&original, self.newest.get());
            let frame = Frame::clone(&original);
            let finished = Arc::new(self.renderer.run(AnalyzedFrame { frame, field, is_cut: false })?);
            shared.controls.show_notice("mask", self.renderer.notice());
            let now = shared.clock.now();
            self.recorder.offer(&finished);
            let shown = FramePair { original, finished };
            self.outs.retain(|out| out.send(shown.clone()));
            shared.stats.finished(now, painted_at, self.frames.replaced());
            if !self.window {
                shared.stats.displayed(now, shown.finished.time);
            }
            if self.rate.spent(now, began.elapsed().as_secs_f64()) {
                tracing::debug!("paints at {:?} lines from now on", self.rate.lines(lines));
            }
        }
        Ok(())
    }

    /// Sets everything for the next frame; the lines it is painted at.
    fn set_params(&mut self, state: &ControlState, lines: u32) -> u32 {
        if let Some(painter) = self.painters.now() {
            self.renderer.change_painter(painter);
        }
        self.renderer.set_regions(Regions {
            paint: state.paint_where,
            warp: state.warp_where,
            backdrop: Backdrop { kind: state.backdrop, ..self.backdrop.clone() },
        });
        let painted_at = self.rate.lines(lines);
        self.renderer.set_params(RenderParams {
            blend: BlendParams { strength: state.paint, colors: state.colors },
            paint: PaintParams { stroke: state.stroke_size, lines: painted_at, relief: state.relief },
            steadiness: state.steady,
        });
        painted_at.unwrap_or(lines).min(lines)
    }
}
