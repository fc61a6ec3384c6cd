//! The paper's own texture stage, and the painter's teacher: the picture itself
//! is optimised, coarse to fine, until its features in VGG-16 have the content
//! of the photo and the statistics of the painting (Gatys, Ecker and Bethge,
//! CVPR 2016; scales after Liu et al., "Learning to Warp for Style Transfer",
//! CVPR 2021, section 3.3). Minutes a picture; a fifth of that where it begins
//! with what the painter made, which is most of the way.
//!
//! `styler.onnx` gives the losses and their gradient with respect to the image,
//! `models/train/styler.py` says how; here is the optimiser.

use image::RgbImage;

use crate::error::{Error, Result};
use crate::frame::{Frame, Size};
use crate::names::names;
use crate::nn::models::Models;
use crate::nn::network::Network;
use crate::nn::runtime::Runtime;
use crate::paint::composite::Painting;
use crate::paint::optimize::adam::Adam;
pub(crate) use crate::paint::optimize::planes::Planes;
use crate::paint::painter::paint_size;
use crate::paint::recolor::ColorMap;

pub(crate) mod adam;
mod planes;

const NAME: &str = "styler.onnx";
/// Weight of the content term; the others are relative to it.
const CONTENT: f32 = 1.0;
/// Weight of the smoothness term: enough against single bright pixels.
const SMOOTH: f32 = 0.5;
/// Step of the optimiser, of the full range from black to white.
const RATE: f32 = 0.02;
/// Inputs before the style's: image, content, weights, centred.
const BEFORE_STYLE: usize = 4;
/// Outputs before the image's own style: terms, gradient, content.
const BEFORE_OWN: usize = 3;

/// What of a layer's features makes a style.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Statistics {
    /// Gram matrices, as in the paper.
    #[default]
    Gram,
    /// Means and covariances, apart.
    Moments,
}

names!(Statistics { Gram => "gram", Moments => "moments" });

impl std::fmt::Display for Statistics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// What the optimisation begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Init {
    /// The photo, as in the paper.
    Photo,
    /// What a painter made of it.
    Painting,
}

/// How a picture is optimised.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// What is optimised.
    pub begin: Init,
    /// Lines (of the shorter side) of the pyramid, coarse to fine; those the
    /// picture does not have are left out, its own come last.
    pub scales: Vec<u32>,
    /// Steps at every scale.
    pub iterations: u32,
    /// Weight of the style term, relative to the content's.
    pub style: f32,
    /// What makes the style.
    pub statistics: Statistics,
    /// Size of the strokes, 0.5..=2; 1 as in the painting.
    pub stroke: f32,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            begin: Init::Photo,
            scales: vec![64, 128, 256, 512],
            iterations: 150,
            style: 5.0,
            statistics: Statistics::Gram,
            stroke: 1.0,
        }
    }
}

impl Recipe {
    /// Begins with a painting: its shapes and colours are there already, so one scale does, and few steps.
    pub fn improving() -> Self {
        Self { begin: Init::Painting, scales: vec![512], iterations: 30, ..Self::default() }
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
    /// Content term: relative square error, about 0.1 to 1.
    pub content: f32,
    /// Style term: relative square error, about 5 down to 0.02.
    pub style: f32,
}

/// Optimises pictures towards one painting.
pub struct StyleOptimizer {
    network: Network,
    painting: RgbImage,
    recipe: Recipe,
}

/// What an image is compared with at one scale; the network's inputs after the image.
pub(crate) struct Target {
    content: (Vec<usize>, Vec<f32>),
    style: Vec<(Vec<usize>, Vec<f32>)>,
}

impl StyleOptimizer {
    /// Loads the network.
    ///
    /// # Errors
    /// Where it cannot be had.
    pub fn new(models: &Models, runtime: &Runtime, painting: RgbImage, recipe: Recipe) -> Result<Self> {
        let network = models.network(NAME, runtime)?;
        Ok(Self { network, painting, recipe })
    }

    /// The painting of a picture, begun with `start` if there is one; `report` sees every step.
    ///
    /// # Errors
    /// Where ONNX Runtime fails.
    pub fn run(
        &mut self,
        frame: &Frame,
        start: Option<&Painting>,
        mut report: impl FnMut(Step),
    ) -> Result<Painting> {
        let scales = self.scales(frame.size);
        let steps = u64::from(self.recipe.iterations) * scales.len() as u64;
        let photo = Planes::of_rgba(&frame.pixels, frame.size);
        let mut image = start.map(|start| Planes::of_rgba(&start.painted, start.size));
        for (number, &lines) in (0u64..).zip(&scales) {
            let size = paint_size(frame.size, Some(lines));
            let content = photo.resized(size)?;
            let target = self.target(&content, lines)?;
            let start = match image {
                None => content,
                Some(coarser) => coarser.resized(size)?,
            };
            let done = number * u64::from(self.recipe.iterations);
            image = Some(self.optimise(start, &target, |step, [content, style]| {
                report(Step { done: done + u64::from(step), steps, lines, content, style });
            })?);
        }
        let Some(image) = image else { return Err(Error::Stage { name: NAME }) };
        let (size, same) = (image.size(), image.size() == frame.size);
        let guide = if same { None } else { Some(photo.resized(size)?.to_rgba()) };
        Ok(Painting { size, guide, painted: image.to_rgba(), colors: ColorMap::IDENTITY })
    }

    /// Lines of the pyramid for a picture of this size.
    fn scales(&self, size: Size) -> Vec<u32> {
        let own = size.width.min(size.height);
        let finest = self.recipe.scales.iter().copied().max().unwrap_or(own).min(own);
        let mut scales: Vec<_> = self.recipe.scales.iter().copied().filter(|lines| *lines < finest).collect();
        scales.push(finest);
        scales.sort_unstable();
        scales.dedup();
        scales
    }

    /// Content of the photo, style of the painting, at one scale.
    pub(crate) fn target(&mut self, photo: &Planes, lines: u32) -> Result<Target> {
        let (width, height) = self.painting.dimensions();
        let painting = Planes::of_rgb(&self.painting, Size { width, height });
        let lines = (lines as f32 * self.recipe.stroke).round() as u32;
        let painting = painting.scaled(lines as f32 / width.min(height) as f32)?;
        let content = self.look(photo, |outputs| outputs[2].to_vec())?;
        let style: Vec<Vec<f32>> =
            self.look(&painting, |outputs| outputs[BEFORE_OWN..].iter().map(|o| o.to_vec()).collect())?;
        let shapes = self.network.spec().inputs[BEFORE_STYLE..]
            .iter()
            .map(|input| input.shape.iter().map(|side| *side as usize).collect());
        Ok(Target { content: (content_shape(photo.padded()), content), style: shapes.zip(style).collect() })
    }

    /// Runs the network for what it says of the picture itself.
    fn look<T>(&mut self, picture: &Planes, read: impl FnOnce(&[&[f32]]) -> T) -> Result<T> {
        let shape = content_shape(picture.padded());
        let zeros = |shape: Vec<usize>| (vec![0.0; shape.iter().product()], shape);
        let (content, content_shape) = zeros(shape);
        let style = self.network.spec().inputs[BEFORE_STYLE..]
            .iter()
            .map(|input| zeros(input.shape.iter().map(|side| *side as usize).collect()))
            .map(|(values, shape)| (shape, values))
            .collect();
        let nothing = Target { content: (content_shape, content), style };
        self.losses(&picture.values(), picture.padded(), &nothing, read)
    }

    fn optimise(
        &mut self,
        start: Planes,
        target: &Target,
        mut report: impl FnMut(u32, [f32; 2]),
    ) -> Result<Planes> {
        let padded = start.padded();
        let mut adam = Adam::new(start.values(), 0.0..=1.0);
        for step in 1..=self.recipe.iterations {
            let (terms, gradient) = self.losses(adam.values(), padded, target, |outputs| {
                ([outputs[0][0], outputs[0][1]], outputs[1].to_vec())
            })?;
            adam.step(&gradient, RATE);
            report(step, terms);
        }
        Ok(start.with_values(adam.mean()))
    }

    /// Outputs of the network for an image's padded values.
    pub(crate) fn losses<T>(
        &mut self,
        image: &[f32],
        [width, height]: [usize; 2],
        target: &Target,
        read: impl FnOnce(&[&[f32]]) -> T,
    ) -> Result<T> {
        let shape = [1, 3, height, width];
        let weights = [CONTENT, self.recipe.style, SMOOTH];
        let centred = [if self.recipe.statistics == Statistics::Moments { 1.0 } else { 0.0 }];
        let mut inputs: Vec<(&[usize], &[f32])> =
            vec![(&shape, image), (&target.content.0, &target.content.1), (&[3], &weights), (&[1], &centred)];
        inputs.extend(target.style.iter().map(|(shape, values)| (&shape[..], &values[..])));
        self.network.run(&inputs, read)
    }
}

/// Of relu4_2, for an image of this size.
fn content_shape([width, height]: [usize; 2]) -> Vec<usize> {
    vec![1, 512, height / 8, width / 8]
}
