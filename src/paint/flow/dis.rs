//! Dense optical flow by inverse search of patches, coarse to fine (Kroeger et
//! al., "Fast Optical Flow using Dense Inverse Search", ECCV 2016), without its
//! variational refinement.

use rayon::prelude::*;

/// Side of a patch, and of the steps between patches, in pixels of a level.
const PATCH: usize = 8;
const STEP: usize = 4;
/// Steps of the search in a patch at most, and the move that ends it, in pixels.
const SEARCHES: usize = 5;
const STILL: f32 = 0.02;
/// A patch that leaves its start by more than this is lost, in pixels.
const LOST: f32 = 6.0;
/// Share of the difference from the frames before that a move must explain; twice that is proof. More,
/// and strokes stay on the screen while a camera pans slowly: a tenth of a pixel explains little.
const EXPLAINED: f32 = 0.04;
/// Seconds after which 63 % of the proof is forgotten. One frame proves little of a slow pan.
const PROOF: f64 = 0.3;
/// What is less than half a grey level may be rounding.
const ROUNDING: f32 = 0.002;
/// Variance of the noise in a picture in 0..1: patches with less structure stay put.
const NOISE: f32 = 4e-5;

/// Luma of a picture and of its halves, finest first; and of the finest, blurred.
#[derive(Debug, Clone)]
pub(super) struct Pyramid {
    levels: Vec<Level>,
    blurred: Level,
}

/// What of the difference from the frames before is left without a move and with the one found, for
/// every pixel: sums that fade.
#[derive(Debug, Clone, Default)]
pub(super) struct MotionEvidence(Vec<[f32; 2]>);

#[derive(Debug, Clone)]
struct Level {
    width: usize,
    height: usize,
    luma: Vec<f32>,
}

impl Pyramid {
    /// Of packed RGBA, averaged over blocks of `block` pixels.
    pub(super) fn new(pixels: &[u8], width: usize, height: usize, block: usize) -> Self {
        let (w, h) = ((width / block).max(1), (height / block).max(1));
        let (across, down) = (block.min(width), block.min(height));
        let of_block = |x: usize, y: usize| {
            let rows = (0..down).map(|row| ((y * block + row) * width + x * block) * 4);
            let sum: u32 = rows
                .flat_map(|at| pixels[at..at + across * 4].chunks_exact(4))
                .map(|p| 77 * u32::from(p[0]) + 150 * u32::from(p[1]) + 29 * u32::from(p[2]))
                .sum();
            sum as f32 / (256 * 255 * across * down) as f32
        };
        let luma = (0..h).into_par_iter().flat_map_iter(|y| (0..w).map(move |x| of_block(x, y))).collect();
        let finest = Level { width: w, height: h, luma };
        let blurred = finest.blurred();
        let mut levels = vec![finest];
        while let Some(next) = levels.last().and_then(Level::halved) {
            levels.push(next);
        }
        Self { levels, blurred }
    }

    /// Width and height of the finest level.
    pub(super) fn size(&self) -> [usize; 2] {
        [self.blurred.width, self.blurred.height]
    }

    /// For every pixel of the finest level, how far from there it was in `before`, of the same size.
    pub(super) fn flow_from(&self, before: &Self, proof: &mut MotionEvidence, secs: f64) -> Vec<[f32; 2]> {
        let mut flow: Option<Vec<[f32; 2]>> = None;
        let mut coarser = [0, 0];
        for (now, before) in self.levels.iter().zip(&before.levels).rev() {
            let start = match flow {
                None => vec![[0.0; 2]; now.luma.len()],
                Some(flow) => doubled(&flow, coarser, [now.width, now.height]),
            };
            flow = Some(now.search(before, &start));
            coarser = [now.width, now.height];
        }
        let mut flow = flow.unwrap_or_default();
        self.blurred.rest(&before.blurred, &mut flow, proof, (-secs / PROOF).exp() as f32);
        flow
    }
}

/// The flow of the next finer level, to begin with.
fn doubled(
    flow: &[[f32; 2]],
    [from_width, from_height]: [usize; 2],
    [width, height]: [usize; 2],
) -> Vec<[f32; 2]> {
    let at =
        |x: usize, y: usize| flow[(y / 2).min(from_height - 1) * from_width + (x / 2).min(from_width - 1)];
    (0..height).flat_map(|y| (0..width).map(move |x| at(x, y).map(|v| 2.0 * v))).collect()
}

/// What a patch found: its displacement, and how much it is worth.
#[derive(Clone, Copy)]
struct Displacement {
    shift: [f32; 2],
    weight: f32,
}

impl Level {
    /// `None` where a patch would not fit any more.
    fn halved(&self) -> Option<Self> {
        let (width, height) = (self.width / 2, self.height / 2);
        if width.min(height) < 2 * PATCH {
            return None;
        }
        let mean = |x: usize, y: usize| {
            let at = 2 * y * self.width + 2 * x;
            (self.luma[at] + self.luma[at + 1] + self.luma[at + self.width] + self.luma[at + self.width + 1])
                / 4.0
        };
        let luma = (0..height).flat_map(|y| (0..width).map(move |x| mean(x, y))).collect();
        Some(Self { width, height, luma })
    }

    fn search(&self, before: &Self, start: &[[f32; 2]]) -> Vec<[f32; 2]> {
        if self.width.min(self.height) < PATCH {
            return start.to_vec();
        }
        // The last patch ends where the picture does.
        let places = |side: usize| -> Vec<usize> {
            let last = side - PATCH;
            (0..last).step_by(STEP).chain([last]).collect()
        };
        let (columns, rows) = (places(self.width), places(self.height));
        let found: Vec<Vec<Displacement>> = rows
            .par_iter()
            .map(|&y| columns.iter().map(|&x| self.patch(before, x, y, start)).collect())
            .collect();
        let mut sums = vec![[0.0_f32; 3]; self.luma.len()];
        for (&y, found) in rows.iter().zip(&found) {
            for (&x, Displacement { shift, weight }) in columns.iter().zip(found) {
                for row in y..y + PATCH {
                    for sum in &mut sums[row * self.width + x..][..PATCH] {
                        *sum = [sum[0] + weight * shift[0], sum[1] + weight * shift[1], sum[2] + weight];
                    }
                }
            }
        }
        sums.into_iter().map(|[x, y, weight]| [x / weight, y / weight]).collect()
    }

    /// [1 4 6 4 1] / 16 along both axes; beyond the edge, the edge.
    fn blurred(&self) -> Self {
        let line = |values: &[f32], len: usize, step: usize, first: usize, out: &mut [f32]| {
            let at = |k: isize| values[first + k.clamp(0, len as isize - 1) as usize * step];
            for k in 0..len {
                let i = k as isize;
                out[first + k * step] =
                    (6.0 * at(i) + 4.0 * (at(i - 1) + at(i + 1)) + at(i - 2) + at(i + 2)) / 16.0;
            }
        };
        let (mut rows, mut both) = (vec![0.0; self.luma.len()], vec![0.0; self.luma.len()]);
        (0..self.height).for_each(|y| line(&self.luma, self.width, 1, y * self.width, &mut rows));
        (0..self.width).for_each(|x| line(&rows, self.height, self.width, x, &mut both));
        Self { luma: both, ..*self }
    }

    /// Where a move explains no more than none does, there was none: a plain wall would otherwise
    /// move along with whoever walks past it. Judged on blurred pictures, for else the interpolation's
    /// own blur would count against the move, and noise against both.
    fn rest(&self, before: &Self, flow: &mut [[f32; 2]], proof: &mut MotionEvidence, keep: f32) {
        let differences = |k: usize, shift: [f32; 2]| {
            let (x, y) = ((k % self.width) as f32 + shift[0], (k / self.width) as f32 + shift[1]);
            (before.at(x, y) - self.luma[k]).abs()
        };
        let still: Vec<_> = (0..flow.len()).into_par_iter().map(|k| differences(k, [0.0; 2])).collect();
        let moved: Vec<_> = (0..flow.len()).into_par_iter().map(|k| differences(k, flow[k])).collect();
        let (still, moved) = (self.averaged(&still), self.averaged(&moved));
        proof.0.resize(flow.len(), [0.0; 2]);
        for (((shift, still), moved), proof) in flow.iter_mut().zip(still).zip(moved).zip(&mut proof.0) {
            *proof = [proof[0] * keep + still, proof[1] * keep + moved];
            let explained = (proof[0] - proof[1]) / (proof[0] + ROUNDING);
            let share = ((explained - EXPLAINED) / EXPLAINED).clamp(0.0, 1.0);
            *shift = shift.map(|value| value * share);
        }
    }

    /// Means of 9x9 values.
    fn averaged(&self, values: &[f32]) -> Vec<f32> {
        const REACH: usize = 4;
        let line = |values: &[f32], len: usize, step: usize, first: usize| -> Vec<f32> {
            let mut sums = vec![0.0_f64; len + 1];
            for k in 0..len {
                sums[k + 1] = sums[k] + f64::from(values[first + k * step]);
            }
            let mean = |k: usize| {
                let (from, to) = (k.saturating_sub(REACH), (k + REACH + 1).min(len));
                ((sums[to] - sums[from]) / (to - from) as f64) as f32
            };
            (0..len).map(mean).collect()
        };
        let rows: Vec<f32> =
            (0..self.height).flat_map(|y| line(values, self.width, 1, y * self.width)).collect();
        let mut means = vec![0.0; rows.len()];
        for x in 0..self.width {
            for (y, mean) in line(&rows, self.height, self.width, x).into_iter().enumerate() {
                means[y * self.width + x] = mean;
            }
        }
        means
    }

    /// Bilinear; beyond the edge, the edge.
    fn at(&self, x: f32, y: f32) -> f32 {
        let (x, y) = (x.clamp(0.0, (self.width - 1) as f32), y.clamp(0.0, (self.height - 1) as f32));
        let (left, upper) = (x as usize, y as usize);
        let (right, lower) = ((left + 1).min(self.width - 1), (upper + 1).min(self.height - 1));
        let (share_x, share_y) = (x - left as f32, y - upper as f32);
        let row = |y: usize| {
            let (a, b) = (self.luma[y * self.width + left], self.luma[y * self.width + right]);
            a + (b - a) * share_x
        };
        row(upper) + (row(lower) - row(upper)) * share_y
    }

    /// Gauss-Newton with the Hessian of the patch itself, its mean brightness taken off.
    fn patch(&self, before: &Self, left: usize, top: usize, start: &[[f32; 2]]) -> Displacement {
        let mut own = [0.0_f32; PATCH * PATCH];
        let mut slopes = [[0.0_f32; 2]; PATCH * PATCH];
        let [mut xx, mut xy, mut yy] = [NOISE * (PATCH * PATCH) as f32, 0.0, NOISE * (PATCH * PATCH) as f32];
        for k in 0..PATCH * PATCH {
            let (x, y) = (left + k % PATCH, top + k / PATCH);
            let at = |x: usize, y: usize| self.luma[y * self.width + x];
            own[k] = at(x, y);
            let dx = (at((x + 1).min(self.width - 1), y) - at(x.saturating_sub(1), y)) / 2.0;
            let dy = (at(x, (y + 1).min(self.height - 1)) - at(x, y.saturating_sub(1))) / 2.0;
            slopes[k] = [dx, dy];
            (xx, xy, yy) = (xx + dx * dx, xy + dx * dy, yy + dy * dy);
        }
        let determinant = xx * yy - xy * xy;
        let first = start[(top + PATCH / 2) * self.width + left + PATCH / 2];
        let (mut shift, mut off) = (first, [0.0_f32; PATCH * PATCH]);
        for _ in 0..SEARCHES {
            before.differences(&own, left as f32 + shift[0], top as f32 + shift[1], &mut off);
            let (mut x, mut y) = (0.0, 0.0);
            for (off, slope) in off.iter().zip(&slopes) {
                (x, y) = (x + off * slope[0], y + off * slope[1]);
            }
            let step = [(yy * x - xy * y) / determinant, (xx * y - xy * x) / determinant];
            shift = [shift[0] - step[0], shift[1] - step[1]];
            let gone = [shift[0] - first[0], shift[1] - first[1]];
            if gone[0].hypot(gone[1]) > LOST {
                shift = first;
                break;
            }
            if step[0].hypot(step[1]) < STILL {
                break;
            }
        }
        before.differences(&own, left as f32 + shift[0], top as f32 + shift[1], &mut off);
        let error = off.iter().map(|off| off.abs()).sum::<f32>() / (PATCH * PATCH) as f32;
        Displacement { shift, weight: 1.0 / (error + 0.004) }
    }

    /// What a patch of this picture at (x, y) differs by, its mean taken off. Beyond the edge, the edge.
    fn differences(&self, own: &[f32; PATCH * PATCH], x: f32, y: f32, off: &mut [f32; PATCH * PATCH]) {
        let (x0, y0) = (x.floor(), y.floor());
        let (fx, fy) = (x - x0, y - y0);
        let column = |k: usize| (x0 as i32 + k as i32).clamp(0, self.width as i32 - 1) as usize;
        let row = |k: usize| (y0 as i32 + k as i32).clamp(0, self.height as i32 - 1) as usize * self.width;
        let columns: [usize; PATCH + 1] = std::array::from_fn(column);
        let across = |row: usize| -> [f32; PATCH] {
            std::array::from_fn(|k| {
                let (a, b) = (self.luma[row + columns[k]], self.luma[row + columns[k + 1]]);
                a + (b - a) * fx
            })
        };
        let mut upper = across(row(0));
        let mut sum = 0.0;
        for (k, (own, off)) in own.chunks_exact(PATCH).zip(off.chunks_exact_mut(PATCH)).enumerate() {
            let lower = across(row(k + 1));
            for ((off, own), (upper, lower)) in off.iter_mut().zip(own).zip(upper.iter().zip(&lower)) {
                *off = upper + (lower - upper) * fy - own;
                sum += *off;
            }
            upper = lower;
        }
        let mean = sum / (PATCH * PATCH) as f32;
        off.iter_mut().for_each(|off| *off -= mean);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Smooth blobs, seen from (x, y).
    fn scene(width: usize, height: usize, x: f32, y: f32) -> Vec<u8> {
        let value = |k: usize| {
            let (u, v) = ((k % width) as f32 + x, (k / width) as f32 + y);
            let waves =
                (u * 0.21).sin() * (v * 0.17).cos() + (u * 0.063 + v * 0.047).sin() + (u * 0.5).sin() * 0.2;
            (128.0 + 50.0 * waves) as u8
        };
        (0..width * height).flat_map(|k| [value(k), value(k), value(k), 255]).collect()
    }

    fn pyramid(x: f32, y: f32) -> Pyramid {
        Pyramid::new(&scene(160, 96, x, y), 160, 96, 1)
    }

    #[test]
    fn finds_small_and_large_moves() {
        for (x, y) in [(0.0, 0.0), (0.4, -0.3), (3.4, -2.0), (-9.0, 5.5)] {
            // What is at (0, 0) now was at (x, y) before.
            let flow = pyramid(x, y).flow_from(&pyramid(0.0, 0.0), &mut MotionEvidence::default(), 0.04);
            let inner = (20..76).flat_map(|row| (20..140).map(move |column| row * 160 + column));
            let mut errors: Vec<_> = inner.map(|k| (flow[k][0] - x).hypot(flow[k][1] - y)).collect();
            errors.sort_by(f32::total_cmp);
            assert!(errors[errors.len() / 2] < 0.1, "({x}, {y}): median {}", errors[errors.len() / 2]);
            assert!(errors[errors.len() * 9 / 10] < 0.6, "({x}, {y}): {}", errors[errors.len() * 9 / 10]);
        }
    }

    #[test]
    fn a_slow_pan_is_proved_after_some_frames_and_a_plain_wall_stays() {
        // A fifth of a pixel a frame, under noise of two grey levels; the right half is a plain wall.
        let (width, height) = (160, 96);
        let mut state = 1_u64;
        let mut noise = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 62) as u8
        };
        let mut proof = MotionEvidence::default();
        let (mut before, mut moved, mut wall) = (None, Vec::new(), Vec::new());
        for frame in 0..12 {
            let mut pixels = scene(width, height, 0.2 * frame as f32, 0.0);
            for (k, pixel) in pixels.chunks_exact_mut(4).enumerate() {
                let value = if k % width < 80 { pixel[0] / 4 + 90 } else { 100 };
                pixel[..3].fill(value + noise());
            }
            let now = Pyramid::new(&pixels, width, height, 1);
            if let Some(before) = before.replace(now.clone()) {
                let flow = now.flow_from(&before, &mut proof, 0.04);
                let mean = |columns: std::ops::Range<usize>| {
                    let inner = (16..80).flat_map(|row| columns.clone().map(move |x| row * width + x));
                    inner.clone().map(|k| flow[k][0]).sum::<f32>() / inner.count() as f32
                };
                moved.push(mean(16..64));
                wall.push(mean(100..144));
            }
        }
        let last = |of: &[f32]| of[6..].iter().sum::<f32>() / 5.0;
        assert!((0.13..0.27).contains(&last(&moved)), "{moved:?}");
        assert!(last(&wall).abs() < 0.04, "{wall:?}");
    }

    #[test]
    fn flat_and_tiny_pictures_do_not_move() {
        let flat = Pyramid::new(&[90; 64 * 48 * 4], 64, 48, 1);
        assert!(
            flat.flow_from(&flat.clone(), &mut MotionEvidence::default(), 0.04)
                .iter()
                .all(|shift| *shift == [0.0, 0.0])
        );
        let dot = Pyramid::new(&[90; 4], 1, 1, 3);
        assert_eq!(
            (dot.size(), dot.flow_from(&dot.clone(), &mut MotionEvidence::default(), 0.04)),
            ([1, 1], vec![[0.0, 0.0]])
        );
    }
}
