//! The search of one level: where each patch of it was before, and what its pixels make of that.

use multiversion::multiversion;
use rayon::prelude::*;

use super::level::Level;
use crate::threads::PerThread;

/// Side of a patch, and of the steps between patches, in pixels of a level.
pub(super) const PATCH: usize = 8;
const STEP: usize = 4;
/// Steps of the search in a patch at most, and the move that ends it, in pixels.
const SEARCHES: usize = 5;
const STILL: f32 = 0.02;
/// A patch that leaves its start by more than this is lost, in pixels.
const LOST: f32 = 6.0;
/// Variance of the noise in a picture in 0..1: patches with less structure stay put.
const NOISE: f32 = 4e-5;

/// Room to work in, kept from level to level and from frame to frame.
#[derive(Default)]
pub(super) struct SearchRoom {
    /// Where patches are looked for: the flow of the coarser level, at this one's pixels.
    pub(super) start: Vec<[f32; 2]>,
    /// What they found, row by row.
    found: Vec<Displacement>,
    sums: PerThread<Vec<[f32; 3]>>,
}

/// What a patch found: its displacement, and how much it is worth.
#[derive(Clone, Copy, Default)]
struct Displacement {
    shift: [f32; 2],
    weight: f32,
}

/// Where patches lie along a side: the last one ends where the picture does.
#[derive(Clone, Copy)]
struct Patches {
    count: usize,
    last: usize,
}

impl Patches {
    fn along(side: usize) -> Self {
        let last = side - PATCH;
        Self { count: last.div_ceil(STEP) + 1, last }
    }

    #[inline(always)]
    fn place(self, k: usize) -> usize {
        (k * STEP).min(self.last)
    }

    fn places(self) -> impl Iterator<Item = usize> {
        (0..self.count).map(move |k| self.place(k))
    }
}

impl Level {
    /// Looks for every patch where `room.start` says, and around.
    pub(super) fn search(&self, before: &Self, room: &mut SearchRoom, flow: &mut Vec<[f32; 2]>) {
        let SearchRoom { start, found, sums } = room;
        if self.width.min(self.height) < PATCH {
            flow.clone_from(start);
            return;
        }
        let [columns, rows] = [self.width, self.height].map(Patches::along);
        found.resize(columns.count * rows.count, Displacement::default());
        found.par_chunks_exact_mut(columns.count).enumerate().for_each(|(k, found)| {
            search_row(self, before, rows.place(k), columns, start, found);
        });
        flow.resize(self.luma.len(), [0.0; 2]);
        flow.par_chunks_exact_mut(self.width).enumerate().for_each(|(y, flow)| {
            sums.with(|sums| {
                sums.clear();
                sums.resize(self.width, [0.0; 3]);
                let found = rows.places().zip(found.chunks_exact(columns.count));
                for (_, found) in found.filter(|(top, _)| (*top..*top + PATCH).contains(&y)) {
                    for (x, Displacement { shift, weight }) in columns.places().zip(found) {
                        for sum in &mut sums[x..x + PATCH] {
                            *sum = [sum[0] + weight * shift[0], sum[1] + weight * shift[1], sum[2] + weight];
                        }
                    }
                }
                flow.iter_mut()
                    .zip(sums)
                    .for_each(|(shift, [x, y, weight])| *shift = [*x / *weight, *y / *weight]);
            });
        });
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
    columns: Patches,
    start: &[[f32; 2]],
    found: &mut [Displacement],
) {
    #[expect(
        clippy::needless_range_loop,
        reason = "what is inside of an iterator's own functions is not compiled for the instruction set"
    )]
    for k in 0..columns.count {
        found[k] = now.patch(before, columns.place(k), top, start);
    }
}
