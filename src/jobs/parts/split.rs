//! Divides a film: one pass over its pictures, without a network, and a plan.

use std::path::{Path, PathBuf};

use crate::cancel::CancelToken;
use crate::error::{Error, Result};
use crate::frame::Frame;
use crate::jobs::parts::film::fingerprint;
use crate::jobs::parts::plan::{FilmSpec, PartSpec, Plan, Settings};
use crate::jobs::parts::seams::{Part, SeamFinder, Seen, divide};
use crate::look::LookSpec;
use crate::nn::models::Models;
use crate::scene_change::ChangeDetector;
use crate::time::{FrameTime, TimeBase};
use crate::video::read::{Clip, FileSource, Source as _, VideoInfo};
use crate::video::write::{Codec, FileOutput, part_extension};

/// What is to be divided, and how.
#[derive(Debug, Clone)]
pub struct SplitRequest {
    /// The film.
    pub film: PathBuf,
    /// The folder to make.
    pub job: PathBuf,
    /// Parts wanted.
    pub parts: usize,
    /// What it is to look like.
    pub look: LookSpec,
    /// How parts are drawn and stored.
    pub settings: Settings,
    /// Folder of networks, if not the usual ones.
    pub models: Option<PathBuf>,
}

/// Finds the cuts of a film and writes the plan into the job's folder, which it makes; `None` if it was asked to
/// stop. `opened` hears of the film before its first frame, `seen` of every frame.
///
/// # Errors
/// [`Error::OutputExists`] if there is a plan; those of reading the film, the look and the networks;
/// [`Error::Write`].
pub fn split(
    request: &SplitRequest,
    stop: &CancelToken,
    opened: impl FnOnce(&VideoInfo),
    seen: impl FnMut(&Frame),
) -> Result<Option<Plan>> {
    let path = request.job.join("plan.toml");
    if path.exists() {
        return Err(Error::OutputExists { path });
    }
    // What cannot work is told before the long pass.
    let look = request.look.resolve()?;
    let models = Models::find(request.models.as_deref())?;
    let is_new = !request.job.exists();
    let cannot = |source: std::io::Error| Error::Write { path: request.job.clone(), source: source.into() };
    std::fs::create_dir_all(&request.job).map_err(cannot)?;
    drop(look);
    let made = divided(request, &models, stop, opened, seen);
    if is_new && !matches!(made, Ok(Some(_))) {
        // Of a folder that holds something by now nothing is removed.
        let _ = std::fs::remove_dir(&request.job);
    }
    made
}

fn divided(
    request: &SplitRequest,
    models: &Models,
    stop: &CancelToken,
    opened: impl FnOnce(&VideoInfo),
    mut seen: impl FnMut(&Frame),
) -> Result<Option<Plan>> {
    let SplitRequest { film: path, job, settings, .. } = request;
    let codec: Codec = settings.codec.parse().map_err(|_| Error::Stage { name: "split" })?;
    let output = FileOutput {
        codec: Some(codec),
        crf: settings.crf,
        ..FileOutput::new(job.join("part").with_extension(part_extension(codec)))
    };
    output.check(path)?;
    let mut source =
        FileSource::open(path, Clip::default(), stop.clone())?.with_background(settings.background);
    opened(source.info());
    let (mut changes, mut finder) = (ChangeDetector::default(), SeamFinder::default());
    while let Some(frame) = source.next()? {
        finder.push(frame.time, changes.run(&frame));
        seen(&frame);
    }
    let Some(last) = finder.seen.last().copied().filter(|_| !stop.is_raised()) else { return Ok(None) };
    let (base, rate) = (source.info().time_base, source.info().rate);
    let end = source.end().filter(|end| *end > last.time);
    let (bytes, sha256) = fingerprint(path)?;
    let film = FilmSpec {
        path: std::fs::canonicalize(path).map_err(|source| Error::Read { path: path.clone(), source })?,
        bytes,
        sha256,
        time_base: base.parts().into(),
        frames: finder.seen.len() as u64,
        last: last.time.to_ticks(base),
        end: end.unwrap_or(last.time + FrameTime::from_ticks(1, rate.frame_base())).as_nanos(),
        search: !source.is_broken(),
    };
    let parts = divide(&finder.seen, request.parts).into_iter().map(|part| spec(part, &finder.seen, base));
    let mut plan = Plan::new(settings.clone(), film, &request.look, models, parts.collect())?;
    plan.write(Path::new(job))?;
    Ok(Some(plan))
}

fn spec(part: Part, film: &[Seen], base: TimeBase) -> PartSpec {
    let ticks = |frame: usize| film.get(frame).map(|seen| seen.time.to_ticks(base));
    PartSpec {
        from: film[part.first].time.to_ticks(base),
        until: ticks(part.next),
        frames: (part.next - part.first) as u64,
        exact: part.is_exact,
        lead: ticks(part.lead).filter(|_| part.lead > 0),
        drawn: ticks(part.drawn).filter(|_| part.drawn > part.lead),
        tail: ticks(part.tail),
        picture: film[part.first].quarters,
    }
}
