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

use multiversion::multiversion;
use rayon::prelude::*;

use crate::error::Result;
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
use crate::paint::recolor::{ColorMap, LUMINANCE, Recolorer, recolor_row};
use crate::paint::relief::ReliefLight;
use crate::paint::style::Style;

/// The network, and the file of the weights that a style replaces.
pub(crate) const NETWORK: &str = "painter.onnx";
/// The network halves its input three times.
const MULTIPLE: usize = 8;
/// What the network takes as zero.
const GREY: f32 = 0.5;
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
    planes: Vec<f32>,
    /// What the frame before was normalised by; `fresh` is as long, for a frame without one before.
    statistics: Option<Vec<f32>>,
    fresh: Vec<f32>,
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
            fresh: vec![0.0; style.code_len()],
            style,
            resizer: Resizer::default(),
            recolorer: Recolorer::default(),
            noise: AdvectedNoise::default(),
            orientation: Orientation::default(),
            relief: ReliefLight::default(),
            planes: Vec::new(),
            statistics: None,
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
                Some(self.resizer.pixels(pixels, size, Filter::Box)?)
            }
        };
        let pixels = guide.as_deref().unwrap_or(&frame.pixels);
        let colors = self.recolorer.run(pixels, size, motion, self.style.colors());
        let noise = self.noise.run(frame.time, size, padded(size).map(|side| side / CELL), motion);
        let painted = self.paint(pixels, size, &colors, params.stroke, &noise, motion)?;
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
        noise: &[f32],
        motion: Option<&OpticalFlow>,
    ) -> Result<Vec<u8>> {
        let [width, height] = padded(size);
        let cells = [width / CELL, height / CELL];
        self.planes.resize(3 * width * height, 0.0);
        fill_planes(pixels, size, colors, &mut self.planes, [width, height]);
        self.orientation.update(&cell_luminance(&self.planes, cells), cells, motion.map(OpticalFlow::secs));
        let noise = self.orientation.smear(noise);
        let code = self.style.code(size.width.min(size.height) as f32, stroke);
        let before = self.statistics.take();
        let (before, keep) = match before.as_ref().zip(motion) {
            Some((statistics, motion)) => (statistics, (-motion.secs() / TAU).exp() as f32),
            None => (&self.fresh, 0.0),
        };
        let inputs = [
            (&[1, 3, height, width][..], &self.planes[..]),
            (&[1, code.len()], &code),
            (&[1, before.len()], before),
            (&[1], &[keep]),
            (&[1, OCTAVES, cells[1], cells[0]], &noise),
        ];
        let (painted, statistics) =
            self.network.run(&inputs, |outputs| (pixels_of(outputs[0], cells, size), outputs[1].to_vec()))?;
        // One frame that is not a number must not blacken all that follow.
        self.statistics = Some(statistics).filter(|values| values.iter().all(|value| value.is_finite()));
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

/// Packed RGBA of a size -> three planes, recoloured, less [`GREY`], continued by their mirror image.
fn fill_planes(
    pixels: &[u8],
    size: Size,
    colors: &ColorMap,
    planes: &mut [f32],
    [width, height]: [usize; 2],
) {
    let (w, h) = (size.width as usize, size.height as usize);
    let (red, rest) = planes.split_at_mut(width * height);
    let (green, blue) = rest.split_at_mut(width * height);
    let rows = red
        .par_chunks_exact_mut(width)
        .zip(green.par_chunks_exact_mut(width))
        .zip(blue.par_chunks_exact_mut(width));
    rows.enumerate().for_each(|(y, ((red, green), blue))| {
        let source = &pixels[mirrored(y, h) * w * 4..][..w * 4];
        recolor_row(colors, source, [&mut red[..w], &mut green[..w], &mut blue[..w]], GREY);
        for plane in [red, green, blue] {
            for x in w..width {
                plane[x] = plane[mirrored(x, w)];
            }
        }
    });
}

/// Mean luminance of the cells of three planes.
pub(crate) fn cell_luminance(planes: &[f32], [across, down]: [usize; 2]) -> Vec<f32> {
    let (width, plane) = (across * CELL, across * down * CELL * CELL);
    let mut cells = vec![0.0; across * down];
    cells.par_chunks_exact_mut(across).enumerate().for_each(|(row, cells)| {
        for (channel, weight) in LUMINANCE.iter().enumerate() {
            let rows = &planes[channel * plane + row * CELL * width..][..CELL * width];
            for line in rows.chunks_exact(width) {
                for (cell, values) in cells.iter_mut().zip(line.chunks_exact(CELL)) {
                    *cell += values.iter().sum::<f32>() * weight / (CELL * CELL) as f32;
                }
            }
        }
    });
    cells
}

/// Packed RGBA of a size from the network's cells: channel `16 c + 4 y + x` is colour c of the
/// pixel in row y and column x of each cell.
fn pixels_of(cells: &[f32], [across, down]: [usize; 2], size: Size) -> Vec<u8> {
    let width = size.width as usize;
    let mut pixels = vec![255; size.rgba_bytes()];
    pixels.par_chunks_exact_mut(width * 4).enumerate().for_each(|(y, row)| {
        let values: [&[f32]; 3 * CELL] = std::array::from_fn(|channel| {
            let (colour, x) = (channel / CELL, channel % CELL);
            let plane = (colour * CELL + y % CELL) * CELL + x;
            &cells[(plane * down + y / CELL) * across..][..across]
        });
        cells_row(&values, row);
    });
    pixels
}

/// A row of packed RGBA from the twelve values of each cell: four of red, of green, of blue.
#[multiversion(targets("x86_64+avx2+fma", "x86_64+sse4.1"))]
fn cells_row(values: &[&[f32]; 3 * CELL], row: &mut [u8]) {
    for (cell, pixels) in row.chunks_mut(4 * CELL).enumerate() {
        let mut whole = [255; 4 * CELL];
        for (x, pixel) in whole.as_chunks_mut::<4>().0.iter_mut().enumerate() {
            for colour in 0..3 {
                pixel[colour] = (values[colour * CELL + x][cell] * 255.0 + 0.5) as u8;
            }
        }
        pixels.copy_from_slice(&whole[..pixels.len()]);
    }
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
        assert_eq!(padded(size(641, 1)), [648, 32]);
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
        for (x, y) in (0..3).flat_map(|y| (0..7).map(move |x| (x, y))) {
            let at = (y * 7 + x) * 4;
            assert_eq!(pixels[at..at + 3], expected(x, y), "({x}, {y})");
        }
    }

    #[test]
    fn pictures_have_the_lines_asked_for_and_a_bounded_size() {
        assert_eq!(paint_size(size(1280, 720), Some(360)), size(640, 360));
        assert_eq!(paint_size(size(640, 360), Some(720)), size(640, 360));
        assert_eq!(paint_size(size(7680, 4320), None), size(1280, 720));
        assert_eq!(paint_size(size(1, 16_384), Some(64)), size(1, 16_384));
        assert!(paint_size(size(16_384, 16_384), Some(4320)).pixels() as f64 <= MOST_PIXELS * 1.01);
    }
}
