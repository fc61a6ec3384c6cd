//! A picture, or a window of one, to features on 16x16 cells: unit vectors that
//! the warp network compares.
//!
//! Two encoders give the same features as nearly as they can, and either serves
//! the same warp network: the reference (VGG-16 and a learned adapter) and a
//! student of it that computes sixty times less.

use fast_image_resize as fr;

use crate::device::{Device, Runtime};
use crate::error::{Error, Result};
use crate::frame::Size;
use crate::grid::Features;
use crate::model::{Models, Network};
use crate::view::View;

/// Side of the pictures that the network sees.
const INPUT: usize = 256;

/// Which encoder to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum EncoderChoice {
    /// Fast on a CPU, the reference on anything faster.
    #[default]
    Auto,
    /// The small one.
    Fast,
    /// VGG-16, as in the paper.
    Reference,
}

impl EncoderChoice {
    fn is_fast(self, device: Device) -> bool {
        self == Self::Fast || self == Self::Auto && device == Device::Cpu
    }

    /// The file of networks, for what runs on `device`.
    pub fn file(self, device: Device) -> &'static str {
        if self.is_fast(device) { "encoder-fast.onnx" } else { "encoder.onnx" }
    }

    /// For people.
    pub fn name(self, device: Device) -> &'static str {
        if self.is_fast(device) { "fast encoder" } else { "reference encoder" }
    }
}

/// Packed pixels: 3 (RGB) or 4 (RGBA) bytes each, row by row.
#[derive(Debug, Clone, Copy)]
pub struct Pixels<'a> {
    /// The bytes.
    pub bytes: &'a [u8],
    /// Width and height.
    pub size: Size,
}

/// An opened encoder.
pub struct Encoder {
    network: Network,
    resizer: fr::Resizer,
    planes: Vec<f32>,
}

impl Encoder {
    /// Opens the encoder chosen.
    ///
    /// # Errors
    /// Where it cannot be had.
    pub fn open(models: &Models, runtime: &Runtime, choice: EncoderChoice) -> Result<Self> {
        let network = models.network(choice.file(runtime.device()), runtime)?;
        Ok(Self { network, resizer: fr::Resizer::new(), planes: vec![0.0; 3 * INPUT * INPUT] })
    }

    /// Shape of the features: `[1, channels, 16, 16]`.
    pub fn shape(&self) -> Vec<usize> {
        self.network.spec().outputs[0].shape.iter().map(|&side| side.max(1) as usize).collect()
    }

    /// Features of what is seen through a window, squeezed to a square.
    ///
    /// # Errors
    /// Where ONNX Runtime fails.
    pub fn run(&mut self, Pixels { bytes, size }: Pixels<'_>, view: View) -> Result<Features> {
        let failed = |error: &dyn std::error::Error| Error::Ort {
            doing: "resizing a picture for the encoder".into(),
            source: error.to_string().into(),
        };
        let kind = match bytes.len() / (size.width as usize * size.height as usize) {
            3 => fr::PixelType::U8x3,
            _ => fr::PixelType::U8x4,
        };
        let source = fr::images::ImageRef::new(size.width, size.height, bytes, kind)
            .map_err(|error| failed(&error))?;
        let mut small = fr::images::Image::new(INPUT as u32, INPUT as u32, kind);
        let [left, top, width, height] = view.pixels(size);
        let options = fr::ResizeOptions::new()
            .resize_alg(fr::ResizeAlg::Convolution(fr::FilterType::Bilinear))
            .crop(left, top, width, height)
            .use_alpha(false);
        self.resizer.resize(&source, &mut small, &options).map_err(|error| failed(&error))?;
        for (k, pixel) in small.buffer().chunks_exact(kind.size()).enumerate() {
            for (c, value) in pixel[..3].iter().enumerate() {
                self.planes[c * INPUT * INPUT + k] = f32::from(*value) / 255.0;
            }
        }
        self.network.run(&[(&[1, 3, INPUT, INPUT], &self.planes)], |outputs| outputs[0].into())
    }
}
