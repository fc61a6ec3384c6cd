//! Gives a blend of two paintings back some of the contrast that averaging took
//! from their strokes: where the two do not agree to the pixel, a mean is fainter
//! than either (after Heitz and Neyret, "High-Performance By-Example Noise using
//! a Histogram-Preserving Blending Operator", 2018, who blend around the mean and
//! restore the variance). Measured block by block, so that it follows the
//! picture, and laid over it bilinearly, so that no block shows.

use rayon::prelude::*;

use crate::frame::Size;
use crate::paint::flow::between;

/// Blocks along the shorter side, so that a block holds a few strokes whatever the size; and a block's
/// least side in pixels.
const BLOCKS: usize = 18;
const LEAST: usize = 8;
/// Power of the ratio of deviations that contrast grows by. All of it (1) makes what trembles tremble
/// by a third more on smooth faces; what is carried on grows again in the next frame, so a little goes far.
const POWER: f32 = 0.3;
/// Most that contrast grows by in one frame.
const MOST: f32 = 1.15;
/// Variance, of 0..=255, below which there is no stroke to restore.
const FLAT: f32 = 4.0;

/// Of a block.
#[derive(Clone, Copy)]
struct Local {
    mean: [f32; 3],
    gain: f32,
}

/// Strengthens the strokes of `blend`, 0..=255, to the contrast of `fresh`, packed RGBA.
pub(crate) fn restore(blend: &mut [[f32; 4]], fresh: &[u8], size: Size) {
    let (width, height) = (size.width as usize, size.height as usize);
    let side = (width.min(height) / BLOCKS).max(LEAST);
    let [across, down] = [width, height].map(|pixels| pixels.div_ceil(side));
    let of_block = |block: usize| {
        let (left, top) = (block % across * side, block / across * side);
        let (right, bottom) = ((left + side).min(width), (top + side).min(height));
        let pixels = || (top..bottom).flat_map(|y| y * width + left..y * width + right);
        let (mean, own) = moments(pixels().map(|k| blend[k]));
        let colours = |p: &[u8]| [f32::from(p[0]), f32::from(p[1]), f32::from(p[2]), 0.0];
        let (_, wanted) = moments(pixels().map(|k| colours(&fresh[k * 4..])));
        Local { mean, gain: ((wanted + FLAT) / (own + FLAT)).powf(POWER / 2.0).clamp(1.0, MOST) }
    };
    let blocks: Vec<_> = (0..across * down).into_par_iter().map(of_block).collect();
    blend.par_chunks_exact_mut(width).enumerate().for_each(|(y, row)| {
        let [upper, lower, share_y] = between(y as f32, side as f32, down);
        for (x, value) in row.iter_mut().enumerate() {
            let [left, right, share_x] = between(x as f32, side as f32, across);
            let at = |row: f32, column: f32| blocks[row as usize * across + column as usize];
            let top = at(upper, left).towards(at(upper, right), share_x);
            let Local { mean, gain } =
                top.towards(at(lower, left).towards(at(lower, right), share_x), share_y);
            for (value, mean) in value.iter_mut().zip(mean) {
                *value = (mean + (*value - mean) * gain).clamp(0.0, 255.0);
            }
        }
    });
}

/// Mean of the colours, and the mean of their variances.
fn moments(pixels: impl Iterator<Item = [f32; 4]>) -> ([f32; 3], f32) {
    let (mut sums, mut squares, mut count) = ([0.0_f32; 3], [0.0_f32; 3], 0.0_f32);
    for pixel in pixels {
        for ((sum, square), value) in sums.iter_mut().zip(&mut squares).zip(pixel) {
            *sum += value;
            *square += value * value;
        }
        count += 1.0;
    }
    let mean = sums.map(|sum| sum / count);
    let variance =
        squares.iter().zip(mean).map(|(square, mean)| square / count - mean * mean).sum::<f32>() / 3.0;
    (mean, variance.max(0.0))
}

impl Local {
    fn towards(self, other: Self, share: f32) -> Self {
        let mix = |a: f32, b: f32| a + (b - a) * share;
        Self { mean: [0, 1, 2].map(|k| mix(self.mean[k], other.mean[k])), gain: mix(self.gain, other.gain) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size { width: 75, height: 50 };

    /// Strokes of some strength on a slope from dark to light.
    fn strokes(strength: f32) -> Vec<[f32; 4]> {
        let value = |k: usize| {
            let (x, y) = ((k % 75) as f32, (k / 75) as f32);
            let stroke = (x * 0.9).sin() * (y * 0.8).cos();
            [80.0 + x + strength * stroke, 120.0 + strength * stroke, 90.0, 255.0]
        };
        (0..75 * 50).map(value).collect()
    }

    fn bytes(picture: &[[f32; 4]]) -> Vec<u8> {
        picture.iter().flatten().map(|value| (value + 0.5) as u8).collect()
    }

    /// Deviation of green: there is no slope in it.
    fn deviation(picture: &[[f32; 4]]) -> f32 {
        let (_, variance) = moments(picture.iter().map(|pixel| [pixel[1]; 4]));
        variance.sqrt()
    }

    #[test]
    fn a_faint_blend_comes_near_to_the_fresh_painting_in_some_frames() {
        let (mut blend, fresh) = (strokes(10.0), strokes(30.0));
        let mut before = deviation(&blend);
        for _ in 0..12 {
            restore(&mut blend, &bytes(&fresh), SIZE);
            let after = deviation(&blend);
            assert!(after >= before, "{before} fell to {after}");
            before = after;
        }
        assert!((0.75..1.05).contains(&(before / deviation(&fresh))), "{before} of {}", deviation(&fresh));
        let slope = |picture: &[[f32; 4]]| picture.iter().map(|pixel| pixel[0]).sum::<f32>() / 3750.0;
        assert!((slope(&blend) - slope(&fresh)).abs() < 2.0);
    }

    #[test]
    fn what_is_as_strong_or_flat_stays() {
        for (own, fresh) in [(30.0, 30.0), (30.0, 5.0), (0.0, 0.0)] {
            let mut blend = strokes(own);
            restore(&mut blend, &bytes(&strokes(fresh)), SIZE);
            let came = strokes(own);
            let off = blend.iter().flatten().zip(came.iter().flatten()).map(|(a, b)| (a - b).abs());
            assert!(off.fold(0.0, f32::max) < 0.5, "{own} on {fresh}");
        }
        let mut dot = [[7.0, 8.0, 9.0, 0.0]];
        restore(&mut dot, &[200, 0, 0, 255], Size { width: 1, height: 1 });
        assert_eq!(dot, [[7.0, 8.0, 9.0, 0.0]]);
    }
}
