//! Paints a frame with the brushwork of one painting: a feed-forward network of 0.1 M weights, tuned to
//! that painting ([`Style`]).
//!
//! ```text
//! frame -> colours of the painting -> + noise smeared along its forms -> network -> painted frame
//! ```
//!
//! Carried from frame to frame, as long as there is a motion between them: the colours that the frame is
//! mapped by and what the network normalises by, both smoothed in time, so that something moving into the
//! picture does not change how the rest of it is painted; and the noise that strokes begin in, which
//! moves along.

use crate::error::Result;
use crate::frame::pool::{Buffer, Pool};
use crate::frame::resize::{Filter, Pixels, Resizer};
use crate::frame::{Frame, Size};
use crate::nn::error::NetworkError;
use crate::nn::models::Models;
use crate::nn::network::Network;
use crate::nn::runtime::Runtime;
use crate::paint::composite::Painting;
use crate::paint::flow::OpticalFlow;
use crate::paint::noise::{AdvectedNoise, CELL, OCTAVES};
use crate::paint::orientation::Orientation;
use crate::paint::recolor::{ColorMap, Recolorer};
use crate::paint::relief::ReliefLight;
use crate::paint::style::Style;

mod planes;

pub(crate) use planes::{cell_luminance, mirrored};
use planes::{fill_planes, write_pixels};

/// The network, and the file of the weights that a style replaces.
pub(crate) const NETWORK: &str = "painter.onnx";
/// The network halves its input three times.
const MULTIPLE: usize = 8;
/// Smaller pictures are continued by their mirror image: the network adds a mirrored margin of its own
/// (28 pixels), which has to be smaller than the picture.
const LEAST_SIDE: usize = 32;
/// Lines painted at by default: strokes are learned up to these.
const MOST_LINES: u32 = 720;
/// Pixels painted at most (4096x2160): the network needs some 100 bytes for each.
const MOST_PIXELS: f64 = 8_847_360.0;
/// Time constant, in seconds, of what the network normalises by.
const TAU: f64 = 0.6;

/// How a frame is painted.
#[derive(Debug, Clone, Copy)]
pub struct PaintParams {
    /// Size of the strokes, 0.5..=2; 1 as in the painting.
    pub stroke: f32,
    /// Lines (of the shorter side) to paint at; larger frames are painted smaller and enlarged. `None`
    /// paints at the frame's own size up to 720.
    pub lines: Option<u32>,
    /// How thick the paint lies, 0 (flat) to 1 (as thick as the painting's).
    pub relief: f32,
}

/// The painting stage.
pub struct Painter {
    network: Network,
    style: Style,
    resizer: Resizer,
    recolorer: Recolorer,
    noise: AdvectedNoise,
    orientation: Orientation,
    relief: ReliefLight,
    /// What the frame before was normalised by, if `is_known`; there is room for what this one is.
    statistics: [Vec<f32>; 2],
    is_known: bool,
    /// Room to work in: what the network sees, its luminance, and the noise before and after it is smeared.
    planes: Vec<f32>,
    luminance: Vec<f32>,
    noise_planes: Vec<f32>,
    smeared: Vec<f32>,
    pictures: Pool<u8>,
}

impl Painter {
    /// Opens the network with the weights of a style.
    ///
    /// # Errors
    /// Returns an error if the network cannot be had, or if the style was made for another one.
    pub fn new(models: &Models, runtime: &Runtime, style: Style) -> Result<Self> {
        let network = models.network_with(NETWORK, Some(style.weight_bytes()), runtime)?;
        let shape = network.spec().inputs.get(1).and_then(|input| input.shape.last());
        let wanted = shape.and_then(|values| usize::try_from(*values).ok()).unwrap_or_default();
        if wanted != style.code_len() {
            let expected = format!("styles of {} values", style.code_len());
            let path = models.folder().join(NETWORK);
            return Err(NetworkError::mismatch(path, expected, wanted.to_string()).into());
        }
        Ok(Self {
            network,
            statistics: [vec![0.0; style.code_len()], Vec::new()],
            is_known: false,
            style,
            resizer: Resizer::default(),
            recolorer: Recolorer::default(),
            noise: AdvectedNoise::default(),
            orientation: Orientation::default(),
            relief: ReliefLight::default(),
            planes: Vec::new(),
            luminance: Vec::new(),
            noise_planes: Vec::new(),
            smeared: Vec::new(),
            pictures: Pool::default(),
        })
    }

    /// The style it paints in.
    pub fn style(&self) -> &Style {
        &self.style
    }

    /// The painting of a frame that came from the one before by this motion; by itself
    /// without one.
    ///
    /// # Errors
    /// Returns an error if ONNX Runtime fails.
    pub fn run(
        &mut self,
        frame: &Frame,
        params: PaintParams,
        motion: Option<&OpticalFlow>,
    ) -> Result<Painting> {
        let size = paint_size(frame.size, params.lines);
        let guide = match size == frame.size {
            true => None,
            false => {
                let pixels = Pixels { bytes: &frame.pixels, size: frame.size };
                let mut guide = self.pictures.take();
                self.resizer.pixels_into(pixels, size, Filter::Box, &mut guide)?;
                Some(guide)
            }
        };
        let pixels = guide.as_deref().unwrap_or(&frame.pixels);
        let colors = self.recolorer.run(pixels, size, motion, self.style.colors());
        let cells = padded(size).map(|side| side / CELL);
        self.noise.run(frame.time, size, cells, motion, &mut self.noise_planes);
        let painted = self.paint(pixels, size, &colors, params.stroke, motion)?;
        let depth = params.relief * self.style.relief();
        let relief = (depth > 0.0).then(|| {
            let grown = (&self.noise, &self.orientation);
            self.relief.run(grown, [frame.size, size], params.stroke, motion).with_depth(depth)
        });
        Ok(Painting { size, guide, painted, colors, relief })
    }

    /// Multiply-accumulates of one frame.
    pub fn macs(&self, size: Size, lines: Option<u32>) -> f64 {
        let [width, height] = padded(paint_size(size, lines));
        (width * height) as f64 * self.network.spec().macs_per_pixel.unwrap_or_default()
    }

    fn paint(
        &mut self,
        pixels: &[u8],
        size: Size,
        colors: &ColorMap,
        stroke: f32,
        motion: Option<&OpticalFlow>,
    ) -> Result<Buffer<u8>> {
        let [width, height] = padded(size);
        let cells = [width / CELL, height / CELL];
        self.planes.resize(3 * width * height, 0.0);
        fill_planes(pixels, size, colors, &mut self.planes, [width, height]);
        cell_luminance(&self.planes, cells, &mut self.luminance);
        self.orientation.update(&self.luminance, cells, motion.map(OpticalFlow::secs));
        self.orientation.smear(&self.noise_planes, &mut self.smeared);
        let code = self.style.code(size.width.min(size.height) as f32, stroke);
        let [before, now] = &mut self.statistics;
        let keep = match motion.filter(|_| self.is_known) {
            Some(motion) => (-motion.secs() / TAU).exp() as f32,
            None => {
                before.fill(0.0);
                0.0
            }
        };
        // If the network fails, nothing is known of this frame.
        self.is_known = false;
        let inputs = [
            (&[1, 3, height, width][..], &self.planes[..]),
            (&[1, code.len()], &code),
            (&[1, before.len()], before),
            (&[1], &[keep]),
            (&[1, OCTAVES, cells[1], cells[0]], &self.smeared),
        ];
        let mut painted = self.pictures.take();
        self.network.run(&inputs, |outputs| {
            write_pixels(outputs[0], cells, size, &mut painted);
            now.clear();
            now.extend_from_slice(outputs[1]);
        })?;
        // One frame that is not a number must not blacken all that follow.
        self.is_known = now.iter().all(|value| value.is_finite());
        self.statistics.swap(0, 1);
        Ok(painted)
    }
}

/// Size a frame is painted at.
pub(crate) fn paint_size(size: Size, lines: Option<u32>) -> Size {
    let shorter = size.width.min(size.height);
    let lines = f64::from(lines.unwrap_or(MOST_LINES).min(shorter));
    let scale = (lines / f64::from(shorter)).min((MOST_PIXELS / size.pixels() as f64).sqrt());
    let scaled = |side: u32| ((f64::from(side) * scale).round() as u32).max(1);
    Size { width: scaled(size.width), height: scaled(size.height) }
}

/// Size the network runs at.
fn padded(size: Size) -> [usize; 2] {
    [size.width, size.height].map(|side| (side as usize).max(LEAST_SIDE).next_multiple_of(MULTIPLE))
}

#[cfg(test)]
mod tests;
