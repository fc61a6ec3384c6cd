//! Colour first: the linear map that gives a frame the colours of the painting, before the
//! painter sees it.
//!
//! With means `m` and covariances `C` of RGB, the Monge-Kantorovich map between two Gaussians is
//! `x -> m_s + T (x - m_x)`, `T = Cx^-1/2 (Cx^1/2 Cs Cx^1/2)^1/2 Cx^-1/2` (Pitié and Kokaram, "The
//! linear Monge-Kantorovitch linear colour mapping for example-based colour transfer", 2007).
//! `models/train/colour.py` is the same in Python, and its constants must be these.

use multiversion::multiversion;
use nalgebra::{Matrix3, SymmetricEigen, Vector3};

use crate::frame::Size;
use crate::paint::flow::OpticalFlow;

/// Added to variances: a grey picture has no chroma, and gets no endless gain.
const LEAST_VARIANCE: f32 = 4e-4;
/// A direction of colour is amplified at most so much; more would show the camera's noise.
const MOST_GAIN: f32 = 3.0;
/// Variance of the luminance at which half of the map is applied: black, white and one-coloured
/// frames, and fades to them, stay what they are.
const HALF_VARIANCE: f32 = 1e-3;
/// A painting's mean is moved so far from black and white that so many deviations of its luminance
/// have room: in the colours of a print on white paper a face would burn out.
const ROOM: f32 = 1.5;
/// Share of its own lightness that a picture keeps: before a white wall a dark face would become a shadow
/// in a dark painting.
const OWN_LIGHT: f32 = 0.4;
/// Distance from 0 and 1 within which the full map compresses values.
const KNEE: f32 = 0.18;
/// Time constant, in seconds, of a frame's moments.
const TAU: f64 = 0.6;
/// Weights of R, G, B in the luminance.
pub(crate) const LUMINANCE: [f32; 3] = [0.3, 0.59, 0.11];
/// Pixels looked at: every one of a small picture, a regular grid of a large one.
const SAMPLES: usize = 40_000;

/// Mean and covariance of the colours of a picture, RGB in 0..=1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ColorMoments {
    mean: Vector3<f32>,
    covariance: Matrix3<f32>,
}

impl ColorMoments {
    /// Of packed pixels of `CHANNELS` bytes each, of which the first three are R, G and B. A picture
    /// without pixels counts as black.
    pub fn of<const CHANNELS: usize>(pixels: &[u8], width: usize) -> Self {
        let rows = pixels.len() / (CHANNELS * width.max(1));
        let step = ((rows * width / SAMPLES) as f64).sqrt().max(1.0) as usize;
        let (mut count, mut sums, mut products) = (0_u64, [0_u64; 3], [[0_u64; 3]; 3]);
        for row in pixels.chunks_exact(CHANNELS * width.max(1)).step_by(step) {
            for pixel in row.chunks_exact(CHANNELS).step_by(step) {
                let value = [0, 1, 2].map(|c| u64::from(pixel[c]));
                for a in 0..3 {
                    sums[a] += value[a];
                    for b in a..3 {
                        products[a][b] += value[a] * value[b];
                    }
                }
                count += 1;
            }
        }
        let count = count.max(1) as f64;
        let mean = sums.map(|sum| sum as f64 / count);
        let covariance = |a: usize, b: usize| {
            let (a, b) = (a.min(b), a.max(b));
            ((products[a][b] as f64 / count - mean[a] * mean[b]) / 65_025.0) as f32
        };
        Self {
            mean: Vector3::from(mean.map(|value| (value / 255.0) as f32)),
            covariance: Matrix3::from_fn(covariance),
        }
    }

    /// From 12 numbers: the mean, then the covariance by rows. `None` unless they are finite.
    pub fn from_values(values: &[f32]) -> Option<Self> {
        let (mean, covariance) = (values.get(..3)?, values.get(3..12)?);
        values.iter().all(|value| value.is_finite()).then(|| Self {
            mean: Vector3::from_column_slice(mean),
            covariance: Matrix3::from_row_slice(covariance),
        })
    }

    /// What [`Self::from_values`] takes.
    pub fn values(&self) -> [f32; 12] {
        let mut values = [0.0; 12];
        values[..3].copy_from_slice(self.mean.as_slice());
        values[3..].copy_from_slice(self.covariance.transpose().as_slice());
        values
    }

    /// `share` of the way to `other`.
    pub(crate) fn lerp(&self, other: &Self, share: f32) -> Self {
        Self {
            mean: self.mean.lerp(&other.mean, share),
            covariance: self.covariance + (other.covariance - self.covariance) * share,
        }
    }
}

/// `x -> knee(matrix x + offset)`, on RGB in 0..=1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ColorMap {
    matrix: Matrix3<f32>,
    offset: Vector3<f32>,
    /// The picture's mean.
    from: Vector3<f32>,
    /// Width of the knee.
    knee: f32,
}

impl ColorMap {
    /// Leaves all colours as they are.
    pub(crate) const IDENTITY: Self = Self {
        matrix: Matrix3::new(1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0),
        offset: Vector3::new(0.0, 0.0, 0.0),
        from: Vector3::new(0.0, 0.0, 0.0),
        knee: 0.0,
    };

    /// From a picture's colours to a painting's.
    pub fn between(picture: &ColorMoments, painting: &ColorMoments) -> Self {
        let weights = Vector3::from(LUMINANCE);
        let spread = |covariance: &Matrix3<f32>| weights.dot(&(covariance * weights)).max(0.0);
        let floor = Matrix3::identity() * LEAST_VARIANCE;
        let covariance = picture.covariance + floor;
        let (root, inverse) = (power(covariance, 0.5), power(covariance, -0.5));
        let full = inverse * power(root * (painting.covariance + floor) * root, 0.5) * inverse;
        let bounded = spectral(full, |value| value.min(MOST_GAIN));
        let room = (ROOM * spread(&painting.covariance).sqrt()).min(0.5);
        let (own, level) = (weights.dot(&picture.mean), weights.dot(&painting.mean));
        let wanted = (level + OWN_LIGHT * (own - level)).clamp(room, 1.0 - room);
        let target = painting.mean.add_scalar(wanted - level);
        let share = spread(&picture.covariance) / (spread(&picture.covariance) + HALF_VARIANCE);
        let matrix = Matrix3::identity() + (bounded - Matrix3::identity()) * share;
        let offset = picture.mean.lerp(&target, share) - matrix * picture.mean;
        Self { matrix, offset, from: picture.mean, knee: KNEE * share }
    }

    /// One colour.
    pub(crate) fn apply(&self, [r, g, b]: [f32; 3]) -> [f32; 3] {
        let (m, o) = (&self.matrix, &self.offset);
        let row = |k: usize| bent(m[(k, 0)] * r + m[(k, 1)] * g + m[(k, 2)] * b + o[k], self.knee);
        [row(0), row(1), row(2)]
    }

    /// The way back. What the knee compressed is stretched again, but no direction is amplified more
    /// than [`MOST_GAIN`] times.
    pub(crate) fn inverse(&self) -> impl Fn([f32; 3]) -> [f32; 3] + Sync + use<> {
        let matrix = spectral(self.matrix, |value| 1.0 / value.max(1.0 / MOST_GAIN));
        let (from, knee) = (self.from, self.knee);
        let to = self.matrix * from + self.offset;
        move |color| {
            let straight = Vector3::from(color.map(|value| straightened(value, knee)));
            (from + matrix * (straight - to)).map(|value| value.clamp(0.0, 1.0)).into()
        }
    }
}

/// Pixels mapped together.
const BLOCK: usize = 16;

/// Maps a row of packed RGBA into three planes, less `zero`, as long as the row.
#[multiversion(targets("x86_64+avx2+fma", "x86_64+sse4.1"))]
pub(crate) fn recolor_row(map: &ColorMap, pixels: &[u8], planes: [&mut [f32]; 3], zero: f32) {
    let [red, green, blue] = planes;
    let blocks = pixels.chunks(4 * BLOCK).zip(red.chunks_mut(BLOCK)).zip(green.chunks_mut(BLOCK));
    for (((pixels, red), green), blue) in blocks.zip(blue.chunks_mut(BLOCK)) {
        // Straight loops over whole blocks, so that they become vector code; the last one is filled up.
        let mut whole = [0; 4 * BLOCK];
        whole[..pixels.len()].copy_from_slice(pixels);
        let mut values = [[0.0; BLOCK]; 3];
        for (channel, values) in values.iter_mut().enumerate() {
            for (value, pixel) in values.iter_mut().zip(whole.as_chunks::<4>().0) {
                *value = f32::from(pixel[channel]) * (1.0 / 255.0);
            }
        }
        let [r, g, b] = values;
        for (row, out) in [red, green, blue].into_iter().enumerate() {
            let [x, y, z] = [0, 1, 2].map(|column| map.matrix[(row, column)]);
            let mut mapped = [0.0; BLOCK];
            for k in 0..BLOCK {
                mapped[k] = bent(x * r[k] + y * g[k] + z * b[k] + map.offset[row], map.knee) - zero;
            }
            out.copy_from_slice(&mapped[..out.len()]);
        }
    }
}

/// The maps of a film's frames to one painting.
#[derive(Default)]
pub(crate) struct Recolorer {
    /// Of the frames so far, the latest counting most.
    moments: Option<ColorMoments>,
}

impl Recolorer {
    /// The map of a frame (packed RGBA) that came from the one before by this motion; without one it begins
    /// anew. Without a painting's colours the frame keeps its own.
    pub(crate) fn run(
        &mut self,
        pixels: &[u8],
        size: Size,
        motion: Option<&OpticalFlow>,
        painting: Option<&ColorMoments>,
    ) -> ColorMap {
        let Some(painting) = painting else { return ColorMap::IDENTITY };
        let now = ColorMoments::of::<4>(pixels, size.width as usize);
        let smoothed = match self.moments.zip(motion) {
            Some((before, motion)) => before.lerp(&now, 1.0 - (-motion.secs() / TAU).exp() as f32),
            None => now,
        };
        self.moments = Some(smoothed);
        ColorMap::between(&smoothed, painting)
    }
}

/// Any number into 0..=1: unchanged from `knee` to 1 - `knee`, hyperbolas of slope one beyond.
#[inline(always)]
fn bent(x: f32, knee: f32) -> f32 {
    let inside = x.clamp(knee, 1.0 - knee);
    let over = x - inside;
    inside + knee * over / (knee + over.abs() + f32::MIN_POSITIVE)
}

/// The inverse of [`bent`], bounded.
fn straightened(y: f32, knee: f32) -> f32 {
    let inside = y.clamp(knee, 1.0 - knee);
    let over = y - inside;
    inside + knee * over / (knee - over.abs()).max(0.25 * knee + f32::MIN_POSITIVE)
}

fn spectral(matrix: Matrix3<f32>, change: impl Fn(f32) -> f32) -> Matrix3<f32> {
    let eigen = SymmetricEigen::new((matrix + matrix.transpose()) * 0.5);
    eigen.eigenvectors
        * Matrix3::from_diagonal(&eigen.eigenvalues.map(change))
        * eigen.eigenvectors.transpose()
}

fn power(matrix: Matrix3<f32>, exponent: f32) -> Matrix3<f32> {
    spectral(matrix, |value| value.max(1e-8).powf(exponent))
}

#[cfg(test)]
mod tests;
