//! Adam (Kingma and Ba, ICLR 2015), and the running mean of its iterates, which
//! is smoother than any of them.

use std::ops::RangeInclusive;

/// Share of the last slopes, and of their squares, that stays at each step.
const MOMENTUM: f32 = 0.9;
const SCALE: f32 = 0.99;
/// Share of the mean that stays at each step, once there are enough, where nothing else is said.
const MEMORY: f32 = 0.95;

/// Values within a range, moved against a gradient.
pub(crate) struct Adam {
    range: RangeInclusive<f32>,
    values: Vec<f32>,
    mean: Vec<f32>,
    first: Vec<f32>,
    second: Vec<f32>,
    steps: i32,
    memory: f32,
}

impl Adam {
    pub(crate) fn new(values: Vec<f32>, range: RangeInclusive<f32>) -> Self {
        let zeros = || vec![0.0; values.len()];
        Self {
            range,
            mean: values.clone(),
            first: zeros(),
            second: zeros(),
            values,
            steps: 0,
            memory: MEMORY,
        }
    }

    /// The same, whose mean keeps this share at each step.
    #[must_use]
    pub(crate) fn with_memory(self, memory: f32) -> Self {
        Self { memory, ..self }
    }

    /// The values, to be held to something that no gradient knows of.
    pub(crate) fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }

    /// The running mean of the values so far.
    pub(crate) fn average(&self) -> &[f32] {
        &self.mean
    }

    /// What it needs to go on, beside the number of steps: values, mean, and the moments of the slopes.
    pub(crate) fn state(&self) -> [&[f32]; 4] {
        [&self.values, &self.mean, &self.first, &self.second]
    }

    /// Goes on from a state of the same length.
    pub(crate) fn restore(&mut self, [values, mean, first, second]: [Vec<f32>; 4], steps: i32) {
        (self.values, self.mean, self.first, self.second, self.steps) = (values, mean, first, second, steps);
    }

    pub(crate) fn values(&self) -> &[f32] {
        &self.values
    }

    /// The running mean of the values so far.
    pub(crate) fn mean(self) -> Vec<f32> {
        self.mean
    }

    /// One step of about `rate`; what is not a number moves nothing.
    pub(crate) fn step(&mut self, gradient: &[f32], rate: f32) {
        self.steps += 1;
        let (first_bias, second_bias) = (1.0 - MOMENTUM.powi(self.steps), 1.0 - SCALE.powi(self.steps));
        let memory = self.memory.min((self.steps - 1) as f32 / (self.steps + 4) as f32);
        let moments = self.first.iter_mut().zip(&mut self.second);
        for (((value, mean), (first, second)), slope) in
            self.values.iter_mut().zip(&mut self.mean).zip(moments).zip(gradient)
        {
            let slope = if slope.is_finite() { *slope } else { 0.0 };
            *first += (slope - *first) * (1.0 - MOMENTUM);
            *second += (slope * slope - *second) * (1.0 - SCALE);
            let moved = *value - rate * (*first / first_bias) / ((*second / second_bias).sqrt() + 1e-12);
            *value = moved.clamp(*self.range.start(), *self.range.end());
            *mean += (*value - *mean) * (1.0 - memory);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_minimum_of_a_bowl_and_stays_in_range() {
        let goal = [0.3, 0.9, 1.7];
        let mut adam = Adam::new(vec![0.0; 3], 0.0..=1.0);
        for _ in 0..400 {
            let gradient: Vec<_> = adam.values().iter().zip(goal).map(|(v, g)| 2.0 * (v - g)).collect();
            adam.step(&gradient, 0.02);
        }
        for (value, goal) in adam.mean().iter().zip([0.3, 0.9, 1.0]) {
            assert!((value - goal).abs() < 0.01, "{value} for {goal}");
        }
    }

    #[test]
    fn what_is_no_number_moves_nothing() {
        let mut adam = Adam::new(vec![0.5; 2], 0.0..=1.0);
        adam.step(&[f32::NAN, f32::INFINITY], 0.02);
        assert_eq!(adam.values(), [0.5, 0.5]);
    }
}
