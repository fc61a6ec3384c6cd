//! The flow field: where each place of the output looks in the source.
//!
//! A [`WarpField`] is a small grid of *backward* displacements
//! (`source_from_output`): the output position `p`, both coordinates in 0..1,
//! takes its pixel from `p + displacement(p)` of the source. The grid's values
//! stand at cell centres, `((i + 0.5) / width, (j + 0.5) / height)`, and are the
//! control points of a uniform cubic B-spline, so the warp is C2-smooth at any
//! resolution, never leaves the hull of its control points, and reproduces affine
//! maps exactly but in the outermost cells: beyond the border the displacement
//! stays what it is there. (Continuing it in a straight line would be exact to the
//! border, but corners could then fold whatever the grid's own values are.)
//!
//! A folded picture (a place of the source shown twice, once mirrored) is the
//! failure one sees at once. [`WarpField::unfold`] excludes it by construction.

use crate::frame::Size;

/// Rows and columns that [`WarpField::padded`] adds on each side.
pub(crate) const PAD: usize = 2;

/// Backward displacements in fractions of the frame, on a coarse grid; finite.
#[derive(Debug, Clone, PartialEq)]
pub struct WarpField {
    width: usize,
    height: usize,
    displacement: Vec<[f32; 2]>,
    /// How surely each cell of a square grid of the frame shows the exemplar's subject.
    subject: Option<Vec<f32>>,
}

impl WarpField {
    /// `None` unless there are `width * height` finite values, at least one.
    pub fn new(width: usize, height: usize, displacement: Vec<[f32; 2]>) -> Option<Self> {
        let finite = displacement.iter().flatten().all(|v| v.is_finite());
        (finite && !displacement.is_empty() && displacement.len() == width * height).then_some(Self {
            width,
            height,
            displacement,
            subject: None,
        })
    }

    /// With what is known of where the exemplar's subject is in the frame: 0..=1 for each cell of a square grid.
    pub(crate) fn with_subject(self, subject: Vec<f32>) -> Self {
        Self { subject: Some(subject), ..self }
    }

    /// Where the exemplar's subject is in the frame, if that is known: 0..=1 for each cell of a square grid.
    pub fn subject(&self) -> Option<&[f32]> {
        self.subject.as_deref()
    }

    /// The field that changes nothing.
    pub fn identity(width: usize, height: usize) -> Self {
        Self { width, height, displacement: vec![[0.0; 2]; width * height], subject: None }
    }

    /// Columns of the grid.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows of the grid.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Control points, row by row, `[x, y]`.
    pub fn values(&self) -> &[[f32; 2]] {
        &self.displacement
    }

    /// Whether this is exactly the identity.
    pub fn is_identity(&self) -> bool {
        self.displacement.iter().flatten().all(|&v| v == 0.0)
    }

    /// The field times `strength`: 0 is the identity, above 1 exaggerates.
    pub fn scaled(mut self, strength: f32) -> Self {
        self.displacement.iter_mut().flatten().for_each(|v| *v *= strength);
        self
    }

    /// A share of the way to another field; all of it where their grids differ.
    pub fn towards(&self, other: &Self, share: f32) -> Self {
        if (self.width, self.height) != (other.width, other.height) {
            return other.clone();
        }
        let mix = |(from, to): (&[f32; 2], &[f32; 2])| [0, 1].map(|k| from[k] + share * (to[k] - from[k]));
        let displacement = self.displacement.iter().zip(&other.displacement).map(mix).collect();
        let subject = match (&self.subject, &other.subject) {
            (Some(from), Some(to)) if from.len() == to.len() => {
                Some(from.iter().zip(to).map(|(from, to)| from + share * (to - from)).collect())
            }
            (_, to) => to.clone(),
        };
        Self { width: self.width, height: self.height, displacement, subject }
    }

    /// The field where `share` is 1, the identity where it is 0. It is asked at both ends of every displacement, in
    /// fractions of the frame, and the larger share counts; folds that come of it are taken out.
    pub fn confined(mut self, share: impl Fn([f32; 2]) -> f32) -> Self {
        for k in 0..self.displacement.len() {
            let [x, y] = [
                ((k % self.width) as f32 + 0.5) / self.width as f32,
                ((k / self.width) as f32 + 0.5) / self.height as f32,
            ];
            let by = self.displacement[k];
            let share = share([x, y]).max(share([x + by[0], y + by[1]])).clamp(0.0, 1.0);
            self.displacement[k] = by.map(|value| value * share);
        }
        self.unfold()
    }

    /// Displacement at an output position in 0..1.
    pub fn sample(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        let (column, wx) = spline(x, self.width);
        let (row, wy) = spline(y, self.height);
        let mut sum = [0.0; 2];
        for (j, wy) in wy.into_iter().enumerate() {
            for (i, wx) in wx.into_iter().enumerate() {
                let value = self.extended(column + i as isize, row + j as isize);
                sum[0] += wx * wy * value[0];
                sum[1] += wx * wy * value[1];
            }
        }
        sum
    }

    /// Jacobian determinant of the map `p -> p + displacement(p)` by central
    /// differences: how much area of the source a bit of output shows, negative
    /// where it is shown mirrored.
    pub fn determinant(&self, [x, y]: [f32; 2]) -> f32 {
        const STEP: f32 = 1e-3;
        let [px, mx] = [self.sample([x + STEP, y]), self.sample([x - STEP, y])];
        let [py, my] = [self.sample([x, y + STEP]), self.sample([x, y - STEP])];
        let slope = |p: [f32; 2], m: [f32; 2], axis: usize| (p[axis] - m[axis]) / (2.0 * STEP);
        (1.0 + slope(px, mx, 0)) * (1.0 + slope(py, my, 1)) - slope(py, my, 0) * slope(px, mx, 1)
    }

    /// The control point at a grid position; outside, the nearest one.
    fn extended(&self, column: isize, row: isize) -> [f32; 2] {
        let nearest = |at: isize, len: usize| at.clamp(0, len as isize - 1) as usize;
        self.displacement[nearest(row, self.height) * self.width + nearest(column, self.width)]
    }

    /// The control points with [`PAD`] continued ones on every side, so that
    /// the shader and its CPU twin need no thought for the border.
    pub(crate) fn padded(&self) -> Vec<[f32; 2]> {
        let range = |len: usize| -(PAD as isize)..(len + PAD) as isize;
        let mut padded = Vec::with_capacity((self.width + 2 * PAD) * (self.height + 2 * PAD));
        for row in range(self.height) {
            padded.extend(range(self.width).map(|column| self.extended(column, row)));
        }
        padded
    }

    /// Largest stretch along output rows and columns within each spline cell:
    /// source pixels per output pixel, bounded from above by the differences of
    /// the cell's control points (a B-spline's derivative lies in their hull).
    /// There are `(width + 1) * (height + 1)` cells, the first column and row
    /// lying half outside the grid.
    pub(crate) fn cell_stretch(&self, size: Size) -> Vec<[f32; 2]> {
        let columns = self.width + 2 * PAD;
        let padded = self.padded();
        let scale = [size.width as f32, size.height as f32];
        // From each control point to the next one along the axis, in pixels a pixel.
        let stretch = |axis: usize| -> Vec<f32> {
            let (step, cells) = ([1, columns][axis], [self.width, self.height][axis] as f32);
            let per_pixel = cells / scale[axis];
            let one = |(a, b): (&[f32; 2], &[f32; 2])| {
                let mut by = [(b[0] - a[0]) * scale[0] * per_pixel, (b[1] - a[1]) * scale[1] * per_pixel];
                by[axis] += 1.0;
                (by[0] * by[0] + by[1] * by[1]).sqrt()
            };
            padded.iter().zip(&padded[step..]).map(one).collect()
        };
        let [along_rows, along_columns] = [stretch(0), stretch(1)];
        let largest = |of: &[f32], corner: usize, rows: usize, width: usize| {
            let rows = (0..rows).map(|row| &of[corner + row * columns..][..width]);
            rows.flatten().fold(0.0f32, |most, &stretch| most.max(stretch))
        };
        let cell = |k: usize| {
            let corner = k / (self.width + 1) * columns + k % (self.width + 1);
            [largest(&along_rows, corner, 4, 3), largest(&along_columns, corner, 3, 4)]
        };
        (0..(self.width + 1) * (self.height + 1)).map(cell).collect()
    }

    /// Takes out every fold, and as little else as it can.
    ///
    /// The Jacobian of the map at any place is `[[1 + a, b], [c, 1 + d]]`, where
    /// `a..d` are convex combinations of neighbouring control points' differences
    /// (times the grid's size). Where all differences obey `a, d >= -0.6` and
    /// `|b|, |c| <= 0.38`, its determinant is at least `0.4 * 0.4 - 0.38 * 0.38 > 0`
    /// everywhere. That is a convex set holding the identity: differences outside
    /// are pulled back pair by pair (alternating projections), which acts only
    /// where the field is too steep; what is left after `Self::UNFOLD_PASSES` is
    /// removed by scaling the whole field.
    pub fn unfold(mut self) -> Self {
        for _ in 0..Self::UNFOLD_PASSES {
            let mut worst = 1.0f32;
            for (a, b, axis) in self.neighbours() {
                worst = worst.max(self.relax(a, b, axis));
            }
            if worst <= 1.0 {
                return self;
            }
        }
        let excess = self.neighbours().map(|(a, b, axis)| self.excess(a, b, axis)).fold(1.0, f32::max);
        self.scaled(1.0 / excess)
    }

    const UNFOLD_PASSES: usize = 60;
    /// Least derivative of displacement along its own axis.
    const LEAST_ALONG: f32 = -0.6;
    /// Largest derivative across it.
    const MOST_ACROSS: f32 = 0.38;

    /// Pairs of neighbouring control points, with the axis that joins them.
    fn neighbours(&self) -> impl Iterator<Item = (usize, usize, usize)> + use<> {
        let (width, height) = (self.width, self.height);
        (0..width * height).flat_map(move |a| {
            let right = (a % width + 1 < width).then_some((a, a + 1, 0));
            let below = (a / width + 1 < height).then_some((a, a + width, 1));
            right.into_iter().chain(below)
        })
    }

    /// How many times over its bound a difference is; up to 1 is within.
    fn excess(&self, a: usize, b: usize, axis: usize) -> f32 {
        let cells = [self.width, self.height][axis] as f32;
        let along = (self.displacement[b][axis] - self.displacement[a][axis]) * cells;
        let across = (self.displacement[b][1 - axis] - self.displacement[a][1 - axis]) * cells;
        (along / Self::LEAST_ALONG).max(across.abs() / Self::MOST_ACROSS)
    }

    /// Brings one difference within its bounds, half from either end; returns
    /// the excess it had.
    fn relax(&mut self, a: usize, b: usize, axis: usize) -> f32 {
        let excess = self.excess(a, b, axis);
        if excess > 1.0 {
            let cells = [self.width, self.height][axis] as f32;
            for component in 0..2 {
                let difference = self.displacement[b][component] - self.displacement[a][component];
                let (least, most) = match component == axis {
                    true => (Self::LEAST_ALONG, f32::MAX),
                    false => (-Self::MOST_ACROSS, Self::MOST_ACROSS),
                };
                // A hair inside the bound, so that rounding does not undo it.
                let wanted = difference.clamp(least / cells * 0.999, most / cells * 0.999);
                let half = (difference - wanted) / 2.0;
                self.displacement[a][component] += half;
                self.displacement[b][component] -= half;
            }
        }
        excess
    }
}

/// First control point (which may be negative) and the four cubic B-spline
/// weights at `x` in 0..1 of a grid of `cells`.
pub(crate) fn spline(x: f32, cells: usize) -> (isize, [f32; 4]) {
    let at = (x * cells as f32 - 0.5).clamp(-1.0, cells as f32);
    let cell = at.floor().min(cells as f32 - 1.0);
    (cell as isize - 1, cubic_weights(at - cell))
}

/// Weights of the uniform cubic B-spline at `t` in 0..1; they sum to 1.
pub(crate) fn cubic_weights(t: f32) -> [f32; 4] {
    let s = 1.0 - t;
    [
        s * s * s / 6.0,
        (4.0 - 6.0 * t * t + 3.0 * t * t * t) / 6.0,
        (4.0 - 6.0 * s * s + 3.0 * s * s * s) / 6.0,
        t * t * t / 6.0,
    ]
}

#[cfg(test)]
mod tests;
