//! Gives a blend of two paintings back some of the contrast that averaging took
//! from their strokes: where the two do not agree to the pixel, a mean is fainter
//! than either (after Heitz and Neyret, "High-Performance By-Example Noise using
//! a Histogram-Preserving Blending Operator", 2018, who blend around the mean and
//! restore the variance). Measured block by block, so that it follows the
//! picture, and laid over it bilinearly, so that no block shows.

use multiversion::multiversion;
use rayon::prelude::*;

use crate::frame::Size;
use crate::paint::flow::{GridColumns, GridRows};
use crate::paint::stabilize::history::{Color, bytes, color, levels, of_pixel};
use crate::threads::PerThread;

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

/// Room to work in, kept from frame to frame.
#[derive(Default)]
pub(super) struct ContrastRoom {
    /// Of each block the mean of red, green and blue, and what contrast grows by.
    blocks: Vec<[f32; 4]>,
    columns: GridColumns,
    rows: PerThread<Vec<[f32; 4]>>,
}

/// Strengthens the strokes of `blend` to the contrast of `fresh`, packed RGBA, and writes them there.
pub(super) fn restore(blend: &mut [Color], fresh: &mut [u8], size: Size, room: &mut ContrastRoom) {
    let ContrastRoom { blocks, columns, rows: room } = room;
    let (width, height) = (size.width as usize, size.height as usize);
    let side = (width.min(height) / BLOCKS).max(LEAST);
    let cells = [width, height].map(|pixels| pixels.div_ceil(side));
    let of_block = |block: usize| {
        let (left, top) = (block % cells[0] * side, block / cells[0] * side);
        let (right, bottom) = ((left + side).min(width), (top + side).min(height));
        block_of(blend, fresh, (top..bottom).map(|y| (y * width + left, y * width + right)))
    };
    (0..cells[0] * cells[1]).into_par_iter().map(of_block).collect_into_vec(blocks);
    let local = GridRows::new(blocks, cells, [side as f32; 2], size, columns);
    let rows = blend.par_chunks_exact_mut(width).zip(fresh.par_chunks_exact_mut(width * 4));
    rows.enumerate().for_each(|(y, (row, pixels))| {
        room.with(|values| {
            local.row(y, values);
            strengthen(values, row, pixels);
        });
    });
}

#[multiversion(targets("x86_64+avx2+fma", "x86_64+sse4.1"))]
fn strengthen(local: &[[f32; 4]], row: &mut [Color], pixels: &mut [u8]) {
    for ((local, value), pixel) in local.iter().zip(row).zip(pixels.as_chunks_mut::<4>().0) {
        let (now, gain) = (levels(*value), local[3]);
        let mean = [local[0], local[1], local[2], now[3]];
        let mut strong = [0.0; 4];
        for k in 0..4 {
            strong[k] = (mean[k] + (now[k] - mean[k]) * gain).clamp(0.0, 255.0);
        }
        *value = color(strong);
        *pixel = bytes(strong);
    }
}

/// A block's mean, and its gain; its rows begin and end at these pixels.
fn block_of(blend: &[Color], fresh: &[u8], rows: impl Iterator<Item = (usize, usize)>) -> [f32; 4] {
    let (mut own, mut wanted) = (Moments::default(), Moments::default());
    for (from, to) in rows {
        add_rows(&blend[from..to], &fresh[from * 4..to * 4], &mut own, &mut wanted);
    }
    let [r, g, b, _] = own.mean();
    let gain = ((wanted.variance() + FLAT) / (own.variance() + FLAT)).powf(POWER / 2.0).clamp(1.0, MOST);
    [r, g, b, gain]
}

#[multiversion(targets("x86_64+avx2+fma", "x86_64+sse4.1"))]
fn add_rows(blend: &[Color], fresh: &[u8], own: &mut Moments, wanted: &mut Moments) {
    let (fours, rest) = blend.as_chunks::<4>();
    fours.iter().for_each(|four| own.add_four(std::array::from_fn(|k| levels(four[k / 4])[k % 4])));
    rest.iter().for_each(|color| own.add(levels(*color)));
    let (fours, rest) = fresh.as_chunks::<16>();
    fours.iter().for_each(|four| wanted.add_four(four.map(f32::from)));
    rest.as_chunks().0.iter().for_each(|pixel| wanted.add(of_pixel(pixel)));
}

/// Sums of colours and of their squares, of four pixels side by side.
#[derive(Default)]
struct Moments {
    sums: [f32; 16],
    squares: [f32; 16],
    count: f32,
}

impl Moments {
    #[inline(always)]
    fn add_four(&mut self, colors: [f32; 16]) {
        for ((sum, square), value) in self.sums.iter_mut().zip(&mut self.squares).zip(colors) {
            *sum += value;
            *square += value * value;
        }
        self.count += 4.0;
    }

    #[inline(always)]
    fn add(&mut self, color: [f32; 4]) {
        for ((sum, square), value) in self.sums.iter_mut().zip(&mut self.squares).zip(color) {
            *sum += value;
            *square += value * value;
        }
        self.count += 1.0;
    }

    fn mean(&self) -> [f32; 4] {
        std::array::from_fn(|k| self.sums[k..].iter().step_by(4).sum::<f32>() / self.count)
    }

    /// The mean of the variances of red, green and blue.
    fn variance(&self) -> f32 {
        let mean = self.mean();
        let square = |k: usize| self.squares[k..].iter().step_by(4).sum::<f32>() / self.count;
        let sum: f32 = (0..3).map(|k| square(k) - mean[k] * mean[k]).sum();
        (sum / 3.0).max(0.0)
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
            [80.0 + x + strength * stroke, 120.0 + strength * stroke, 90.0, 0.0]
        };
        (0..75 * 50).map(value).collect()
    }

    fn colors(picture: &[[f32; 4]]) -> Vec<Color> {
        picture.iter().map(|value| color(*value)).collect()
    }

    fn bytes(picture: &[[f32; 4]]) -> Vec<u8> {
        picture.iter().flatten().map(|value| (value + 0.5) as u8).collect()
    }

    /// Deviation of green: there is no slope in it.
    fn deviation(picture: &[[f32; 4]]) -> f32 {
        let mut moments = Moments::default();
        picture.iter().for_each(|pixel| moments.add([pixel[1]; 4]));
        moments.variance().sqrt()
    }

    fn all_levels(blend: &[Color]) -> Vec<[f32; 4]> {
        blend.iter().map(|value| levels(*value)).collect()
    }

    #[test]
    fn a_faint_blend_comes_near_to_the_fresh_painting_in_some_frames() {
        let (mut blend, fresh) = (colors(&strokes(10.0)), strokes(30.0));
        let mut before = deviation(&all_levels(&blend));
        for _ in 0..12 {
            let mut painted = bytes(&fresh);
            restore(&mut blend, &mut painted, SIZE, &mut ContrastRoom::default());
            let after = deviation(&all_levels(&blend));
            assert!(after >= before, "{before} fell to {after}");
            let written: Vec<_> = all_levels(&blend).iter().flat_map(|c| [c[0], c[1], c[2]]).collect();
            let shown = painted.chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]]);
            assert!(written.iter().zip(shown).all(|(level, byte)| (level - f32::from(byte)).abs() < 0.51));
            before = after;
        }
        assert!((0.75..1.05).contains(&(before / deviation(&fresh))), "{before} of {}", deviation(&fresh));
        let slope = |picture: &[[f32; 4]]| picture.iter().map(|pixel| pixel[0]).sum::<f32>() / 3750.0;
        assert!((slope(&all_levels(&blend)) - slope(&fresh)).abs() < 2.0);
    }

    #[test]
    fn what_is_as_strong_or_flat_stays() {
        for (own, fresh) in [(30.0, 30.0), (30.0, 5.0), (0.0, 0.0)] {
            let mut blend = colors(&strokes(own));
            restore(&mut blend, &mut bytes(&strokes(fresh)), SIZE, &mut ContrastRoom::default());
            let came = strokes(own);
            let off = all_levels(&blend).into_iter().flatten().zip(came.into_iter().flatten());
            let most = off.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(most < 0.5, "{own} on {fresh}: {most}");
        }
        let mut dot = colors(&[[7.0, 8.0, 9.0, 0.0]]);
        let size = Size { width: 1, height: 1 };
        restore(&mut dot, &mut [200, 0, 0, 255], size, &mut ContrastRoom::default());
        assert_eq!(levels(dot[0]), [7.0, 8.0, 9.0, 0.0]);
    }
}
