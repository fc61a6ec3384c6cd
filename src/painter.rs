//! Paints a frame with the texture exemplar's brushwork: one feed-forward
//! network, distilled from the paper's multi-scale styler, whose style is a
//! vector (the scales and shifts of its conditional normalisation; Dumoulin et
//! al., "A Learned Representation for Artistic Style", ICLR 2017).

use fast_image_resize as fr;

use crate::device::Runtime;
use crate::error::{Error, Result};
use crate::frame::{Frame, Size};
use crate::model::{Models, Network};

/// The network halves its input three times.
const MULTIPLE: usize = 8;
/// Smaller pictures are continued by their mirror image: the network adds a
/// mirrored margin of its own, which has to be smaller than the picture.
const LEAST_SIDE: usize = 32;

/// How a frame is painted.
#[derive(Debug, Clone)]
pub struct Brush {
    /// Style code, as long as the network's second input.
    pub style: Vec<f32>,
    /// 0 leaves the frame as it is, 1 replaces it.
    pub strength: f32,
    /// Lines (of the shorter side) to paint at; larger frames are painted
    /// smaller and enlarged. `None` paints at the frame's own size.
    pub lines: Option<u32>,
}

/// The painting stage.
pub struct Painter {
    network: Network,
    brush: Brush,
    resizer: fr::Resizer,
    planes: Vec<f32>,
}

impl Painter {
    /// Loads the network.
    ///
    /// # Errors
    /// Where it cannot be had, or the style is not one of its own.
    pub fn new(models: &Models, runtime: &Runtime, brush: Brush) -> Result<Self> {
        const NAME: &str = "painter.onnx";
        let network = models.network(NAME, runtime)?;
        let wanted = network.spec().inputs.get(1).and_then(|style| style.shape.last().copied());
        if wanted != Some(brush.style.len() as i64) {
            return Err(Error::ModelMismatch {
                path: models.folder().join(NAME),
                expected: format!("styles of {} values", brush.style.len()),
                found: format!("{}", wanted.unwrap_or_default()),
            });
        }
        Ok(Self { network, brush, resizer: fr::Resizer::new(), planes: Vec::new() })
    }

    /// The frame, painted.
    ///
    /// # Errors
    /// Where ONNX Runtime fails.
    pub fn run(&mut self, frame: Frame) -> Result<Frame> {
        if self.brush.strength == 0.0 {
            return Ok(frame);
        }
        let size = self.canvas(frame.size);
        let painted = if size == frame.size {
            self.paint(&frame.pixels, size)?
        } else {
            let small = self.resize(&frame.pixels, frame.size, size, fr::FilterType::Box)?;
            let painted = self.paint(&small, size)?;
            self.resize(&painted, size, frame.size, fr::FilterType::CatmullRom)?
        };
        Ok(Frame { pixels: blend(&frame.pixels, painted, self.brush.strength), ..frame })
    }

    /// Multiply-accumulates of one frame.
    pub fn macs(&self, size: Size) -> f64 {
        let [width, height] = padded(self.canvas(size));
        (width * height) as f64 * self.network.spec().macs_per_pixel.unwrap_or_default()
    }

    fn canvas(&self, size: Size) -> Size {
        let shorter = size.width.min(size.height);
        let Some(lines) = self.brush.lines.filter(|lines| *lines < shorter) else { return size };
        let scaled = |side: u32| {
            ((u64::from(side) * u64::from(lines) + u64::from(shorter) / 2) / u64::from(shorter)) as u32
        };
        Size { width: scaled(size.width).max(1), height: scaled(size.height).max(1) }
    }

    fn paint(&mut self, pixels: &[u8], size: Size) -> Result<Vec<u8>> {
        let [width, height] = padded(size);
        let (w, h) = (size.width as usize, size.height as usize);
        let columns: Vec<usize> = (0..width).map(|x| mirrored(x, w)).collect();
        self.planes.resize(3 * width * height, 0.0);
        for (c, plane) in self.planes.chunks_exact_mut(width * height).enumerate() {
            for (y, row) in plane.chunks_exact_mut(width).enumerate() {
                let source = &pixels[mirrored(y, h) * w * 4..][..w * 4];
                for (value, x) in row.iter_mut().zip(&columns) {
                    *value = f32::from(source[x * 4 + c]) * (1.0 / 255.0);
                }
            }
        }
        let style = (&[1, self.brush.style.len()][..], &self.brush.style[..]);
        self.network.run([(&[1, 3, height, width], &self.planes), style], |outputs| {
            let mut painted = vec![255; size.rgba_bytes()];
            for (c, plane) in outputs[0].chunks_exact(width * height).enumerate() {
                for (row, out) in plane.chunks_exact(width).zip(painted.chunks_exact_mut(w * 4)) {
                    for (value, pixel) in row.iter().zip(out.chunks_exact_mut(4)) {
                        pixel[c] = (value * 255.0 + 0.5) as u8;
                    }
                }
            }
            painted
        })
    }

    fn resize(&mut self, pixels: &[u8], from: Size, to: Size, filter: fr::FilterType) -> Result<Vec<u8>> {
        let failed = |error: &dyn std::error::Error| Error::Ort {
            doing: "resizing a frame for the painter".into(),
            source: error.to_string().into(),
        };
        let source = fr::images::ImageRef::new(from.width, from.height, pixels, fr::PixelType::U8x4)
            .map_err(|error| failed(&error))?;
        let mut resized = fr::images::Image::new(to.width, to.height, fr::PixelType::U8x4);
        let options =
            fr::ResizeOptions::new().resize_alg(fr::ResizeAlg::Convolution(filter)).use_alpha(false);
        self.resizer.resize(&source, &mut resized, &options).map_err(|error| failed(&error))?;
        Ok(resized.into_vec())
    }
}

/// Size the network runs at.
fn padded(size: Size) -> [usize; 2] {
    [size.width, size.height].map(|side| (side as usize).max(LEAST_SIDE).next_multiple_of(MULTIPLE))
}

/// The place of a picture of `len` that continues it at `at`.
fn mirrored(at: usize, len: usize) -> usize {
    let wrapped = at % (2 * len);
    wrapped.min(2 * len - 1 - wrapped)
}

/// `strength` of `painted` over `frame`.
fn blend(frame: &[u8], mut painted: Vec<u8>, strength: f32) -> Vec<u8> {
    if strength < 1.0 {
        let weight = (strength * 256.0).round() as i32;
        for (painted, frame) in painted.iter_mut().zip(frame) {
            let (over, under) = (i32::from(*painted), i32::from(*frame));
            *painted = (under + (((over - under) * weight + 128) >> 8)) as u8;
        }
    }
    painted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strength_runs_from_the_frame_to_the_painting() {
        let (frame, painted) = (vec![0, 100, 255, 255], vec![255, 50, 0, 255]);
        assert_eq!(blend(&frame, painted.clone(), 0.0), frame);
        assert_eq!(blend(&frame, painted.clone(), 1.0), painted);
        assert_eq!(blend(&frame, painted, 0.5), [128, 75, 128, 255]);
    }

    #[test]
    fn padding_mirrors_and_is_never_too_small() {
        assert_eq!(padded(Size { width: 641, height: 1 }), [648, 32]);
        assert_eq!((0..7).map(|x| mirrored(x, 3)).collect::<Vec<_>>(), [0, 1, 2, 2, 1, 0, 0]);
        assert_eq!(mirrored(31, 1), 0);
    }
}
