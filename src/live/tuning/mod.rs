//! "Make it better": tunes a painter to the painting that is worn, while the stream goes on.
//!
//! In the background, on one thread. It waits where the stream would lose more than a fifth by it (`guard`), can be
//! paused, and stopped to go on later. What it has reached is kept as a look among the user's own (`place`), and
//! whoever wears the painting wears what became of it: strokes blend over, as between any two looks.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle, sleep};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::cancel::CancelToken;
use crate::engine::EngineConfig;
use crate::error::{Error, Result};
use crate::image_file;
use crate::jobs::distill::{self, DistillEvent, DistillRequest, Pace, STEP, style_of};
use crate::live::background::Background;
use crate::live::clock::LiveClock;
use crate::live::controls::Controls;
use crate::live::error::LiveError;
use crate::live::stats::Stats;
use crate::look;
use crate::nn::device::Device;
use crate::nn::models::Models;
use crate::paint::tune;

mod guard;
mod place;

use guard::{Guard, Rate};
use place::Place;
pub(super) use place::called;

/// How long a core tunes, unless told otherwise.
const TIME: Duration = Duration::from_secs(600);
/// Shortest and longest that it can be told to.
const MINUTES: std::ops::RangeInclusive<f64> = 0.05..=600.0;
/// How often it is looked whether a wait is over.
const TICK: Duration = Duration::from_millis(200);
/// Share of the mean seconds of a step that stays at each.
const MEMORY: f64 = 0.9;
/// What notices about it are filed under.
const PART: &str = "tuning";

/// What is told of tuning.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct TuningStatus {
    /// Name of the file whose brushwork is worn and can be made better.
    pub can: Option<String>,
    /// Why nothing can be tuned here, and what to do about it.
    pub missing: Option<String>,
    /// What is being tuned.
    pub running: Option<Running>,
    /// What came of the last one.
    pub said: Option<String>,
}

/// A tuning that goes on.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Running {
    /// What the look is, or will be called.
    pub name: String,
    /// How much is done, 0..=1.
    pub share: f32,
    /// Seconds left, at the pace so far; `None` until there is one.
    pub left_secs: Option<u64>,
    /// Why it stands still, if it does.
    pub paused: Option<Pause>,
}

/// Why a tuning stands still.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Pause {
    /// It was asked to.
    Asked,
    /// The stream would lose too much by it.
    Stream,
}

/// Tunes one painting at a time.
pub struct Tuning {
    session: Arc<Session>,
    missing: Option<String>,
    job: Mutex<Option<Job>>,
}

/// What it knows of the session.
struct Session {
    controls: Arc<Controls>,
    stats: Arc<Stats>,
    clock: LiveClock,
    setup: EngineConfig,
    report: fn(&Error, &str) -> String,
}

/// A tuning that was begun.
struct Job {
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
}

/// What its thread and everyone else know of it.
#[derive(Default)]
struct Shared {
    running: Mutex<Running>,
    said: Mutex<Option<String>>,
    is_paused: AtomicBool,
    stop: CancelToken,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every change is whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Tuning {
    /// Of a session; `report` tells an error to people.
    pub fn new(
        controls: Arc<Controls>,
        stats: Arc<Stats>,
        clock: LiveClock,
        setup: &EngineConfig,
        report: fn(&Error, &str) -> String,
    ) -> Self {
        let models = Models::find(setup.models.as_deref());
        let missing = models.and_then(|models| tune::check(&models)).err();
        let missing = missing.map(|error| report(&error, "no tuning"));
        // A graphics card has better things to do.
        let setup = EngineConfig { device: Device::Cpu, ..setup.clone() };
        let session = Arc::new(Session { controls, stats, clock, setup, report });
        Self { session, missing, job: Mutex::default() }
    }

    /// How it stands.
    pub fn status(&self) -> TuningStatus {
        let job = lock(&self.job);
        let worn = self.session.controls.state().brushwork;
        let name = |path: PathBuf| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        TuningStatus {
            can: worn.map(name),
            missing: self.missing.clone(),
            running: job.as_ref().filter(|job| job.is_running()).map(|job| job.shared.told()),
            said: job.as_ref().and_then(|job| lock(&job.shared.said).clone()),
        }
    }

    /// Begins to tune to the painting that is worn, or goes on with it, for so many minutes of a core.
    ///
    /// # Errors
    /// Returns an error if another one is being tuned, nothing worn can be tuned, or networks are missing.
    pub fn begin(&self, minutes: Option<f64>) -> Result<()> {
        let mut job = lock(&self.job);
        if let Some(job) = job.as_ref().filter(|job| job.is_running()) {
            let name = lock(&job.shared.running).name.clone();
            return Err(LiveError::TuningBusy { name }.into());
        }
        let time = match minutes {
            None => TIME,
            Some(minutes) if MINUTES.contains(&minutes) => {
                Duration::try_from_secs_f64(60.0 * minutes).unwrap_or(TIME)
            }
            Some(minutes) => {
                let (value, range) = (minutes.to_string(), "0.05 to 600");
                return Err(Error::OutOfRange { what: "minutes", value, range });
            }
        };
        tune::check(&Models::find(self.session.setup.models.as_deref())?)?;
        let file = self.session.controls.state().brushwork.ok_or(LiveError::NothingToTune)?;
        self.session.controls.notices.tell(PART, None);
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let running = Mutex::new(Running { name, ..Running::default() });
        let shared = Arc::new(Shared { running, ..Shared::default() });
        let (session, known) = (self.session.clone(), shared.clone());
        let guard = Guard::new(session.rate().unwrap_or(Rate::UNKNOWN), session.secs());
        let work = move || Background::enter().run(|| session.run(&file, time, guard, &known));
        let name = "tuning";
        let thread = Builder::new().name(name.into()).spawn(work).map_err(|_| Error::Stage { name })?;
        *job = Some(Job { shared, thread });
        Ok(())
    }

    /// Lets it stand still, or go on.
    pub fn pause(&self, pause: bool) {
        if let Some(job) = &*lock(&self.job) {
            job.shared.is_paused.store(pause, Ordering::SeqCst);
        }
    }

    /// Begins, or lets what was begun stand still or go on: what one key does.
    ///
    /// # Errors
    /// As [`Self::begin`].
    pub fn toggle(&self) -> Result<()> {
        match self.status().running {
            Some(running) => {
                self.pause(running.paused != Some(Pause::Asked));
                Ok(())
            }
            None => self.begin(None),
        }
    }

    /// Ends it after the step that it is at; what it has reached is kept, and can go on.
    pub fn stop(&self) {
        if let Some(job) = &*lock(&self.job) {
            job.shared.stop.raise();
        }
    }

    /// Ends it, and waits until what it has reached is kept.
    pub fn close(&self) {
        self.stop();
        let job = lock(&self.job).take();
        if job.is_some_and(|job| job.thread.join().is_err()) {
            tracing::warn!("what tunes a painter broke down; this is a bug");
        }
    }
}

impl Shared {
    /// How far it is. Who asks it to stand still sees at once that it will, in the middle of a step too.
    fn told(&self) -> Running {
        let running = lock(&self.running).clone();
        let asked = self.is_paused.load(Ordering::SeqCst).then_some(Pause::Asked);
        Running { paused: asked.or(running.paused), ..running }
    }
}

impl Job {
    fn is_running(&self) -> bool {
        !self.thread.is_finished()
    }
}

impl Session {
    /// What the stream does; nothing while the picture stands still.
    fn rate(&self) -> Option<Rate> {
        if self.controls.state().frozen {
            return None;
        }
        let reading = self.stats.read(self.clock.now());
        let rate = Rate { fps: reading.fps, camera_fps: reading.camera_fps, lines: reading.lines };
        (rate.camera_fps > 0.0).then_some(rate)
    }

    fn secs(&self) -> f64 {
        self.clock.now().as_secs_f64()
    }

    fn run(&self, file: &Path, time: Duration, guard: Guard, shared: &Shared) {
        match self.tune(file, time, guard, shared) {
            Ok(said) => *lock(&shared.said) = Some(said),
            Err(error) => self.controls.notices.tell(PART, Some((self.report)(&error, "not tuned"))),
        }
    }

    /// Tunes; what came of it, for people.
    fn tune(&self, file: &Path, time: Duration, guard: Guard, shared: &Shared) -> Result<String> {
        let folder = look::user_folder().ok_or_else(|| Error::Write {
            path: "presets".into(),
            source: "this system names no folder for them".into(),
        })?;
        let taken = [self.controls.looks(), self.controls.paintings().into()].concat();
        let place = Place::of(file, &folder, &taken)?;
        lock(&shared.running).name.clone_from(&place.name);
        if image_file::is_animated(file) {
            let told = format!("{} moves; its first picture is what is tuned to", file.display());
            self.controls.notices.tell(PART, Some(told));
        }
        let request = DistillRequest {
            painting: place.painting.clone(),
            output: place.preset.clone(),
            overwrite: false,
            resume: place.goes_on,
            on: Vec::new(),
            time,
            pace: Pace::Last,
            part: None,
            preview: None,
        };
        let style = style_of(&place.preset);
        if place.goes_on {
            self.controls.renew(file, &style);
        }
        let mut waiting = Waiting { guard, mean: None, ended: None };
        let done = distill::run(&request, &self.setup, &shared.stop, |event| match event {
            DistillEvent::Part(part) => tracing::info!("{}: learns from {part}", place.painting.display()),
            DistillEvent::Step { used, time, .. } => {
                waiting.note(used, time, shared);
                waiting.wait(self, shared);
            }
            DistillEvent::Saved => {
                self.controls.notices.tell(PART, None);
                // One that is elsewhere has no name that it could be put on by.
                if place.preset.parent() == Some(&folder) {
                    self.controls.add_look(&place.name);
                }
                self.controls.renew(file, &style);
            }
            DistillEvent::NotSaved(error) => {
                self.controls.notices.tell(PART, Some((self.report)(error, "not kept yet")));
            }
        });
        place.tidy();
        let name = &place.name;
        Ok(match done? {
            Some(_) if shared.stop.is_raised() => format!("{name} is kept as far as it came, and can go on"),
            Some(_) => format!("{name} is done, and among your looks"),
            None => format!("{name} was stopped before anything was tuned"),
        })
    }
}

/// What a tuning does between two steps.
struct Waiting {
    guard: Guard,
    /// Seconds that a step takes, waits for the stream counted.
    mean: Option<f64>,
    /// When the last one ended.
    ended: Option<Instant>,
}

impl Waiting {
    /// Tells how far it is.
    fn note(&mut self, used: Duration, time: Duration, shared: &Shared) {
        if let Some(ended) = self.ended.replace(Instant::now()) {
            let secs = ended.elapsed().as_secs_f64();
            self.mean = Some(self.mean.map_or(secs, |mean| MEMORY * mean + (1.0 - MEMORY) * secs));
        }
        let steps = time.saturating_sub(used).as_secs_f64() / STEP.as_secs_f64();
        let mut running = lock(&shared.running);
        running.share = (used.as_secs_f64() / time.as_secs_f64()) as f32;
        running.left_secs = self.mean.map(|mean| (mean * steps).ceil() as u64);
    }

    /// Waits while it was asked to, or the stream needs it.
    fn wait(&mut self, session: &Session, shared: &Shared) {
        let mut was_asked = false;
        loop {
            let asked = shared.is_paused.load(Ordering::SeqCst);
            if was_asked && !asked {
                // Much may have changed meanwhile, and none of it by tuning.
                let rate = session.rate().unwrap_or(Rate::UNKNOWN);
                self.guard = Guard::new(rate, session.secs());
                self.ended = Some(Instant::now());
            }
            was_asked = asked;
            let paused = match asked {
                true => Some(Pause::Asked),
                false => self.guard.waits(session.rate(), session.secs()).then_some(Pause::Stream),
            };
            lock(&shared.running).paused = paused;
            if paused.is_none() || shared.stop.is_raised() {
                return;
            }
            sleep(TICK);
        }
    }
}

#[cfg(test)]
mod tests;
