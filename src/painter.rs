//! Paints a frame with the texture exemplar's brushwork: one feed-forward
//! network, distilled from the paper's multi-scale styler, whose style is a
//! vector (the scales and shifts of its conditional normalisation; Dumoulin et
//! al., "A Learned Representation for Artistic Style", ICLR 2017).
//!
//! Two things are carried from frame to frame, as long as there is a motion
//! between them: what the network normalises by, smoothed in time, so that
//! something moving into the picture does not change how the rest of it is
//! painted; and the grain that strokes begin in, which moves along.

use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::finish::Painting;
use crate::frame::{Frame, Size};
use crate::grain::{CELL, Grain, OCTAVES};
use crate::motion::Motion;
use crate::names::names;
use crate::nn::models::Models;
use crate::nn::network::Network;
use crate::nn::runtime::Runtime;
use crate::resize::{Filter, Pixels, Resizer};
use crate::style::Style;

/// The network halves its input three times.
const MULTIPLE: usize = 8;
/// What the network takes as zero.
pub(crate) const GREY: f32 = 0.5;
/// Smaller pictures are continued by their mirror image: the network adds a
/// mirrored margin of its own (28 pixels, the fine one 52), which has to be
/// smaller than the picture.
const LEAST_SIDE: usize = 56;
/// Lines painted at by default: strokes are learned up to these.
const MOST_LINES: u32 = 1080;
/// Pixels painted at most (4096x2160): the network needs some 100 bytes for each.
const MOST_PIXELS: f64 = 8_847_360.0;
/// Seconds after which 63 % of what the network normalises by is new.
const MEMORY: f64 = 0.25;

/// Which network paints. Both take the same styles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PainterChoice {
    /// Small: every frame in time on a few cores.
    #[default]
    Fast,
    /// Nearer to the painting, at five times the arithmetic.
    Fine,
}

names!(PainterChoice { Fast => "fast", Fine => "fine" });

impl std::fmt::Display for PainterChoice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl PainterChoice {
    /// The file of networks.
    pub fn file(self) -> &'static str {
        match self {
            Self::Fast => "painter.onnx",
            Self::Fine => "painter-fine.onnx",
        }
    }
}

/// How a frame is painted.
#[derive(Debug, Clone)]
pub struct Brush {
    /// Style, of the network's own length.
    pub style: Style,
    /// Size of the strokes, 0.5..=2; 1 as in the painting.
    pub stroke: f32,
    /// Lines (of the shorter side) to paint at; larger frames are painted
    /// smaller and enlarged. `None` paints at the frame's own size up to 1080.
    pub lines: Option<u32>,
}

/// The painting stage.
pub struct Painter {
    network: Network,
    brush: Brush,
    resizer: Resizer,
    planes: Vec<f32>,
    grain: Grain,
    /// What the frame before was normalised by; `fresh` is as long, for a frame without one before.
    statistics: Option<Vec<f32>>,
    fresh: Vec<f32>,
}

impl Painter {
    /// Loads the network chosen.
    ///
    /// # Errors
    /// Where it cannot be had, or the style is not one of its own.
    pub fn new(models: &Models, runtime: &Runtime, choice: PainterChoice, brush: Brush) -> Result<Self> {
        let network = models.network(choice.file(), runtime)?;
        let length = |input: usize| {
            let shape = network.spec().inputs.get(input).map(|input| &input.shape[..]);
            shape.and_then(|shape| usize::try_from(*shape.last()?).ok()).unwrap_or_default()
        };
        let (wanted, fresh) = (length(1), vec![0.0; length(2)]);
        if wanted != brush.style.len() {
            return Err(Error::ModelMismatch {
                path: models.folder().join(choice.file()),
                expected: format!("styles of {} values", brush.style.len()),
                found: wanted.to_string(),
            });
        }
        Ok(Self {
            network,
            brush,
            resizer: Resizer::default(),
            planes: Vec::new(),
            grain: Grain::default(),
            statistics: None,
            fresh,
        })
    }

    /// How it paints.
    pub fn brush(&self) -> &Brush {
        &self.brush
    }

    /// How it paints; a style must keep its length.
    pub(crate) fn brush_mut(&mut self) -> &mut Brush {
        &mut self.brush
    }

    /// The painting of a frame that came from the one before by this motion; by itself
    /// without one.
    ///
    /// # Errors
    /// Where ONNX Runtime fails.
    pub fn run(&mut self, frame: &Frame, motion: Option<&Motion>) -> Result<Painting> {
        let size = canvas(frame.size, self.brush.lines);
        let seen = match size == frame.size {
            true => None,
            false => {
                let pixels = Pixels { bytes: &frame.pixels, size: frame.size };
                Some(self.resizer.pixels(pixels, size, Filter::Box)?)
            }
        };
        let painted = self.paint(seen.as_deref().unwrap_or(&frame.pixels), size, motion)?;
        Ok(Painting { size, seen, painted })
    }

    /// Multiply-accumulates of one frame.
    pub fn macs(&self, size: Size) -> f64 {
        let [width, height] = padded(canvas(size, self.brush.lines));
        (width * height) as f64 * self.network.spec().macs_per_pixel.unwrap_or_default()
    }

    fn paint(&mut self, pixels: &[u8], size: Size, motion: Option<&Motion>) -> Result<Vec<u8>> {
        let [width, height] = padded(size);
        let (w, h) = (size.width as usize, size.height as usize);
        let columns: Vec<usize> = (0..width).map(|x| mirrored(x, w)).collect();
        self.planes.resize(3 * width * height, 0.0);
        for (c, plane) in self.planes.chunks_exact_mut(width * height).enumerate() {
            for (y, row) in plane.chunks_exact_mut(width).enumerate() {
                let source = &pixels[mirrored(y, h) * w * 4..][..w * 4];
                for (value, x) in row.iter_mut().zip(&columns) {
                    *value = f32::from(source[x * 4 + c]) * (1.0 / 255.0) - GREY;
                }
            }
        }
        let code = self.brush.style.code(size.width.min(size.height) as f32, self.brush.stroke);
        let cells = [width / CELL, height / CELL];
        let grain = self.grain.run(size, cells, motion);
        let before = self.statistics.take();
        let (before, keep) = match before.as_ref().zip(motion) {
            Some((statistics, motion)) => (statistics, (-motion.secs() / MEMORY).exp() as f32),
            None => (&self.fresh, 0.0),
        };
        let inputs = [
            (&[1, 3, height, width][..], &self.planes[..]),
            (&[1, code.len()], &code),
            (&[1, before.len()], before),
            (&[1], &[keep]),
            (&[1, OCTAVES, cells[1], cells[0]], &grain),
        ];
        let (painted, statistics) =
            self.network.run(&inputs, |outputs| (pixels_of(outputs[0], cells, size), outputs[1].to_vec()))?;
        self.statistics = Some(statistics);
        Ok(painted)
    }
}

/// Size a frame is painted at.
pub(crate) fn canvas(size: Size, lines: Option<u32>) -> Size {
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

/// Packed RGBA of a size from the network's cells: channel `16 c + 4 y + x` is colour c of the
/// pixel in row y and column x of each cell.
fn pixels_of(cells: &[f32], [across, down]: [usize; 2], size: Size) -> Vec<u8> {
    let width = size.width as usize;
    let mut pixels = vec![255; size.rgba_bytes()];
    pixels.par_chunks_exact_mut(width * 4).enumerate().for_each(|(y, row)| {
        for channel in 0..3 * CELL {
            let (colour, x) = (channel / CELL, channel % CELL);
            let plane = (colour * CELL + y % CELL) * CELL + x;
            let values = &cells[(plane * down + y / CELL) * across..][..across];
            let pixels = row.chunks_exact_mut(4).skip(x).step_by(CELL);
            for (pixel, value) in pixels.zip(values) {
                pixel[colour] = (value * 255.0 + 0.5) as u8;
            }
        }
    });
    pixels
}

/// The same, as three planes of whole cells.
pub(crate) fn planes_of(cells: &[f32], [across, down]: [usize; 2]) -> Vec<f32> {
    let (width, height) = (across * CELL, down * CELL);
    let value = |k: usize| {
        let (colour, y, x) = (k / (width * height), k / width % height, k % width);
        let plane = (colour * CELL + y % CELL) * CELL + x % CELL;
        cells[(plane * down + y / CELL) * across + x / CELL]
    };
    (0..3 * width * height).map(value).collect()
}

/// The place of a picture of `len` that continues it at `at`.
pub(crate) fn mirrored(at: usize, len: usize) -> usize {
    let wrapped = at % (2 * len);
    wrapped.min(2 * len - 1 - wrapped)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(width: u32, height: u32) -> Size {
        Size { width, height }
    }

    #[test]
    fn padding_mirrors_and_is_never_too_small() {
        assert_eq!(padded(size(641, 1)), [648, 56]);
        assert_eq!((0..7).map(|x| mirrored(x, 3)).collect::<Vec<_>>(), [0, 1, 2, 2, 1, 0, 0]);
        assert_eq!(mirrored(31, 1), 0);
    }

    #[test]
    fn cells_become_pixels() {
        // Every value is its pixel's place: 10 x + y, and 100 for each colour.
        let [across, down] = [2, 1];
        let place = |k: usize| {
            let (channel, cell) = (k / (across * down), k % (across * down));
            let (colour, y, x) = (channel / 16, channel / 4 % 4, channel % 4 + 4 * cell);
            (100 * colour + 10 * y + x) as f32 / 255.0
        };
        let cells: Vec<_> = (0..48 * across * down).map(place).collect();
        let expected = |x: usize, y: usize| [10 * y + x, 100 + 10 * y + x, 200 + 10 * y + x].map(|v| v as u8);
        let pixels = pixels_of(&cells, [across, down], size(7, 3));
        let planes = planes_of(&cells, [across, down]);
        for (x, y) in (0..3).flat_map(|y| (0..7).map(move |x| (x, y))) {
            let at = (y * 7 + x) * 4;
            assert_eq!(pixels[at..at + 3], expected(x, y), "({x}, {y})");
            assert_eq!([0, 1, 2].map(|c| (planes[c * 32 + y * 8 + x] * 255.0) as u8), expected(x, y));
        }
    }

    #[test]
    fn canvases_have_the_lines_asked_for_and_a_bounded_size() {
        assert_eq!(canvas(size(1280, 720), Some(360)), size(640, 360));
        assert_eq!(canvas(size(640, 360), Some(720)), size(640, 360));
        assert_eq!(canvas(size(7680, 4320), None), size(1920, 1080));
        assert_eq!(canvas(size(1, 16_384), Some(64)), size(1, 16_384));
        assert!(canvas(size(16_384, 16_384), Some(4320)).pixels() as f64 <= MOST_PIXELS * 1.01);
    }
}
