//! The default objective: every place of the picture looks like the place of the painting that is
//! likest to it.
//!
//! No term adds up over the whole picture, so no place is left out, a plain wall as little as an
//! eye; and the search, led by the photo, lays what is dark in the painting on what is dark in the
//! photo, edges on edges. Kolkin et al., "Neural Neighbor Style Transfer", 2022, sections 3 and 4;
//! the layers, the pyramid's start and the tone are of this program's own experiments
//! (`models/train/notes/styler.md`).

use rayon::prelude::*;

use crate::error::Result;
use crate::nn::models::Models;
use crate::nn::network::Network;
use crate::nn::runtime::Runtime;
use crate::paint::optimize::features::{Bank, LAYERS, Rows, Searcher};
use crate::paint::optimize::planes::PlanarImage;

const NAME: &str = "styler.onnx";
/// Weights of what is to be like the painting, of values beyond 0 to 1, and of the tone.
const WEIGHTS: [f32; 3] = [3.0, 5.0, 2.5];
/// Pixels of the squares whose mean colour is held to that of the photo, in the painting's colours.
const TONE: usize = 16;
/// What a mark of the painting loses in likeness (-1 to 1) where many places want it.
const EVENNESS: f32 = 0.03;

/// What a picture is compared with at one scale.
pub(crate) struct Target {
    banks: [Bank; LAYERS],
    /// Directions of the photo's features from their mean.
    photo: [Rows; LAYERS],
    /// Mean colours of the photo's squares: three planes.
    tone: Vec<f32>,
}

/// For every place of a picture, what it should look like: directions from the painting's mean.
pub(crate) struct Matches([Rows; LAYERS]);

/// What an image is worth.
pub(crate) struct Judgement {
    /// The weighted sum; less is better.
    pub(crate) objective: f32,
    /// By the image.
    pub(crate) gradient: Vec<f32>,
}

/// The objective's networks.
pub(crate) struct Neighbours {
    network: Network,
    searcher: Searcher,
}

impl Neighbours {
    pub(crate) fn new(models: &Models, runtime: &Runtime) -> Result<Self> {
        Ok(Self { network: models.network(NAME, runtime)?, searcher: Searcher::new(models, runtime)? })
    }

    /// The photo in the painting's colours, and the painting as large as its strokes are to be, of which `marks` places are kept.
    pub(crate) fn target(
        &mut self,
        photo: &PlanarImage,
        painting: &PlanarImage,
        marks: usize,
    ) -> Result<Target> {
        let banks = self.searcher.banks(painting, marks)?;
        let photo_rows = self.searcher.look(photo)?.map(|rows| rows.directions(&rows.mean()));
        Ok(Target { banks, photo: photo_rows, tone: tone(&photo.values(), photo.padded()) })
    }

    /// Partners for the places of an image. The search is led by the photo for `share` of the way, by the image for the rest.
    pub(crate) fn matches(
        &mut self,
        image: &[f32],
        size: [usize; 2],
        target: &Target,
        share: f32,
    ) -> Result<Matches> {
        let own = self.searcher.look_at(image, size)?;
        let mut found = Vec::with_capacity(LAYERS);
        for ((own, photo), bank) in own.iter().zip(&target.photo).zip(&target.banks) {
            let queries = between(&own.directions(&own.mean()), photo, share);
            let nearest = self.searcher.nearest(&queries, bank, EVENNESS)?;
            let mut values = vec![0.0; queries.values.len()];
            values.par_chunks_exact_mut(own.channels).zip(nearest).for_each(|(row, mark)| {
                row.copy_from_slice(bank.marks.row(mark));
            });
            found.push(Rows { channels: own.channels, values });
        }
        let mut found = found.into_iter();
        Ok(Matches(std::array::from_fn(|_| found.next().expect("as many as layers"))))
    }

    /// How an image of this (padded) size compares with its matches, and where to go.
    pub(crate) fn judge(
        &mut self,
        image: &[f32],
        [width, height]: [usize; 2],
        target: &Target,
        Matches(matches): &Matches,
    ) -> Result<Judgement> {
        let (shape, squares) = ([1, 3, height, width], [1, 3, height / TONE, width / TONE]);
        let lengths = matches.each_ref().map(|rows| [rows.channels]);
        let shapes = matches.each_ref().map(Rows::shape);
        let mut inputs: Vec<(&[usize], &[f32])> =
            vec![(&shape, image), (&squares, &target.tone), (&[3], &WEIGHTS)];
        inputs.extend(target.banks.iter().zip(&lengths).map(|(bank, length)| (&length[..], &bank.mean[..])));
        inputs.extend(matches.iter().zip(&shapes).map(|(rows, shape)| (&shape[..], &rows.values[..])));
        self.network.run(&inputs, |outputs| Judgement {
            objective: outputs[0].iter().zip(WEIGHTS).map(|(term, weight)| term * weight).sum(),
            gradient: outputs[1].to_vec(),
        })
    }
}

/// Directions `share` of the way from one to another, of length one again.
fn between(own: &Rows, photo: &Rows, share: f32) -> Rows {
    let mix = |(own, photo): (&f32, &f32)| own + share * (photo - own);
    let values = own.values.par_iter().zip(&photo.values).map(mix).collect();
    Rows { channels: own.channels, values }.directions(&vec![0.0; own.channels])
}

/// Means of the squares of three planes.
fn tone(planes: &[f32], [width, height]: [usize; 2]) -> Vec<f32> {
    let across = width / TONE;
    let mut means = vec![0.0; 3 * across * (height / TONE)];
    for (rows, means) in planes.chunks_exact(TONE * width).zip(means.chunks_exact_mut(across)) {
        for row in rows.chunks_exact(width) {
            for (values, mean) in row.chunks_exact(TONE).zip(means.iter_mut()) {
                *mean += values.iter().sum::<f32>() / (TONE * TONE) as f32;
            }
        }
    }
    means
}
