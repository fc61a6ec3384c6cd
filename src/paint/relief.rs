//! Relief: the light on thick paint.
//!
//! Brushes leave furrows along their strokes. Their height is fine noise that moves along with the film
//! ([`AdvectedNoise`]) and is smeared along the forms ([`Orientation`]), as the noise is in which the painter
//! begins its strokes; the light comes from the upper left. After Hertzmann, "Fast Paint Texture", NPAR 2002.
//! Prints have none: how deep it is belongs to the style ([`crate::paint::style::Style::relief`]).

use multiversion::multiversion;
use rayon::prelude::*;

use crate::frame::Size;
use crate::frame::pool::{Buffer, Pool};
use crate::paint::flow::{GridColumns, GridRows, OpticalFlow, ScaledFlow, cubic};
use crate::paint::noise::AdvectedNoise;
use crate::paint::orientation::Orientation;
use crate::threads::PerThread;

/// Furrows from the upper to the lower border of a picture: they keep their size relative to it, as strokes do.
const FURROWS: f32 = 180.0;
/// A furrow is never finer than so many pixels of the frame: finer ones would be noise.
const FINEST: f32 = 2.0;
/// Seconds in which furrows follow their noise and forms.
const TAU: f64 = 0.12;
/// Steepness at which light is neither soft nor hard: the slopes' deviation is 1.85.
const SLOPE_GAIN: f32 = 0.7 / 1.85;
/// What a slope that faces the light by more than so much throws back whatever its colour, and its share.
const SHINE_FROM: f32 = 0.55;
const SHINE: f32 = 0.2;

/// How much light falls on each place of a painting.
#[derive(Debug, Clone, PartialEq)]
pub struct Relief {
    /// Columns and rows; they lie evenly over the painting.
    pub(crate) grid: [usize; 2],
    /// -1 (away from the light) to 1 (towards it) of each place, row by row.
    pub(crate) light: Buffer<[f32; 1]>,
    /// How much of a colour the light may add or take, 0..=1.
    pub(crate) depth: f32,
}

impl Relief {
    /// The same light on paint of another depth, 0..=1.
    pub(crate) fn with_depth(self, depth: f32) -> Self {
        Self { depth, ..self }
    }

    /// The light while one painting follows another, `share` of the way to the second; of the second where both
    /// have one.
    pub(crate) fn between(from: Option<Self>, to: Option<Self>, share: f32) -> Option<Self> {
        let depth = |relief: &Option<Self>| relief.as_ref().map_or(0.0, |relief| relief.depth);
        let depth = depth(&from) + (depth(&to) - depth(&from)) * share;
        to.or(from).map(|relief| relief.with_depth(depth))
    }

    /// The light on a picture of `size`, row by row.
    pub(crate) fn rows<'a>(&'a self, size: Size, columns: &'a mut GridColumns) -> GridRows<'a, 1> {
        let pitch = [size.width as f32 / self.grid[0] as f32, size.height as f32 / self.grid[1] as f32];
        GridRows::new(&self.light, self.grid, pitch, size, columns)
    }

    /// A colour, 0..=255, under the light of its place.
    #[inline(always)]
    pub(crate) fn lit(&self, color: [f32; 3], light: f32) -> [f32; 3] {
        let shine = 255.0 * SHINE * self.depth * (light - SHINE_FROM).max(0.0);
        color.map(|value| (value * (1.0 + self.depth * light) + shine).min(255.0))
    }

    /// Lights packed RGBA in place.
    pub(crate) fn shade(&self, pixels: &mut [u8], size: Size, room: &mut LightRows) {
        let (light, lines) = (self.rows(size, &mut room.columns), &room.lines);
        pixels.par_chunks_exact_mut(4 * size.width as usize).enumerate().for_each(|(y, row)| {
            lines.with(|line| {
                light.row(y, line);
                shade_row(self, line, row);
            });
        });
    }
}

/// Room for the light of whole rows, kept from frame to frame.
#[derive(Default)]
pub(crate) struct LightRows {
    pub(crate) columns: GridColumns,
    pub(crate) lines: PerThread<Vec<[f32; 1]>>,
}

/// The light on a film, from frame to frame.
#[derive(Default)]
pub(crate) struct ReliefLight {
    /// That of the frame before, and the size of that frame.
    before: Option<(Size, Relief)>,
    /// Room to work in: noise, and what it is smeared to.
    grain: Vec<f32>,
    height: Vec<f32>,
    lights: Pool<[f32; 1]>,
}

impl ReliefLight {
    /// The light on a painting of this size, whose noise and forms were brought up to date before, and which moved so;
    /// at depth one. `stroke` is the size of the strokes, 1 as in the painting. On a frame that is larger than its
    /// painting the light is as fine as on one that is not.
    pub(crate) fn run(
        &mut self,
        (noise, forms): (&AdvectedNoise, &Orientation),
        [frame, size]: [Size; 2],
        stroke: f32,
        motion: Option<&OpticalFlow>,
    ) -> Relief {
        let lines = size.width.min(size.height) as f32;
        let finest = FINEST * lines / frame.width.min(frame.height) as f32;
        let pitch = (lines * stroke / FURROWS).max(finest);
        let grid = [size.width, size.height].map(|side| ((side as f32 / pitch).ceil() as usize).max(1));
        noise.fine(grid, pitch, &mut self.grain);
        forms.furrows(&self.grain, grid, pitch, &mut self.height);
        let mut relief = Relief { grid, light: self.lights.take(), depth: 1.0 };
        slopes(&self.height, grid, &mut relief.light);
        if let Some((motion, (before_size, before))) = motion.zip(self.before.as_ref())
            && (*before_size, before.grid) == (size, grid)
        {
            relief.hold(before, motion, size, pitch);
        }
        let (of, before) = self.before.get_or_insert_with(|| (size, relief.clone()));
        (*of, before.grid) = (size, grid);
        before.light.clone_from(&relief.light);
        relief
    }
}

impl Relief {
    /// Blends the light with what was there before it moved, at unchanged contrast: forms turn, and furrows with
    /// them, faster than the eye takes for paint.
    fn hold(&mut self, before: &Self, motion: &OpticalFlow, size: Size, pitch: f32) {
        let keep = (-motion.secs() / TAU).exp() as f32;
        let shifts = motion.on(size);
        let power = |light: &[[f32; 1]]| light.iter().map(|[light]| light * light).sum::<f32>();
        let (now, across) = (power(&self.light), self.grid[0]);
        self.light.par_chunks_exact_mut(across).enumerate().for_each(|(y, row)| {
            hold_row(before, shifts, pitch, keep, y, row);
        });
        let gain = (now / power(&self.light).max(f32::MIN_POSITIVE)).sqrt();
        self.light.iter_mut().for_each(|[light]| *light = (*light * gain).clamp(-1.0, 1.0));
    }

    /// The light at a place of the grid; beyond the edge, the edge's. Cubic.
    #[inline(always)]
    fn at(&self, x: f32, y: f32) -> f32 {
        let [across, down] = self.grid.map(|side| side as i32);
        let (left, upper) = (x.floor(), y.floor());
        let (first, top) = (left as i32 - 1, upper as i32 - 1);
        let mut sums = [0.0; 4];
        for (share, y) in cubic(y - upper).into_iter().zip(top..) {
            let row = &self.light[(y.clamp(0, down - 1) * across) as usize..][..across as usize];
            let four: [[f32; 1]; 4] = match (first >= 0) & (first + 4 <= across) {
                true => row[first as usize..][..4].try_into().expect("four places"),
                false => std::array::from_fn(|k| row[(first + k as i32).clamp(0, across - 1) as usize]),
            };
            for k in 0..4 {
                sums[k] += share * four[k][0];
            }
        }
        let columns = cubic(x - left);
        (sums[0] * columns[0] + sums[1] * columns[1]) + (sums[2] * columns[2] + sums[3] * columns[3])
    }
}

#[multiversion(targets("x86_64+avx2+fma", "x86_64+sse4.1"))]
fn hold_row(before: &Relief, shifts: ScaledFlow, pitch: f32, keep: f32, y: usize, row: &mut [[f32; 1]]) {
    for (x, [light]) in row.iter_mut().enumerate() {
        let middle = |place: usize| (place as f32 + 0.5) * pitch - 0.5;
        let [right, down] = shifts.at(middle(x), middle(y));
        let moved = before.at(x as f32 + right / pitch, y as f32 + down / pitch);
        *light += keep * (moved - *light);
    }
}

/// Fills `light` with the slopes of a height towards the lower right, bounded softly.
fn slopes(height: &[f32], [across, down]: [usize; 2], light: &mut Vec<[f32; 1]>) {
    light.resize(height.len(), [0.0]);
    light.par_chunks_exact_mut(across).enumerate().for_each(|(y, row)| {
        let line = |y: usize| &height[y * across..][..across];
        slope_row([line(y.saturating_sub(1)), line(y), line((y + 1).min(down - 1))], row);
    });
}

#[multiversion(targets("x86_64+avx2+fma", "x86_64+sse4.1"))]
fn slope_row([above, own, below]: [&[f32]; 3], row: &mut [[f32; 1]]) {
    for (x, [light]) in row.iter_mut().enumerate() {
        let slope = own[(x + 1).min(own.len() - 1)] - own[x.saturating_sub(1)] + below[x] - above[x];
        let steep = slope * SLOPE_GAIN;
        *light = steep / (1.0 + steep * steep).sqrt();
    }
}

#[multiversion(targets("x86_64+avx2+fma", "x86_64+sse4.1"))]
fn shade_row(relief: &Relief, light: &[[f32; 1]], row: &mut [u8]) {
    for (pixel, [light]) in row.as_chunks_mut::<4>().0.iter_mut().zip(light) {
        let lit = relief.lit([f32::from(pixel[0]), f32::from(pixel[1]), f32::from(pixel[2])], *light);
        for c in 0..3 {
            pixel[c] = (lit[c] + 0.5) as i32 as u8;
        }
    }
}

#[cfg(test)]
mod tests;
