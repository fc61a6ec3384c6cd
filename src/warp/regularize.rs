//! From matches to the warp that is shown.
//!
//! A match says where each cell of the exemplar is in the frame. Taken as it is,
//! the output would copy the exemplar's pose too: its place, size, tilt and
//! proportions of canvas. [`Align::Subject`] shows the residual alone
//! ([`crate::warp::similarity`]), so a person stays where they are and only their *shape* changes.
//!
//! The residual is known only where the network is sure. The field that is shown
//! solves, on a 32x32 grid,
//!
//! ```text
//! min over u:  sum w |u - r|^2 + STIFFNESS |grad u|^2 + PULL |u|^2
//! ```
//!
//! (w: confidence, r: residual; u = 0 beyond the frame), which follows the
//! network where it is sure, bridges what it is not sure of, and fades to no
//! change at all where nothing matches and towards the frame's edges.

use crate::names::names;
use crate::warp::field::WarpField;
use crate::warp::grid::{FOUND, FrameMatch, GRID, centre};
use crate::warp::similarity::{Decomposition, Similarity};

/// Side of the grid that is shown: finer than the network's, because a small
/// subject's whole shape has to fit into few of its cells.
const SIDE: usize = 32;
const STIFFNESS: f32 = 0.12;
const PULL: f32 = 0.012;
/// Sweeps of the solver and its over-relaxation (SOR; 1 < omega < 2).
const SWEEPS: usize = 40;
const OMEGA: f32 = 1.7;

/// Whose place and pose the output takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Align {
    /// The frame's: only shapes change.
    #[default]
    Subject,
    /// The exemplar's, as in the paper.
    Exemplar,
}

names!(Align { Subject => "subject", Exemplar => "exemplar" });

/// Some cells that happen to be sure are no subject: from there it comes in gently.
fn trust(found: &Decomposition) -> f32 {
    ((found.found() / FOUND - 1.0) / 0.7).clamp(0.0, 1.0)
}

/// Turns matches into warp fields.
#[derive(Debug, Clone, Copy)]
pub struct FieldSolver {
    /// Whose pose wins.
    pub align: Align,
    /// Times the field; 1 is the exemplar's own shape.
    pub strength: f32,
    /// Width over height of the exemplar.
    pub exemplar_aspect: f32,
    /// Width over height of the frame, as shown.
    pub frame_aspect: f32,
}

impl FieldSolver {
    /// A match as the pose and the shape of every subject.
    pub fn decompose(&self, found: &FrameMatch) -> Vec<Decomposition> {
        let apart = |subject| Decomposition::from_match(subject, self.exemplar_aspect, self.frame_aspect);
        found.subjects.iter().map(apart).collect()
    }

    /// The field for one frame, from what was matched of every subject: free of folds, exactly the identity at
    /// strength 0. The exemplar has one pose only, so with [`Align::Exemplar`] the first subject alone counts.
    pub fn run(&self, subjects: &[Decomposition]) -> WarpField {
        let subjects =
            if self.align == Align::Exemplar { &subjects[..subjects.len().min(1)] } else { subjects };
        let place = self.subject(subjects);
        if self.strength == 0.0 {
            return WarpField::identity(SIDE, SIDE).with_subject(place);
        }
        let mut weights = vec![0.0; SIDE * SIDE];
        let mut residual = vec![[0.0; 2]; SIDE * SIDE];
        for found in subjects {
            self.add(found, &mut weights, &mut residual);
        }
        for (shape, weight) in residual.iter_mut().zip(&weights) {
            *shape = shape.map(|sum| sum / weight.max(f32::MIN_POSITIVE));
        }
        let mut field = fill(&weights, &residual);
        if let (Align::Exemplar, [found]) = (self.align, subjects) {
            for (k, value) in field.iter_mut().enumerate() {
                let output = centre(k, SIDE);
                let posed = self.frame_from_exemplar(&found.pose, output);
                *value = [0, 1].map(|axis| value[axis] + trust(found) * (posed[axis] - output[axis]));
            }
        }
        let field = WarpField::new(SIDE, SIDE, field).unwrap_or_else(|| WarpField::identity(SIDE, SIDE));
        field.scaled(self.strength).unfold().with_subject(place)
    }

    /// Adds what one subject's matches say of each cell of the frame, times how much they count.
    fn add(&self, found: &Decomposition, weights: &mut [f32], residual: &mut [[f32; 2]]) {
        let trust = trust(found);
        if trust == 0.0 {
            return;
        }
        let known: Vec<_> = found
            .residual
            .iter()
            .map(|shape| {
                let [x, y] = found.pose.carry(*shape);
                [trust * x / self.frame_aspect, trust * y]
            })
            .zip(found.confidence.iter().copied())
            .collect();
        for k in 0..SIDE * SIDE {
            let cell = match self.align {
                Align::Subject => self.exemplar_from_frame(&found.pose, centre(k, SIDE)),
                Align::Exemplar => centre(k, SIDE),
            };
            let (shape, sure) = sample(|k| known[k], cell);
            weights[k] += sure;
            (residual[k][0], residual[k][1]) =
                (residual[k][0] + sure * shape[0], residual[k][1] + sure * shape[1]);
        }
    }

    /// How surely each cell of a grid of the frame shows the exemplar's subject, 0..=1.
    fn subject(&self, subjects: &[Decomposition]) -> Vec<f32> {
        let sure = |place| move |found: &Decomposition| trust(found) * self.confidence_at(found, place);
        (0..SIDE * SIDE).map(|k| subjects.iter().map(sure(centre(k, SIDE))).fold(0.0, f32::max)).collect()
    }

    /// How much the matches count at a place of the frame: 0..=1.
    pub fn confidence_at(&self, found: &Decomposition, place: [f32; 2]) -> f32 {
        let known = |cell: usize| ([0.0; 2], found.confidence[cell]);
        sample(known, self.exemplar_from_frame(&found.pose, place)).1
    }

    /// Fractions of the exemplar to fractions of the frame.
    fn frame_from_exemplar(&self, pose: &Similarity, [x, y]: [f32; 2]) -> [f32; 2] {
        let [x, y] = pose.apply([x * self.exemplar_aspect, y]);
        [x / self.frame_aspect, y]
    }

    /// Fractions of the frame to fractions of the exemplar.
    fn exemplar_from_frame(&self, pose: &Similarity, [x, y]: [f32; 2]) -> [f32; 2] {
        let [x, y] = pose.undo([x * self.frame_aspect, y]);
        [x / self.exemplar_aspect, y]
    }
}

/// Residual and confidence at a place of the exemplar, bilinear; outside the
/// exemplar nothing is known, so confidence is 0 there.
fn sample(known: impl Fn(usize) -> ([f32; 2], f32), place: [f32; 2]) -> ([f32; 2], f32) {
    if !place.iter().all(|v| (0.0..=1.0).contains(v)) {
        return ([0.0; 2], 0.0);
    }
    let [x, y] = place.map(|v| (v * GRID as f32 - 0.5).clamp(0.0, GRID as f32 - 1.0));
    let (left, top) = ((x as usize).min(GRID - 2), (y as usize).min(GRID - 2));
    let (fx, fy) = (x - left as f32, y - top as f32);
    let corners =
        [(0, (1.0 - fx) * (1.0 - fy)), (1, fx * (1.0 - fy)), (GRID, (1.0 - fx) * fy), (GRID + 1, fx * fy)];
    corners.into_iter().fold(([0.0; 2], 0.0), |([x, y], confidence), (step, weight)| {
        let (residual, sure) = known(top * GRID + left + step);
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
    use crate::warp::grid::Correspondence;
    use crate::warp::similarity::tests::{EXEMPLAR, FRAME, carried};
    use proptest::prelude::*;

    const ALIGNER: FieldSolver =
        FieldSolver { align: Align::Subject, strength: 1.0, exemplar_aspect: EXEMPLAR, frame_aspect: FRAME };

    fn align(aligner: &FieldSolver, found: &Correspondence) -> WarpField {
        aligner.run(&[Decomposition::from_match(found, EXEMPLAR, FRAME)])
    }

    fn largest(field: &WarpField) -> f32 {
        field.values().iter().flatten().fold(0.0, |most, v| v.abs().max(most))
    }

    #[test]
    fn a_moved_turned_and_scaled_subject_is_left_alone() {
        let similar = carried(|[x, y]| [0.5 * x - 0.15 * y + 0.6, 0.15 * x + 0.5 * y + 0.1]);
        assert!(largest(&align(&ALIGNER, &similar)) < 1e-4);
        let as_in_the_paper = FieldSolver { align: Align::Exemplar, ..ALIGNER };
        assert!(largest(&align(&as_in_the_paper, &similar)) > 0.1, "negative control");
    }

    #[test]
    fn a_change_of_shape_remains() {
        // The exemplar's subject is twice as long: heights shrink on the way back.
        let longer = carried(|[x, y]| [0.5 * x + 0.6, 0.3 * y + 0.3]);
        let field = align(&ALIGNER, &longer);
        let stretch = field.sample([0.45, 0.55])[1] - field.sample([0.45, 0.35])[1];
        assert!(stretch < -0.02, "{stretch}");
        let stronger = align(&FieldSolver { strength: 1.5, ..ALIGNER }, &longer);
        let exaggerated = stronger.sample([0.45, 0.55])[1] - stronger.sample([0.45, 0.35])[1];
        assert!(exaggerated < 1.3 * stretch, "{exaggerated} against {stretch}");
    }

    #[test]
    fn where_nothing_matches_nothing_is_bent() {
        let mut lost = carried(|[x, y]| [y * 0.7, x * x]);
        assert!(largest(&align(&ALIGNER, &lost)) > 0.01, "negative control");
        lost.confidence.fill(0.14);
        assert!(largest(&align(&ALIGNER, &lost)) < 1e-6);
    }

    #[test]
    fn strength_zero_is_exactly_the_identity() {
        let off = FieldSolver { strength: 0.0, ..ALIGNER };
        assert!(align(&off, &carried(|[x, y]| [y, x])).is_identity());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        /// Whatever the network says, at twice the strength: no place is shown twice.
        #[test]
        fn never_folds(
            displacement in proptest::collection::vec([-0.8f32..0.8, -0.8f32..0.8], GRID * GRID),
            confidence in proptest::collection::vec(0f32..1.0, GRID * GRID),
            subject: bool,
            places in proptest::collection::vec([0.01f32..0.99, 0.01f32..0.99], 32),
        ) {
            let align_to = if subject { Align::Subject } else { Align::Exemplar };
            let aligner = FieldSolver { align: align_to, strength: 2.0, ..ALIGNER };
            let field = align(&aligner, &Correspondence { displacement, confidence });
            for place in places {
                prop_assert!(field.determinant(place) > 0.0);
            }
        }
    }
}
