//! Dense optical flow by inverse search of patches, coarse to fine (Kroeger et
//! al., "Fast Optical Flow using Dense Inverse Search", ECCV 2016), without its
//! variational refinement.

use multiversion::multiversion;
use rayon::prelude::*;

use crate::threads::PerThread;

mod level;
mod search;

use level::Level;
use search::{PATCH, SearchRoom};

/// Share of the difference from the frames before that a move must explain; twice that is proof. More,
/// and strokes stay on the screen while a camera pans slowly: a tenth of a pixel explains little.
const EXPLAINED: f32 = 0.04;
/// Seconds after which 63 % of the proof is forgotten. One frame proves little of a slow pan.
const PROOF: f64 = 0.3;
/// What is less than half a grey level may be rounding.
const ROUNDING: f32 = 0.002;

/// Luma of a picture and of its halves, finest first; and of the finest, blurred.
#[derive(Debug, Clone, Default)]
pub(super) struct Pyramid {
    levels: Vec<Level>,
    blurred: Level,
}

/// What of the difference from the frames before is left without a move and with the one found, for
/// every pixel: sums that fade.
#[derive(Debug, Clone, Default)]
pub(super) struct MotionEvidence(Vec<[f32; 2]>);

/// Room to work in, kept from frame to frame.
#[derive(Default)]
pub(super) struct Room {
    search: SearchRoom,
    /// Differences from the frame before, without and with the move that was found, and their means.
    off: [Vec<f32>; 2],
    means: [Vec<f32>; 2],
    blocks: PerThread<Vec<u32>>,
    lines: PerThread<Vec<f32>>,
}

impl Pyramid {
    /// Takes another picture: packed RGBA, averaged over blocks of `block` pixels.
    pub(super) fn fill(&mut self, pixels: &[u8], [width, height]: [usize; 2], block: usize, room: &Room) {
        let (w, h) = ((width / block).max(1), (height / block).max(1));
        let (across, down) = (block.min(width), block.min(height));
        let share = 1.0 / (256 * 255 * across * down) as f32;
        let mut count = 1;
        if self.levels.is_empty() {
            self.levels.push(Level::default());
        }
        let finest = &mut self.levels[0];
        finest.resize(w, h);
        finest.luma.par_chunks_exact_mut(w).enumerate().for_each(|(y, row)| {
            room.blocks.with(|sums| {
                sums.clear();
                sums.resize(w, 0);
                for line in pixels.chunks_exact(width * 4).skip(y * block).take(down) {
                    add_blocks(line, across, sums);
                }
                row.iter_mut().zip(sums).for_each(|(luma, sum)| *luma = *sum as f32 * share);
            });
        });
        finest.blur(&mut self.blurred, &room.lines);
        // As long as patches fit well into the half.
        while self.levels[count - 1].width.min(self.levels[count - 1].height) / 2 >= 2 * PATCH {
            if self.levels.len() == count {
                self.levels.push(Level::default());
            }
            let (finer, coarser) = self.levels.split_at_mut(count);
            finer[count - 1].halve(&mut coarser[0]);
            count += 1;
        }
        self.levels.truncate(count);
    }

    /// Width and height of the finest level.
    pub(super) fn size(&self) -> [usize; 2] {
        [self.blurred.width, self.blurred.height]
    }

    /// For every pixel of the finest level, how far from there it was in `before`, of the same size; `flow` is filled
    /// anew.
    pub(super) fn flow_from(
        &self,
        before: &Self,
        proof: &mut MotionEvidence,
        secs: f64,
        room: &mut Room,
        flow: &mut Vec<[f32; 2]>,
    ) {
        let mut coarser = None;
        for (now, before) in self.levels.iter().zip(&before.levels).rev() {
            let size = [now.width, now.height];
            match coarser.replace(size) {
                None => {
                    room.search.start.clear();
                    room.search.start.resize(now.luma.len(), [0.0; 2]);
                }
                Some(coarser) => double(flow, coarser, &mut room.search.start, size),
            }
            now.search(before, &mut room.search, flow);
        }
        self.blurred.rest(&before.blurred, flow, proof, (-secs / PROOF).exp() as f32, room);
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
fn double(
    flow: &[[f32; 2]],
    [from_width, from_height]: [usize; 2],
    finer: &mut Vec<[f32; 2]>,
    [width, height]: [usize; 2],
) {
    finer.resize(width * height, [0.0; 2]);
    finer.par_chunks_exact_mut(width).enumerate().for_each(|(y, row)| {
        let coarse = &flow[(y / 2).min(from_height - 1) * from_width..][..from_width];
        for (x, shift) in row.iter_mut().enumerate() {
            *shift = coarse[(x / 2).min(from_width - 1)].map(|value| 2.0 * value);
        }
    });
}

impl Level {
    /// Where a move explains no more than none does, there was none: a plain wall would otherwise
    /// move along with whoever walks past it. Judged on blurred pictures, for else the interpolation's
    /// own blur would count against the move, and noise against both.
    fn rest(
        &self,
        before: &Self,
        flow: &mut [[f32; 2]],
        proof: &mut MotionEvidence,
        keep: f32,
        room: &mut Room,
    ) {
        let Room { off: [still, moved], means: [still_means, moved_means], lines, .. } = room;
        let moved_by = |k: usize, shift: [f32; 2]| {
            let (x, y) = ((k % self.width) as f32 + shift[0], (k / self.width) as f32 + shift[1]);
            (before.at(x, y) - self.luma[k]).abs()
        };
        still.clear();
        still.extend(self.luma.iter().zip(&before.luma).map(|(now, then)| (then - now).abs()));
        flow.par_iter().enumerate().map(|(k, shift)| moved_by(k, *shift)).collect_into_vec(moved);
        self.average(still, still_means, lines);
        self.average(moved, moved_means, lines);
        proof.0.resize(flow.len(), [0.0; 2]);
        let pixels = flow.par_iter_mut().zip(&mut proof.0).zip(still_means.par_iter().zip(&*moved_means));
        pixels.for_each(|((shift, proof), (still, moved))| {
            *proof = [proof[0] * keep + still, proof[1] * keep + moved];
            let explained = (proof[0] - proof[1]) / (proof[0] + ROUNDING);
            let share = ((explained - EXPLAINED) / EXPLAINED).clamp(0.0, 1.0);
            *shift = shift.map(|value| value * share);
        });
    }

    /// Means of 9x9 values, of those inside.
    fn average(&self, values: &[f32], means: &mut Vec<f32>, lines: &PerThread<Vec<f32>>) {
        const REACH: usize = 4;
        let within = |at: usize, len: usize| (at + REACH + 1).min(len) - at.saturating_sub(REACH);
        means.clear();
        means.resize(values.len(), 0.0);
        means.par_chunks_exact_mut(self.width).enumerate().for_each(|(y, means)| {
            let count = within(y, self.height);
            lines.with(|line| {
                line.clear();
                line.resize(self.width + 2 * REACH, 0.0);
                for row in values.chunks_exact(self.width).skip(y.saturating_sub(REACH)).take(count) {
                    line[REACH..].iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
                }
                for from in 0..=2 * REACH {
                    means.iter_mut().zip(&line[from..]).for_each(|(sum, value)| *sum += value);
                }
            });
            for (x, mean) in means.iter_mut().enumerate() {
                *mean /= (count * within(x, self.width)) as f32;
            }
        });
    }
}

#[cfg(test)]
mod tests;
