//! Draws one part of a film.

use std::path::{Path, PathBuf};

use crate::cancel::CancelToken;
use crate::engine::Engine;
use crate::error::{Difference, Error, Result};
use crate::frame::Frame;
use crate::jobs::parts::error::PartsError;
use crate::jobs::parts::plan::{PartSpec, Plan};
use crate::jobs::video::{Wanted, run_part};
use crate::nn::models::Models;
use crate::scene_change::SceneSignature;
use crate::time::FrameTime;
use crate::video::read::{Clip, FileSource, Source, Stretch, VideoInfo};
use crate::video::write::{FileOutput, FileSink, JoinPart, Sink, check_part};

/// How far the mean colours of a picture's quarters may be off: decoders and scalers round as they like, another
/// picture is another matter.
const ROUNDING: u8 = 3;

/// Which part of what.
#[derive(Debug, Clone)]
pub struct PartRequest {
    /// The job's folder.
    pub job: PathBuf,
    /// Which part, from 0.
    pub number: usize,
    /// The film, if it is elsewhere on this machine.
    pub film: Option<PathBuf>,
    /// Folder of networks, if not the usual ones.
    pub models: Option<PathBuf>,
}

/// What became of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rendered {
    /// It was there.
    Before(PathBuf),
    /// It was drawn.
    Now(PathBuf),
    /// The run was asked to stop; nothing of it is kept.
    Stopped,
}

/// Draws a part of the film into the job's folder, unless it is there: its pictures alone. Safe to be run twice,
/// at once, and again. `opened` hears of the film, the part's frames and what runs on what; `shown` sees every finished frame.
///
/// # Errors
/// [`PartsError::PlanInvalid`], [`PartsError::PlanMismatch`] where plan, film, look and networks do not go together;
/// [`Error::OutOfRange`] for a part that there is not; those of a run from file to file.
pub fn render(
    request: &PartRequest,
    stop: &CancelToken,
    opened: impl FnOnce(&VideoInfo, u64, &str),
    shown: impl FnMut(&Frame),
) -> Result<Rendered> {
    let PartRequest { job, number, film, models } = request;
    let plan = Plan::read(job)?;
    let (Some(part), Some(file)) = (plan.part.get(*number), plan.files(job).into_iter().nth(*number)) else {
        return Err(Error::OutOfRange {
            what: "the part",
            value: number.to_string(),
            range: "those of the plan, which count from 0",
        });
    };
    if file.path.exists() {
        match check_part(&file) {
            Ok(()) => return Ok(Rendered::Before(file.path)),
            // It is made anew: nothing else can go by that name.
            Err(error) => tracing::warn!("{}", error.explained("the part that is there is drawn again")),
        }
    }
    let look = plan.look(job)?;
    plan.check_networks(job, &Models::find(models.as_deref())?)?;
    let film = plan.film_at(job, film.as_deref())?;
    let source = open(&plan, part, job, &film, stop)?;
    let config = plan.config(models.as_deref()).ok_or(Error::Stage { name: "part" })?;
    let info = source.info().clone();
    let engine = Engine::new(&look, plan.settings.size, info.display_aspect(), &config)?;
    opened(&info, part.frames, &engine.devices);
    let sink = PartSink::create(&plan, part, &file, &info, stop)?;
    let drawn = part.drawn.map(|ticks| plan.time(ticks));
    let wanted = Wanted { drawn, from: Some(file.from), until: file.until };
    run_part(source, sink, engine, wanted, shown)?;
    Ok(if stop.is_raised() { Rendered::Stopped } else { Rendered::Now(file.path) })
}

/// The film at the part's first picture, or at those before that it depends on; looked up, if that leads to
/// the picture that was planned.
fn open(plan: &Plan, part: &PartSpec, job: &Path, film: &Path, stop: &CancelToken) -> Result<FileSource> {
    let whole = |stop: &CancelToken| {
        let source = FileSource::open(film, Clip::default(), stop.clone())?;
        if source.info().time_base != plan.time_base() {
            let said = |base: [i32; 2]| format!("a clock of {}/{} seconds", base[0], base[1]);
            let found = source.info().time_base.parts().into();
            return Err(mismatch(job, said(plan.film.time_base), said(found)));
        }
        Ok(source.with_background(plan.settings.background))
    };
    let mut found = None;
    for search in [true, false] {
        if search && (part.lead.is_none() || !plan.film.search) {
            continue;
        }
        let from = part.lead.unwrap_or(i64::MIN);
        let near = Stretch { from, until: Some(part.from + 1), search };
        let mut source = whole(&CancelToken::new())?.within(film, near)?;
        let first = plan.time(part.from);
        while let Some(frame) = source.next()? {
            if frame.time == first {
                found = Some(SceneSignature::of(&frame.pixels, frame.size).quarters());
            }
        }
        let is_near = |quarters: &[u8; 12]| {
            quarters.iter().zip(&part.picture).all(|(found, planned)| found.abs_diff(*planned) <= ROUNDING)
        };
        if found.is_some_and(|quarters| is_near(&quarters)) {
            return whole(stop)?.within(film, Stretch { from, until: part.tail, search });
        }
        tracing::debug!(search, "the part's first picture is not found");
    }
    let said =
        |quarters: [u8; 12]| format!("a picture at {} of mean colours {quarters:?}", plan.time(part.from));
    Err(mismatch(job, said(part.picture), found.map_or_else(|| "none".into(), said)))
}

fn mismatch(job: &Path, expected: String, found: String) -> Error {
    let source = Difference::new(expected, found);
    PartsError::PlanMismatch { path: job.join("plan.toml"), what: "another film", source }.into()
}

/// Keeps a part only if it is whole.
struct PartSink {
    file: Box<FileSink>,
    job: PathBuf,
    wanted: u64,
    written: u64,
    stop: CancelToken,
}

impl PartSink {
    fn create(
        plan: &Plan,
        part: &PartSpec,
        file: &JoinPart,
        info: &VideoInfo,
        stop: &CancelToken,
    ) -> Result<Self> {
        let output = FileOutput {
            overwrite: true,
            codec: plan.codec(),
            crf: plan.settings.crf,
            ..FileOutput::new(&file.path)
        };
        let sink = FileSink::part(&output, info, file.from, file.comment.clone())?;
        let job = file.path.parent().unwrap_or(Path::new("")).to_owned();
        Ok(Self { file: Box::new(sink), job, wanted: part.frames, written: 0, stop: stop.clone() })
    }
}

impl Sink for PartSink {
    fn write(&mut self, frame: Frame) -> Result<()> {
        self.written += 1;
        self.file.write(frame)
    }

    fn last_until(&mut self, end: FrameTime) {
        self.file.last_until(end);
    }

    fn finish(self: Box<Self>) -> Result<()> {
        match self.written {
            _ if self.stop.is_raised() => Ok(()),
            written if written == self.wanted => self.file.finish(),
            written => {
                let said = |count: u64| format!("{count} pictures in this part");
                Err(mismatch(&self.job, said(self.wanted), said(written)))
            }
        }
    }
}
