//! Where the exemplar's subject is in the frame, apart from how it is shaped.
//!
//! A match is a few hundred trembling positions. Nearly all that is common to
//! them is one similarity transform, the [`Similarity`]; fitted over all cells it is
//! nearly free of noise. What is left, the residual, is the difference in shape.
//! It is kept in the exemplar's own measure (turned back, divided by the pose's
//! scale), so it does not change while a subject moves, turns or comes nearer:
//! carried along by the pose, yesterday's shape fits today's place.

use crate::warp::grid::{CELLS, Correspondence, GRID, centre};

/// Error, in heights of the exemplar, at which a cell counts half in the fit.
const TOLERANCE: f32 = 0.1;
/// Rounds of re-weighting.
const ROUNDS: usize = 4;

/// A similarity transform from heights of the exemplar to heights of the frame,
/// as complex numbers: `z -> turn * z + shift`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Similarity {
    /// Scale and rotation.
    pub turn: [f32; 2],
    /// Where the exemplar's upper left corner comes to lie.
    pub shift: [f32; 2],
}

/// A match taken apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Decomposition {
    /// Where the subject is.
    pub pose: Similarity,
    /// Per cell of the exemplar: how far the matching place is from where the
    /// pose alone would have it, in the exemplar's heights and directions.
    pub residual: Vec<[f32; 2]>,
    /// Per cell, how much it counts, 0..=1.
    pub confidence: Vec<f32>,
}

impl Decomposition {
    /// Takes a match apart; aspects are widths over heights.
    pub fn from_match(found: &Correspondence, exemplar_aspect: f32, frame_aspect: f32) -> Self {
        let pairs: Vec<_> = (0..CELLS)
            .map(|k| {
                let [x, y] = centre(k, GRID);
                let [right, down] = found.displacement[k];
                let place = [(x + right) * frame_aspect, y + down];
                ([x * exemplar_aspect, y], place, gate(found.confidence[k]))
            })
            .collect();
        let pose = Similarity::fit(&pairs);
        let residual = pairs.iter().map(|(from, to, _)| {
            let [x, y] = pose.undo(*to);
            [x - from[0], y - from[1]]
        });
        Self { pose, residual: residual.collect(), confidence: pairs.iter().map(|pair| pair.2).collect() }
    }

    /// Where a cell's counterpart is in the frame, in fractions.
    pub fn place(&self, cell: usize, exemplar_aspect: f32, frame_aspect: f32) -> [f32; 2] {
        let ([x, y], [right, down]) = (centre(cell, GRID), self.residual[cell]);
        let [x, y] = self.pose.apply([x * exemplar_aspect + right, y + down]);
        [x / frame_aspect, y]
    }

    /// How many cells were found: the sum of their weights.
    pub fn found(&self) -> f32 {
        self.confidence.iter().sum()
    }
}

/// How much a cell counts: not at all below a confidence of 0.15, fully from
/// 0.6 on. An exemplar that has no counterpart gives low confidence everywhere,
/// and without a threshold many cells of little weight would still agree on
/// some meaningless field.
fn gate(confidence: f32) -> f32 {
    let t = ((confidence - 0.15) / 0.45).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// Positions of one cell in the exemplar and in the frame, and its weight.
type Pair = ([f32; 2], [f32; 2], f32);

impl Similarity {
    /// Smallest and largest scale believed; a fit outside is a failed match.
    const SCALE: std::ops::RangeInclusive<f32> = 0.05..=4.0;

    /// Robust least squares: cells that stray lose their say (Cauchy weights).
    fn fit(pairs: &[Pair]) -> Self {
        let mut pose = Self::least_squares(pairs.iter().copied());
        for _ in 0..ROUNDS {
            let doubt = |(from, to, weight): Pair| {
                let got = pose.apply(from);
                let error = (got[0] - to[0]).hypot(got[1] - to[1]) / (TOLERANCE * pose.scale());
                (from, to, weight / (1.0 + error * error))
            };
            pose = Self::least_squares(pairs.iter().copied().map(doubt));
        }
        pose
    }

    /// In closed form; where the matches say nothing, or nonsense, the exemplar
    /// is taken to cover the frame.
    fn least_squares(pairs: impl Iterator<Item = Pair> + Clone) -> Self {
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

    /// Heights of the frame a height of the exemplar.
    pub fn scale(&self) -> f32 {
        self.turn[0].hypot(self.turn[1])
    }

    /// A place of the exemplar to a place of the frame.
    pub fn apply(&self, z: [f32; 2]) -> [f32; 2] {
        let [x, y] = self.carry(z);
        [x + self.shift[0], y + self.shift[1]]
    }

    /// A place of the frame to a place of the exemplar.
    pub fn undo(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        let norm = self.turn[0] * self.turn[0] + self.turn[1] * self.turn[1];
        let conjugate = [self.turn[0] / norm, -self.turn[1] / norm];
        multiply(conjugate, [x - self.shift[0], y - self.shift[1]])
    }

    /// A displacement in the exemplar to one in the frame.
    pub fn carry(&self, z: [f32; 2]) -> [f32; 2] {
        multiply(self.turn, z)
    }

    /// The numbers to smooth: scale and rotation, and the place of the
    /// exemplar's middle (a corner would swing with every turn of the subject).
    pub(crate) fn numbers(&self) -> [f32; 4] {
        let [x, y] = self.apply(MIDDLE);
        [self.turn[0], self.turn[1], x, y]
    }

    /// Back from [`Self::numbers`].
    pub(crate) fn from_numbers([a, b, x, y]: [f32; 4]) -> Self {
        let moved = multiply([a, b], MIDDLE);
        Self { turn: [a, b], shift: [x - moved[0], y - moved[1]] }
    }
}

/// About the middle of an exemplar, in its heights.
const MIDDLE: [f32; 2] = [0.4, 0.5];

fn multiply(a: [f32; 2], b: [f32; 2]) -> [f32; 2] {
    [a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]]
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Aspects used by the tests here and of [`crate::warp::regularize`].
    pub(crate) const EXEMPLAR: f32 = 0.75;
    pub(crate) const FRAME: f32 = 16.0 / 9.0;

    /// A match that carries the exemplar into the frame by a function of heights.
    pub(crate) fn carried(by: impl Fn([f32; 2]) -> [f32; 2]) -> Correspondence {
        let displacement = (0..CELLS)
            .map(|k| {
                let cell = centre(k, GRID);
                let [x, y] = by([cell[0] * EXEMPLAR, cell[1]]);
                [x / FRAME - cell[0], y - cell[1]]
            })
            .collect();
        Correspondence { displacement, confidence: vec![1.0; CELLS] }
    }

    #[test]
    fn a_similarity_leaves_no_residual() {
        let found = carried(|[x, y]| [0.5 * x - 0.15 * y + 0.6, 0.15 * x + 0.5 * y + 0.1]);
        let Decomposition { pose, residual, .. } = Decomposition::from_match(&found, EXEMPLAR, FRAME);
        assert!((pose.turn[0] - 0.5).abs() < 1e-4 && (pose.turn[1] - 0.15).abs() < 1e-4, "{pose:?}");
        assert!(residual.iter().flatten().all(|v| v.abs() < 1e-4));
        let posed = Decomposition::from_match(&found, EXEMPLAR, FRAME);
        let (place, cell) = (posed.place(37, EXEMPLAR, FRAME), centre(37, GRID));
        assert!((0..2).all(|k| (place[k] - cell[k] - found.displacement[37][k]).abs() < 1e-4));
    }

    #[test]
    fn a_shape_stays_the_same_while_its_subject_moves() {
        let bent = |[x, y]: [f32; 2]| [x + 0.05 * (6.0 * y).sin(), y + 0.05 * (5.0 * x).cos()];
        let residual = |turn: [f32; 2], shift: [f32; 2]| {
            let pose = Similarity { turn, shift };
            Decomposition::from_match(&carried(|z| pose.apply(bent(z))), EXEMPLAR, FRAME).residual
        };
        let (still, moved) = (residual([0.8, 0.0], [0.1, 0.1]), residual([0.3, 0.1], [0.9, 0.4]));
        assert!(still.iter().flatten().any(|v| v.abs() > 0.02), "there is a shape");
        assert!(still.iter().flatten().zip(moved.iter().flatten()).all(|(a, b)| (a - b).abs() < 1e-3));
    }

    #[test]
    fn stray_cells_do_not_move_the_pose() {
        let mut strays = carried(|[x, y]| [0.5 * x + 0.6, 0.5 * y + 0.2]);
        for k in (0..CELLS).step_by(5) {
            strays.displacement[k] = [0.9, -0.9];
        }
        let pose = Decomposition::from_match(&strays, EXEMPLAR, FRAME).pose;
        assert!((pose.turn[0] - 0.5).abs() < 0.03 && pose.turn[1].abs() < 0.03, "{pose:?}");
    }

    proptest! {
        #[test]
        fn undo_undoes(turn in [0.1f32..2.0, -1f32..1.0], shift in [-1f32..1.0, -1f32..1.0], z in [-1f32..2.0, -1f32..2.0]) {
            let pose = Similarity { turn, shift };
            let back = pose.undo(pose.apply(z));
            prop_assert!((back[0] - z[0]).abs() < 1e-3 && (back[1] - z[1]).abs() < 1e-3);
            let again = Similarity::from_numbers(pose.numbers());
            prop_assert!((again.shift[0] - shift[0]).abs() < 1e-5 && (again.shift[1] - shift[1]).abs() < 1e-5);
        }
    }
}
