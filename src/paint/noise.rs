//! The grain of the canvas: the noise in which the painter's strokes begin. A
//! plain wall gives it nothing else to begin them in.
//!
//! A place's noise is a function of where it was in the first frame, so strokes
//! move along with the picture and not with the screen (the "shower door"). What
//! moved apart comes together again slowly; a pan of the whole frame is counted apart
//! ([`crate::paint::pan`]), so that the grain is a function of time.

use multiversion::multiversion;
use rayon::prelude::*;

use crate::frame::Size;
use crate::paint::flow::{OpticalFlow, ScaledFlow};
use crate::paint::pan::Pan;
use crate::threads::PerThread;
use crate::time::FrameTime;

/// Pixels to a cell along each side: the painter draws 4x4 pixels at once.
pub(crate) const CELL: usize = 4;
/// Lattices of noise, of one, two and four cells' pitch: the network's channels.
pub(crate) const OCTAVES: usize = 3;
/// Tells the noise of the relief from that of the octaves.
const FINE: u32 = OCTAVES as u32;
/// Deviations of the octaves, as in training: there the cells of the coarser ones stand at fixed
/// places between the nodes.
const LEVELS: [f32; OCTAVES] = [1.0, 0.625, 0.656];
/// Seconds after which 63 % of what moved against the whole frame has gone back.
const BACK: f64 = 2.0;
/// Seconds in which a cell's drift comes to be that of its neighbourhood: the flow's own errors
/// would tear the grain to streaks.
const SPREAD: f64 = 0.04;

/// The noise of the frame before, moved along.
#[derive(Default)]
pub(crate) struct AdvectedNoise {
    /// Of what frames.
    size: Option<Size>,
    cells: [usize; 2],
    /// How far from its own place a cell's noise comes from, in cells, beside the pan.
    drift: Vec<[f32; 2]>,
    pan: Pan,
    room: Room,
}

/// Room to work in, kept from frame to frame.
#[derive(Default)]
struct Room {
    shifts: Vec<[f32; 2]>,
    drift: Vec<[f32; 2]>,
    /// Shifts along one axis.
    axis: Vec<f32>,
    older: PerThread<Vec<f32>>,
}

impl AdvectedNoise {
    /// Fills `planes` with noise, [`OCTAVES`] planes of so many cells, for a frame of some size, shown at `time`,
    /// that moved so. Without a motion it begins anew, always the same.
    pub(crate) fn run(
        &mut self,
        time: FrameTime,
        size: Size,
        cells: [usize; 2],
        motion: Option<&OpticalFlow>,
        planes: &mut Vec<f32>,
    ) {
        match motion.filter(|_| (self.size, self.cells) == (Some(size), cells)) {
            Some(motion) => {
                let mut room = std::mem::take(&mut self.room);
                let step = self.advance(motion.secs(), motion.on(size), &mut room);
                self.room = room;
                self.pan.advance(time, step);
            }
            None => {
                self.drift.clear();
                self.drift.resize(cells[0] * cells[1], [0.0; 2]);
                self.pan = Pan::begin(time);
            }
        }
        (self.size, self.cells) = (Some(size), cells);
        planes.resize(OCTAVES * self.drift.len(), 0.0);
        planes.par_chunks_exact_mut(cells[0]).enumerate().for_each(|(row, out)| {
            let (octave, y) = (row / cells[1], row % cells[1]);
            let drift = &self.drift[y * cells[0]..];
            self.room.older.with(|older| {
                self.pan.fill((1 << octave) as f32, out, older, |count, row| {
                    noise_row(octave, y, drift, count, row);
                });
            });
        });
    }

    /// Fills `plane` with finer noise of variance one that moved as much, on a grid over the frame whose places are
    /// `pitch` pixels apart.
    pub(crate) fn fine(&self, grid: [usize; 2], pitch: f32, plane: &mut Vec<f32>) {
        let cells = pitch / CELL as f32;
        plane.resize(grid[0] * grid[1], 0.0);
        plane.par_chunks_exact_mut(grid[0]).enumerate().for_each(|(y, row)| {
            self.room.older.with(|older| {
                self.pan.fill(cells, row, older, |count, row| fine_row(self, y, cells, count, row));
            });
        });
    }

    /// Takes the cells' drift on by a motion; how far all of it panned.
    fn advance(&mut self, secs: f64, moved: ScaledFlow<'_>, room: &mut Room) -> [f32; 2] {
        let Room { shifts, drift, axis: values, .. } = room;
        let [across, down] = self.cells;
        let middle = |cell: usize| (cell * CELL) as f32 + (CELL - 1) as f32 / 2.0;
        let of_cell = |k: usize| {
            let (x, y) = (k % across, k / across);
            let shift = moved.at(middle(x), middle(y)).map(|pixels| pixels / CELL as f32);
            let before = self.at(x as f32 + shift[0], y as f32 + shift[1]);
            (shift, [shift[0] + before[0], shift[1] + before[1]])
        };
        (0..across * down).into_par_iter().map(of_cell).unzip_into_vecs(shifts, drift);
        let share = (secs / SPREAD).min(1.0) as f32;
        smooth(drift, &mut self.drift, self.cells, true, share);
        smooth(&self.drift, drift, self.cells, false, share);
        std::mem::swap(&mut self.drift, drift);
        let stay = (-secs / BACK).exp() as f32;
        [0, 1].map(|axis| {
            // The median: a still wall stays where it is, whoever moves before it. Of the motion alone, so that
            // the count does not lean on what was before it began.
            values.clear();
            values.extend(shifts.iter().map(|shift| shift[axis]));
            let middle = values.len() / 2;
            let (_, &mut frame, _) = values.select_nth_unstable_by(middle, f32::total_cmp);
            self.drift.iter_mut().for_each(|drift| drift[axis] = (drift[axis] - frame) * stay);
            frame
        })
    }

    /// The drift at a place; beyond the edge, the edge's. Bilinear.
    #[inline(always)]
    fn at(&self, x: f32, y: f32) -> [f32; 2] {
        let [across, down] = self.cells;
        let (x, y) = (x.clamp(0.0, (across - 1) as f32), y.clamp(0.0, (down - 1) as f32));
        let (left, upper) = (x as usize, y as usize);
        let (right, lower) = ((left + 1).min(across - 1), (upper + 1).min(down - 1));
        let (share_x, share_y) = (x - left as f32, y - upper as f32);
        [0, 1].map(|axis| {
            let value = |row: usize, column: usize| self.drift[row * across + column][axis];
            let top = value(upper, left) + (value(upper, right) - value(upper, left)) * share_x;
            let bottom = value(lower, left) + (value(lower, right) - value(lower, left)) * share_x;
            top + (bottom - top) * share_y
        })
    }
}

/// [1 2 1] / 4 along one axis, by a share; `smoothed` is filled anew.
fn smooth(
    drift: &[[f32; 2]],
    smoothed: &mut Vec<[f32; 2]>,
    [across, down]: [usize; 2],
    along_rows: bool,
    share: f32,
) {
    let of_cell = |k: usize| {
        let (x, y) = (k % across, k / across);
        let (before, after) = match along_rows {
            true => (k - usize::from(x > 0), k + usize::from(x + 1 < across)),
            false => (k - across * usize::from(y > 0), k + across * usize::from(y + 1 < down)),
        };
        [0, 1].map(|axis| {
            let around = (drift[before][axis] + drift[after][axis]) / 2.0;
            drift[k][axis] + (around - drift[k][axis]) * 0.5 * share
        })
    };
    smoothed.clear();
    smoothed.extend((0..drift.len()).map(of_cell));
}

/// The noise at places among the cells, [`OCTAVES`] planes.
pub(crate) fn noise_at(places: &[[f32; 2]]) -> Vec<f32> {
    let octave = |octave| places.iter().map(move |[x, y]| noise(octave, *x, *y));
    (0..OCTAVES).flat_map(octave).collect()
}

#[multiversion(targets("x86_64+avx2+fma", "x86_64+sse4.1"))]
fn noise_row(octave: usize, y: usize, drift: &[[f32; 2]], pan: [f32; 2], row: &mut [f32]) {
    for (x, (value, [right, down])) in row.iter_mut().zip(drift).enumerate() {
        *value = noise(octave, x as f32 + right + pan[0], y as f32 + down + pan[1]);
    }
}

/// A row of a grid whose places are so many cells wide.
#[multiversion(targets("x86_64+avx2+fma", "x86_64+sse4.1"))]
fn fine_row(noise: &AdvectedNoise, y: usize, cells: f32, pan: [f32; 2], row: &mut [f32]) {
    let down = (y as f32 + 0.5) * cells - 0.5;
    for (x, value) in row.iter_mut().enumerate() {
        let drift = noise.at((x as f32 + 0.5) * cells - 0.5, down);
        let [right, down] = [0, 1].map(|axis| (drift[axis] + pan[axis]) / cells);
        *value = lattice(FINE, x as f32 + right, y as f32 + down);
    }
}

/// An octave at a place among the cells: a lattice of 2^`octave` cells' pitch.
#[inline(always)]
fn noise(octave: usize, x: f32, y: f32) -> f32 {
    let pitch = (1 << octave) as f32;
    LEVELS[octave] * lattice(octave as u32, (x + 0.5) / pitch - 0.5, (y + 0.5) / pitch - 0.5)
}

/// Value noise: uniform at the nodes of a lattice, bilinear between them, its variance levelled to one: else strokes
/// would fade wherever the grain stands between two nodes.
#[inline(always)]
fn lattice(seed: u32, x: f32, y: f32) -> f32 {
    let (left, upper) = (x.floor(), y.floor());
    let (right, down) = (x - left, y - upper);
    let node = |column: i32, row: i32| uniform(seed, left as i32 + column, upper as i32 + row);
    let top = node(0, 0) + (node(1, 0) - node(0, 0)) * right;
    let bottom = node(0, 1) + (node(1, 1) - node(0, 1)) * right;
    let power = |share: f32| share * share + (1.0 - share) * (1.0 - share);
    (top + (bottom - top) * down) / (power(right) * power(down)).sqrt()
}

/// Of variance 1, by a hash of the place (the finaliser of MurmurHash3).
#[inline(always)]
fn uniform(seed: u32, x: i32, y: i32) -> f32 {
    let mut hash = (x as u32).wrapping_mul(0x9e37_79b1) ^ (y as u32).wrapping_mul(0x85eb_ca77) ^ (seed << 28);
    hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
    hash ^= hash >> 16;
    (hash as f32 / u32::MAX as f32 * 2.0 - 1.0) * 3.0_f32.sqrt()
}

#[cfg(test)]
mod tests;
