//! The twin of `shaders/remap.wgsl`: the reference in tests, and what runs where
//! there is no GPU.
//!
//! The spline is separable: each output row first blends the four rows of
//! control points around it, then every pixel blends four of those. Source
//! positions of a row are computed cell by cell in straight loops that compile
//! to vector code (in the processor's own instruction set: `multiversion`), and
//! eight neighbouring pixels are sampled and blended together.

use multiversion::multiversion;
use rayon::prelude::*;

use super::cell_taps;
use crate::field::{PAD, WarpField, cubic_weights};
use crate::frame::{Frame, Size};

/// Rows handed to a thread at a time.
const BAND: usize = 16;
/// Pixels sampled together: one AVX2 register of floats.
const LANES: usize = 8;
/// Places of a block of pixels: all x, all y.
type Places = [[f32; LANES]; 2];

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
            Some(columns) if columns.fits(size, field) => columns,
            _ => Columns::new(size.width as usize, field.width()),
        };
        let job = Job {
            source: &frame.pixels,
            size,
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

    fn fits(&self, size: Size, field: &WarpField) -> bool {
        self.weights[0].len() == size.width as usize && self.grid == field.width()
    }
}

/// Everything a row needs.
struct Job<'a> {
    source: &'a [u8],
    size: Size,
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

#[multiversion(targets("x86_64+avx2+fma", "aarch64+neon"))]
fn remap_row(job: &Job, y: usize, out: &mut [u8]) {
    let (width, height) = (job.size.width as usize, job.size.height as usize);
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

    let mut xs = vec![0.0f32; width];
    let mut ys = vec![0.0f32; width];
    for cell in 0..=job.grid[0] {
        let (start, end) = (job.columns.starts[cell], job.columns.starts[cell + 1]);
        let [w0, w1, w2, w3] = job.columns.weights.each_ref().map(|all| &all[start..end]);
        let [c0, c1, c2, c3] = [shifts[cell], shifts[cell + 1], shifts[cell + 2], shifts[cell + 3]];
        for (k, (sx, sy)) in xs[start..end].iter_mut().zip(&mut ys[start..end]).enumerate() {
            *sx = (start + k) as f32 + w0[k] * c0[0] + w1[k] * c1[0] + w2[k] * c2[0] + w3[k] * c3[0];
            *sy = y as f32 + w0[k] * c0[1] + w1[k] * c1[1] + w2[k] * c2[1] + w3[k] * c3[1];
        }
        let taps = job.taps[row * (job.grid[0] + 1) + cell];
        let steps: [[f32; 2]; 4] = std::array::from_fn(|i| blend(sy, cell + i));
        for first in (start..end).step_by(LANES) {
            // The last block of a cell repeats its last pixel to be full.
            let lanes: [usize; LANES] = std::array::from_fn(|k| (first + k).min(end - 1));
            let at = [lanes.map(|x| xs[x]), lanes.map(|x| ys[x])];
            let colour = if taps == [1, 1] {
                sample(job, at).map(|channel| channel.map(|value| value + 0.5))
            } else {
                let [mut spread_x, mut spread_y] = [[[0.0; LANES]; 2]; 2];
                for (k, x) in lanes.into_iter().enumerate() {
                    let weights = job.columns.weights.each_ref().map(|all| all[x]);
                    let slopes = job.columns.slopes.each_ref().map(|all| all[x]);
                    let sum = |axis: usize, of: &[[f32; 2]], by: [f32; 4], scale: f32| {
                        scale * (0..4).map(|i| by[i] * of[i][axis]).sum::<f32>()
                    };
                    let by_x = [0, 1].map(|axis| sum(axis, &shifts[cell..], slopes, cells_per_pixel[0]));
                    let by_y = [0, 1].map(|axis| sum(axis, &steps, weights, cells_per_pixel[1]));
                    let (x, y) = (spread([1.0 + by_x[0], by_x[1]]), spread([by_y[0], 1.0 + by_y[1]]));
                    for axis in 0..2 {
                        spread_x[axis][k] = x[axis];
                        spread_y[axis][k] = y[axis];
                    }
                }
                average(job, at, [spread_x, spread_y], taps)
            };
            for k in 0..LANES.min(end - first) {
                let pixel = &mut out[4 * (first + k)..][..4];
                for (value, channel) in pixel.iter_mut().zip(&colour) {
                    *value = channel[k] as u8;
                }
            }
        }
    }
}

/// How far the taps of a footprint reach: nothing where it is a pixel wide, all
/// of it from two pixels on.
#[inline(always)]
fn spread(step: [f32; 2]) -> [f32; 2] {
    let reach = ((step[0] * step[0] + step[1] * step[1]).sqrt() - 1.0).clamp(0.0, 1.0);
    step.map(|s| s * reach)
}

/// Mean over the taps of each pixel's footprint, ready to be cut to whole levels.
#[inline(always)]
fn average(job: &Job, at: Places, [spread_x, spread_y]: [Places; 2], taps: [u32; 2]) -> [[f32; LANES]; 4] {
    let mut sum = [[0.0; LANES]; 4];
    for j in 0..taps[1] {
        let v = (j as f32 + 0.5) / taps[1] as f32 - 0.5;
        for i in 0..taps[0] {
            let u = (i as f32 + 0.5) / taps[0] as f32 - 0.5;
            let tap = [0, 1].map(|axis| {
                std::array::from_fn(|k| at[axis][k] + spread_x[axis][k] * u + spread_y[axis][k] * v)
            });
            let colour = sample(job, tap);
            for (sum, colour) in sum.iter_mut().zip(colour) {
                for (sum, colour) in sum.iter_mut().zip(colour) {
                    *sum += colour;
                }
            }
        }
    }
    let scale = 1.0 / (taps[0] * taps[1]) as f32;
    sum.map(|channel| channel.map(|value| value * scale + 0.5))
}

/// Bilinear samples in 0..255, channel by channel; whole numbers are texel
/// centres. Loads are scalar; everything else is straight loops over the lanes.
#[inline(always)]
fn sample(job: &Job, [xs, ys]: Places) -> [[f32; LANES]; 4] {
    let (width, height) = (job.size.width as i32, job.size.height as i32);
    let (left, top) = (xs.map(f32::floor), ys.map(f32::floor));
    let fx: [f32; LANES] = std::array::from_fn(|k| xs[k] - left[k]);
    let fy: [f32; LANES] = std::array::from_fn(|k| ys[k] - top[k]);
    let (x0, y0) = (left.map(|v| v as i32), top.map(|v| v as i32));
    let outside = (0..LANES).fold(false, |outside, k| {
        outside | (x0[k] < 0) | (y0[k] < 0) | (x0[k] >= width - 1) | (y0[k] >= height - 1)
    });
    let texel = |x: i32, y: i32| {
        let at = (y as usize * width as usize + x as usize) * 4;
        let bytes: &[u8; 4] = job.source[at..at + 4].try_into().expect("four bytes");
        u32::from_le_bytes(*bytes)
    };
    let mut corners = [[0u32; LANES]; 4];
    for k in 0..LANES {
        let (mut x, mut y) = ([x0[k], x0[k].wrapping_add(1)], [y0[k], y0[k].wrapping_add(1)]);
        if outside {
            x = x.map(|x| mirrored(x as isize, width as usize) as i32);
            y = y.map(|y| mirrored(y as isize, height as usize) as i32);
        }
        for (corner, (i, j)) in corners.iter_mut().zip([(0, 0), (1, 0), (0, 1), (1, 1)]) {
            corner[k] = texel(x[i], y[j]);
        }
    }
    std::array::from_fn(|channel| {
        let [a, b, c, d] = corners
            .each_ref()
            .map(|corner| corner.map(|texel| ((texel >> (8 * channel)) & 255) as i32 as f32));
        std::array::from_fn(|k| {
            let top = a[k] + (b[k] - a[k]) * fx[k];
            let bottom = c[k] + (d[k] - c[k]) * fx[k];
            top + (bottom - top) * fy[k]
        })
    })
}

/// Outside the picture its mirror image continues it.
#[inline(always)]
fn mirrored(at: isize, len: usize) -> usize {
    let period = 2 * len as isize;
    let wrapped = at.rem_euclid(period);
    wrapped.min(period - 1 - wrapped) as usize
}

#[cfg(test)]
mod tests {
    use super::super::tests::{bent, picture};
    use super::*;
    use proptest::prelude::*;

    /// The same by the definition alone: the field sampled at every pixel.
    fn by_definition(frame: &Frame, field: &WarpField, [x, y]: [usize; 2]) -> [f32; 2] {
        let (w, h) = (frame.size.width as f32, frame.size.height as f32);
        let shift = field.sample([(x as f32 + 0.5) / w, (y as f32 + 0.5) / h]);
        [x as f32 + shift[0] * w, y as f32 + shift[1] * h]
    }

    fn bilinear(frame: &Frame, [x, y]: [f32; 2]) -> [f32; 4] {
        let (w, h) = (frame.size.width as usize, frame.size.height as usize);
        let texel = |dx: isize, dy: isize, c: usize| {
            let x = mirrored(x.floor() as isize + dx, w);
            f32::from(frame.pixels[(mirrored(y.floor() as isize + dy, h) * w + x) * 4 + c])
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
            let expected = bilinear(&frame.pixels, 97, 61, x, y);
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
        fn whole_pixel_shifts_are_exact(dx in -20isize..20, dy in -12isize..12) {
            let frame = picture(64, 32);
            let shift = [dx as f32 / 64.0, dy as f32 / 32.0];
            let field = WarpField::new(3, 3, vec![shift; 9]).expect("finite");
            let warped = CpuRemap::default().run(&frame, &field);
            for y in 0..32 {
                for x in 0..64 {
                    let from = (mirrored(y as isize + dy, 32) * 64 + mirrored(x as isize + dx, 64)) * 4;
                    let to = (y * 64 + x) * 4;
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
