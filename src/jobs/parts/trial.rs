//! What drawing a film takes of a machine, measured on a second of it.

use std::fmt;
use std::time::Instant;

use crate::cancel::CancelToken;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::jobs::parts::plan::Plan;
use crate::jobs::parts::render::PartRequest;
use crate::jobs::process::{peak_memory, processor_seconds};
use crate::jobs::video::run_file;
use crate::threads;
use crate::time::FrameTime;
use crate::video::read::{Clip, FileSource, Source as _, Stretch};
use crate::video::write::{FileOutput, FileSink, part_extension};

/// Of the film, measured: longer than the smoother looks ahead, so that all that waits is there.
const SECONDS: f64 = 1.2;
/// Asked for beyond what was measured: other places of a film are heavier.
const SPARE: f64 = 1.25;
/// Megabytes are asked for in steps.
const STEP: u64 = 256;
/// A part may take so many times as long as the second that was measured promises, and some minutes to begin.
const PATIENCE: f64 = 3.0;
const BEGINNING: f64 = 10.0;

/// What to ask a scheduler for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usage {
    /// Cores that were busy, rounded up.
    pub cores: u64,
    /// Memory, with some to spare.
    pub megabytes: u64,
    /// Frames a second, on so many cores.
    pub rate: f64,
    /// Of the process: seconds of processor time a frame and the most memory, where the system tells.
    measured: Option<(f64, u64)>,
}

impl Usage {
    fn of(frames: u64, wall: f64, processor: Option<f64>, peak: Option<u64>) -> Self {
        let wall = wall.max(1e-3);
        let all = threads::count() as u64;
        let cores = processor.map_or(all, |secs| ((secs / wall).ceil() as u64).clamp(1, all));
        let needed = peak.map_or(4 << 30, |bytes| (bytes as f64 * SPARE) as u64);
        Self {
            cores,
            megabytes: (needed >> 20).div_ceil(STEP).max(1) * STEP,
            rate: frames as f64 / wall,
            measured: processor.zip(peak).map(|(secs, peak)| (secs / frames.max(1) as f64, peak)),
        }
    }

    /// The longest that a part of so many frames may take.
    pub fn minutes(&self, frames: u64) -> u64 {
        (frames as f64 / self.rate.max(1e-3) / 60.0 * PATIENCE + BEGINNING).ceil() as u64
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rate, .. } = self;
        match self.measured {
            Some((secs, peak)) => write!(
                f,
                "Measured on a second of the film: {rate:.2} frames a second, {secs:.3} core seconds \
                 a frame, {} MB.",
                peak >> 20
            ),
            None => {
                write!(f, "Measured on a second of the film: {rate:.2} frames a second; memory is a guess.")
            }
        }
    }
}

/// Draws a second of the film, from the beginning of a part in the middle, and keeps nothing of it. The number of
/// the part in the request does not matter.
///
/// # Errors
/// Those of drawing a part.
pub fn measure(request: &PartRequest, stop: &CancelToken) -> Result<Usage> {
    let PartRequest { job, film, models, .. } = request;
    let plan = Plan::read(job)?;
    let part = &plan.part[plan.part.len() / 2];
    let look = plan.look(job)?;
    let film = plan.film_at(job, film.as_deref())?;
    let source = FileSource::open(&film, Clip::default(), stop.clone())?;
    let until = (plan.time(part.from) + FrameTime::from_secs_f64(SECONDS)).to_ticks(plan.time_base());
    let stretch =
        Stretch { from: part.from, until: Some(until.max(part.from + 1)), search: plan.film.search };
    let source = source.within(&film, stretch)?.with_background(plan.settings.background);
    let info = source.info().clone();
    let config = plan.config(models.as_deref()).ok_or(Error::Stage { name: "trial" })?;
    let engine = Engine::new(&look, plan.settings.size, info.display_aspect(), &config)?;
    let cannot = |source: std::io::Error| Error::Write { path: job.clone(), source: source.into() };
    let folder = tempfile::Builder::new().prefix(".trial").tempdir_in(job).map_err(cannot)?;
    let codec = plan.codec();
    let output = FileOutput {
        codec,
        crf: plan.settings.crf,
        ..FileOutput::new(folder.path().join("trial").with_extension(codec.map_or("mp4", part_extension)))
    };
    let sink = FileSink::part(&output, &info, plan.time(part.from), String::new())?;
    let (began, before) = (Instant::now(), processor_seconds());
    let frames = run_file(source, sink, engine, |_| {})?;
    let processor = processor_seconds().zip(before).map(|(now, before)| now - before);
    Ok(Usage::of(frames, began.elapsed().as_secs_f64(), processor, peak_memory()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_rounded_up() {
        let usage = Usage::of(30, 10.0, Some(9.5), Some(700 << 20));
        assert_eq!((usage.cores, usage.megabytes, usage.rate), (1, 1024, 3.0));
        assert_eq!(usage.minutes(3750), 73, "3750 frames at 3 a second are 21 minutes");
        let unknown = Usage::of(30, 10.0, None, None);
        assert!(unknown.cores >= 1 && unknown.megabytes == 5120 - 1024, "{unknown:?}");
    }
}
