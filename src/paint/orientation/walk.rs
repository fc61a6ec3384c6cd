//! Averages of noise on the way along the directions of a picture's cells.

use multiversion::multiversion;

use crate::paint::noise::OCTAVES;

/// Walks over a grid that lies on the cells, along their directions.
pub(super) struct Walker<'a> {
    /// Columns and rows of the cells, and a unit vector of each.
    cells: [usize; 2],
    along: &'a [[f32; 2]],
    grid: [usize; 2],
    /// Width of a place, in cells.
    width: f32,
    /// Steps that one look at a cell serves: it is so many places wide.
    held: usize,
}

/// Walks side by side: straight loops over so many numbers become vector code.
const LANES: usize = 8;

/// Where the walks of some neighbours are, and where they head.
struct Walks {
    at: [[f32; LANES]; 2],
    heading: [[f32; LANES]; 2],
}

impl<'a> Walker<'a> {
    /// Over a grid whose places are so many cells wide, along the directions of the cells.
    pub(super) fn new(along: &'a [[f32; 2]], cells: [usize; 2], grid: [usize; 2], width: f32) -> Self {
        Self { cells, along, grid, width, held: (width.recip().round() as usize).max(1) }
    }

    /// Begins at a row's places from `left` on, to one side.
    #[inline(always)]
    fn start(&self, left: usize, y: usize, side: f32) -> Walks {
        let last = (self.grid[0] - 1) as f32;
        let columns = std::array::from_fn(|k| ((left + k) as f32).min(last));
        let mut walks = Walks { at: [columns, [y as f32; LANES]], heading: [[0.0; LANES]; 2] };
        let along = self.directions(&self.places(&walks.at));
        walks.heading = along.map(|part| part.map(|part| part * side));
        walks
    }

    /// Columns and rows of the places that the walks have come to.
    #[inline(always)]
    fn places(&self, at: &[[f32; LANES]; 2]) -> [[i32; LANES]; 2] {
        std::array::from_fn(|k| {
            let last = (self.grid[k] - 1) as f32;
            at[k].map(|at| (at + 0.5).clamp(0.0, last) as i32)
        })
    }

    #[inline(always)]
    fn directions(&self, places: &[[i32; LANES]; 2]) -> [[f32; LANES]; 2] {
        let [across, down] = self.cells.map(|cells| cells as i32);
        let cell = |at: i32, count: i32| (((at as f32 + 0.5) * self.width) as i32).min(count - 1);
        let cells: [i32; LANES] =
            std::array::from_fn(|k| cell(places[1][k], down) * across + cell(places[0][k], across));
        let along = cells.map(|cell| self.along[cell as usize]);
        [along.map(|[x, _]| x), along.map(|[_, y]| y)]
    }

    /// One step on.
    #[inline(always)]
    fn step(&self, walks: &mut Walks) -> [[i32; LANES]; 2] {
        for (at, heading) in walks.at.iter_mut().zip(&walks.heading) {
            at.iter_mut().zip(heading).for_each(|(at, heading)| *at += heading);
        }
        self.places(&walks.at)
    }

    /// Turns along the cells that the walks have come to, never back.
    #[inline(always)]
    fn turn(&self, walks: &mut Walks, places: &[[i32; LANES]; 2]) {
        let [x, y] = self.directions(places);
        for k in 0..LANES {
            let ahead = x[k] * walks.heading[0][k] + y[k] * walks.heading[1][k];
            walks.heading[0][k] = if ahead < 0.0 { -x[k] } else { x[k] };
            walks.heading[1][k] = if ahead < 0.0 { -y[k] } else { y[k] };
        }
    }
}

/// A row of planes of noise, [`OCTAVES`] at most, averaged by weights on the way from each place.
#[multiversion(targets("x86_64+avx2+fma", "x86_64+sse4.1"))]
pub(super) fn average_row(
    walker: &Walker,
    y: usize,
    weights: &Weights,
    planes: &[&[f32]],
    rows: &mut [&mut [f32]],
) {
    let across = walker.grid[0];
    for left in (0..across).step_by(LANES) {
        let width = LANES.min(across - left);
        let mut sums = [[0.0_f32; LANES]; OCTAVES];
        for (sums, plane) in sums.iter_mut().zip(planes) {
            sums[..width].copy_from_slice(&plane[y * across + left..][..width]);
        }
        for side in [1.0, -1.0] {
            let mut walks = walker.start(left, y, side);
            for steps in weights.steps.chunks(walker.held) {
                let mut places = [[0; LANES]; 2];
                for weight in steps {
                    places = walker.step(&mut walks);
                    let at: [i32; LANES] =
                        std::array::from_fn(|k| places[1][k] * across as i32 + places[0][k]);
                    for (sums, plane) in sums.iter_mut().zip(planes) {
                        for k in 0..LANES {
                            sums[k] += plane[at[k] as usize] * weight;
                        }
                    }
                }
                walker.turn(&mut walks, &places);
            }
        }
        for (row, sums) in rows.iter_mut().zip(sums) {
            row[left..left + width].copy_from_slice(&sums.map(|sum| sum * weights.scale)[..width]);
        }
    }
}

/// What the places of a walk count for.
pub(super) struct Weights {
    /// Of the steps to one side.
    steps: Vec<f32>,
    /// Brings the sum of all and the place itself to variance one.
    scale: f32,
}

/// Of a Gaussian.
pub(super) fn weights<const STEPS: usize>(spread: f32) -> Weights {
    let steps: Vec<f32> = (1..=STEPS).map(|k| (-0.5 * (k as f32 / spread).powi(2)).exp()).collect();
    let power: f32 = steps.iter().map(|weight| weight * weight).sum();
    Weights { scale: (1.0 + 2.0 * power).sqrt().recip(), steps }
}
