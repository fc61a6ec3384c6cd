//! Strokes follow forms: the noise in which they begin is smeared along the direction in which the
//! picture changes least, the minor eigenvector of its smoothed structure tensor.
//!
//! Line integral convolution: Cabral and Leedom, "Imaging Vector Fields Using Line Integral
//! Convolution", SIGGRAPH 1993; along the edge tangent flow: Kyprianidis and Döllner, "Image
//! Abstraction by Structure Adaptive Filtering", 2008. `models/train/noise.py` is the same in Python,
//! and its constants must be these.

use rayon::prelude::*;

use crate::paint::noise::{CELL, OCTAVES};

mod walk;

use walk::{Walker, average_row, weights};

/// Cells that the average reaches to both sides.
const REACH: usize = 4;
/// Deviation of its weights, in cells.
const SPREAD: f32 = 2.0;
/// Steps of a furrow to both sides, and the deviation of their weights: finer than cells, and as long as above in pictures of
/// 360 lines.
const FURROW: usize = 8;
const FURROW_SPREAD: f32 = 4.0;
/// What the average leaves of an octave's deviation, against that of white noise.
const LEVELS: [f32; OCTAVES] = [1.0, 1.42 / 1.82, 1.22 / 1.82];
/// Radii of the boxes, in cells, that smooth the tensor; the wide ones decide where the picture is
/// flat, and count for so much.
const NARROW: usize = 2;
const WIDE: usize = 8;
const WIDE_SHARE: f32 = 0.3;
/// Time constant, in seconds, of the tensor: a camera's noise must not turn strokes.
const TAU: f64 = 0.3;

/// The directions of a film's forms, from frame to frame.
#[derive(Default)]
pub(crate) struct Orientation {
    cells: [usize; 2],
    /// xx, xy, yy of each cell.
    tensor: Vec<[f32; 3]>,
    /// Unit vectors.
    along: Vec<[f32; 2]>,
    /// Room to work in: the frame's own tensor, smoothed a little and a lot, and a step on the way there.
    narrow: Vec<[f32; 3]>,
    wide: Vec<[f32; 3]>,
    rows: Vec<[f32; 3]>,
    sums: Vec<[f64; 3]>,
}

impl Orientation {
    /// Takes the mean luminance of the cells (`across` x `down`) of a frame that is `secs` later than the one
    /// before; without one before it begins anew.
    pub(crate) fn update(&mut self, luminance: &[f32], cells: [usize; 2], secs: Option<f64>) {
        let [across, down] = cells;
        let at = |x: usize, y: usize| luminance[y.min(down - 1) * across + x.min(across - 1)];
        let gradient = |k: usize| {
            let (x, y) = (k % across, k / across);
            let right = at(x + 1, y) - at(x.saturating_sub(1), y);
            let below = at(x, y + 1) - at(x, y.saturating_sub(1));
            [right * right, right * below, below * below]
        };
        let Self { narrow, wide, rows, sums, .. } = self;
        narrow.clear();
        narrow.extend((0..across * down).map(gradient));
        for _ in 0..2 {
            box_mean(narrow, across, NARROW, rows, sums);
        }
        wide.clone_from(narrow);
        for _ in 0..2 {
            box_mean(wide, across, WIDE, rows, sums);
        }
        let keep = match secs.filter(|_| self.cells == cells) {
            Some(secs) => (-secs / TAU).exp() as f32,
            None => 0.0,
        };
        self.tensor.resize(across * down, [0.0; 3]);
        for ((tensor, narrow), wide) in self.tensor.iter_mut().zip(&self.narrow).zip(&self.wide) {
            for k in 0..3 {
                let now = narrow[k] + WIDE_SHARE * wide[k];
                tensor[k] = now + keep * (tensor[k] - now);
            }
        }
        self.cells = cells;
        self.along.clear();
        self.along.extend(self.tensor.iter().map(minor_direction));
    }

    /// Averages each of the [`OCTAVES`] planes of noise along the directions; `smeared` is filled anew.
    pub(crate) fn smear(&self, noise: &[f32], smeared: &mut Vec<f32>) {
        let [across, down] = self.cells;
        let weights = weights::<REACH>(SPREAD);
        let walker = Walker::new(&self.along, self.cells, self.cells, 1.0);
        let planes: [&[f32]; OCTAVES] = std::array::from_fn(|k| &noise[k * across * down..][..across * down]);
        smeared.resize(noise.len(), 0.0);
        let (first, rest) = smeared.split_at_mut(across * down);
        let (second, third) = rest.split_at_mut(across * down);
        let rows = first.par_chunks_exact_mut(across).zip(second.par_chunks_exact_mut(across));
        rows.zip(third.par_chunks_exact_mut(across)).enumerate().for_each(|(y, ((first, second), third))| {
            let mut rows = [first, second, third];
            average_row(&walker, y, &weights, &planes, &mut rows);
            for (row, level) in rows.iter_mut().zip(LEVELS) {
                row.iter_mut().for_each(|value| *value *= level);
            }
        });
    }

    /// Averages noise of variance one, on a grid over the frame whose places are `pitch` pixels apart, along the
    /// directions; its variance stays. `height` is filled anew.
    pub(crate) fn furrows(&self, plane: &[f32], grid: [usize; 2], pitch: f32, height: &mut Vec<f32>) {
        let weights = weights::<FURROW>(FURROW_SPREAD);
        let walker = Walker::new(&self.along, self.cells, grid, pitch / CELL as f32);
        height.resize(plane.len(), 0.0);
        height.par_chunks_exact_mut(grid[0]).enumerate().for_each(|(y, row)| {
            average_row(&walker, y, &weights, &[plane], &mut [row]);
        });
    }
}

/// The direction in which a picture of this structure tensor (xx, xy, yy) changes least.
fn minor_direction(&[xx, xy, yy]: &[f32; 3]) -> [f32; 2] {
    let (difference, twice) = (xx - yy, 2.0 * xy);
    let length = (difference * difference + twice * twice).sqrt();
    // Of twice the angle of the other direction; of a flat place that is 0.
    let cosine = if length > 0.0 { difference / length } else { 1.0 };
    let [sine, cosine] = [1.0 - cosine, 1.0 + cosine].map(|part| (part / 2.0).max(0.0).sqrt());
    [-sine.copysign(xy), cosine]
}

/// Replaces values by their means over a box of `radius` cells to each side, of which those outside do not count;
/// in the room of `rows` and `sums`.
fn box_mean(
    values: &mut [[f32; 3]],
    across: usize,
    radius: usize,
    rows: &mut Vec<[f32; 3]>,
    sums: &mut Vec<[f64; 3]>,
) {
    let down = values.len() / across;
    rows.resize(values.len(), [0.0; 3]);
    rows.par_chunks_exact_mut(across).zip(values.par_chunks_exact(across)).for_each(|(to, from)| {
        let mut sum = [0.0_f64; 3];
        from[..radius.min(across)].iter().for_each(|value| add(&mut sum, *value, 1.0));
        for (x, to) in to.iter_mut().enumerate() {
            if x + radius < across {
                add(&mut sum, from[x + radius], 1.0);
            }
            if x > radius {
                add(&mut sum, from[x - radius - 1], -1.0);
            }
            let inside = (x + radius).min(across - 1) - x.saturating_sub(radius) + 1;
            *to = sum.map(|sum| (sum / inside as f64) as f32);
        }
    });
    // Downwards for all columns at once: rows lie together in memory.
    sums.clear();
    sums.resize(across, [0.0; 3]);
    let line = |y: usize| &rows[y * across..][..across];
    let add_line = |sums: &mut [[f64; 3]], y: usize, sign: f64| {
        sums.iter_mut().zip(line(y)).for_each(|(sum, value)| add(sum, *value, sign));
    };
    (0..radius.min(down)).for_each(|y| add_line(sums, y, 1.0));
    for (y, row) in values.chunks_exact_mut(across).enumerate() {
        if y + radius < down {
            add_line(sums, y + radius, 1.0);
        }
        if y > radius {
            add_line(sums, y - radius - 1, -1.0);
        }
        let share = 1.0 / ((y + radius).min(down - 1) - y.saturating_sub(radius) + 1) as f64;
        row.iter_mut().zip(&*sums).for_each(|(mean, sum)| *mean = sum.map(|sum| (sum * share) as f32));
    }
}

fn add(sum: &mut [f64; 3], value: [f32; 3], sign: f64) {
    for (sum, value) in sum.iter_mut().zip(value) {
        *sum += sign * f64::from(value);
    }
}

#[cfg(test)]
mod tests;
