//! `stylewarp distill`: tunes the style code of one painting, and only the code.
//!
//! The code that the style encoder predicts is moved in parts: every stretch of
//! it may lean towards, or away from, that of each style the painter knows. What
//! is minimised is the objective of `still --quality best`, nearest neighbours, of
//! what the painter makes of a few pictures. It comes with its gradient by the
//! painted image, which is all that tuning more than the code would need; the
//! painter is so fast that its own part is found by trying: it paints the picture
//! once with every lean a little changed (forward differences), and the scalar
//! product of that change with the gradient is the slope.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use image::RgbImage;

use crate::assets;
use crate::atomic_file::AtomicFile;
use crate::engine::EngineConfig;
use crate::error::{Error, Result};
use crate::frame::Size;
use crate::image_file;
use crate::nn::models::Models;
use crate::nn::network::Network;
use crate::nn::runtime::Runtime;
use crate::paint::noise::{AdvectedNoise, CELL, OCTAVES};
use crate::paint::optimize::adam::Adam;
use crate::paint::optimize::neighbours::{Judgement, Neighbours, Target};
use crate::paint::optimize::{PlanarImage, Step, enlarged};
use crate::paint::orientation::Orientation;
use crate::paint::painter::{self, GREY, cell_luminance, planes_of};
use crate::paint::recolor::{ColorMap, ColorMoments};
use crate::paint::style::{FINE, Style};
use crate::paint::style_encoder::StyleEncoder;
use crate::time::FrameTime;

/// Stretches that a code is divided into.
const STRETCHES: usize = 6;
/// Lines of the pictures it is tuned on. Codes for fine pictures are tuned; those for coarse ones move along.
const LINES: u32 = FINE as u32;
/// Lines of the painting for one of a picture.
const LARGER: f32 = 1.5;
/// How much the photo leads the search for neighbours, beside what was painted.
const LED: f32 = 0.75;
/// Marks of the painting that are searched, at each layer.
const MARKS: usize = 4096;
/// How far a lean is changed to see what it does.
const TRIAL: f32 = 0.05;
/// Step of the optimiser, in leans, and how far any lean may go.
const RATE: f32 = 0.04;
const MOST: f32 = 3.0;

/// Paintings of the program's own that are painted anew, where no pictures are
/// given: people, a town, a sea, a wood, things on a table.
const LESSONS: [&str; 6] =
    ["girls-at-the-piano", "cafe-terrace", "shipwreck", "jack-pine", "skull", "parasol"];

/// The objective of a code before and after tuning.
#[derive(Debug, Clone, Copy)]
pub struct DistillReport {
    /// Of the code as the style encoder predicts it.
    pub predicted: f32,
    /// Of the code written.
    pub tuned: f32,
}

/// Tunes a style for a painting on some pictures, and writes it with a preset that uses it.
///
/// # Errors
/// [`Error::OutputExists`] if the preset or its style is there and `overwrite` is not set; an
/// error if a picture, a network or an output fails.
pub fn write(
    painting: &Path,
    output: &Path,
    overwrite: bool,
    on: &[PathBuf],
    steps: u32,
    setup: &EngineConfig,
    report: impl FnMut(Step),
) -> Result<DistillReport> {
    check(painting, output, overwrite)?;
    let style_file = style_file(output);
    let photos: Vec<_> = match on {
        [] => LESSONS.iter().map(|name| assets::painting(name)).collect::<Result<_>>()?,
        on => on.iter().map(|path| image_file::exemplar(path)).collect::<Result<_>>()?,
    };
    let picture = image_file::exemplar(painting)?;
    let (models, runtime) = (Models::find(setup.models.as_deref())?, Runtime::load(setup.device)?);
    let mut distiller = Distiller::new(&models, &runtime, picture, &photos)?;
    let style = distiller.run(steps, report)?;
    let predicted = distiller.predicted().clone();
    let told =
        DistillReport { predicted: distiller.objective(&predicted)?, tuned: distiller.objective(&style)? };
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let text = toml::Table::from_iter([
        ("description".into(), format!("in the brushwork of {}", name(painting)).into()),
        ("texture".into(), name(&style_file).into()),
    ]);
    // Both are written before either gets its name.
    let files = [AtomicFile::create(&style_file, overwrite)?, AtomicFile::create(output, overwrite)?];
    let style = style.to_bytes().map_err(|reason| files[0].cannot_write(reason))?;
    for (file, bytes) in files.iter().zip([&style[..], text.to_string().as_bytes()]) {
        file.file().write_all(bytes).map_err(|reason| file.cannot_write(reason))?;
    }
    files.into_iter().try_for_each(AtomicFile::commit)?;
    Ok(told)
}

/// Refuses a preset that cannot be written, or whose style would destroy something.
fn check(painting: &Path, output: &Path, overwrite: bool) -> Result<()> {
    if output.extension().is_none_or(|extension| extension != "toml") {
        return Err(Error::NotAPreset { path: output.to_owned() });
    }
    if output.to_str().is_none() {
        let reason = "a preset is text, and this name that it would hold is not UTF-8";
        return Err(Error::Write { path: output.to_owned(), source: reason.into() });
    }
    image_file::check_overwrite(painting, output, overwrite)?;
    image_file::check_overwrite(painting, &style_file(output), overwrite)
}

/// Where the style goes that a preset uses.
fn style_file(preset: &Path) -> PathBuf {
    preset.with_extension("safetensors")
}

/// Tunes codes for one painting.
pub struct Distiller {
    objective: Neighbours,
    painter: Network,
    /// Start, and the styles it may lean towards.
    start: Style,
    known: Vec<Style>,
    origin: Style,
    lessons: Vec<Example>,
}

/// A picture to paint, and what is wanted.
struct Example {
    /// In the colours of the painting.
    photo: PlanarImage,
    /// What the painter begins its strokes in.
    noise: Vec<f32>,
    target: Target,
}

impl Distiller {
    /// Loads the networks and predicts the first code.
    ///
    /// # Errors
    /// Returns an error if a network cannot be had or fails, or there is no picture to paint.
    pub fn new(models: &Models, runtime: &Runtime, painting: RgbImage, photos: &[RgbImage]) -> Result<Self> {
        let mut encoder = StyleEncoder::new(models, runtime)?;
        let start = encoder.run(&painting)?;
        let predicted = |name| encoder.run(&assets::painting(name)?);
        let known: Vec<_> = assets::painting_names().map(predicted).collect::<Result<_>>()?;
        let equal: Vec<_> = known.iter().map(|style| (style.clone(), 1.0)).collect();
        let origin = Style::mix(&equal)
            .ok_or_else(|| Error::TextureMissing { name: "any".into(), available: Vec::new() })?;
        let colors = ColorMoments::of::<3>(painting.as_raw(), painting.width() as usize);
        let brushwork = enlarged(&painting, LINES as f32 * LARGER)?;
        let mut objective = Neighbours::new(models, runtime)?;
        let mut lessons = Vec::new();
        for photo in photos {
            let side = photo.width().min(photo.height());
            let (left, top) = ((photo.width() - side) / 2, (photo.height() - side) / 2);
            let square = image::imageops::crop_imm(photo, left, top, side, side).to_image();
            let whole = PlanarImage::of_rgb(&recolored(square, &colors), Size { width: side, height: side });
            let photo = whole.resized(Size { width: LINES, height: LINES })?;
            let cells = photo.padded().map(|side| side / CELL);
            let mut orientation = Orientation::default();
            orientation.update(&cell_luminance(&photo.values(), cells), cells, None);
            let noise =
                orientation.smear(&AdvectedNoise::default().run(FrameTime::ZERO, photo.size(), cells, None));
            let target = objective.target(&photo, &brushwork, MARKS)?;
            lessons.push(Example { photo, noise, target });
        }
        let painter = models.network(painter::NETWORK, runtime)?;
        Ok(Self { objective, painter, start, known, origin, lessons })
    }

    /// The code predicted without tuning.
    pub fn predicted(&self) -> &Style {
        &self.start
    }

    /// The mean of the objective over the pictures, for a code.
    ///
    /// # Errors
    /// Returns an error if ONNX Runtime fails.
    pub fn objective(&mut self, style: &Style) -> Result<f32> {
        let code = style.code(FINE, 1.0);
        let mut sum = 0.0;
        for number in 0..self.lessons.len() {
            let painted = self.paint(number, &code)?;
            sum += self.judge(number, &painted)?.objective;
        }
        Ok(sum / self.lessons.len() as f32)
    }

    /// The best code after so many steps; `report` sees every step.
    ///
    /// # Errors
    /// Returns an error if ONNX Runtime fails.
    pub fn run(&mut self, steps: u32, mut report: impl FnMut(Step)) -> Result<Style> {
        let mut adam = Adam::new(vec![0.0; self.known.len() * STRETCHES], -MOST..=MOST);
        for step in 1..=steps {
            let number = step as usize % self.lessons.len();
            let (objective, slopes) = self.slopes(number, adam.values())?;
            // Falls to nothing at the end, so that the last picture does not have the last word.
            adam.step(&slopes, RATE * (1.0 - (step - 1) as f32 / steps as f32).sqrt());
            report(Step { done: step.into(), steps: steps.into(), lines: LINES, objective });
        }
        let (tuned, before) = (self.leant(adam.values()), self.start.clone());
        // On few steps tuning can do harm; then the prediction stays.
        Ok(if self.objective(&tuned)? < self.objective(&before)? { tuned } else { before })
    }

    /// The objective of one picture painted with these leans, and its slope by each.
    fn slopes(&mut self, number: usize, leans: &[f32]) -> Result<(f32, Vec<f32>)> {
        let painted = self.paint(number, &self.leant(leans).code(FINE, 1.0))?;
        let Judgement { objective, gradient } = self.judge(number, &painted)?;
        let (mut tried, mut slopes) = (leans.to_vec(), Vec::with_capacity(leans.len()));
        for k in 0..leans.len() {
            tried[k] = leans[k] + TRIAL;
            let changed = self.paint(number, &self.leant(&tried).code(FINE, 1.0))?;
            tried[k] = leans[k];
            let products = changed
                .iter()
                .zip(&painted)
                .zip(&gradient)
                .map(|((tried, own), slope)| (tried - own) * slope);
            slopes.push(products.sum::<f32>() / TRIAL);
        }
        Ok((objective, slopes))
    }

    fn leant(&self, leans: &[f32]) -> Style {
        let mut style = self.start.clone();
        let length = style.code_len().div_ceil(STRETCHES);
        for (k, lean) in leans.iter().enumerate().filter(|(_, lean)| **lean != 0.0) {
            let first = k % STRETCHES * length;
            let part = first..(first + length).min(style.code_len());
            style.lean(part, *lean, [&self.origin, &self.known[k / STRETCHES]]);
        }
        style
    }

    fn paint(&mut self, number: usize, code: &[f32]) -> Result<Vec<f32>> {
        let Example { photo, noise, .. } = &self.lessons[number];
        let [width, height] = photo.padded();
        let vector = [1, code.len()];
        let before = vec![0.0; code.len()];
        let cells = [width / CELL, height / CELL];
        let image: Vec<_> = photo.values().iter().map(|value| value - GREY).collect();
        let inputs = [
            (&[1, 3, height, width][..], &image[..]),
            (&vector, code),
            (&vector, &before),
            (&[1], &[0.0]),
            (&[1, OCTAVES, cells[1], cells[0]], noise),
        ];
        self.painter.run(&inputs, |outputs| planes_of(outputs[0], cells))
    }

    /// The objective of what was painted, and its gradient; partners are searched anew.
    fn judge(&mut self, number: usize, painted: &[f32]) -> Result<Judgement> {
        let Example { photo, target, .. } = &self.lessons[number];
        let matches = self.objective.matches(painted, photo.padded(), target, LED)?;
        self.objective.judge(painted, photo.padded(), target, &matches)
    }
}

/// The picture in the colours of a painting.
fn recolored(mut picture: RgbImage, painting: &ColorMoments) -> RgbImage {
    let own = ColorMoments::of::<3>(picture.as_raw(), picture.width() as usize);
    let map = ColorMap::between(&own, painting);
    for pixel in picture.pixels_mut() {
        pixel.0 =
            map.apply(pixel.0.map(|value| f32::from(value) / 255.0)).map(|value| (value * 255.0 + 0.5) as u8);
    }
    picture
}
