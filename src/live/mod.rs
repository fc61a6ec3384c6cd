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
//!                               '-> Broadcast -> latest an output; Recorder
//! ```
//!
//! Nothing here waits in a queue: what a stage does not take in time is replaced by what is newer, and counted. So
//! latency is what computing takes and never grows. The warp is found at its own rate; a field is used until there is
//! a newer one ([`field_handoff`]). Frames are painted smaller until the frame rate holds ([`rate_control`]). Looks,
//! sliders, cameras and outputs change while it runs ([`controls`], [`look_loader`], [`broadcast`]); what changes while
//! the picture stands still is painted on it.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use crate::assets;
use crate::cancel::CancelToken;
use crate::engine::{Engine, EngineConfig};
use crate::error::{Error, Result, first_cause};
use crate::live::capture::request::CameraRequest;
use crate::live::clock::LiveClock;
use crate::live::latest::{Sender, channel};
use crate::look::{Look, LookSpec};
use crate::nn::models::Models;
use crate::paint::style_spec;
use crate::time::FrameTime;
use crate::video::read::VideoInfo;
use crate::video::read::microphone::MicrophoneName;
use crate::video::write::FileOutput;

mod background;
pub mod broadcast;
pub mod capture;
pub mod clock;
pub mod controls;
mod dropped;
pub mod error;
pub mod field_handoff;
pub mod latest;
pub mod look_loader;
pub mod memory;
mod microphone;
pub mod output;
pub mod preview;
pub mod rate_control;
pub mod recorder;
pub mod session;
mod stages;
pub mod stats;
pub mod status;
mod still_frame;
mod thumbnail;
pub mod tuning;

use crate::live::capture::watchdog::{Capture, Outs};
use broadcast::Broadcast;
pub use broadcast::FramePair;
use controls::{ControlState, Controls, Wardrobe};
use field_handoff::{FieldInterpolator, LatestField};
use look_loader::with_defaults;
use rate_control::RateController;
use recorder::{Recorder, free_name, recorded};
use stages::{AnalyzeStage, RenderStage, Shared};
use stats::Stats;
use still_frame::StillFrame;
use tuning::Tuning;

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
    /// What that is made of, as far as it can be loaded again.
    pub spec: LookSpec,
    /// What it runs on.
    pub setup: EngineConfig,
    /// How an error is told to people; the text is what it stopped.
    pub report: fn(&Error, &str) -> String,
    /// Whether a window will show it, and tell when it did.
    pub window: bool,
    /// Where snapshots and recordings go that have no name of their own.
    pub folder: PathBuf,
    /// What is heard in recordings.
    pub microphone: MicrophoneName,
}

/// What everyone may hold of a session that runs; copies are the same.
#[derive(Clone)]
pub struct SessionHandle {
    /// Its dials.
    pub controls: Arc<Controls>,
    /// What it measures.
    pub stats: Arc<Stats>,
    /// Its finished frames.
    pub frames: Broadcast,
    /// Takes another camera to look at.
    pub cameras: Arc<Sender<CameraRequest>>,
    /// What it looked at to begin with.
    pub camera: CameraRequest,
    /// Where its networks come from and what they run on.
    pub setup: EngineConfig,
    /// What its frames are stamped by.
    pub clock: LiveClock,
    /// What the camera gave when it was opened.
    pub info: VideoInfo,
    /// What makes a painting's brushwork better.
    pub tuning: Arc<Tuning>,
    /// Its recorder.
    pub recorder: Arc<Recorder>,
    /// Where snapshots and recordings go that have no name of their own.
    pub folder: PathBuf,
    /// What is heard in recordings.
    pub microphone: MicrophoneName,
    /// What runs on what, for people.
    pub devices: String,
    /// As in [`LiveConfig::report`].
    pub report: fn(&Error, &str) -> String,
}

impl SessionHandle {
    /// Records what is shown to a new file in the session's folder; what is said of it.
    ///
    /// # Errors
    /// Returns an error if the file cannot be made.
    pub fn start_recording(&self) -> Result<String> {
        if let Some(path) = self.recorder.path() {
            return Ok(format!("recording to {}", path.display()));
        }
        // Another camera may have been chosen since.
        let size = self.frames.last().map_or(self.info.size, |pair| pair.finished.size);
        let path = free_name(&self.folder, "mp4");
        self.record(&FileOutput::new(&path), &VideoInfo { size, ..recorded(&self.info) })?;
        Ok(format!("recording to {}", path.display()))
    }

    /// Records what is shown, and what the microphone hears.
    pub(crate) fn record(&self, output: &FileOutput, info: &VideoInfo) -> Result<()> {
        self.recorder.start(output, info, &self.microphone)
    }

    /// Ends the recording, if there is one; what is said of it.
    ///
    /// # Errors
    /// Returns an error if it could not be written.
    pub fn end_recording(&self) -> Result<String> {
        let path = self.recorder.path();
        self.recorder.stop()?;
        Ok(path.map_or_else(String::new, |path| format!("saved {}", path.display())))
    }
}

#[cfg(test)]
impl SessionHandle {
    /// Of a session without a camera, in which nothing happens.
    pub(crate) fn idle(info: VideoInfo) -> Self {
        let state = ControlState::of(&Look::default(), false);
        let (looks, paintings) = (Vec::new(), Vec::new());
        let wardrobe = Wardrobe { worn: LookSpec::default(), own: state.clone(), looks, paintings };
        let (size, name) = (Some(info.size), capture::request::CameraName::Test);
        let (controls, stats) =
            (Arc::new(Controls::new(state, wardrobe, channel().0)), Arc::<Stats>::default());
        let (clock, setup) = (LiveClock::new(), EngineConfig::default());
        let report = |error: &Error, stopped: &str| format!("{stopped}: {error}");
        Self {
            tuning: Arc::new(Tuning::new(controls.clone(), stats.clone(), clock, &setup, report)),
            controls,
            stats,
            frames: Broadcast::new(),
            cameras: Arc::new(channel().0),
            camera: CameraRequest { name, size, fps: None },
            setup,
            clock,
            info,
            recorder: Arc::new(Recorder::new(LiveClock::new(), |_| {})),
            folder: PathBuf::new(),
            microphone: MicrophoneName::None,
            devices: String::new(),
            report,
        }
    }
}

/// A running session.
pub struct LiveSession {
    /// What everyone may hold of it.
    pub handle: SessionHandle,
    stop: CancelToken,
    threads: Vec<(&'static str, JoinHandle<Result<()>>)>,
}

impl LiveSession {
    /// Opens the camera and the networks and begins.
    ///
    /// # Errors
    /// Returns an error if the camera, a network, the style or the device cannot be had.
    pub fn start(plan: LiveConfig, stop: CancelToken) -> Result<Self> {
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
        let paintings = match Models::find(plan.setup.models.as_deref()) {
            Ok(models) => style_spec::names(&models),
            Err(_) => assets::painting_names().map(str::to_owned).collect(),
        };
        let (spec, state) = (plan.spec, ControlState::of(&look, plan.mirror));
        // The dials were turned by the command line, or by the last session.
        let parts = LookSpec {
            preset: spec.preset.clone(),
            geometry: spec.geometry.clone(),
            texture: spec.texture.clone(),
            ..LookSpec::default()
        };
        let own = parts.resolve().and_then(with_defaults).map(|own| ControlState::of(&own, plan.mirror));
        let wardrobe = Wardrobe {
            worn: spec.clone(),
            own: own.unwrap_or_else(|_| state.clone()),
            looks: Look::names(),
            paintings,
        };
        let controls = Arc::new(Controls::new(state, wardrobe, wanted));
        let worn = (spec, look);
        let (stats, newest) = (Arc::new(Stats::default()), LatestField::default());
        let told = controls.clone();
        let recorder = Arc::new(Recorder::new(clock, move |notice| told.notices.tell("recording", notice)));
        let (frames_out, frames) = channel();
        let (looks_out, looks) = channel();
        let (shapes_out, shapes) = channel();
        let (painters_out, painters) = channel();
        let (rates_out, rates) = channel();
        let rate = plan.camera.rate(&info);
        let shared = Shared { controls: controls.clone(), stats: stats.clone(), clock, stop: stop.clone() };
        let stage = AnalyzeStage { analyzer, frames: looks, shapes, newest: newest.clone() };
        let outs = Broadcast::new();
        let painting = RenderStage {
            carry: FieldInterpolator::default(),
            still: StillFrame::default(),
            shown: FrameTime::ZERO,
            rates,
            rate: RateController::new(rate, plan.lines),
            renderer,
            frames,
            looks: looks_out,
            painters,
            newest,
            backdrop,
            outs: outs.clone(),
            recorder: recorder.clone(),
            recorded: None,
            window: plan.window,
        };
        let setup = plan.setup.clone();
        let (dressing, raised) = (controls.clone(), stop.clone());
        let parts = look_loader::Outs { looks: shapes_out, painters: painters_out };
        let analysing = shared.clone();
        let threads = vec![
            spawn("look loader", &stop, move || {
                look_loader::run(&names, worn, &dressing, &setup, &parts, &raised);
                Ok(())
            })?,
            spawn("analyse", &stop, move || stage.run(&analysing))?,
            spawn("render", &stop, move || painting.run(&shared))?,
        ];
        let (cameras, other_cameras) = channel();
        let outs_of_camera = Outs { frames: frames_out, rates: rates_out };
        capture.watch(opened, other_cameras, outs_of_camera, controls.clone(), stats.clone())?;
        let tuning = Arc::new(Tuning::new(controls.clone(), stats.clone(), clock, &plan.setup, plan.report));
        let (camera, setup, report) = (plan.camera, plan.setup, plan.report);
        let (frames, cameras, folder) = (outs, Arc::new(cameras), plan.folder);
        let microphone = plan.microphone;
        let handle = SessionHandle {
            controls,
            stats,
            frames,
            cameras,
            camera,
            setup,
            clock,
            info,
            tuning,
            recorder,
            devices,
            report,
            folder,
            microphone,
        };
        Ok(Self { handle, stop, threads })
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
        self.handle.tuning.close();
        let ended = self.threads.into_iter().map(|(name, thread)| {
            // The camera's threads are not waited for: a driver may never answer.
            thread.join().unwrap_or(Err(Error::Stage { name }))
        });
        let stages = first_cause(ended);
        first_cause([stages.map(drop), self.handle.recorder.stop()]).map(drop)
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
