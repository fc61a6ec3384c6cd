//! Finds, for every place of the geometry exemplar, the matching place of the
//! frame: the learned warp of "Learning to Warp for Style Transfer" (Liu, Yang
//! and Hall, CVPR 2021), section 3.
//!
//! Both pictures are squeezed to 256x256, encoded by VGG-16 up to pool4 (the
//! exemplar once), correlated, and a recurrent network turns the correlation
//! into a field, cell by cell on a 16x16 grid. The field lies on the *exemplar's*
//! grid: a cell is "the left eye" rather than "the place at (0.4, 0.3)". That
//! makes it the right place to smooth in time ([`crate::smooth`]), before it is
//! fitted to the frame ([`crate::align`]).

use fast_image_resize as fr;
use image::RgbImage;

use crate::device::Runtime;
use crate::error::{Error, Result};
use crate::frame::Frame;
use crate::model::{Models, Network};

/// Side of the pictures that the encoder sees.
const INPUT: usize = 256;
/// Side of the grid of cells.
pub const GRID: usize = 16;
const CELLS: usize = GRID * GRID;
const CHANNELS: usize = 512;
const FEATURES: [usize; 4] = [1, CHANNELS, GRID, GRID];

/// Which place of the frame matches each cell of the exemplar.
#[derive(Debug, Clone, PartialEq)]
pub struct Match {
    /// Per cell, row by row: from the cell's centre to the matching place of
    /// the frame, both in fractions of their own pictures.
    pub displacement: Vec<[f32; 2]>,
    /// Per cell, 0..=1: how sure the network is.
    pub confidence: Vec<f32>,
    /// Mean cosine between this frame's features and the previous frame's:
    /// near 1 in one shot, near 0.3 across a cut, `None` for the first.
    pub likeness: Option<f32>,
}

/// Encoder and warp network, for one exemplar.
pub struct Warper {
    encoder: Encoder,
    network: Network,
    exemplar: Vec<f32>,
    aspect: f32,
    previous: Option<(Vec<f32>, Match)>,
    complained: bool,
}

impl Warper {
    /// Loads both networks and encodes the exemplar.
    ///
    /// # Errors
    /// Where a network cannot be had.
    pub fn new(models: &Models, runtime: &Runtime, exemplar: &RgbImage) -> Result<Self> {
        let mut encoder = Encoder::new(models.network("encoder.onnx", runtime)?);
        let features =
            encoder.run(exemplar.as_raw(), exemplar.width(), exemplar.height(), fr::PixelType::U8x3)?;
        Ok(Self {
            encoder,
            network: models.network("warper.onnx", runtime)?,
            exemplar: features,
            aspect: exemplar.width() as f32 / exemplar.height() as f32,
            previous: None,
            complained: false,
        })
    }

    /// Width over height of the exemplar.
    pub fn exemplar_aspect(&self) -> f32 {
        self.aspect
    }

    /// Matches the exemplar's cells in a frame.
    ///
    /// A network that answers with something that is not a number is overruled
    /// by its last good answer (at first: nothing matches), and logged once.
    ///
    /// # Errors
    /// Where ONNX Runtime fails.
    pub fn run(&mut self, frame: &Frame) -> Result<Match> {
        let size = frame.size;
        let features = self.encoder.run(&frame.pixels, size.width, size.height, fr::PixelType::U8x4)?;
        let likeness = self.previous.as_ref().map(|(before, _)| dot(before, &features) / CELLS as f32);
        let inputs = [(&FEATURES[..], &features[..]), (&FEATURES[..], &self.exemplar[..])];
        let answer = self.network.run(inputs, |outputs| {
            let (field, confidence) = (outputs[0], outputs[1]);
            let finite = field.iter().chain(confidence).all(|v| v.is_finite());
            finite.then(|| Match {
                displacement: field[..CELLS].iter().zip(&field[CELLS..]).map(|(x, y)| [*x, *y]).collect(),
                confidence: confidence.iter().map(|c| c.clamp(0.0, 1.0)).collect(),
                likeness,
            })
        })?;
        let found = answer.unwrap_or_else(|| {
            if !std::mem::replace(&mut self.complained, true) {
                tracing::warn!("the warp network gave no numbers at {}; its last field is kept", frame.time);
            }
            match &self.previous {
                Some((_, last)) => Match { likeness, ..last.clone() },
                None => Match { displacement: vec![[0.0; 2]; CELLS], confidence: vec![0.0; CELLS], likeness },
            }
        });
        self.previous = Some((features, found.clone()));
        Ok(found)
    }
}

/// VGG-16 to pool4: a picture to 512 channels on 16x16 cells, unit vectors.
struct Encoder {
    network: Network,
    resizer: fr::Resizer,
    planes: Vec<f32>,
}

impl Encoder {
    fn new(network: Network) -> Self {
        Self { network, resizer: fr::Resizer::new(), planes: vec![0.0; 3 * INPUT * INPUT] }
    }

    fn run(&mut self, pixels: &[u8], width: u32, height: u32, kind: fr::PixelType) -> Result<Vec<f32>> {
        let failed = |error: &dyn std::error::Error| Error::Ort {
            doing: "resizing a picture for the encoder".into(),
            source: error.to_string().into(),
        };
        let source =
            fr::images::ImageRef::new(width, height, pixels, kind).map_err(|error| failed(&error))?;
        let mut small = fr::images::Image::new(INPUT as u32, INPUT as u32, kind);
        let options = fr::ResizeOptions::new()
            .resize_alg(fr::ResizeAlg::Convolution(fr::FilterType::Bilinear))
            .use_alpha(false);
        self.resizer.resize(&source, &mut small, &options).map_err(|error| failed(&error))?;
        for (k, pixel) in small.buffer().chunks_exact(kind.size()).enumerate() {
            for (c, value) in pixel[..3].iter().enumerate() {
                self.planes[c * INPUT * INPUT + k] = f32::from(*value) / 255.0;
            }
        }
        self.network.run([(&[1, 3, INPUT, INPUT], &self.planes)], |outputs| outputs[0].to_vec())
    }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
