//! Strokes follow forms: the noise in which they begin is smeared along the direction in which the
//! picture changes least, the minor eigenvector of its smoothed structure tensor.
//!
//! Line integral convolution: Cabral and Leedom, "Imaging Vector Fields Using Line Integral
//! Convolution", SIGGRAPH 1993; along the edge tangent flow: Kyprianidis and Döllner, "Image
//! Abstraction by Structure Adaptive Filtering", 2008. `models/train/noise.py` is the same in Python,
//! and its constants must be these.

use rayon::prelude::*;

use crate::paint::noise::CELL;

/// Cells that the average reaches to both sides.
const REACH: usize = 4;
/// Deviation of its weights, in cells.
const SPREAD: f32 = 2.0;
/// Steps of a furrow to both sides, and the deviation of their weights: finer than cells, and as long as above in pictures of
/// 360 lines.
const FURROW: usize = 8;
const FURROW_SPREAD: f32 = 4.0;
/// What the average leaves of an octave's deviation, against that of white noise.
const LEVELS: [f32; 3] = [1.0, 1.42 / 1.82, 1.22 / 1.82];
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
        let mut narrow: Vec<_> = (0..across * down).map(gradient).collect();
        for _ in 0..2 {
            narrow = box_mean(&narrow, across, NARROW);
        }
        let wide = box_mean(&box_mean(&narrow, across, WIDE), across, WIDE);
        let keep = match secs.filter(|_| self.cells == cells) {
            Some(secs) => (-secs / TAU).exp() as f32,
            None => 0.0,
        };
        self.tensor.resize(narrow.len(), [0.0; 3]);
        for ((tensor, narrow), wide) in self.tensor.iter_mut().zip(&narrow).zip(&wide) {
            for k in 0..3 {
                let now = narrow[k] + WIDE_SHARE * wide[k];
                tensor[k] = now + keep * (tensor[k] - now);
            }
        }
        self.cells = cells;
        let tangent = |&[xx, xy, yy]: &[f32; 3]| {
            let angle = 0.5 * (2.0 * xy).atan2(xx - yy) + std::f32::consts::FRAC_PI_2;
            [angle.cos(), angle.sin()]
        };
        self.along = self.tensor.par_iter().map(tangent).collect();
    }

    /// Averages each plane of noise along the directions.
    pub(crate) fn smear(&self, planes: &[f32]) -> Vec<f32> {
        let [across, down] = self.cells;
        let (weights, scale) = weights::<REACH>(SPREAD);
        let count = across * down;
        let mut smeared = vec![0.0; planes.len()];
        let mut rows: Vec<Vec<&mut [f32]>> = (0..down).map(|_| Vec::new()).collect();
        for (k, row) in smeared.chunks_exact_mut(across).enumerate() {
            rows[k % down].push(row);
        }
        rows.par_iter_mut().enumerate().for_each(|(y, octaves)| {
            for x in 0..across {
                let mut places = [0; 2 * REACH];
                self.walk([x, y], self.cells, 1.0, &mut places);
                for (octave, row) in octaves.iter_mut().enumerate() {
                    let plane = &planes[octave * count..][..count];
                    let ends = places.iter().zip(weights.iter().cycle());
                    let sum: f32 = ends.map(|(place, weight)| plane[*place] * weight).sum();
                    row[x] = (plane[y * across + x] + sum) * scale * LEVELS[octave];
                }
            }
        });
        smeared
    }

    /// Averages noise of variance one, on a grid over the frame whose places are `pitch` pixels apart, along the
    /// directions; its variance stays.
    pub(crate) fn furrows(&self, plane: &[f32], grid: [usize; 2], pitch: f32) -> Vec<f32> {
        let (weights, scale) = weights::<FURROW>(FURROW_SPREAD);
        let mut height = vec![0.0; plane.len()];
        height.par_chunks_exact_mut(grid[0]).enumerate().for_each(|(y, row)| {
            for (x, height) in row.iter_mut().enumerate() {
                let mut places = [0; 2 * FURROW];
                self.walk([x, y], grid, pitch / CELL as f32, &mut places);
                let ends = places.iter().zip(weights.iter().cycle());
                let sum: f32 = ends.map(|(place, weight)| plane[*place] * weight).sum();
                *height = (plane[y * grid[0] + x] + sum) * scale;
            }
        });
        height
    }

    /// The places on the way from one of a grid's to both sides along the directions, half of `places` each; a
    /// step is one place of the grid, of so many cells.
    fn walk(&self, from: [usize; 2], grid: [usize; 2], cells: f32, places: &mut [usize]) {
        let last = grid.map(|side| (side - 1) as f32);
        let along = |[column, row]: [usize; 2]| {
            let cell = |at: usize, count: usize| (((at as f32 + 0.5) * cells) as usize).min(count - 1);
            self.along[cell(row, self.cells[1]) * self.cells[0] + cell(column, self.cells[0])]
        };
        let half = places.len() / 2;
        for (side, places) in [1.0, -1.0].into_iter().zip(places.chunks_exact_mut(half)) {
            let mut place = from.map(|part| part as f32);
            let mut heading = along(from).map(|part| part * side);
            for reached in places {
                place = [place[0] + heading[0], place[1] + heading[1]];
                let at = [0, 1].map(|k| place[k].round_ties_even().clamp(0.0, last[k]) as usize);
                *reached = at[1] * grid[0] + at[0];
                let here = along(at);
                let turned = here[0] * heading[0] + here[1] * heading[1] < 0.0;
                heading = if turned { here.map(|part| -part) } else { here };
            }
        }
    }
}

/// Weights of the steps to one side, and what brings the sum of all and the place itself to variance one.
fn weights<const STEPS: usize>(spread: f32) -> ([f32; STEPS], f32) {
    let weights: [f32; STEPS] = std::array::from_fn(|k| (-0.5 * ((k + 1) as f32 / spread).powi(2)).exp());
    (weights, (1.0 + 2.0 * weights.iter().map(|weight| weight * weight).sum::<f32>()).sqrt().recip())
}

/// Mean over a box of `radius` cells to each side, of which those outside do not count.
fn box_mean(values: &[[f32; 3]], across: usize, radius: usize) -> Vec<[f32; 3]> {
    let down = values.len() / across;
    let mut rows = vec![[0.0; 3]; values.len()];
    slide(values, &mut rows, [down, across], [across, 1], radius);
    let mut out = vec![[0.0; 3]; values.len()];
    slide(&rows, &mut out, [across, down], [1, across], radius);
    out
}

/// Running means along lines: `count` lines of `len` values, whose starts and values lie so far apart.
fn slide(
    from: &[[f32; 3]],
    to: &mut [[f32; 3]],
    [count, len]: [usize; 2],
    [between, step]: [usize; 2],
    radius: usize,
) {
    for line in 0..count {
        let at = |k: usize| from[line * between + k * step];
        let mut sum = [0.0_f64; 3];
        let add = |sum: &mut [f64; 3], value: [f32; 3], sign: f64| {
            for (sum, value) in sum.iter_mut().zip(value) {
                *sum += sign * f64::from(value);
            }
        };
        for k in 0..radius.min(len) {
            add(&mut sum, at(k), 1.0);
        }
        for k in 0..len {
            if k + radius < len {
                add(&mut sum, at(k + radius), 1.0);
            }
            if k > radius {
                add(&mut sum, at(k - radius - 1), -1.0);
            }
            let inside = (k + radius).min(len - 1) - k.saturating_sub(radius) + 1;
            to[line * between + k * step] = sum.map(|sum| (sum / inside as f64) as f32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CELLS: [usize; 2] = [48, 32];

    fn noise() -> Vec<f32> {
        let mut state = 1_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((state >> 8) as f32 / (1 << 24) as f32 * 2.0 - 1.0) * 3.0_f32.sqrt()
        };
        (0..3 * CELLS[0] * CELLS[1]).map(|_| next()).collect()
    }

    /// Stripes that rise to the right at this angle.
    fn stripes(angle: f32) -> Vec<f32> {
        let value = |k: usize| {
            let (x, y) = ((k % CELLS[0]) as f32, (k / CELLS[0]) as f32);
            (0.5 * (y * angle.cos() - x * angle.sin())).sin()
        };
        (0..CELLS[0] * CELLS[1]).map(value).collect()
    }

    #[test]
    fn directions_lie_along_stripes() {
        for angle in [0.0_f32, 0.6, 1.2, 2.5] {
            let mut orientation = Orientation::default();
            orientation.update(&stripes(angle), CELLS, None);
            for [x, y] in &orientation.along[8 * 48 + 8..][..16] {
                let along = (x * angle.cos() + y * angle.sin()).abs();
                assert!(along > 0.98, "{angle}: ({x}, {y})");
            }
        }
    }

    #[test]
    fn noise_is_alike_along_a_form_and_unlike_across_it() {
        let mut orientation = Orientation::default();
        orientation.update(&stripes(0.0), CELLS, None);
        let smeared = orientation.smear(&noise());
        let plane = &smeared[..CELLS[0] * CELLS[1]];
        let alike = |step: usize| {
            let pairs = plane.iter().zip(&plane[step..]);
            pairs.map(|(a, b)| a * b).sum::<f32>() / plane.iter().map(|a| a * a).sum::<f32>()
        };
        assert!(alike(2) > 0.6, "along: {}", alike(2));
        assert!(alike(2 * 48) < 0.2, "across: {}", alike(96));
        // At the border the same places count several times.
        let inner: Vec<f32> = plane.chunks_exact(48).flat_map(|row| row[4..44].to_vec()).collect();
        let variance = inner.iter().map(|a| a * a).sum::<f32>() / inner.len() as f32;
        assert!((0.85..1.15).contains(&variance), "variance {variance}");
    }

    #[test]
    fn flat_and_tiny_pictures_are_smeared_too() {
        for cells in [[1, 1], [1, 5], [7, 1]] {
            let mut orientation = Orientation::default();
            orientation.update(&vec![0.5; cells[0] * cells[1]], cells, None);
            let smeared = orientation.smear(&vec![1.0; 3 * cells[0] * cells[1]]);
            assert!(smeared.iter().all(|value| value.is_finite()));
        }
    }

    #[test]
    fn a_direction_turns_slowly_and_a_cut_turns_it_at_once() {
        let mut orientation = Orientation::default();
        orientation.update(&stripes(0.0), CELLS, None);
        orientation.update(&stripes(1.5), CELLS, Some(0.04));
        assert!(orientation.along[8 * 48 + 8][0].abs() > 0.9, "turned at once");
        orientation.update(&stripes(1.5), CELLS, None);
        assert!(orientation.along[8 * 48 + 8][0].abs() < 0.3, "kept after a cut");
    }
}
