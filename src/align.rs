//! From matches to the warp that is shown.
//!
//! A match says where each cell of the exemplar is in the frame. Taken as it is,
//! the output would copy the exemplar's pose too: its place, size, tilt and
//! proportions of canvas. [`Align::Subject`] takes the best similarity transform
//! out of it, so a person stays where they are and only their *shape* changes.
//!
//! What remains, the residual, is known only where the network is sure. The field
//! that is shown solves, on a 32x32 grid,
//!
//! ```text
//! min over u:  sum w |u - r|^2 + STIFFNESS |grad u|^2 + PULL |u|^2
//! ```
//!
//! (w: confidence, r: residual; u = 0 beyond the frame), which follows the
//! network where it is sure, bridges what it is not sure of, and fades to no
//! change at all where nothing matches and towards the frame's edges.

use crate::field::WarpField;
use crate::warper::{GRID, Match};

/// Side of the grid that is shown: finer than the network's, because a small
/// subject's whole shape has to fit into few of its cells.
const SIDE: usize = 32;
const STIFFNESS: f32 = 0.12;
const PULL: f32 = 0.012;
/// Sweeps of the solver and its over-relaxation (SOR; 1 < omega < 2).
const SWEEPS: usize = 40;
const OMEGA: f32 = 1.7;
/// Error, in heights of the exemplar, at which a cell counts half in the fit.
const TOLERANCE: f32 = 0.1;

/// Whose place and pose the output takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Align {
    /// The frame's: only shapes change.
    #[default]
    Subject,
    /// The exemplar's, as in the paper.
    Exemplar,
}

/// Turns matches into warp fields.
#[derive(Debug, Clone, Copy)]
pub struct Aligner {
    /// Whose pose wins.
    pub align: Align,
    /// Times the field; 1 is the exemplar's own shape.
    pub strength: f32,
    /// Width over height of the exemplar.
    pub exemplar_aspect: f32,
    /// Width over height of the frame, as shown.
    pub frame_aspect: f32,
}

impl Aligner {
    /// The field for one frame: free of folds, exactly the identity at strength 0.
    pub fn run(&self, found: &Match) -> WarpField {
        if self.strength == 0.0 {
            return WarpField::identity(SIDE, SIDE);
        }
        let pose = self.pose(found);
        let known: Vec<_> = (0..GRID * GRID)
            .map(|k| {
                let (cell, shift) = (centre(k, GRID), found.displacement[k]);
                let posed = self.frame_from_exemplar(&pose, cell);
                let residual = [cell[0] + shift[0] - posed[0], cell[1] + shift[1] - posed[1]];
                (residual, found.confidence[k])
            })
            .collect();
        let (residual, weights): (Vec<_>, Vec<_>) = (0..SIDE * SIDE)
            .map(|k| match self.align {
                Align::Subject => self.exemplar_from_frame(&pose, centre(k, SIDE)),
                Align::Exemplar => centre(k, SIDE),
            })
            .map(|cell| sample(&known, cell))
            .unzip();
        let mut field = fill(&weights, &residual);
        if self.align == Align::Exemplar {
            for (k, value) in field.iter_mut().enumerate() {
                let output = centre(k, SIDE);
                let posed = self.frame_from_exemplar(&pose, output);
                *value = [value[0] + posed[0] - output[0], value[1] + posed[1] - output[1]];
            }
        }
        let field = WarpField::new(SIDE, SIDE, field).unwrap_or_else(|| WarpField::identity(SIDE, SIDE));
        field.scaled(self.strength).unfold()
    }

    /// The similarity that best carries the exemplar onto its matches, both
    /// measured in heights: least squares by confidence, re-weighted so that
    /// stray cells lose their say (Cauchy weights).
    fn pose(&self, found: &Match) -> Pose {
        let pairs: Vec<_> = (0..GRID * GRID)
            .map(|k| {
                let cell = centre(k, GRID);
                let place = [cell[0] + found.displacement[k][0], cell[1] + found.displacement[k][1]];
                let from = [cell[0] * self.exemplar_aspect, cell[1]];
                (from, [place[0] * self.frame_aspect, place[1]], found.confidence[k])
            })
            .collect();
        let mut pose = Pose::fit(pairs.iter().copied());
        for _ in 0..4 {
            let doubt = |(from, to, weight): ([f32; 2], [f32; 2], f32)| {
                let got = pose.apply(from);
                let error = (got[0] - to[0]).hypot(got[1] - to[1]) / TOLERANCE;
                (from, to, weight / (1.0 + error * error))
            };
            pose = Pose::fit(pairs.iter().copied().map(doubt));
        }
        pose
    }

    /// Fractions of the exemplar to fractions of the frame.
    fn frame_from_exemplar(&self, pose: &Pose, [x, y]: [f32; 2]) -> [f32; 2] {
        let [x, y] = pose.apply([x * self.exemplar_aspect, y]);
        [x / self.frame_aspect, y]
    }

    /// Fractions of the frame to fractions of the exemplar.
    fn exemplar_from_frame(&self, pose: &Pose, [x, y]: [f32; 2]) -> [f32; 2] {
        let [x, y] = pose.undo([x * self.frame_aspect, y]);
        [x / self.exemplar_aspect, y]
    }
}

/// A similarity transform as complex numbers: `z -> turn * z + shift`.
#[derive(Debug, Clone, Copy)]
struct Pose {
    turn: [f32; 2],
    shift: [f32; 2],
}

impl Pose {
    /// Smallest and largest scale believed; a fit outside is a failed match.
    const SCALE: std::ops::RangeInclusive<f32> = 0.1..=4.0;

    /// Weighted least squares in closed form; where the matches say nothing,
    /// or nonsense, the exemplar is taken to cover the frame.
    fn fit(pairs: impl Iterator<Item = ([f32; 2], [f32; 2], f32)> + Clone) -> Self {
        let mut total = 1e-6;
        let (mut from_mean, mut to_mean) = ([0.0; 2], [0.0; 2]);
        for (from, to, weight) in pairs.clone() {
            total += weight;
            for axis in 0..2 {
                from_mean[axis] += weight * from[axis];
                to_mean[axis] += weight * to[axis];
            }
        }
        let (from_mean, to_mean) = (from_mean.map(|v| v / total), to_mean.map(|v| v / total));
        let (mut turn, mut spread) = ([0.0; 2], 1e-6);
        for (from, to, weight) in pairs {
            let a = [from[0] - from_mean[0], from[1] - from_mean[1]];
            let b = [to[0] - to_mean[0], to[1] - to_mean[1]];
            turn[0] += weight * (a[0] * b[0] + a[1] * b[1]);
            turn[1] += weight * (a[0] * b[1] - a[1] * b[0]);
            spread += weight * (a[0] * a[0] + a[1] * a[1]);
        }
        let mut turn = turn.map(|v| v / spread);
        if !Self::SCALE.contains(&turn[0].hypot(turn[1])) {
            turn = [1.0, 0.0];
        }
        let moved = multiply(turn, from_mean);
        Self { turn, shift: [to_mean[0] - moved[0], to_mean[1] - moved[1]] }
    }

    fn apply(&self, z: [f32; 2]) -> [f32; 2] {
        let [x, y] = multiply(self.turn, z);
        [x + self.shift[0], y + self.shift[1]]
    }

    fn undo(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        let norm = self.turn[0] * self.turn[0] + self.turn[1] * self.turn[1];
        let conjugate = [self.turn[0] / norm, -self.turn[1] / norm];
        multiply(conjugate, [x - self.shift[0], y - self.shift[1]])
    }
}

fn multiply(a: [f32; 2], b: [f32; 2]) -> [f32; 2] {
    [a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]]
}

/// Centre of cell `k` of a square grid, in fractions.
fn centre(k: usize, side: usize) -> [f32; 2] {
    [((k % side) as f32 + 0.5) / side as f32, ((k / side) as f32 + 0.5) / side as f32]
}

/// Residual and confidence at a place of the exemplar, bilinear; outside the
/// exemplar nothing is known, so confidence is 0 there.
fn sample(known: &[([f32; 2], f32)], place: [f32; 2]) -> ([f32; 2], f32) {
    if !place.iter().all(|v| (0.0..=1.0).contains(v)) {
        return ([0.0; 2], 0.0);
    }
    let [x, y] = place.map(|v| (v * GRID as f32 - 0.5).clamp(0.0, GRID as f32 - 1.0));
    let (left, top) = ((x as usize).min(GRID - 2), (y as usize).min(GRID - 2));
    let (fx, fy) = (x - left as f32, y - top as f32);
    let corners =
        [(0, (1.0 - fx) * (1.0 - fy)), (1, fx * (1.0 - fy)), (GRID, (1.0 - fx) * fy), (GRID + 1, fx * fy)];
    corners.into_iter().fold(([0.0; 2], 0.0), |([x, y], confidence), (step, weight)| {
        let (residual, sure) = known[top * GRID + left + step];
        ([x + weight * residual[0], y + weight * residual[1]], confidence + weight * sure)
    })
}

/// Solves the module's minimisation by successive over-relaxation.
fn fill(weights: &[f32], residual: &[[f32; 2]]) -> Vec<[f32; 2]> {
    const ROW: usize = SIDE + 2;
    // A border of zeros stands for the world outside the frame.
    let mut u = vec![[0.0f32; 2]; ROW * ROW];
    for _ in 0..SWEEPS {
        for k in 0..SIDE * SIDE {
            let at = (k / SIDE + 1) * ROW + k % SIDE + 1;
            let denominator = weights[k] + 4.0 * STIFFNESS + PULL;
            for axis in 0..2 {
                let around = u[at - 1][axis] + u[at + 1][axis] + u[at - ROW][axis] + u[at + ROW][axis];
                let best = (weights[k] * residual[k][axis] + STIFFNESS * around) / denominator;
                u[at][axis] += OMEGA * (best - u[at][axis]);
            }
        }
    }
    (0..SIDE * SIDE).map(|k| u[(k / SIDE + 1) * ROW + k % SIDE + 1]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALIGNER: Aligner =
        Aligner { align: Align::Subject, strength: 1.0, exemplar_aspect: 0.75, frame_aspect: 16.0 / 9.0 };

    /// A match that carries the exemplar into the frame by a function of heights.
    fn carried(by: impl Fn([f32; 2]) -> [f32; 2]) -> Match {
        let displacement = (0..GRID * GRID)
            .map(|k| {
                let cell = centre(k, GRID);
                let [x, y] = by([cell[0] * ALIGNER.exemplar_aspect, cell[1]]);
                [x / ALIGNER.frame_aspect - cell[0], y - cell[1]]
            })
            .collect();
        Match { displacement, confidence: vec![1.0; GRID * GRID], likeness: None }
    }

    fn largest(field: &WarpField) -> f32 {
        field.values().iter().flatten().fold(0.0, |most, v| v.abs().max(most))
    }

    #[test]
    fn a_moved_turned_and_scaled_subject_is_left_alone() {
        let similar = carried(|[x, y]| [0.5 * x - 0.15 * y + 0.6, 0.15 * x + 0.5 * y + 0.1]);
        assert!(largest(&ALIGNER.run(&similar)) < 1e-4);
        let as_in_the_paper = Aligner { align: Align::Exemplar, ..ALIGNER };
        assert!(largest(&as_in_the_paper.run(&similar)) > 0.1, "negative control");
    }

    #[test]
    fn a_change_of_shape_remains() {
        // The exemplar's subject is twice as long: heights shrink on the way back.
        let longer = carried(|[x, y]| [0.5 * x + 0.6, 0.3 * y + 0.3]);
        let field = ALIGNER.run(&longer);
        let stretch = field.sample([0.45, 0.55])[1] - field.sample([0.45, 0.35])[1];
        assert!(stretch < -0.02, "{stretch}");
    }

    #[test]
    fn stray_cells_do_not_move_the_pose() {
        let mut strays = carried(|[x, y]| [0.5 * x + 0.6, 0.5 * y + 0.2]);
        for k in (0..GRID * GRID).step_by(5) {
            strays.displacement[k] = [0.9, -0.9];
        }
        let pose = ALIGNER.pose(&strays);
        assert!((pose.turn[0] - 0.5).abs() < 0.03 && pose.turn[1].abs() < 0.03, "{pose:?}");
    }

    #[test]
    fn no_confidence_no_change() {
        let mut lost = carried(|[x, y]| [y * 0.7, x * x]);
        lost.confidence.fill(0.0);
        assert!(largest(&ALIGNER.run(&lost)) < 1e-6);
    }

    #[test]
    fn strength_zero_is_exactly_the_identity() {
        let off = Aligner { strength: 0.0, ..ALIGNER };
        assert!(off.run(&carried(|[x, y]| [y, x])).is_identity());
    }
}
