//! The weights and the code of a painter, moved against their slopes.

use crate::paint::optimize::adam::Adam;
use crate::paint::recolor::ColorMoments;
use crate::paint::style::Style;

/// Step of the optimiser at first, that of what was tuned before, and at the end; and steps until it is reached.
const RATE: f32 = 1.5e-3;
const AGAIN: f32 = 8e-4;
const LAST: f32 = 5e-5;
const WARM: f32 = 30.0;
/// How much quicker a code is moved than the weights.
const CODE_RATE: f32 = 5.0;
/// Length that all slopes together are cut to.
const LONGEST: f32 = 10.0;
/// Share of the running mean that stays at each step.
const MEMORY: f32 = 0.99;
/// The last layer draws the pixels of a cell from so many inputs: three colours, sixteen pixels, kernels of 3x3.
const HEAD: [usize; 4] = [3, 16, 32, 9];

/// All that is needed to go on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct State {
    /// Values, their mean, and the moments of their slopes: of weights, then of codes.
    pub(crate) values: [Vec<f32>; 4],
    /// Steps so far.
    pub(crate) steps: u32,
    /// Weight of the content.
    pub(crate) content: f32,
}

/// What is tuned.
pub(super) struct Learner {
    weights: Adam,
    /// Both codes, one after the other.
    codes: Adam,
    rate: f32,
    /// Since this run began.
    begun: f32,
    steps: u32,
}

impl Learner {
    pub(super) fn new(start: &Style) -> Self {
        let adam =
            |values: Vec<f32>| Adam::new(values, f32::NEG_INFINITY..=f32::INFINITY).with_memory(MEMORY);
        let (weights, codes) = (adam(start.weights().to_vec()), adam(start.codes().concat()));
        Self { weights, codes, rate: RATE, begun: 0.0, steps: 0 }
    }

    pub(super) fn steps(&self) -> u32 {
        self.steps
    }

    pub(super) fn weights(&self) -> &[f32] {
        self.weights.values()
    }

    /// The code at a place between the fine one (0) and the coarse one (1).
    pub(super) fn code(&self, place: f32) -> Vec<f32> {
        let (fine, coarse) = self.codes.values().split_at(self.codes.values().len() / 2);
        fine.iter().zip(coarse).map(|(fine, coarse)| fine + (coarse - fine) * place).collect()
    }

    /// Moves all against their slopes. A step with a slope that is no number is left out.
    pub(super) fn step(&mut self, slopes: &[f32], by_code: &[f32], place: f32, fraction: f32) {
        let codes: Vec<f32> = [1.0 - place, place]
            .iter()
            .flat_map(|share| by_code.iter().map(move |slope| slope * share))
            .collect();
        let length =
            slopes.iter().chain(&codes).map(|slope| f64::from(*slope).powi(2)).sum::<f64>().sqrt() as f32;
        if !length.is_finite() {
            return;
        }
        let cut = (LONGEST / length.max(1e-6)).min(1.0);
        let cut_to = |slopes: &[f32]| -> Vec<f32> { slopes.iter().map(|slope| slope * cut).collect() };
        self.begun += 1.0;
        let cosine = 0.5 * (1.0 + (std::f32::consts::PI * fraction.clamp(0.0, 1.0)).cos());
        let rate = (LAST + (self.rate - LAST) * cosine) * (self.begun / WARM).min(1.0);
        self.weights.step(&cut_to(slopes), rate);
        self.codes.step(&cut_to(&codes), CODE_RATE * rate);
        level(self.weights.values_mut());
        self.steps += 1;
    }

    /// The running mean, as a style; `None` if it is not finite.
    pub(super) fn style(&self, colors: ColorMoments) -> Option<Style> {
        let mut weights = self.weights.average().to_vec();
        level(&mut weights);
        let (fine, coarse) = self.codes.average().split_at(self.codes.average().len() / 2);
        Style::new(weights.into(), fine.to_vec(), coarse.to_vec(), Some(colors))
    }

    pub(super) fn state(&self, content: f32) -> State {
        let [weights, codes] = [&self.weights, &self.codes].map(Adam::state);
        State { values: std::array::from_fn(|k| [weights[k], codes[k]].concat()), steps: self.steps, content }
    }

    /// Goes on from a state of as many values, else from the style, more gently.
    pub(super) fn resume(&mut self, style: &Style, state: Option<State>) {
        let (count, codes) = (self.weights().len(), self.codes.values().len());
        *self = Self { rate: AGAIN, ..Self::new(style) };
        let Some(state) = state.filter(|state| state.values.iter().all(|part| part.len() == count + codes))
        else {
            return;
        };
        let steps = i32::try_from(state.steps).unwrap_or(i32::MAX);
        let part =
            |from: usize, len: usize| state.values.each_ref().map(|values| values[from..from + len].to_vec());
        self.weights.restore(part(0, count), steps);
        self.codes.restore(part(count, codes), steps);
        (self.rate, self.steps) = (RATE, state.steps);
    }
}

/// Gives the pixels of a cell the same answer to flat features: they may differ on slopes and edges, but can never draw
/// a grid on a flat area. The last layer's kernels and biases are the last weights.
fn level(weights: &mut [f32]) {
    let [colors, pixels, inputs, taps] = HEAD;
    let kernels = colors * pixels * inputs * taps;
    let Some(first) = weights.len().checked_sub(kernels + colors * pixels) else { return };
    let (kernel, bias) = weights[first..].split_at_mut(kernels);
    for (kernel, bias) in kernel.chunks_exact_mut(pixels * inputs * taps).zip(bias.chunks_exact_mut(pixels)) {
        let mean = bias.iter().sum::<f32>() / pixels as f32;
        bias.fill(mean);
        for input in 0..inputs {
            let at = |pixel: usize| (pixel * inputs + input) * taps;
            let sums: Vec<f32> = (0..pixels).map(|pixel| kernel[at(pixel)..][..taps].iter().sum()).collect();
            let mean = sums.iter().sum::<f32>() / pixels as f32;
            for (pixel, sum) in sums.iter().enumerate() {
                kernel[at(pixel)..][..taps]
                    .iter_mut()
                    .for_each(|weight| *weight += (mean - sum) / taps as f32);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COUNT: usize = 3 * 16 * (32 * 9 + 1) + 5;

    fn start() -> Style {
        let weights: Vec<f32> = (0..COUNT).map(|k| ((k * 7919) % 101) as f32 / 101.0 - 0.5).collect();
        Style::new(weights.into(), vec![0.0, 1.0], vec![2.0, 3.0], None).expect("finite")
    }

    #[test]
    fn pixels_of_a_cell_answer_alike_to_flat_features() {
        let mut learner = Learner::new(&start());
        let slopes: Vec<f32> = (0..COUNT).map(|k| ((k * 31) % 17) as f32 - 8.0).collect();
        learner.step(&slopes, &[0.1, -0.1], 0.25, 0.0);
        let weights = learner.weights();
        let (kernels, biases) = weights[5..].split_at(3 * 16 * 32 * 9);
        let answer = |pixel: usize| biases[pixel] + kernels[pixel * 288..][..288].iter().sum::<f32>();
        for pixel in 1..16 {
            assert!((answer(pixel) - answer(0)).abs() < 1e-3, "{} and {}", answer(pixel), answer(0));
        }
        assert!((answer(16) - answer(0)).abs() > 1e-2, "colours may differ");
    }

    #[test]
    fn a_learner_that_goes_on_does_what_one_run_does() {
        let slopes = |step: usize| -> Vec<f32> {
            (0..COUNT).map(|k| ((k * 31 + step * 7) % 17) as f32 - 8.0).collect()
        };
        let mut whole = Learner::new(&start());
        // The steps grow at first: a run that goes on begins softly again, so both are past that.
        (0..40).for_each(|step| whole.step(&slopes(step), &[0.1, -0.1], 0.5, 0.2));
        let state = whole.state(1.5);
        let mut other = Learner::new(&start());
        other.resume(&start(), Some(state.clone()));
        other.begun = 40.0;
        for learner in [&mut whole, &mut other] {
            (40..50).for_each(|step| learner.step(&slopes(step), &[0.1, -0.1], 0.5, 0.3));
        }
        assert_eq!(whole.state(1.5), other.state(1.5));
        assert_ne!(whole.state(1.5).values, state.values);
        assert_eq!(whole.steps(), 50);
    }

    #[test]
    fn what_is_no_number_moves_nothing() {
        let mut learner = Learner::new(&start());
        let before = learner.state(1.0);
        learner.step(&vec![f32::NAN; COUNT], &[0.0, 0.0], 0.5, 0.0);
        assert_eq!(learner.state(1.0), before);
    }
}
