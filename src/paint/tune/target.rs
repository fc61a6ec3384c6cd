//! A painting, as the objective sees it beside pictures of so many lines.

use fastrand::Rng;
use image::RgbImage;

use crate::error::Result;
use crate::frame::Size;
use crate::frame::resize::{Filter, Pixels, Resizer};
use crate::nn::models::Models;
use crate::nn::network::Network;
use crate::nn::runtime::Runtime;
use crate::paint::recolor::LUMINANCE;
use crate::paint::tune::scene::LINES;

pub(super) const NETWORK: &str = "tuner-painting.onnx";
/// Scans are small: of more lines they show no more strokes, and take long.
const MOST_LINES: f32 = 820.0;
/// Pixels at most: the network needs a kilobyte for each.
const MOST_PIXELS: f32 = 900_000.0;
/// The network halves its input three times.
const MULTIPLE: u32 = 8;
/// Places kept of the painting, at each layer.
const KEPT: usize = 6144;
/// Bands in which strokes are: details between boxes of these radii. Squares that they are measured in, and how far apart.
pub(super) const BANDS: usize = 2;
pub(super) const RADII: [[usize; 2]; BANDS] = [[1, 5], [3, 12]];
const TILE: usize = 48;
const PITCH: usize = 24;
/// Quantiles taken of them, and squares of a crop, for which these are interpolated.
const QUANTILES: usize = 65;
pub(super) const TILES: usize = 49;

/// A layer of VGG-16 of which a plan is made.
#[derive(Clone, Copy)]
pub(super) struct LayerSpec {
    pub(super) channels: usize,
    /// Pixels to a place, along each side.
    pub(super) pixels: usize,
    /// Where its means begin in the moments.
    first: usize,
}

/// relu3_1, 4_1 and 2_1, in the network's order.
pub(super) const LAYERS: [LayerSpec; 3] = [
    LayerSpec { channels: 256, pixels: 4, first: 192 },
    LayerSpec { channels: 512, pixels: 8, first: 448 },
    LayerSpec { channels: 128, pixels: 2, first: 64 },
];
/// Means, or deviations, of all layers: relu1_1, too.
const MOMENTS: usize = 960;

/// Places of the painting at one layer.
pub(super) struct Layer {
    /// One row of places for each channel: the features less their mean, of length one at each place.
    pub(super) directions: Vec<f32>,
    /// Luminance of the places.
    pub(super) tones: Vec<f32>,
}

/// The painting beside pictures of so many lines.
pub(super) struct Target {
    lines: u32,
    /// Means, then deviations, of the features.
    pub(super) moments: Vec<f32>,
    pub(super) layers: [Layer; 3],
    /// Of each band: how strong the strokes are in the squares of a crop, weakest first, if they are those of the painting.
    pub(super) strokes: Vec<f32>,
}

impl Target {
    /// Of the moments, for the network.
    pub(super) fn moments_shape(&self) -> &'static [usize] {
        &[2, MOMENTS]
    }
}

/// The painting beside pictures of all [`LINES`].
pub(super) struct Targets(Vec<Target>);

impl Targets {
    /// # Errors
    /// Returns an error if the network cannot be had or fails.
    pub(super) fn new(
        models: &Models,
        runtime: &Runtime,
        painting: &RgbImage,
        canvas: u32,
        larger: f32,
        random: &mut Rng,
    ) -> Result<Self> {
        let mut network = models.network(NETWORK, runtime)?;
        let targets = LINES.iter().map(|(lines, _)| {
            let scale = scale(painting, canvas, *lines as f32 * larger);
            seen(&mut network, &enlarged(painting, scale, MULTIPLE)?, *lines, random)
        });
        Ok(Self(targets.collect::<Result<_>>()?))
    }

    /// Beside pictures of so many lines, of which there are [`LINES`].
    pub(super) fn beside(&self, lines: u32) -> &Target {
        self.0.iter().find(|target| target.lines == lines).unwrap_or(&self.0[0])
    }
}

/// Three planes, 0 to 1.
pub(super) struct Planes {
    pub(super) values: Vec<f32>,
    pub(super) width: usize,
    pub(super) height: usize,
}

impl Planes {
    pub(super) fn luminance(&self) -> Vec<f32> {
        let count = self.width * self.height;
        let at = |k: usize| (0..3).map(|channel| LUMINANCE[channel] * self.values[channel * count + k]).sum();
        (0..count).map(at).collect()
    }
}

fn seen(network: &mut Network, planes: &Planes, lines: u32, random: &mut Rng) -> Result<Target> {
    let Planes { values, width, height } = planes;
    let luminance = planes.luminance();
    let (moments, layers) = network.run(&[(&[1, 3, *height, *width], values)], |outputs| {
        let mut layer = |k: usize| {
            let LayerSpec { channels, pixels, first } = LAYERS[k];
            let mean = &outputs[0][first..first + channels];
            let (across, count) = (width / pixels, outputs[1 + k].len() / channels);
            let kept = random.choose_multiple(0..count, KEPT);
            let tone = |at: &usize| {
                let (x, y) = (at % across * pixels, at / across * pixels);
                let rows = (y..y + pixels).map(|y| luminance[y * width + x..][..pixels].iter().sum::<f32>());
                rows.sum::<f32>() / (pixels * pixels) as f32
            };
            Layer {
                directions: directions(outputs[1 + k], mean, count, &kept),
                tones: kept.iter().map(tone).collect(),
            }
        };
        let layers = [layer(0), layer(1), layer(2)];
        (outputs[0].to_vec(), layers)
    })?;
    let strokes = RADII.iter().flat_map(|radii| strokes(&luminance, *width, *radii)).collect();
    Ok(Target { lines, moments, layers, strokes })
}

/// A picture by a factor, each side in whole steps of the network.
pub(super) fn enlarged(picture: &RgbImage, scale: f32, multiple: u32) -> Result<Planes> {
    let size = Size { width: picture.width(), height: picture.height() };
    let side = |side: u32| {
        let wanted = (side as f32 * scale / multiple as f32).round() as u32 * multiple;
        wanted.max((TILE as u32).next_multiple_of(multiple))
    };
    let to = Size { width: side(size.width), height: side(size.height) };
    let filter = if scale < 1.0 { Filter::Box } else { Filter::CatmullRom };
    let bytes = Resizer::default().pixels(Pixels { bytes: picture.as_raw(), size }, to, filter)?;
    let plane = |channel: usize| bytes.iter().skip(channel).step_by(3).map(|value| f32::from(*value) / 255.0);
    let values = (0..3).flat_map(plane).collect();
    Ok(Planes { values, width: to.width as usize, height: to.height as usize })
}

/// By how much a painting is enlarged whose canvas is to have so many lines; its shorter side has `canvas` pixels.
pub(super) fn scale(painting: &RgbImage, canvas: u32, lines: f32) -> f32 {
    let pixels = painting.width() as f32 * painting.height() as f32;
    let wanted = lines.min(MOST_LINES) / canvas as f32;
    wanted.min((MOST_PIXELS / pixels).sqrt())
}

/// The features of some places less their mean, of length one; a row of places for each channel, as they came.
fn directions(features: &[f32], mean: &[f32], count: usize, kept: &[usize]) -> Vec<f32> {
    let mut lengths = vec![0.0_f32; kept.len()];
    let mut off = Vec::with_capacity(mean.len() * kept.len());
    for (row, mean) in features.chunks_exact(count).zip(mean) {
        for (length, at) in lengths.iter_mut().zip(kept) {
            let value = row[*at] - mean;
            *length += value * value;
            off.push(value);
        }
    }
    for row in off.chunks_exact_mut(kept.len()) {
        row.iter_mut().zip(&lengths).for_each(|(value, length)| *value /= length.sqrt() + 1e-6);
    }
    off
}

/// How strong the strokes of a picture are in a band, in the squares of a crop, weakest first.
pub(super) fn strokes(luminance: &[f32], width: usize, [fine, coarse]: [usize; 2]) -> Vec<f32> {
    let (fine, coarse) = (boxes(luminance, width, fine), boxes(luminance, width, coarse));
    let height = luminance.len() / width;
    let of_tile = |left: usize, top: usize| {
        let rows = (top..top + TILE).flat_map(|y| y * width + left..y * width + left + TILE);
        let squares = rows.map(|k| (fine[k] - coarse[k]).powi(2)).sum::<f32>();
        (squares / (TILE * TILE) as f32 + 1e-6).sqrt()
    };
    let corners = |side: usize| (0..=side.saturating_sub(TILE)).step_by(PITCH);
    let mut found: Vec<f32> = corners(height)
        .flat_map(|top| corners(width).map(move |left| (left, top)))
        .map(|(x, y)| of_tile(x, y))
        .collect();
    found.sort_by(f32::total_cmp);
    let quantiles = spread(&found, QUANTILES);
    spread(&quantiles, TILES)
}

/// So many values from the first to the last of others, linear between them.
fn spread(values: &[f32], count: usize) -> Vec<f32> {
    let at = |k: usize| {
        let place = k as f32 * (values.len() - 1) as f32 / (count - 1) as f32;
        let first = (place as usize).min(values.len() - 1);
        let next = values[(first + 1).min(values.len() - 1)];
        values[first] + (next - values[first]) * (place - first as f32)
    };
    (0..count).map(at).collect()
}

/// Means over squares around every pixel, mirrored at the borders, whose own pixels are not repeated.
fn boxes(plane: &[f32], width: usize, radius: usize) -> Vec<f32> {
    let height = plane.len() / width;
    let fold = |at: i64, len: usize| {
        let period = 2 * (len as i64 - 1).max(1);
        let wrapped = at.rem_euclid(period);
        wrapped.min(period - wrapped) as usize
    };
    let around = |at: usize, len: usize| {
        let reach = radius as i64;
        (-reach..=reach).map(move |step| fold(at as i64 + step, len))
    };
    let share = 1.0 / (2 * radius + 1) as f32;
    let across: Vec<Vec<usize>> = (0..width).map(|x| around(x, width).collect()).collect();
    let rows: Vec<f32> = plane
        .chunks_exact(width)
        .flat_map(|row| across.iter().map(move |at| at.iter().map(|x| row[*x]).sum::<f32>() * share))
        .collect();
    let mut out = vec![0.0; plane.len()];
    for (y, out) in out.chunks_exact_mut(width).enumerate() {
        for from in around(y, height) {
            out.iter_mut().zip(&rows[from * width..]).for_each(|(out, value)| *out += value * share);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strokes_are_as_strong_as_they_stand_out() {
        let picture = |height: f32| -> Vec<f32> {
            (0..160 * 96)
                .map(|k| 0.5 + if k % 160 < 80 { height * ((k % 160) as f32).sin() } else { 0.0 })
                .collect()
        };
        let [weak, strong] = [0.1, 0.3].map(|height| strokes(&picture(height), 160, RADII[0]));
        assert_eq!(weak.len(), TILES);
        assert!(weak.is_sorted(), "{weak:?}");
        let ratio = strong[TILES - 1] / weak[TILES - 1];
        assert!((ratio - 3.0).abs() < 0.01, "{ratio}");
        assert!(strong[0] < 0.01, "the plain half has none: {}", strong[0]);
    }

    #[test]
    fn boxes_are_means_and_fold_at_the_borders() {
        let line = [0.0, 1.0, 2.0, 3.0, 10.0];
        let found = boxes(&line.repeat(3), 5, 1);
        let expected = [2.0 / 3.0, 1.0, 2.0, 5.0, 16.0 / 3.0];
        for (found, expected) in found.iter().zip(expected.repeat(3)) {
            assert!((found - expected).abs() < 1e-5, "{found} {expected}");
        }
        // One line high, and a radius beyond the picture.
        assert!(boxes(&line, 5, 12).iter().all(|value| (0.0..10.0).contains(value)));
    }

    #[test]
    fn a_painting_is_shown_larger_than_the_picture_but_not_without_end() {
        let size = |width: u32, height: u32, lines: u32| {
            let picture = RgbImage::new(width, height);
            let scale = scale(&picture, width.min(height), 1.6 * lines as f32);
            let Planes { width, height, values } = enlarged(&picture, scale, MULTIPLE).expect("resized");
            assert_eq!(values.len(), 3 * width * height);
            [width, height]
        };
        assert_eq!(size(300, 200, 256), [616, 408]);
        assert_eq!(size(200, 200, 724), [824, 824]);
        let [width, height] = size(4000, 200, 724);
        assert!(width * height < 1_000_000 && height >= TILE, "{width}x{height}");
    }
}
