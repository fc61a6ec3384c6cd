//! Joins the parts of a film.

use std::path::{Path, PathBuf};

use crate::cancel::CancelToken;
use crate::error::Result;
use crate::jobs::parts::error::PartsError;
use crate::jobs::parts::plan::Plan;
use crate::time::FrameTime;
use crate::video::read::{Clip, FileSource, Source as _};
use crate::video::write::{Audio, Changed, FileOutput, FilmJoiner};

/// What is joined into what.
#[derive(Debug, Clone)]
pub struct JoinRequest {
    /// The job's folder.
    pub job: PathBuf,
    /// The film to write.
    pub output: PathBuf,
    /// Whether a file of that name may be replaced.
    pub overwrite: bool,
    /// What to do with the film's sound.
    pub audio: Audio,
    /// The film that was divided, if it is elsewhere on this machine.
    pub film: Option<PathBuf>,
}

/// Writes the parts' pictures, as they are, with the film's sound, subtitles, chapters and titles into a new
/// file. `changed` hears what of those is not there as it was, `joined` of every part. The number of pictures.
///
/// # Errors
/// [`PartsError::Missing`] names those that are not there; [`VideoError::PartInvalid`](crate::video::error::VideoError) the first that is not what
/// the plan says; those of a run from file to file. Nothing is written then.
pub fn join(
    request: &JoinRequest,
    changed: impl FnMut(&Changed),
    mut joined: impl FnMut(usize),
) -> Result<u64> {
    let JoinRequest { job, output, overwrite, audio, film } = request;
    let plan = Plan::read(job)?;
    let files = plan.files(job);
    let missing = missing(job, &plan);
    if !missing.is_empty() {
        return Err(PartsError::Missing { folder: job.clone(), missing, parts: files.len() }.into());
    }
    let film = plan.film_at(job, film.as_deref())?;
    let source = FileSource::open(&film, Clip::default(), CancelToken::new())?;
    let output =
        FileOutput { overwrite: *overwrite, codec: plan.codec(), audio: *audio, ..FileOutput::new(output) };
    let joiner = FilmJoiner::create(&output, source.info(), &film, &files)?;
    joiner.changed().iter().for_each(changed);
    let mut count = 0;
    joiner.run(plan.time(plan.film.last), FrameTime::from_nanos(plan.film.end), |_| {
        count += 1;
        joined(count);
    })?;
    Ok(plan.film.frames)
}

/// The parts that are not there.
pub fn missing(job: &Path, plan: &Plan) -> Vec<usize> {
    let files = plan.files(job).into_iter().enumerate();
    files.filter(|(_, file)| !file.path.exists()).map(|(number, _)| number).collect()
}
