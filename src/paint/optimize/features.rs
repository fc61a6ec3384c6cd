//! Features of places in pictures, and which of a painting's are nearest to a picture's.

use rayon::prelude::*;

use crate::error::Result;
use crate::nn::models::Models;
use crate::nn::network::{Network, TensorSpec};
use crate::nn::runtime::Runtime;
use crate::paint::optimize::planes::PlanarImage;

/// Layers looked at: relu2_2, relu3_3 and relu4_3 of VGG-16.
pub(super) const LAYERS: usize = 3;
/// Places searched for at once; their likenesses to a bank take 64 MB.
const QUERIES: usize = 1024;

/// Vectors of one length, one after the other.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rows {
    pub(super) channels: usize,
    pub(super) values: Vec<f32>,
}

impl Rows {
    pub(super) fn count(&self) -> usize {
        self.values.len() / self.channels
    }

    /// Dimensions, for a network.
    pub(super) fn shape(&self) -> [usize; 2] {
        [self.count(), self.channels]
    }

    pub(super) fn mean(&self) -> Vec<f32> {
        let mut sums = vec![0.0_f64; self.channels];
        for row in self.values.chunks_exact(self.channels) {
            sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += f64::from(*value));
        }
        let count = self.count().max(1) as f64;
        sums.iter().map(|sum| (sum / count) as f32).collect()
    }

    /// Less `mean`, each row of length one.
    pub(super) fn directions(&self, mean: &[f32]) -> Self {
        let mut values = self.values.clone();
        values.par_chunks_exact_mut(self.channels).for_each(|row| {
            row.iter_mut().zip(mean).for_each(|(value, mean)| *value -= mean);
            let length = row.iter().map(|value| value * value).sum::<f32>().sqrt() + 1e-6;
            row.iter_mut().for_each(|value| *value /= length);
        });
        Self { channels: self.channels, values }
    }

    /// At most `most` rows, evenly from all.
    fn thinned(&self, most: usize) -> Self {
        let count = self.count();
        if count <= most {
            return self.clone();
        }
        let values = (0..most).flat_map(|k| self.row(k * count / most)).copied().collect();
        Self { channels: self.channels, values }
    }

    pub(super) fn row(&self, k: usize) -> &[f32] {
        &self.values[k * self.channels..][..self.channels]
    }
}

/// What a painting's places look like at one layer.
#[derive(Debug)]
pub(super) struct Bank {
    /// Of all places.
    pub(super) mean: Vec<f32>,
    /// Directions from it.
    pub(super) marks: Rows,
}

/// The networks that look and search.
pub(super) struct Searcher {
    features: Network,
    matcher: Network,
}

impl Searcher {
    pub(super) fn new(models: &Models, runtime: &Runtime) -> Result<Self> {
        let network = |name| models.network(name, runtime);
        Ok(Self { features: network("styler-features.onnx")?, matcher: network("styler-match.onnx")? })
    }

    /// Features at every place of a picture, layer by layer.
    pub(super) fn look(&mut self, picture: &PlanarImage) -> Result<[Rows; LAYERS]> {
        self.look_at(&picture.values(), picture.padded())
    }

    /// The same for three planes of a width and height.
    pub(super) fn look_at(&mut self, image: &[f32], [width, height]: [usize; 2]) -> Result<[Rows; LAYERS]> {
        let channels = |output: &TensorSpec| output.shape.last().map_or(1, |channels| *channels as usize);
        let channels: Vec<_> = self.features.spec().outputs.iter().map(channels).collect();
        self.features.run(&[(&[1, 3, height, width], image)], |outputs| {
            std::array::from_fn(|k| Rows { channels: channels[k], values: outputs[k].to_vec() })
        })
    }

    /// The banks of a painting, of at most `most` marks, evenly from all of it. Its mirror image counts too: a stroke may lean either way.
    pub(super) fn banks(&mut self, painting: &PlanarImage, most: usize) -> Result<[Bank; LAYERS]> {
        let (own, other) = (self.look(painting)?, self.look(&painting.mirrored())?);
        let mut pairs = own.into_iter().zip(other);
        Ok(std::array::from_fn(|_| {
            let (mut both, other) = pairs.next().expect("as many as layers");
            let mean = both.mean();
            both.values.extend(other.values);
            Bank { marks: both.thinned(most).directions(&mean), mean }
        }))
    }

    /// For every query (of length one) the number of the bank's mark that it is likest to, by scalar product. A mark that
    /// very many would take is made dearer by `evenness` (0: not) for each doubling of its share, and they choose again.
    pub(super) fn nearest(&mut self, queries: &Rows, bank: &Bank, evenness: f32) -> Result<Vec<usize>> {
        let marks = bank.marks.count();
        let mut offset = vec![0.0; marks];
        let mut found = self.likest(queries, bank, &offset)?;
        if evenness > 0.0 {
            for share in [1.0, 0.5] {
                let mut counts = vec![0.0_f32; marks];
                found.iter().for_each(|mark| counts[*mark] += marks as f32 / queries.count() as f32);
                for (offset, count) in offset.iter_mut().zip(counts) {
                    *offset += share * (-evenness * count.ln_1p() - *offset);
                }
                found = self.likest(queries, bank, &offset)?;
            }
        }
        Ok(found)
    }

    fn likest(&mut self, queries: &Rows, bank: &Bank, offset: &[f32]) -> Result<Vec<usize>> {
        let mut found = Vec::with_capacity(queries.count());
        for part in queries.values.chunks(QUERIES * queries.channels) {
            let shape = [part.len() / queries.channels, queries.channels];
            let bank = (&bank.marks.shape()[..], &bank.marks.values[..]);
            let inputs = [(&shape[..], part), bank, (&[offset.len()][..], offset)];
            self.matcher
                .run(&inputs, |outputs| found.extend(outputs[0].iter().map(|index| *index as usize)))?;
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directions_are_of_length_one_and_leave_out_the_mean() {
        let rows = Rows { channels: 2, values: vec![1.0, 1.0, 4.0, 5.0, 1.0, 0.0] };
        assert_eq!(rows.mean(), [2.0, 2.0]);
        let found = rows.directions(&[1.0, 1.0]);
        assert_eq!(found.row(0), [0.0, 0.0], "nothing but the mean has no direction");
        assert!((found.row(1)[0] - 0.6).abs() < 1e-5 && (found.row(1)[1] - 0.8).abs() < 1e-5);
    }

    #[test]
    fn thinning_takes_from_everywhere() {
        let rows = Rows { channels: 1, values: (0..100).map(|k| k as f32).collect() };
        assert_eq!(rows.thinned(4).values, [0.0, 25.0, 50.0, 75.0]);
        assert_eq!(rows.thinned(200), rows);
    }
}
