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
use crate::warp::field::{PAD, WarpField, cubic_weights};
use crate::warp::remap::cell_taps;
use crate::warp::remap::sample::{LANES, Places, Texels, average, level, sample};

/// Rows handed to a thread at a time.
const BAND: usize = 16;

/// Warps on the processor; keeps the column weights between frames.
#[derive(Default)]
pub struct CpuRemap {
    columns: Option<Columns>,
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
        let mut pixels = vec![0; size.rgba_bytes()];
        let stride = frame.stride();
        pixels.par_chunks_mut(stride * BAND).enumerate().for_each(|(band, rows)| {
            for (row, out) in rows.chunks_exact_mut(stride).enumerate() {
                remap_row(&job, band * BAND + row, out);
            }
        });
        self.columns = Some(columns);
        Frame { size, time: frame.time, pixels }
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
fn remap_row(job: &Job, y: usize, out: &mut [u8]) {
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
    let shifts: Vec<[f32; 2]> = (0..stride).map(|column| blend(wy, column)).collect();
    let cells_per_pixel = [job.grid[0] as f32 / w, job.grid[1] as f32 / h];

    // Longer than a row, so that its last block is a whole one.
    let mut xs = vec![0.0f32; width + LANES];
    let mut ys = vec![0.0f32; width + LANES];
    let mut pixels = vec![0u32; width + LANES];
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
            let at = [block(&xs, first), block(&ys, first)];
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
mod tests {
    use super::*;
    use crate::frame::Size;
    use crate::frame::tests::picture;
    use crate::warp::remap::sample::mirrored;
    use crate::warp::remap::tests::bent;
    use proptest::prelude::*;

    /// The same by the definition alone: the field sampled at every pixel.
    fn by_definition(frame: &Frame, field: &WarpField, [x, y]: [usize; 2]) -> [f32; 2] {
        let (w, h) = (frame.size.width as f32, frame.size.height as f32);
        let shift = field.sample([(x as f32 + 0.5) / w, (y as f32 + 0.5) / h]);
        [x as f32 + shift[0] * w, y as f32 + shift[1] * h]
    }

    fn bilinear(frame: &Frame, [x, y]: [f32; 2]) -> [f32; 4] {
        let (w, h) = (frame.size.width as usize, frame.size.height as usize);
        let texel = |dx: i64, dy: i64, c: usize| {
            let x = mirrored(x.floor() as i32, dx, w);
            f32::from(frame.pixels[(mirrored(y.floor() as i32, dy, h) * w + x) * 4 + c])
        };
        let (fx, fy) = (x - x.floor(), y - y.floor());
        std::array::from_fn(|c| {
            let row = |dy| texel(0, dy, c) * (1.0 - fx) + texel(1, dy, c) * fx;
            row(0) * (1.0 - fy) + row(1) * fy
        })
    }

    #[test]
    fn follows_the_definition_where_nothing_shrinks() {
        let frame = picture(97, 61);
        let field = bent(0.05);
        let warped = CpuRemap::default().run(&frame, &field);
        for (k, pixel) in warped.pixels.chunks_exact(4).enumerate() {
            let [x, y] = by_definition(&frame, &field, [k % 97, k / 97]);
            let expected = bilinear(&frame, [x, y]);
            for c in 0..4 {
                assert!((f32::from(pixel[c]) - expected[c]).abs() <= 1.0, "{k}: {pixel:?} {expected:?}");
            }
        }
    }

    #[test]
    fn fine_stripes_blur_instead_of_sparkling_where_the_warp_shrinks() {
        let size = Size::new(128, 128).expect("positive");
        let mut frame = picture(128, 128);
        for (k, pixel) in frame.pixels.chunks_exact_mut(4).enumerate() {
            pixel.fill(if (k / 2) % 2 == 0 { 255 } else { 0 });
        }
        let shrink = (0..64).map(|k| [3.0 * ((k % 8) as f32 + 0.5) / 8.0 - 1.5, 0.0]).collect();
        let field = WarpField::new(8, 8, shrink).expect("finite");
        assert_eq!(cell_taps(&field, size)[40], [4, 1]);
        let warped = CpuRemap::default().run(&frame, &field);
        // The outermost cells shrink less.
        let row = &warped.pixels[64 * 512 + 128..65 * 512 - 128];
        assert!(row.iter().all(|&v| v.abs_diff(128) < 24), "{row:?}");
    }

    proptest! {
        #[test]
        fn whole_pixel_shifts_are_exact(dx in -20i64..20, dy in -12i64..12) {
            let frame = picture(64, 32);
            let shift = [dx as f32 / 64.0, dy as f32 / 32.0];
            let field = WarpField::new(3, 3, vec![shift; 9]).expect("finite");
            let warped = CpuRemap::default().run(&frame, &field);
            for y in 0..32 {
                for x in 0..64 {
                    let from = (mirrored(y, dy, 32) * 64 + mirrored(x, dx, 64)) * 4;
                    let to = ((y * 64 + x) * 4) as usize;
                    prop_assert_eq!(&warped.pixels[to..to + 4], &frame.pixels[from..from + 4]);
                }
            }
        }

        #[test]
        fn every_size_and_reach_is_safe(w in 1u32..20, h in 1u32..20, strength in -9f32..9.0) {
            let warped = CpuRemap::default().run(&picture(w, h), &bent(strength));
            prop_assert_eq!(warped.pixels.len(), (w * h * 4) as usize);
        }
    }
}
