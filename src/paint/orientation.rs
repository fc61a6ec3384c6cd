//! Strokes follow forms: the noise in which they begin is smeared along the direction in which the
//! picture changes least, the minor eigenvector of its smoothed structure tensor.
//!
//! Line integral convolution: Cabral and Leedom, "Imaging Vector Fields Using Line Integral
//! Convolution", SIGGRAPH 1993; along the edge tangent flow: Kyprianidis and Döllner, "Image
//! Abstraction by Structure Adaptive Filtering", 2008. `models/train/noise.py` is the same in Python,
//! and its constants must be these.

use multiversion::multiversion;
use rayon::prelude::*;

use crate::paint::noise::{CELL, OCTAVES};

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
        self.along = self.tensor.iter().map(minor_direction).collect();
    }

    /// Averages each plane of noise along the directions.
    pub(crate) fn smear(&self, planes: &[f32]) -> Vec<f32> {
        let [across, down] = self.cells;
        let weights = weights::<REACH>(SPREAD);
        let walker = Walker::new(self, self.cells, 1.0);
        let planes: Vec<_> = planes.chunks_exact(across * down).collect();
        let mut smeared = vec![0.0; planes.len() * across * down];
        let mut rows: Vec<Vec<&mut [f32]>> = (0..down).map(|_| Vec::new()).collect();
        for (k, row) in smeared.chunks_exact_mut(across).enumerate() {
            rows[k % down].push(row);
        }
        rows.par_iter_mut().enumerate().for_each(|(y, rows)| {
            average_row(&walker, y, &weights, &planes, rows);
            for (row, level) in rows.iter_mut().zip(LEVELS) {
                row.iter_mut().for_each(|value| *value *= level);
            }
        });
        smeared
    }

    /// Averages noise of variance one, on a grid over the frame whose places are `pitch` pixels apart, along the
    /// directions; its variance stays.
    pub(crate) fn furrows(&self, plane: &[f32], grid: [usize; 2], pitch: f32) -> Vec<f32> {
        let weights = weights::<FURROW>(FURROW_SPREAD);
        let walker = Walker::new(self, grid, pitch / CELL as f32);
        let mut height = vec![0.0; plane.len()];
        height.par_chunks_exact_mut(grid[0]).enumerate().for_each(|(y, row)| {
            average_row(&walker, y, &weights, &[plane], &mut [row]);
        });
        height
    }
}

/// Walks over a grid that lies on the cells, along their directions.
struct Walker<'a> {
    forms: &'a Orientation,
    grid: [usize; 2],
    /// Width of a place, in cells.
    cells: f32,
    /// Steps that one look at a cell serves: it is so many places wide.
    held: usize,
}

/// Walks side by side: straight loops over so many numbers become vector code.
const LANES: usize = 8;

/// Where the walks of some neighbours are, and where they head.
struct Walks {
    at: [[f32; LANES]; 2],
    heading: [[f32; LANES]; 2],
}

impl<'a> Walker<'a> {
    /// Over a grid whose places are so many cells wide.
    fn new(forms: &'a Orientation, grid: [usize; 2], cells: f32) -> Self {
        Self { forms, grid, cells, held: (cells.recip().round() as usize).max(1) }
    }

    /// Begins at a row's places from `left` on, to one side.
    #[inline(always)]
    fn start(&self, left: usize, y: usize, side: f32) -> Walks {
        let last = (self.grid[0] - 1) as f32;
        let columns = std::array::from_fn(|k| ((left + k) as f32).min(last));
        let mut walks = Walks { at: [columns, [y as f32; LANES]], heading: [[0.0; LANES]; 2] };
        let along = self.directions(&self.places(&walks.at));
        walks.heading = along.map(|part| part.map(|part| part * side));
        walks
    }

    /// Columns and rows of the places that the walks have come to.
    #[inline(always)]
    fn places(&self, at: &[[f32; LANES]; 2]) -> [[i32; LANES]; 2] {
        std::array::from_fn(|k| {
            let last = (self.grid[k] - 1) as f32;
            at[k].map(|at| (at + 0.5).clamp(0.0, last) as i32)
        })
    }

    #[inline(always)]
    fn directions(&self, places: &[[i32; LANES]; 2]) -> [[f32; LANES]; 2] {
        let [across, down] = self.forms.cells.map(|cells| cells as i32);
        let cell = |at: i32, count: i32| (((at as f32 + 0.5) * self.cells) as i32).min(count - 1);
        let cells: [i32; LANES] =
            std::array::from_fn(|k| cell(places[1][k], down) * across + cell(places[0][k], across));
        let along = cells.map(|cell| self.forms.along[cell as usize]);
        [along.map(|[x, _]| x), along.map(|[_, y]| y)]
    }

    /// One step on.
    #[inline(always)]
    fn step(&self, walks: &mut Walks) -> [[i32; LANES]; 2] {
        for (at, heading) in walks.at.iter_mut().zip(&walks.heading) {
            at.iter_mut().zip(heading).for_each(|(at, heading)| *at += heading);
        }
        self.places(&walks.at)
    }

    /// Turns along the cells that the walks have come to, never back.
    #[inline(always)]
    fn turn(&self, walks: &mut Walks, places: &[[i32; LANES]; 2]) {
        let [x, y] = self.directions(places);
        for k in 0..LANES {
            let ahead = x[k] * walks.heading[0][k] + y[k] * walks.heading[1][k];
            walks.heading[0][k] = if ahead < 0.0 { -x[k] } else { x[k] };
            walks.heading[1][k] = if ahead < 0.0 { -y[k] } else { y[k] };
        }
    }
}

/// A row of planes of noise, [`OCTAVES`] at most, averaged by weights on the way from each place.
#[multiversion(targets("x86_64+avx2+fma", "x86_64+sse4.1"))]
fn average_row(walker: &Walker, y: usize, weights: &Weights, planes: &[&[f32]], rows: &mut [&mut [f32]]) {
    let across = walker.grid[0];
    for left in (0..across).step_by(LANES) {
        let width = LANES.min(across - left);
        let mut sums = [[0.0_f32; LANES]; OCTAVES];
        for (sums, plane) in sums.iter_mut().zip(planes) {
            sums[..width].copy_from_slice(&plane[y * across + left..][..width]);
        }
        for side in [1.0, -1.0] {
            let mut walks = walker.start(left, y, side);
            for steps in weights.steps.chunks(walker.held) {
                let mut places = [[0; LANES]; 2];
                for weight in steps {
                    places = walker.step(&mut walks);
                    let at: [i32; LANES] =
                        std::array::from_fn(|k| places[1][k] * across as i32 + places[0][k]);
                    for (sums, plane) in sums.iter_mut().zip(planes) {
                        for k in 0..LANES {
                            sums[k] += plane[at[k] as usize] * weight;
                        }
                    }
                }
                walker.turn(&mut walks, &places);
            }
        }
        for (row, sums) in rows.iter_mut().zip(sums) {
            row[left..left + width].copy_from_slice(&sums.map(|sum| sum * weights.scale)[..width]);
        }
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

/// What the places of a walk count for.
struct Weights {
    /// Of the steps to one side.
    steps: Vec<f32>,
    /// Brings the sum of all and the place itself to variance one.
    scale: f32,
}

/// Of a Gaussian.
fn weights<const STEPS: usize>(spread: f32) -> Weights {
    let steps: Vec<f32> = (1..=STEPS).map(|k| (-0.5 * (k as f32 / spread).powi(2)).exp()).collect();
    let power: f32 = steps.iter().map(|weight| weight * weight).sum();
    Weights { scale: (1.0 + 2.0 * power).sqrt().recip(), steps }
}

/// Mean over a box of `radius` cells to each side, of which those outside do not count.
fn box_mean(values: &[[f32; 3]], across: usize, radius: usize) -> Vec<[f32; 3]> {
    let down = values.len() / across;
    let mut rows = vec![[0.0; 3]; values.len()];
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
    let mut sums = vec![[0.0_f64; 3]; across];
    let line = |y: usize| &rows[y * across..][..across];
    let add_line = |sums: &mut [[f64; 3]], y: usize, sign: f64| {
        sums.iter_mut().zip(line(y)).for_each(|(sum, value)| add(sum, *value, sign));
    };
    (0..radius.min(down)).for_each(|y| add_line(&mut sums, y, 1.0));
    let mut out = vec![[0.0; 3]; values.len()];
    for (y, row) in out.chunks_exact_mut(across).enumerate() {
        if y + radius < down {
            add_line(&mut sums, y + radius, 1.0);
        }
        if y > radius {
            add_line(&mut sums, y - radius - 1, -1.0);
        }
        let share = 1.0 / ((y + radius).min(down - 1) - y.saturating_sub(radius) + 1) as f64;
        row.iter_mut().zip(&sums).for_each(|(mean, sum)| *mean = sum.map(|sum| (sum * share) as f32));
    }
    out
}

fn add(sum: &mut [f64; 3], value: [f32; 3], sign: f64) {
    for (sum, value) in sum.iter_mut().zip(value) {
        *sum += sign * f64::from(value);
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
