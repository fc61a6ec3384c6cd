//! The frame before, looked up where its pixels were.
//!
//! A row of the present is laid over at a time, in straight loops over the four numbers of a pixel, compiled for the
//! processor's own instruction set (`multiversion`): loops and no iterators or `map`, whose own functions are not
//! compiled for it. Colours are kept in 16 bits: a mean of many frames needs
//! the fractions, and half as much memory as floats have to be read.

use multiversion::multiversion;
use rayon::prelude::*;

use crate::frame::Size;
use crate::paint::flow::{GridColumns, ScaledFlow, cubic};
use crate::threads::PerThread;

/// Shifts so near to whole pixels are taken as whole: what stands still is copied, not blurred. Not much
/// more: a slow pan moves by a tenth of a pixel a frame.
const WHOLE: f32 = 0.06;
/// Colour difference, 0..=255 root mean square, at which the past counts half; from there it falls fast.
const TOLERANCE: f32 = 16.0;
/// A share of the past that moves no colour by a hundredth of a level.
const UNSEEN: f32 = 1e-4;
/// Steps of a colour's level.
const STEPS: f32 = 256.0;

/// Of floats of this size the fraction lies below the whole numbers, which are their last bits.
const WHOLES: f32 = (1 << 23) as f32;

/// Red, green, blue and alpha, in [`STEPS`] of a level 0..=255. All four are reckoned with: vectors of three
/// are taken apart by the compiler.
pub(crate) type Color = [u16; 4];

/// Levels of a colour.
#[inline(always)]
pub(crate) fn levels(color: Color) -> [f32; 4] {
    let mut levels = [0.0; 4];
    for k in 0..4 {
        levels[k] = f32::from(color[k]) * (1.0 / STEPS);
    }
    levels
}

/// A colour of levels, which are in 0..=255. A cast would ask of each number whether it is one.
#[inline(always)]
pub(crate) fn color(levels: [f32; 4]) -> Color {
    let mut color = [0; 4];
    for k in 0..4 {
        color[k] = (levels[k] * STEPS + WHOLES).to_bits() as u16;
    }
    color
}

/// The packed RGBA pixel nearest to levels, which are in 0..=255.
#[inline(always)]
pub(super) fn bytes(levels: [f32; 4]) -> [u8; 4] {
    let mut pixel = [0; 4];
    for k in 0..4 {
        pixel[k] = (levels[k] + WHOLES).to_bits() as u8;
    }
    pixel
}

/// The levels of a packed RGBA pixel.
#[inline(always)]
pub(crate) fn of_pixel(pixel: &[u8; 4]) -> [f32; 4] {
    let mut levels = [0.0; 4];
    for k in 0..4 {
        levels[k] = f32::from(pixel[k]);
    }
    levels
}

/// Takes a painting (packed RGBA) as it came.
pub(super) fn remember(painted: &[u8], shown: &mut [Color]) {
    let (painted, _) = painted.as_chunks();
    shown.par_iter_mut().zip(painted).for_each(|(shown, pixel)| *shown = color(of_pixel(pixel)));
}

/// Room for the shifts of whole rows.
#[derive(Default)]
pub(super) struct RowShifts {
    columns: GridColumns,
    rows: PerThread<Vec<[f32; 2]>>,
}

/// A frame that was shown.
pub(super) struct History {
    pub(super) size: Size,
    /// What the painter saw, packed RGBA.
    pub(super) guide: Vec<u8>,
    /// What was shown.
    pub(super) shown: Vec<Color>,
}

/// Where a pixel was: whole and fractional parts.
#[derive(Clone, Copy)]
struct Place {
    left: i32,
    top: i32,
    x: f32,
    y: f32,
}

impl History {
    /// Lays the past, moved, over the present painting (packed RGBA) where the frames look alike.
    pub(super) fn show_through(
        &self,
        painted: &[u8],
        guide: &[u8],
        shifts: ScaledFlow<'_>,
        keep: f32,
        RowShifts { columns, rows: room }: &mut RowShifts,
        shown: &mut [Color],
    ) {
        let width = self.size.width as usize;
        let shifts = shifts.rows(self.size, columns);
        let rows = shown.par_chunks_exact_mut(width).zip(painted.par_chunks_exact(width * 4));
        rows.zip(guide.par_chunks_exact(width * 4)).enumerate().for_each(|(y, ((shown, painted), guide))| {
            room.with(|shift| {
                shifts.row(y, shift);
                blend_row(self, y, [painted, guide], shift, keep, shown);
            });
        });
    }

    /// Index of a pixel; beyond the edge, of the edge's.
    #[inline(always)]
    fn index(&self, x: i32, y: i32) -> usize {
        let (width, height) = (self.size.width as i32, self.size.height as i32);
        (y.clamp(0, height - 1) * width + x.clamp(0, width - 1)) as usize
    }

    /// Whether all pixels that are read around a place are inside.
    #[inline(always)]
    fn is_interior(&self, Place { left, top, .. }: Place) -> bool {
        let (width, height) = (self.size.width as i32, self.size.height as i32);
        (left >= 1) & (top >= 1) & (left < width - 2) & (top < height - 2)
    }

    /// What the painter saw at a place; bilinear. Two pixels side by side are eight numbers to the processor.
    #[inline(always)]
    fn looked(&self, place: Place) -> [f32; 4] {
        let Place { left, top, x, y } = place;
        let (width, guide) = (self.size.width as usize, &self.guide[..]);
        if self.is_interior(place) {
            let first = (top as usize * width + left as usize) * 4;
            let pair = |at: usize| guide[at..at + 8].try_into().expect("two pixels");
            return bilinear(pair(first), pair(first + width * 4), x, y);
        }
        self.looked_at_edge(place)
    }

    #[cold]
    #[inline(never)]
    fn looked_at_edge(&self, Place { left, top, x, y }: Place) -> [f32; 4] {
        let pair = |row: i32| -> [u8; 8] {
            let pixel = |column| &self.guide[self.index(column, row) * 4..][..4];
            let (left, right) = (pixel(left), pixel(left + 1));
            std::array::from_fn(|k| if k < 4 { left[k] } else { right[k - 4] })
        };
        bilinear(&pair(top), &pair(top + 1), x, y)
    }

    /// What was shown at a place, in levels; cubic.
    #[inline(always)]
    fn showed(&self, place: Place) -> [f32; 4] {
        let Place { left, top, x, y } = place;
        let (width, shown) = (self.size.width as usize, self.shown.as_flattened());
        if self.is_interior(place) {
            let first = ((top as usize - 1) * width + left as usize - 1) * 4;
            let four = |row: usize| {
                let at = first + row * width * 4;
                shown[at..at + 16].try_into().expect("four pixels")
            };
            return bicubic([four(0), four(1), four(2), four(3)], x, y);
        }
        self.showed_at_edge(place)
    }

    #[cold]
    #[inline(never)]
    fn showed_at_edge(&self, Place { left, top, x, y }: Place) -> [f32; 4] {
        let four = |row: i32| -> [u16; 16] {
            std::array::from_fn(|k| self.shown[self.index(left - 1 + (k / 4) as i32, row)][k % 4])
        };
        bicubic([&four(top - 1), &four(top), &four(top + 1), &four(top + 2)], x, y)
    }
}

#[inline(always)]
fn bilinear(upper: &[u8; 8], lower: &[u8; 8], x: f32, y: f32) -> [f32; 4] {
    let mut between = [0.0; 8];
    for k in 0..8 {
        let upper = f32::from(upper[k]);
        between[k] = upper + (f32::from(lower[k]) - upper) * y;
    }
    let mut levels = [0.0; 4];
    for k in 0..4 {
        levels[k] = between[k] + (between[k + 4] - between[k]) * x;
    }
    levels
}

/// Four rows of four pixels, weighed pixel by pixel: loops over their four numbers are what compiles to vector code, of
/// sixteen at once the compiler makes single ones.
#[inline(always)]
fn bicubic(rows: [&[u16; 16]; 4], x: f32, y: f32) -> [f32; 4] {
    let (shares, columns) = (cubic(y), cubic(x));
    let mut levels = [0.0; 4];
    for pixel in 0..4 {
        let mut sum = [0.0; 4];
        for row in 0..4 {
            for k in 0..4 {
                sum[k] += f32::from(rows[row][4 * pixel + k]) * shares[row];
            }
        }
        for k in 0..4 {
            levels[k] += sum[k] * (columns[pixel] * (1.0 / STEPS));
        }
    }
    levels
}

#[multiversion(targets("x86_64+avx2+fma", "x86_64+sse4.1"))]
fn blend_row(
    past: &History,
    y: usize,
    [painted, guide]: [&[u8]; 2],
    shifts: &[[f32; 2]],
    keep: f32,
    shown: &mut [Color],
) {
    let (width, height) = (past.size.width as f32, past.size.height as f32);
    let ((painted, _), (guide, _)) = (painted.as_chunks::<4>(), guide.as_chunks::<4>());
    for (x, (((shown, painted), guide), shift)) in
        shown.iter_mut().zip(painted).zip(guide).zip(shifts).enumerate()
    {
        let now = of_pixel(painted);
        let (x, y) = (x as f32 + whole(shift[0]), y as f32 + whole(shift[1]));
        let mut before = now;
        let mut share = 0.0;
        if (x > -0.5) & (x < width - 0.5) & (y > -0.5) & (y < height - 0.5) {
            let (left, top) = (x.floor(), y.floor());
            let place = Place { left: int(left), top: int(top), x: x - left, y: y - top };
            let (looked, looks) = (past.looked(place), of_pixel(guide));
            let mut off = 0.0;
            for k in 0..3 {
                off += (looked[k] - looks[k]) * (looked[k] - looks[k]);
            }
            let unlike = off * (1.0 / (3.0 * TOLERANCE * TOLERANCE));
            share = keep / (1.0 + unlike * unlike);
            if share >= UNSEEN {
                before = match (place.x, place.y) {
                    (0.0, 0.0) => levels(past.shown[past.index(place.left, place.top)]),
                    _ => past.showed(place),
                };
            }
        }
        for k in 0..4 {
            let level = (now[k] + (before[k] - now[k]) * share).clamp(0.0, 255.0);
            shown[k] = (level * STEPS + WHOLES).to_bits() as u16;
        }
    }
}

/// A float that is a whole number of less than 2^22, as an integer, in one instruction where a cast takes five.
#[inline(always)]
fn int(value: f32) -> i32 {
    ((value + 12_582_912.0).to_bits() as i32).wrapping_sub(0x4b40_0000)
}

#[inline(always)]
fn whole(shift: f32) -> f32 {
    let nearest = shift.round_ties_even();
    if (shift - nearest).abs() < WHOLE { nearest } else { shift }
}

#[cfg(test)]
mod tests;
