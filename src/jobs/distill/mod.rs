//! `stylewarp distill`: a painter of one's own, tuned to one painting.
//!
//! Writes a preset and, beside it, the style. Both are renewed every half minute, so whatever ends the run leaves
//! a look that can be used, and the style holds what is needed to go on. What is tuned, and how, is
//! [`crate::paint::tune`]'s business.

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use image::RgbImage;

use crate::assets;
use crate::cancel::CancelToken;
use crate::engine::{Engine, EngineConfig};
use crate::error::{Error, Result};
use crate::image_file;
use crate::jobs::distill::output::Output;
use crate::look::Look;
use crate::nn::models::Models;
use crate::nn::runtime::Runtime;
use crate::paint::tune::manner;
use crate::paint::tune::part::Part;
use crate::paint::tune::saved::Saved;
use crate::paint::tune::{TuneStep, Tuner};

mod output;
mod request;

pub use crate::jobs::distill::request::{DistillRequest, Pace, style_of};

/// How often the outputs are renewed.
const EVERY: Duration = Duration::from_secs(30);
/// Lines of the preview.
const PREVIEW: u32 = 360;
/// What a step takes one core.
pub const STEP: Duration = Duration::from_secs(1);
const SEED: u64 = 1;

/// What happens during a run.
#[derive(Debug)]
pub enum DistillEvent<'a> {
    /// It learns from this part of the painting.
    Part(Part),
    /// One more step is done.
    Step {
        /// How far it is.
        step: TuneStep,
        /// Time used, over all runs.
        used: Duration,
        /// Time there is.
        time: Duration,
    },
    /// The outputs are as good as it is by now.
    Saved,
    /// The outputs could not be renewed; it is tried again.
    NotSaved(&'a Error),
}

/// Tunes a style until its time is used or `stop` is raised, and tells what happens. What it says of the last step comes back;
/// nothing if there was none.
///
/// # Errors
/// Before anything is touched: [`Error::OutputExists`], [`Error::OutputBusy`], [`Error::NoBrushwork`] and others, if an
/// input or output cannot be used. Later, if ONNX Runtime fails, or the outputs cannot be written in the end.
pub fn run(
    request: &DistillRequest,
    setup: &EngineConfig,
    stop: &CancelToken,
    mut tell: impl FnMut(DistillEvent<'_>),
) -> Result<Option<TuneStep>> {
    let mut output = Output::new(request)?;
    let whole = image_file::exemplar(&request.painting)?;
    if image_file::is_animated(&request.painting) {
        tracing::warn!("{} moves; its first picture is taken", request.painting.display());
    }
    let mut photos: Vec<RgbImage> =
        request.on.iter().map(|path| image_file::exemplar(path)).collect::<Result<_>>()?;
    photos.extend(assets::photos()?);
    let (models, mut runtime) = (Models::find(setup.models.as_deref())?, Runtime::load(setup.device)?);
    if request.pace == Pace::Last {
        runtime = runtime.with_threads(NonZeroUsize::MIN);
    }
    let (part, canvas) = match request.part {
        Some(part) => (part.within(&whole)?, part.width.min(part.height)),
        None => (Part::find(&models, &runtime, &whole)?, whole.width().min(whole.height())),
    };
    let painting = part.of(&whole);
    drop(whole);
    if let Some(source) = manner::plainness(&painting)? {
        return Err(Error::NoBrushwork { path: request.painting.clone(), source });
    }
    tell(DistillEvent::Part(part));
    if stop.is_raised() {
        return Ok(None);
    }
    let mut tuner = Tuner::new(&models, &runtime, &painting, canvas, &photos, SEED)?;
    let mut used = Duration::ZERO;
    if let Some(Saved { style, unfinished }) = output.before(request, &painting)? {
        let (state, seconds) = unfinished.unzip();
        used = Duration::try_from_secs_f64(seconds.unwrap_or_default()).unwrap_or_default().min(request.time);
        tuner.resume(&style, state);
    }
    drop(painting);
    let (mut last, mut saved) = (None, Instant::now());
    while used < request.time && !stop.is_raised() {
        let began = Instant::now();
        let step = tuner.step(used.as_secs_f32() / request.time.as_secs_f32())?;
        used += match request.pace {
            Pace::First => began.elapsed(),
            Pace::Last => STEP,
        };
        tell(DistillEvent::Step { step, used, time: request.time });
        last = Some(step);
        if saved.elapsed() >= EVERY {
            let renewed = output.renew(&tuner, Some(used)).and_then(|()| preview(request, &photos[0], setup));
            tell(renewed.as_ref().map_or_else(DistillEvent::NotSaved, |()| DistillEvent::Saved));
            saved = Instant::now();
        }
    }
    if last.is_some() {
        output.renew(&tuner, (used < request.time).then_some(used))?;
        preview(request, &photos[0], setup)?;
        tell(DistillEvent::Saved);
    }
    Ok(last)
}

/// Paints a photo as the preset that was just written paints it.
fn preview(request: &DistillRequest, photo: &RgbImage, setup: &EngineConfig) -> Result<()> {
    let Some(path) = &request.preview else { return Ok(()) };
    let look = Look::load(&request.output.to_string_lossy())?;
    let frame = image_file::frame_of(photo);
    let painted = Engine::new(&look, Some(PREVIEW), frame.size.aspect(), setup)?.stylize(frame)?;
    // The first time what is there was refused or is to be replaced; after that it is our own.
    image_file::write(path, &painted, true)
}
