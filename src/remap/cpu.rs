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

#[multiversion(targets("x86_64+avx2+fma", "x86_64+sse4.1"))]
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
        for first in (start..end).step_by(LANES) {
            // The last block runs into the next cell, which then writes over it.
            let at = [block(&xs, first), block(&ys, first)];
            let colour = if taps == [1, 1] {
                sample(job, at)
            } else {
                let steps: [[f32; 2]; 4] = std::array::from_fn(|i| blend(sy, cell + i));
                let [mut spread_x, mut spread_y] = [[[0.0; LANES]; 2]; 2];
                for k in 0..LANES.min(end - first) {
                    let weights = job.columns.weights.each_ref().map(|all| all[first + k]);
                    let slopes = job.columns.slopes.each_ref().map(|all| all[first + k]);
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

/// Mean over the taps of each pixel's footprint.
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
    sum.map(|channel| channel.map(|value| value * scale))
}

/// Bilinear samples in 0..255, channel by channel; whole numbers are texel
/// centres. Loads are scalar; everything else is plain loops over the lanes, the
/// shape that compiles to vector code (iterator chains and `map` did not).
#[inline(always)]
fn sample(job: &Job, [xs, ys]: Places) -> [[f32; LANES]; 4] {
    let (width, height) = (job.size.width as usize, job.size.height as usize);
    let [mut fx, mut fy] = [[0.0; LANES]; 2];
    let [mut x0, mut y0] = [[0; LANES]; 2];
    for k in 0..LANES {
        let (left, top) = (xs[k].floor(), ys[k].floor());
        (fx[k], fy[k]) = (xs[k] - left, ys[k] - top);
        (x0[k], y0[k]) = (whole(left), whole(top));
    }
    let mut outside = false;
    for k in 0..LANES {
        outside |= (x0[k] < 0) | (y0[k] < 0) | (x0[k] >= width as i32 - 1) | (y0[k] >= height as i32 - 1);
    }
    let [mut a, mut b, mut c, mut d] = [[0u32; LANES]; 4];
    if outside {
        for k in 0..LANES {
            let [left, right] = [0, 1].map(|step| mirrored(x0[k], step, width));
            let [top, bottom] = [0, 1].map(|step| mirrored(y0[k], step, height) * width);
            (a[k], b[k]) = (texel(job.source, top + left), texel(job.source, top + right));
            (c[k], d[k]) = (texel(job.source, bottom + left), texel(job.source, bottom + right));
        }
    } else {
        for k in 0..LANES {
            let top = y0[k] as usize * width + x0[k] as usize;
            (a[k], b[k]) = (texel(job.source, top), texel(job.source, top + 1));
            (c[k], d[k]) = (texel(job.source, top + width), texel(job.source, top + width + 1));
        }
    }
    let mut colour = [[0.0; LANES]; 4];
    for (channel, colour) in colour.iter_mut().enumerate() {
        let of = |texel: u32| ((texel >> (8 * channel)) & 255) as i32 as f32;
        for k in 0..LANES {
            let top = of(a[k]) + (of(b[k]) - of(a[k])) * fx[k];
            let bottom = of(c[k]) + (of(d[k]) - of(c[k])) * fx[k];
            colour[k] = top + (bottom - top) * fy[k];
        }
    }
    colour
}

#[inline(always)]
fn texel(source: &[u8], at: usize) -> u32 {
    let bytes = &source[at * 4..at * 4 + 4];
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

/// A float that is a whole number of less than 2^22, as an integer; any other
/// gives some integer. Adding 1.5 * 2^23 leaves the number in the low bits, which
/// costs one instruction where a saturating cast takes five.
#[inline(always)]
fn whole(value: f32) -> i32 {
    ((value + 12_582_912.0).to_bits() as i32).wrapping_sub(0x4b40_0000)
}

/// The nearest level to a value in 0..=255, by the same device.
#[inline(always)]
fn level(value: f32) -> u32 {
    (value + 8_388_608.0).to_bits() & 255
}

/// The place `step` after `at`; outside the picture its mirror image continues it.
#[inline(always)]
fn mirrored(at: i32, step: i64, len: usize) -> usize {
    let period = 2 * len as i64;
    let wrapped = (i64::from(at) + step).rem_euclid(period);
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
