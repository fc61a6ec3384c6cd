//! A picture, or a window of one, to features on 16x16 cells: unit vectors that
//! the warp network compares.
//!
//! Two encoders give the same features as nearly as they can, and either serves
//! the same warp network: the reference (VGG-16 and a learned adapter) and a
//! student of it that computes sixty times less.

use crate::error::Result;
use crate::frame::Size;
use crate::frame::pool::Pool;
use crate::frame::resize::{Filter, Pixels, Resizer};
use crate::names::names;
use crate::nn::device::Device;
use crate::nn::models::Models;
use crate::nn::network::Network;
use crate::nn::runtime::Runtime;
use crate::warp::grid::Features;
use crate::warp::roi::Roi;

/// Side of the pictures that the network sees.
const INPUT: usize = 256;

/// Which encoder to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EncoderChoice {
    /// Fast on a CPU, the reference on anything faster.
    #[default]
    Auto,
    /// The small one.
    Fast,
    /// VGG-16, as in the paper.
    Reference,
}

names!(EncoderChoice { Auto => "auto", Fast => "fast", Reference => "reference" });

impl EncoderChoice {
    fn is_fast(self, device: Device) -> bool {
        self == Self::Fast || self == Self::Auto && device == Device::Cpu
    }

    /// The file of networks, for what runs on `device`.
    pub fn file(self, device: Device) -> &'static str {
        if self.is_fast(device) { "encoder-fast.onnx" } else { "encoder.onnx" }
    }

    /// For people.
    pub fn description(self, device: Device) -> &'static str {
        if self.is_fast(device) { "fast encoder" } else { "reference encoder" }
    }
}

/// An opened encoder.
pub struct Encoder {
    network: Network,
    resizer: Resizer,
    /// The picture as the network sees it: packed, then in planes.
    small: Vec<u8>,
    planes: Vec<f32>,
    answers: Pool<f32>,
}

impl Encoder {
    /// Opens the encoder chosen.
    ///
    /// # Errors
    /// Returns an error if it cannot be had.
    pub fn open(models: &Models, runtime: &Runtime, choice: EncoderChoice) -> Result<Self> {
        let network = models.network(choice.file(runtime.device()), runtime)?;
        Ok(Self {
            network,
            resizer: Resizer::default(),
            small: Vec::new(),
            planes: vec![0.0; 3 * INPUT * INPUT],
            answers: Pool::default(),
        })
    }

    /// Shape of the features: `[1, channels, 16, 16]`.
    pub fn shape(&self) -> Vec<usize> {
        self.network.spec().outputs[0].shape.iter().map(|&side| side.max(1) as usize).collect()
    }

    /// Features of what is seen through a window, squeezed to a square.
    ///
    /// # Errors
    /// Returns an error if ONNX Runtime fails.
    pub fn run(&mut self, pixels: Pixels<'_>, view: Roi) -> Result<Features> {
        let side = Size { width: INPUT as u32, height: INPUT as u32 };
        let (part, small) = (view.pixels(pixels.size), &mut self.small);
        self.resizer.cropped(pixels, part, side, Filter::Bilinear, small)?;
        for (k, pixel) in small.chunks_exact(small.len() / (INPUT * INPUT)).enumerate() {
            for (c, value) in pixel[..3].iter().enumerate() {
                self.planes[c * INPUT * INPUT + k] = f32::from(*value) / 255.0;
            }
        }
        let mut features = self.answers.take();
        self.network.run(&[(&[1, 3, INPUT, INPUT], &self.planes)], |outputs| features.extend(outputs[0]))?;
        Ok(Features::new(features))
    }
}
