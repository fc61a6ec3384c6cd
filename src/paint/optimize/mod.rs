//! A picture painted by optimising the picture itself, in minutes: the best that this program can
//! make, and the measure of what the painter makes.
//!
//! Coarse to fine: begun with the photo in the painting's colours, or with what the painter made of
//! it, and with noise along the photo's forms, in which strokes begin. Two objectives: the nearest
//! neighbours of `neighbours` by default, the Gram matrices of the paper in `gram`. The networks
//! give an objective and its gradient by the image (`models/train/styler.py` says how); here is the
//! optimiser.

use image::RgbImage;

use crate::error::{Error, Result};
use crate::frame::{Frame, Size};
use crate::names::names;
use crate::nn::models::Models;
use crate::nn::runtime::Runtime;
use crate::paint::composite::Painting;
use crate::paint::optimize::adam::Adam;
use crate::paint::optimize::gram::Gram;
use crate::paint::optimize::neighbours::Neighbours;
use crate::paint::optimize::planes::PlanarImage;
use crate::paint::optimize::pyramid::Pyramid;
use crate::paint::painter::paint_size;
use crate::paint::recolor::{ColorMap, ColorMoments};

pub(crate) mod adam;
mod features;
mod gram;
mod neighbours;
mod planes;
mod pyramid;
mod start;

/// Step of the optimiser on a pyramid's levels, and on pixels; 1 is from black to white.
const LEVEL_RATE: f32 = 2e-3;
const PIXEL_RATE: f32 = 0.02;
/// Steps between two searches for neighbours.
const SEARCH_EVERY: u32 = 20;
/// How much the photo leads the search, beside the picture as it is; and in the last steps of the
/// finest scale, in which the strokes come out.
const LED: f32 = 0.75;
const LED_LAST: f32 = 0.25;
/// Marks of the painting that are searched, at each layer.
const MARKS: usize = 16_384;
/// Lines of the painting for one of the picture: strokes are to be large enough to be seen.
const LARGER: f32 = 1.5;

/// What of the painting's features is matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Statistics {
    /// At every place the features of the place of the painting that is likest to it.
    #[default]
    Neighbours,
    /// Gram matrices of tiles, as in the paper (there, of the whole picture).
    Gram,
}

names!(Statistics { Neighbours => "neighbours", Gram => "gram" });

/// What the optimisation begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Init {
    /// The photo, in the painting's colours.
    Photo,
    /// What a painter made of it.
    Painting,
}

/// How a picture is optimised.
#[derive(Debug, Clone)]
pub struct OptimizeParams {
    /// What is optimised.
    pub begin: Init,
    /// Lines (of the shorter side) of the scales, coarse to fine; those the
    /// picture does not have are left out, its own come last.
    pub scales: Vec<u32>,
    /// Steps at every scale.
    pub iterations: u32,
    /// Weight of the style term, relative to the content's; for [`Statistics::Gram`] only.
    pub style: f32,
    /// What makes the style.
    pub statistics: Statistics,
    /// Size of the strokes, 0.5..=2; 1 as in the painting.
    pub stroke: f32,
}

impl Default for OptimizeParams {
    fn default() -> Self {
        Self {
            begin: Init::Photo,
            scales: vec![64, 128, 256, 512],
            iterations: 80,
            style: 5.0,
            statistics: Statistics::Neighbours,
            stroke: 1.0,
        }
    }
}

impl OptimizeParams {
    /// Begins with a painting: its shapes and colours are there already, so one scale does.
    pub fn improving() -> Self {
        Self { begin: Init::Painting, scales: vec![512], iterations: 60, ..Self::default() }
    }
}

/// How far it is.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    /// Steps done, over all scales.
    pub done: u64,
    /// Steps in all.
    pub steps: u64,
    /// Lines of this scale.
    pub lines: u32,
    /// What is made smaller, about 5 down to 1.
    pub objective: f32,
}

/// Optimises pictures towards one painting.
pub struct StyleOptimizer {
    objective: Objective,
    painting: RgbImage,
    params: OptimizeParams,
}

enum Objective {
    Neighbours(Box<Neighbours>),
    Gram(Box<Gram>),
}

impl StyleOptimizer {
    /// Loads the networks.
    ///
    /// # Errors
    /// Returns an error if they cannot be had.
    pub fn new(
        models: &Models,
        runtime: &Runtime,
        painting: RgbImage,
        params: OptimizeParams,
    ) -> Result<Self> {
        let objective = match params.statistics {
            Statistics::Neighbours => Objective::Neighbours(Box::new(Neighbours::new(models, runtime)?)),
            Statistics::Gram => Objective::Gram(Box::new(Gram::new(models, runtime, params.style)?)),
        };
        Ok(Self { objective, painting, params })
    }

    /// The painting of a picture, begun with `start` if there is one; `report` sees every step.
    ///
    /// # Errors
    /// Returns an error if ONNX Runtime fails.
    pub fn run(
        &mut self,
        frame: &Frame,
        start: Option<&Painting>,
        mut report: impl FnMut(Step),
    ) -> Result<Painting> {
        let scales = self.scales(frame.size);
        let steps = u64::from(self.params.iterations) * scales.len() as u64;
        let colors = self.colors(frame);
        let photo = PlanarImage::of_rgba(&frame.pixels, frame.size);
        let wanted = photo.recolored(&colors);
        let mut image = start.map(|start| PlanarImage::of_rgba(&start.painted, start.size));
        for (number, &lines) in (0_u64..).zip(&scales) {
            let photo = wanted.resized(paint_size(frame.size, Some(lines)))?;
            let begin = match image {
                None => photo.clone(),
                Some(coarser) => coarser.resized(photo.size())?,
            };
            let done = number * u64::from(self.params.iterations);
            let last = number + 1 == scales.len() as u64;
            image = Some(self.optimise(&photo, &begin, lines, last, |step, objective| {
                report(Step { done: done + u64::from(step), steps, lines, objective });
            })?);
        }
        let Some(image) = image else { return Err(Error::Stage { name: "styler" }) };
        let (size, same) = (image.size(), image.size() == frame.size);
        let guide = if same { None } else { Some(photo.resized(size)?.to_rgba().into()) };
        Ok(Painting { size, guide, painted: image.to_rgba().into(), colors, relief: None })
    }

    fn colors(&self, frame: &Frame) -> ColorMap {
        let own = ColorMoments::of::<4>(&frame.pixels, frame.size.width as usize);
        let painting = ColorMoments::of::<3>(self.painting.as_raw(), self.painting.width() as usize);
        ColorMap::between(&own, &painting)
    }

    /// Lines of the scales for a picture of this size.
    fn scales(&self, size: Size) -> Vec<u32> {
        let own = size.width.min(size.height);
        let finest = self.params.scales.iter().copied().max().unwrap_or(own).min(own);
        let mut scales: Vec<_> = self.params.scales.iter().copied().filter(|lines| *lines < finest).collect();
        scales.push(finest);
        scales.sort_unstable();
        scales.dedup();
        scales
    }

    fn optimise(
        &mut self,
        photo: &PlanarImage,
        begin: &PlanarImage,
        lines: u32,
        last: bool,
        report: impl FnMut(u32, f32),
    ) -> Result<PlanarImage> {
        let painting = enlarged(&self.painting, lines as f32 * LARGER * self.params.stroke)?;
        let begin = match self.params.begin {
            Init::Photo => start::with_noise(begin, photo),
            // The painter began its strokes in noise already.
            Init::Painting => begin.values(),
        };
        let steps = self.params.iterations;
        let values = match &mut self.objective {
            Objective::Neighbours(objective) => {
                match_neighbours(objective, photo, &painting, begin, steps, last, report)
            }
            Objective::Gram(objective) => match_statistics(objective, photo, &painting, begin, steps, report),
        }?;
        Ok(photo.with_values(&values))
    }
}

/// A painting with so many lines.
fn enlarged(painting: &RgbImage, lines: f32) -> Result<PlanarImage> {
    let (width, height) = painting.dimensions();
    PlanarImage::of_rgb(painting, Size { width, height }).scaled(lines / width.min(height) as f32)
}

fn match_neighbours(
    objective: &mut Neighbours,
    photo: &PlanarImage,
    painting: &PlanarImage,
    begin: Vec<f32>,
    steps: u32,
    last: bool,
    mut report: impl FnMut(u32, f32),
) -> Result<Vec<f32>> {
    let size = photo.padded();
    let (target, pyramid) = (objective.target(photo, painting, MARKS)?, Pyramid::new(size));
    let mut adam = Adam::new(pyramid.split(&begin), f32::NEG_INFINITY..=f32::INFINITY);
    let (mut image, mut matches) = (begin, None);
    for step in 0..steps {
        let current = match matches.take().filter(|_| step % SEARCH_EVERY != 0) {
            Some(matches) => matches,
            None => {
                let led = if last && 5 * step >= 3 * steps { LED_LAST } else { LED };
                objective.matches(&image, size, &target, led)?
            }
        };
        let judged = objective.judge(&image, size, &target, &current)?;
        adam.step(&pyramid.adjoint(&judged.gradient), LEVEL_RATE);
        image = pyramid.join(adam.values());
        report(step + 1, judged.objective);
        matches = Some(current);
    }
    image.iter_mut().for_each(|value| *value = value.clamp(0.0, 1.0));
    Ok(image)
}

fn match_statistics(
    objective: &mut Gram,
    photo: &PlanarImage,
    painting: &PlanarImage,
    begin: Vec<f32>,
    steps: u32,
    mut report: impl FnMut(u32, f32),
) -> Result<Vec<f32>> {
    let target = objective.target(photo, painting)?;
    let mut adam = Adam::new(begin, 0.0..=1.0);
    for step in 1..=steps {
        let (value, gradient) = objective.judge(adam.values(), &target)?;
        adam.step(&gradient, PIXEL_RATE);
        report(step, value);
    }
    Ok(adam.mean())
}
