//! A painter tuned to one painting: all of its weights, in minutes.
//!
//! One [`Tuner::step`] paints a random patch of a photo, judges it, and moves every weight against its slope. What
//! is minimised, and the slopes, are one graph (`models/train/tuner.py`), traced from the objective that the program's own
//! painters were trained with: optimal transport between the patch's features and the painting's with the tone in
//! its cost, self-similarity, moments, the strength of strokes, tone, stillness; content is held by a weight that moves until
//! the picture is as legible as wanted. Here is everything around it: `scene` makes the patches, `target` knows the
//! painting, `draw` chooses places, `learner` moves the weights. [`part`] finds the part of a picture to learn from.
//!
//! `models/train/tune.py` does the same in Python, and the constants must be these.

use fastrand::Rng;
use image::RgbImage;

use crate::error::{Error, Result};
use crate::nn::models::Models;
use crate::nn::network::Network;
use crate::nn::runtime::Runtime;
use crate::paint::recolor::ColorMoments;
use crate::paint::style::{Style, code_place};
use crate::paint::style_encoder::StyleEncoder;
use crate::paint::tune::draw::Draw;
use crate::paint::tune::learner::{Learner, State};
use crate::paint::tune::manner::Manner;
use crate::paint::tune::scene::{CROP_SHAPE, PATCH, Photo, Scene};
use crate::paint::tune::target::Targets;

mod draw;
pub(crate) mod learner;
pub(crate) mod manner;
mod marks;
pub mod part;
mod sample;
pub(crate) mod saved;
mod scene;
mod target;

const NETWORK: &str = "tuner.onnx";
/// Legibility wanted: 0 is the photo, above 0.7 faces go.
const LEGIBLE: f32 = 0.42;
/// The weight of `content`: at first, its bounds, how quickly it moves, and the share of the mean legibility that stays.
const CONTENT: f32 = 1.6;
const BOUNDS: std::ops::RangeInclusive<f32> = 0.5..=5.0;
const GAIN: f32 = 0.03;
const MEMORY: f32 = 0.96;

/// Whether the networks are there that tuning needs and painting does not.
///
/// # Errors
/// [`NetworkError::Missing`](crate::nn::error::NetworkError::Missing).
#[cfg(feature = "live")]
pub(crate) fn check(models: &Models) -> Result<()> {
    models.check([NETWORK, target::NETWORK])
}

/// How far tuning is.
#[derive(Debug, Clone, Copy)]
pub struct TuneStep {
    /// Steps done, over all runs that went on from each other.
    pub steps: u32,
    /// What is made smaller, but for the content, whose weight changes; smoothed.
    pub objective: f32,
    /// How far the painted patches are from the photos' forms, 0 to 1; smoothed.
    pub legible: f32,
}

/// Tunes a painter to one painting, step by step. Whoever drives it decides when to stop.
pub struct Tuner {
    network: Network,
    targets: Targets,
    colors: ColorMoments,
    relief: f32,
    photos: Vec<Photo>,
    learner: Learner,
    content: f32,
    legible: Option<f32>,
    objective: Option<f32>,
    random: Rng,
}

impl Tuner {
    /// Begins with the common painter and the code that the style encoder predicts. `painting` is the part of it
    /// that carries the brushwork, `canvas` the shorter side of all of it: strokes come out about as large beside a picture as
    /// they are beside that. What is drawn at random follows from `seed`.
    ///
    /// # Errors
    /// Returns an error if a network cannot be had or fails, or there is no photo.
    pub fn new(
        models: &Models,
        runtime: &Runtime,
        painting: &RgbImage,
        canvas: u32,
        photos: &[RgbImage],
        seed: u64,
    ) -> Result<Self> {
        if photos.is_empty() {
            let what = "the number of photos to tune on";
            return Err(Error::OutOfRange { what, value: "0".into(), range: "1 or more" });
        }
        let start = StyleEncoder::new(models, runtime)?.run(painting)?;
        let mut random = Rng::with_seed(seed);
        let Manner { larger, relief } = Manner::of(painting, canvas)?;
        let targets = Targets::new(models, runtime, painting, canvas, larger, &mut random)?;
        let network = models.network(NETWORK, runtime)?;
        Ok(Self {
            network,
            targets,
            colors: ColorMoments::of::<3>(painting.as_raw(), painting.width() as usize),
            relief,
            photos: photos.iter().map(Photo::new).collect::<Result<_>>()?,
            learner: Learner::new(&start),
            content: CONTENT,
            legible: None,
            objective: None,
            random,
        })
    }

    /// One step; `fraction` says how much of the time is used, 0 to 1, by which steps become smaller.
    ///
    /// # Errors
    /// Returns an error if ONNX Runtime fails.
    pub fn step(&mut self, fraction: f32) -> Result<TuneStep> {
        let photo = &self.photos[self.random.usize(..self.photos.len())];
        let scene = Scene::random(&mut self.random, photo, &self.colors)?;
        let place = code_place(scene.lines as f32);
        let code = self.learner.code(place);
        let target = self.targets.beside(scene.lines);
        let draw = Draw::random(&mut self.random, target);
        let patch = [1, 3, PATCH, PATCH];
        let content = [self.content];
        let weights = self.learner.weights();
        let (weights_shape, code_shape) = ([weights.len()], [1, code.len()]);
        let noise = scene.noise_shape();
        let mut inputs = vec![
            (&weights_shape[..], weights),
            (&code_shape, &code[..]),
            (&patch, &scene.patch[..]),
            (&noise, &scene.noise),
            (&patch, &scene.next_patch),
            (&noise, &scene.next_noise),
            (&CROP_SHAPE, &scene.original),
            (&[1], &content),
        ];
        inputs.extend(draw.inputs());
        let still = scene.still_shape();
        inputs.extend([(&still[..], &scene.from[..]), (&still, &scene.share)]);
        let (terms, slopes, by_code) = self
            .network
            .run(&inputs, |outputs| (outputs[0].to_vec(), outputs[1].to_vec(), outputs[2].to_vec()))?;
        self.learner.step(&slopes, &by_code, place, fraction);
        tracing::debug!(?terms, content = self.content, lines = scene.lines, "step");
        self.told(&terms);
        Ok(TuneStep {
            steps: self.learner.steps(),
            objective: self.objective.unwrap_or_default(),
            legible: self.legible.unwrap_or_default(),
        })
    }

    /// The style as it is now: the running mean of what was tried.
    pub fn style(&self) -> Option<Style> {
        self.learner.style(self.colors).map(|style| style.with_relief(self.relief))
    }

    /// All it needs to go on another time.
    pub(crate) fn state(&self) -> State {
        self.learner.state(self.content)
    }

    /// Goes on from a state, or, where there is none, from a style that was tuned before.
    pub(crate) fn resume(&mut self, style: &Style, state: Option<State>) {
        self.content = state.as_ref().map_or(CONTENT, |state| state.content);
        self.learner.resume(style, state);
        self.random = Rng::with_seed(self.random.get_seed() ^ u64::from(self.learner.steps()));
    }

    /// Takes in a step's terms (`models/train/tuner.py`, TERMS): moves the weight of the content.
    fn told(&mut self, terms: &[f32]) {
        let objective: f32 = terms.iter().zip(WEIGHTS).map(|(term, weight)| term * weight).sum();
        let Some(&found) = terms.last().filter(|_| terms.iter().all(|term| term.is_finite())) else { return };
        let smoothed =
            |mean: Option<f32>, now: f32| mean.map_or(now, |mean| MEMORY * mean + (1.0 - MEMORY) * now);
        let legible = smoothed(self.legible, found);
        self.legible = Some(legible);
        self.objective = Some(smoothed(self.objective, objective));
        let moved = self.content * (GAIN * (legible / LEGIBLE - 1.0)).exp();
        self.content = moved.clamp(*BOUNDS.start(), *BOUNDS.end());
    }
}

/// What the terms count for in the figure that is told: transport, relation, moments, content, strokes, tone, weave, lattice,
/// steady, range, legibility.
const WEIGHTS: [f32; 11] = [20.0, 10.0, 2.0, 0.0, 2.0, 20.0, 20.0, 20.0, 4.0, 20.0, 0.0];
