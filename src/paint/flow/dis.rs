//! Dense optical flow by inverse search of patches, coarse to fine (Kroeger et
//! al., "Fast Optical Flow using Dense Inverse Search", ECCV 2016), without its
//! variational refinement.

use multiversion::multiversion;
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
        let share = 1.0 / (256 * 255 * across * down) as f32;
        let mut luma = vec![0.0; w * h];
        luma.par_chunks_exact_mut(w).enumerate().for_each_init(Vec::new, |sums: &mut Vec<u32>, (y, row)| {
            sums.clear();
            sums.resize(w, 0);
            for line in pixels.chunks_exact(width * 4).skip(y * block).take(down) {
                add_blocks(line, across, sums);
            }
            row.iter_mut().zip(sums).for_each(|(luma, sum)| *luma = *sum as f32 * share);
        });
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

/// Adds the luma of a row of packed RGBA to the sums of its blocks, so many pixels to each.
#[multiversion(targets("x86_64+avx2+fma", "x86_64+sse4.1"))]
fn add_blocks(line: &[u8], across: usize, sums: &mut [u32]) {
    let luma = |p: &[u8; 4]| 77 * u32::from(p[0]) + 150 * u32::from(p[1]) + 29 * u32::from(p[2]);
    for (sum, block) in sums.iter_mut().zip(line.as_chunks().0.chunks_exact(across)) {
        *sum += block.iter().map(luma).sum::<u32>();
    }
}

/// The flow of the next finer level, to begin with.
fn doubled(
    flow: &[[f32; 2]],
    [from_width, from_height]: [usize; 2],
    [width, height]: [usize; 2],
) -> Vec<[f32; 2]> {
    let mut finer = vec![[0.0; 2]; width * height];
    finer.par_chunks_exact_mut(width).enumerate().for_each(|(y, row)| {
        let coarse = &flow[(y / 2).min(from_height - 1) * from_width..][..from_width];
        for (x, shift) in row.iter_mut().enumerate() {
            *shift = coarse[(x / 2).min(from_width - 1)].map(|value| 2.0 * value);
        }
    });
    finer
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
        let found: Vec<Vec<Displacement>> =
            rows.par_iter().map(|&y| search_row(self, before, y, &columns, start)).collect();
        let mut flow = vec![[0.0; 2]; self.luma.len()];
        flow.par_chunks_exact_mut(self.width).enumerate().for_each_init(
            || vec![[0.0_f32; 3]; self.width],
            |sums, (y, flow)| {
                sums.fill([0.0; 3]);
                for (_, found) in
                    rows.iter().zip(&found).filter(|(top, _)| (**top..**top + PATCH).contains(&y))
                {
                    for (&x, Displacement { shift, weight }) in columns.iter().zip(found) {
                        for sum in &mut sums[x..x + PATCH] {
                            *sum = [sum[0] + weight * shift[0], sum[1] + weight * shift[1], sum[2] + weight];
                        }
                    }
                }
                flow.iter_mut()
                    .zip(sums)
                    .for_each(|(shift, [x, y, weight])| *shift = [*x / *weight, *y / *weight]);
            },
        );
        flow
    }

    /// [1 4 6 4 1] / 16 along both axes; beyond the edge, the edge.
    fn blurred(&self) -> Self {
        let (width, last) = (self.width, self.height as isize - 1);
        let five = |[a, b, c, d, e]: [f32; 5]| (6.0 * c + 4.0 * (b + d) + a + e) / 16.0;
        let mut luma = vec![0.0; self.luma.len()];
        luma.par_chunks_exact_mut(width).enumerate().for_each_init(Vec::new, |line, (y, row)| {
            let of = |off: isize| &self.luma[(y as isize + off).clamp(0, last) as usize * width..][..width];
            let rows = [-2, -1, 0, 1, 2].map(of);
            line.clear();
            line.resize(width + 4, 0.0);
            for (x, value) in line[2..width + 2].iter_mut().enumerate() {
                *value = five(rows.map(|row| row[x]));
            }
            let (first, end) = (line[2], line[width + 1]);
            line[..2].fill(first);
            line[width + 2..].fill(end);
            for (x, value) in row.iter_mut().enumerate() {
                *value = five([0, 1, 2, 3, 4].map(|k| line[x + k]));
            }
        });
        Self { luma, ..*self }
    }

    /// Where a move explains no more than none does, there was none: a plain wall would otherwise
    /// move along with whoever walks past it. Judged on blurred pictures, for else the interpolation's
    /// own blur would count against the move, and noise against both.
    fn rest(&self, before: &Self, flow: &mut [[f32; 2]], proof: &mut MotionEvidence, keep: f32) {
        let moved_by = |k: usize, shift: [f32; 2]| {
            let (x, y) = ((k % self.width) as f32 + shift[0], (k / self.width) as f32 + shift[1]);
            (before.at(x, y) - self.luma[k]).abs()
        };
        let still: Vec<_> =
            self.luma.iter().zip(&before.luma).map(|(now, then)| (then - now).abs()).collect();
        let moved: Vec<_> = flow.par_iter().enumerate().map(|(k, shift)| moved_by(k, *shift)).collect();
        let (still, moved) = (self.averaged(&still), self.averaged(&moved));
        proof.0.resize(flow.len(), [0.0; 2]);
        let pixels = flow.par_iter_mut().zip(&mut proof.0).zip(still.par_iter().zip(&moved));
        pixels.for_each(|((shift, proof), (still, moved))| {
            *proof = [proof[0] * keep + still, proof[1] * keep + moved];
            let explained = (proof[0] - proof[1]) / (proof[0] + ROUNDING);
            let share = ((explained - EXPLAINED) / EXPLAINED).clamp(0.0, 1.0);
            *shift = shift.map(|value| value * share);
        });
    }

    /// Means of 9x9 values, of those inside.
    fn averaged(&self, values: &[f32]) -> Vec<f32> {
        const REACH: usize = 4;
        let within = |at: usize, len: usize| (at + REACH + 1).min(len) - at.saturating_sub(REACH);
        let mut means = vec![0.0; values.len()];
        means.par_chunks_exact_mut(self.width).enumerate().for_each_init(Vec::new, |line, (y, means)| {
            let lines = within(y, self.height);
            line.clear();
            line.resize(self.width + 2 * REACH, 0.0);
            for row in values.chunks_exact(self.width).skip(y.saturating_sub(REACH)).take(lines) {
                line[REACH..].iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
            }
            for from in 0..=2 * REACH {
                means.iter_mut().zip(&line[from..]).for_each(|(sum, value)| *sum += value);
            }
            for (x, mean) in means.iter_mut().enumerate() {
                *mean /= (lines * within(x, self.width)) as f32;
            }
        });
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
    #[inline(always)]
    fn patch(&self, before: &Self, left: usize, top: usize, start: &[[f32; 2]]) -> Displacement {
        let mut own = [[0.0_f32; PATCH]; PATCH];
        // Along x and along y.
        let mut slopes = [[[0.0_f32; PATCH]; PATCH]; 2];
        let right: [usize; PATCH] = std::array::from_fn(|k| (left + k + 1).min(self.width - 1));
        for k in 0..PATCH {
            let line = |y: usize| &self.luma[y * self.width..][..self.width];
            let y = top + k;
            let (above, here, below) =
                (line(y.saturating_sub(1)), line(y), line((y + 1).min(self.height - 1)));
            for i in 0..PATCH {
                let x = left + i;
                own[k][i] = here[x];
                slopes[0][k][i] = (here[right[i]] - here[x.saturating_sub(1)]) / 2.0;
                slopes[1][k][i] = (below[x] - above[x]) / 2.0;
            }
        }
        let noise = NOISE * (PATCH * PATCH) as f32;
        let [xx, xy, yy] = [
            noise + dot(&slopes[0], &slopes[0]),
            dot(&slopes[0], &slopes[1]),
            noise + dot(&slopes[1], &slopes[1]),
        ];
        let determinant = xx * yy - xy * xy;
        let first = start[(top + PATCH / 2) * self.width + left + PATCH / 2];
        let (mut shift, mut off) = (first, [[0.0_f32; PATCH]; PATCH]);
        for _ in 0..SEARCHES {
            before.differences(&own, left as f32 + shift[0], top as f32 + shift[1], &mut off);
            let (x, y) = (dot(&off, &slopes[0]), dot(&off, &slopes[1]));
            let step = [(yy * x - xy * y) / determinant, (xx * y - xy * x) / determinant];
            shift = [shift[0] - step[0], shift[1] - step[1]];
            let gone = [shift[0] - first[0], shift[1] - first[1]];
            if gone[0] * gone[0] + gone[1] * gone[1] > LOST * LOST {
                shift = first;
                break;
            }
            if step[0] * step[0] + step[1] * step[1] < STILL * STILL {
                break;
            }
        }
        before.differences(&own, left as f32 + shift[0], top as f32 + shift[1], &mut off);
        let mut errors = [0.0; PATCH];
        for row in &off {
            errors.iter_mut().zip(row).for_each(|(error, off)| *error += off.abs());
        }
        let error = errors.iter().sum::<f32>() / (PATCH * PATCH) as f32;
        Displacement { shift, weight: 1.0 / (error + 0.004) }
    }

    /// The pixels right of a place by the share `right` of a pixel; beyond the edge, the edge.
    #[inline(always)]
    fn across(&self, [left, row]: [i32; 2], is_inside: bool, right: f32) -> [f32; PATCH] {
        let (width, height) = (self.width as i32, self.height as i32);
        let line = &self.luma[(row.clamp(0, height - 1) * width) as usize..][..self.width];
        let nine: [f32; PATCH + 1] = match is_inside {
            true => line[left as usize..][..PATCH + 1].try_into().expect("nine pixels"),
            false => std::array::from_fn(|k| line[(left + k as i32).clamp(0, width - 1) as usize]),
        };
        std::array::from_fn(|k| nine[k] + (nine[k + 1] - nine[k]) * right)
    }

    /// What a patch of this picture at (x, y) differs by, its mean taken off. Beyond the edge, the edge.
    #[inline(always)]
    fn differences(&self, own: &Patch, x: f32, y: f32, off: &mut Patch) {
        let (x0, y0) = (x.floor(), y.floor());
        let (fx, fy) = (x - x0, y - y0);
        let (left, top) = (x0 as i32, y0 as i32);
        let (width, height, reach) = (self.width as i32, self.height as i32, PATCH as i32 + 1);
        let inside = (left >= 0) & (top >= 0) & (left <= width - reach) & (top <= height - reach);
        let across = |row: i32| self.across([left, row], inside, fx);
        let mut upper = across(top);
        let mut sums = [0.0; PATCH];
        for ((own, off), row) in own.iter().zip(off.iter_mut()).zip(top + 1..) {
            let lower = across(row);
            for k in 0..PATCH {
                off[k] = upper[k] + (lower[k] - upper[k]) * fy - own[k];
                sums[k] += off[k];
            }
            upper = lower;
        }
        let mean = sums.iter().sum::<f32>() / (PATCH * PATCH) as f32;
        off.iter_mut().flatten().for_each(|off| *off -= mean);
    }
}

/// Values of a patch, row by row.
type Patch = [[f32; PATCH]; PATCH];

#[inline(always)]
fn dot(a: &Patch, b: &Patch) -> f32 {
    let mut sums = [0.0; PATCH];
    for (a, b) in a.iter().zip(b) {
        for k in 0..PATCH {
            sums[k] += a[k] * b[k];
        }
    }
    sums.iter().sum()
}

/// What the patches of a row find, from left to right.
#[multiversion(targets("x86_64+avx2+fma", "x86_64+sse4.1"))]
fn search_row(
    now: &Level,
    before: &Level,
    top: usize,
    columns: &[usize],
    start: &[[f32; 2]],
) -> Vec<Displacement> {
    // A loop and no iterator: what is inside of an iterator's own functions is not compiled for the instruction set.
    let mut found = Vec::with_capacity(columns.len());
    for &left in columns {
        found.push(now.patch(before, left, top, start));
    }
    found
}

#[cfg(test)]
mod tests;
