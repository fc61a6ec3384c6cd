//! The twin of `shaders/remap.wgsl`: the reference in tests, and what runs where
//! there is no GPU.
//!
//! The spline is separable: each output row first blends the four rows of
//! control points around it, then every pixel blends four of those. Source
//! positions of a row are computed cell by cell in straight loops that compile
//! to vector code (in the processor's own instruction set: `multiversion`), and
//! eight neighbouring pixels are sampled and blended together.

use std::ops::Range;

use multiversion::multiversion;
use rayon::prelude::*;

use crate::frame::Frame;
use crate::threads::PerThread;
use crate::warp::field::{PAD, WarpField, cubic_weights};
use crate::warp::remap::cell_taps;
use crate::warp::remap::sample::{LANES, Places, Texels, average, level, sample};

/// Rows handed to a thread at a time.
const BAND: usize = 16;

/// Warps on the processor; keeps the column weights between frames, and its room to work in.
#[derive(Default)]
pub struct CpuRemap {
    columns: Option<Columns>,
    rows: PerThread<RowRoom>,
    /// For the next picture: that of a frame that is done with.
    spare: Vec<u8>,
}

impl CpuRemap {
    /// The frame as seen through the field.
    pub fn run(&mut self, frame: &Frame, field: &WarpField) -> Frame {
        let size = frame.size;
        let columns = match self.columns.take() {
            Some(columns) if columns.fits(size.width as usize, field) => columns,
            _ => Columns::new(size.width as usize, field.width()),
        };
        let (width, height) = (size.width as usize, size.height as usize);
        let job = Job {
            texels: Texels { pixels: &frame.pixels, width, height },
            columns: &columns,
            grid: [field.width(), field.height()],
            control: &field.padded(),
            taps: &cell_taps(field, size),
        };
        let mut pixels = std::mem::take(&mut self.spare);
        pixels.resize(size.rgba_bytes(), 0);
        let (stride, room) = (frame.stride(), &self.rows);
        pixels.par_chunks_mut(stride * BAND).enumerate().for_each(|(band, rows)| {
            room.with(|room| {
                for (row, out) in rows.chunks_exact_mut(stride).enumerate() {
                    remap_row(&job, band * BAND + row, room, out);
                }
            });
        });
        self.columns = Some(columns);
        Frame { size, time: frame.time, pixels }
    }

    /// Takes back a frame that is done with; the next picture is made in its memory.
    pub(crate) fn reuse(&mut self, frame: Frame) {
        self.spare = frame.pixels;
    }
}

/// Four control points along a row, in pixels.
type Controls = [[f32; 2]; 4];

/// Spline weights of every output column, and the cells they fall into.
struct Columns {
    grid: usize,
    weights: [Vec<f32>; 4],
    slopes: [Vec<f32>; 4],
    /// First output column of each spline cell, and the end of the last.
    starts: Vec<usize>,
}

impl Columns {
    fn new(width: usize, grid: usize) -> Self {
        let mut weights = [const { Vec::new() }; 4];
        let mut slopes = [const { Vec::new() }; 4];
        let mut starts = vec![width; grid + 2];
        for x in (0..width).rev() {
            let (cell, t) = cell(x, width, grid);
            starts[..=cell].fill(x);
            cubic_weights(t).into_iter().zip(&mut weights).for_each(|(w, all)| all.push(w));
            cubic_slopes(t).into_iter().zip(&mut slopes).for_each(|(s, all)| all.push(s));
        }
        weights.iter_mut().chain(&mut slopes).for_each(|all| all.reverse());
        Self { grid, weights, slopes, starts }
    }

    /// How far the footprints of a block's pixels reach, along output rows and
    /// columns, from the control points of the row and their change across rows.
    #[inline(always)]
    fn spreads(
        &self,
        block: Range<usize>,
        controls: Controls,
        steps: Controls,
        scale: [f32; 2],
    ) -> [Places; 2] {
        let mut spreads = [[[0.0; LANES]; 2]; 2];
        let sum = |of: Controls, by: [f32; 4], scale: f32| {
            [0, 1].map(|axis| scale * (0..4).map(|i| by[i] * of[i][axis]).sum::<f32>())
        };
        for (k, x) in block.enumerate() {
            let by_x = sum(controls, self.slopes.each_ref().map(|all| all[x]), scale[0]);
            let by_y = sum(steps, self.weights.each_ref().map(|all| all[x]), scale[1]);
            let reach = [spread([1.0 + by_x[0], by_x[1]]), spread([by_y[0], 1.0 + by_y[1]])];
            for (spread, reach) in spreads.iter_mut().zip(reach) {
                (spread[0][k], spread[1][k]) = (reach[0], reach[1]);
            }
        }
        spreads
    }

    fn fits(&self, width: usize, field: &WarpField) -> bool {
        self.weights[0].len() == width && self.grid == field.width()
    }
}

/// Everything a row needs.
struct Job<'a> {
    texels: Texels<'a>,
    columns: &'a Columns,
    grid: [usize; 2],
    control: &'a [[f32; 2]],
    taps: &'a [[u32; 2]],
}

/// What a row is put together in.
#[derive(Default)]
struct RowRoom {
    /// Control points.
    shifts: Vec<[f32; 2]>,
    /// Source positions, and colours. Longer than a row, so that its last block is a whole one.
    xs: Vec<f32>,
    ys: Vec<f32>,
    pixels: Vec<u32>,
}

/// Index of the padded control point before an output position, and the place
/// within that spline cell.
fn cell(at: usize, len: usize, grid: usize) -> (usize, f32) {
    let at = (at as f32 + 0.5) / len as f32 * grid as f32 - 0.5;
    let cell = at.floor();
    ((cell + 1.0) as usize, at - cell)
}

/// Derivatives of [`cubic_weights`] by `t`.
fn cubic_slopes(t: f32) -> [f32; 4] {
    let s = 1.0 - t;
    [-s * s / 2.0, (3.0 * t * t - 4.0 * t) / 2.0, (4.0 * s - 3.0 * s * s) / 2.0, t * t / 2.0]
}

#[multiversion(targets("x86_64+avx2+fma", "x86_64+sse4.1"))]
fn remap_row(job: &Job, y: usize, room: &mut RowRoom, out: &mut [u8]) {
    let Texels { width, height, .. } = job.texels;
    let (w, h) = (width as f32, height as f32);
    let (row, t) = cell(y, height, job.grid[1]);
    let stride = job.grid[0] + 2 * PAD;
    // Control points of this row, in pixels, and their change from row to row.
    let blend = |weights: [f32; 4], column: usize| {
        let value = |axis: usize| {
            (0..4).map(|j| weights[j] * job.control[(row + j) * stride + column][axis]).sum::<f32>()
        };
        [value(0) * w, value(1) * h]
    };
    let (wy, sy) = (cubic_weights(t), cubic_slopes(t));
    let RowRoom { shifts, xs, ys, pixels } = room;
    shifts.clear();
    shifts.extend((0..stride).map(|column| blend(wy, column)));
    let cells_per_pixel = [job.grid[0] as f32 / w, job.grid[1] as f32 / h];
    xs.resize(width + LANES, 0.0);
    ys.resize(width + LANES, 0.0);
    pixels.resize(width + LANES, 0);
    for cell in 0..=job.grid[0] {
        let (start, end) = (job.columns.starts[cell], job.columns.starts[cell + 1]);
        let weights = job.columns.weights.each_ref().map(|all| &all[start..end]);
        let controls = [0, 1, 2, 3].map(|i| shifts[cell + i]);
        curve(&mut xs[start..end], weights, controls.map(|control| control[0]));
        curve(&mut ys[start..end], weights, controls.map(|control| control[1]));
        for (x, place) in (start..end).zip(&mut xs[start..end]) {
            *place += x as f32;
        }
        for place in &mut ys[start..end] {
            *place += y as f32;
        }
        let taps = job.taps[row * (job.grid[0] + 1) + cell];
        let steps = [0, 1, 2, 3].map(|i| if taps == [1, 1] { [0.0; 2] } else { blend(sy, cell + i) });
        for first in (start..end).step_by(LANES) {
            // The last block runs into the next cell, which then writes over it.
            let at = [block(xs, first), block(ys, first)];
            let colour = if taps == [1, 1] {
                sample(job.texels, at)
            } else {
                let spreads =
                    job.columns.spreads(first..end.min(first + LANES), controls, steps, cells_per_pixel);
                average(job.texels, at, spreads, taps)
            };
            for (k, pixel) in pixels[first..first + LANES].iter_mut().enumerate() {
                let [r, g, b, a] =
                    [level(colour[0][k]), level(colour[1][k]), level(colour[2][k]), level(colour[3][k])];
                *pixel = r | g << 8 | b << 16 | a << 24;
            }
        }
    }
    for (out, pixel) in out.chunks_exact_mut(4).zip(pixels) {
        out.copy_from_slice(&pixel.to_le_bytes());
    }
}

/// The `LANES` values from `first` on.
#[inline(always)]
fn block(values: &[f32], first: usize) -> [f32; LANES] {
    let mut block = [0.0; LANES];
    block.copy_from_slice(&values[first..first + LANES]);
    block
}

/// The spline along one cell of a row, at every pixel.
#[inline(always)]
fn curve(out: &mut [f32], [w0, w1, w2, w3]: [&[f32]; 4], c: [f32; 4]) {
    for ((((out, w0), w1), w2), w3) in out.iter_mut().zip(w0).zip(w1).zip(w2).zip(w3) {
        *out = w0 * c[0] + w1 * c[1] + w2 * c[2] + w3 * c[3];
    }
}

/// How far the taps of a footprint reach: nothing where it is a pixel wide, all
/// of it from two pixels on.
#[inline(always)]
fn spread(step: [f32; 2]) -> [f32; 2] {
    let reach = ((step[0] * step[0] + step[1] * step[1]).sqrt() - 1.0).clamp(0.0, 1.0);
    step.map(|s| s * reach)
}

#[cfg(test)]
mod tests;
