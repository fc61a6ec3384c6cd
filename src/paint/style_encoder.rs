//! Any painting at run time: predicts its style, without training. The weights are those of the common
//! painter, which all paintings' own weights were tuned from.

use std::sync::Arc;

use image::RgbImage;

use crate::error::Result;
use crate::frame::Size;
use crate::frame::resize::{Filter, Pixels, Resizer};
use crate::nn::error::NetworkError;
use crate::nn::models::Models;
use crate::nn::network::Network;
use crate::nn::runtime::Runtime;
use crate::paint::recolor::ColorMoments;
use crate::paint::style::Style;

const NAME: &str = "style-encoder.onnx";
const WEIGHTS: &str = "painter.bin";
/// Side of the network's input.
const SIDE: u32 = 256;
/// Views of a painting that is longer than wide, or wider than long.
const MOST_VIEWS: u32 = 3;

/// Predicts styles.
pub struct StyleEncoder {
    network: Network,
    /// Of the common painter.
    weights: Arc<[f32]>,
}

impl StyleEncoder {
    /// Loads the network, and the weights of the common painter.
    ///
    /// # Errors
    /// Returns an error if it cannot be had.
    pub fn new(models: &Models, runtime: &Runtime) -> Result<Self> {
        let (bytes, _) = models.read(WEIGHTS)?;
        let floats = bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        Ok(Self { network: models.network(NAME, runtime)?, weights: floats.collect() })
    }

    /// The style of a painting: the mean over square views along its longer side.
    ///
    /// # Errors
    /// Returns an error if ONNX Runtime fails.
    pub fn run(&mut self, painting: &RgbImage) -> Result<Style> {
        let (width, height) = painting.dimensions();
        let (side, rest) = (width.min(height), width.abs_diff(height));
        let views = (1 + rest.div_ceil(side)).min(MOST_VIEWS);
        let colors = ColorMoments::of::<3>(painting.as_raw(), width as usize);
        let mut styles = Vec::new();
        for view in 0..views {
            // The middle one alone, or spread from end to end.
            let along = if views == 1 { rest / 2 } else { rest * view / (views - 1) };
            let (left, top) = if width > height { (along, 0) } else { (0, along) };
            let planes = square(painting, f64::from(left), f64::from(top), f64::from(side))?;
            let shape = [1, 3, SIDE as usize, SIDE as usize];
            let found = self.network.run(&[(&shape, &planes)], |outputs| {
                let (fine, coarse) = outputs[0].split_at(outputs[0].len() / 2);
                Style::new(self.weights.clone(), fine.to_vec(), coarse.to_vec(), Some(colors))
            })?;
            let style = found.ok_or_else(|| NetworkError::Ort {
                doing: format!("running {NAME}"),
                source: "it found no finite style".into(),
            })?;
            styles.push((style, 1.0));
        }
        let nothing =
            || NetworkError::Ort { doing: format!("running {NAME}"), source: "it answered nothing".into() };
        Ok(Style::mix(&styles).ok_or_else(nothing)?)
    }
}

/// A square of the painting as the network takes it.
fn square(painting: &RgbImage, left: f64, top: f64, side: f64) -> Result<Vec<f32>> {
    let (width, height) = painting.dimensions();
    // As in training: areas where it shrinks, cubic where it grows.
    let filter = if side >= f64::from(SIDE) { Filter::Box } else { Filter::CatmullRom };
    let source = Pixels { bytes: painting.as_raw(), size: Size { width, height } };
    let to = Size { width: SIDE, height: SIDE };
    let mut pixels = Vec::new();
    Resizer::default().cropped(source, [left, top, side, side], to, filter, &mut pixels)?;
    Ok((0..3).flat_map(|c| pixels.iter().skip(c).step_by(3).map(|v| f32::from(*v) / 255.0)).collect())
}
