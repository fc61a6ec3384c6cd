//! Places of a crop and of a painting, drawn at random for one step.

use fastrand::Rng;

use crate::nn::network::Input;
use crate::paint::tune::scene::CROP;
use crate::paint::tune::target::{BANDS, LAYERS, Layer, TILES, Target};

/// Places of the crop and of the painting in one plan, and in a self-similarity.
const PLACES: usize = 768;
const RELATED: usize = 400;
/// Layers of which the self-similarity is held.
const RELATION: [usize; 2] = [0, 1];

/// What one step compares a crop with.
pub(super) struct Draw<'a> {
    target: &'a Target,
    shapes: Vec<Vec<usize>>,
    values: Vec<Vec<f32>>,
}

impl<'a> Draw<'a> {
    pub(super) fn random(random: &mut Rng, target: &'a Target) -> Self {
        let mut drawn = Self { target, shapes: Vec::new(), values: Vec::new() };
        for (layer, about) in target.layers.iter().zip(LAYERS) {
            let all = (CROP / about.pixels).pow(2);
            let places = some(random, PLACES.min(all), all);
            drawn.push(vec![places.len()], places.iter().map(|at| *at as f32).collect());
            drawn.marks(random, layer);
        }
        for layer in RELATION {
            let places = some(random, RELATED, (CROP / LAYERS[layer].pixels).pow(2));
            drawn.push(vec![RELATED], places.iter().map(|at| *at as f32).collect());
        }
        drawn
    }

    /// Features of so many places of the painting, and their tones.
    fn marks(&mut self, random: &mut Rng, layer: &Layer) {
        let kept = some(random, PLACES, layer.tones.len());
        let count = layer.tones.len();
        let chosen = layer.directions.chunks_exact(count).flat_map(|row| kept.iter().map(|at| row[*at]));
        let values: Vec<f32> = chosen.collect();
        self.push(vec![values.len() / PLACES, PLACES], values);
        self.push(vec![PLACES], kept.iter().map(|at| layer.tones[*at]).collect());
    }

    fn push(&mut self, shape: Vec<usize>, values: Vec<f32>) {
        self.shapes.push(shape);
        self.values.push(values);
    }

    /// As the network takes them, in its order.
    pub(super) fn inputs(&self) -> Vec<Input<'_>> {
        let Target { moments, strokes, .. } = self.target;
        let mut inputs = vec![(self.target.moments_shape(), &moments[..]), (&[BANDS, TILES], &strokes[..])];
        inputs.extend(self.shapes.iter().zip(&self.values).map(|(shape, values)| (&shape[..], &values[..])));
        inputs
    }
}

/// So many of all, no two the same as long as there are enough.
fn some(random: &mut Rng, count: usize, of_all: usize) -> Vec<usize> {
    match of_all < count {
        true => (0..count).map(|_| random.usize(..of_all)).collect(),
        false => random.choose_multiple(0..of_all, count),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_place_is_drawn_twice_while_there_are_enough() {
        let mut random = Rng::with_seed(3);
        let mut found = some(&mut random, 400, 576);
        found.sort_unstable();
        found.dedup();
        assert_eq!((found.len(), found.last().is_some_and(|last| *last < 576)), (400, true));
        assert_eq!(some(&mut random, 768, 20).len(), 768);
        assert!(some(&mut random, 768, 20).iter().all(|at| *at < 20));
    }
}
