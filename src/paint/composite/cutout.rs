//! The part of `shaders/finish.wgsl` that tells the subject from the background, on the processor.

use super::{Cutout, LEAST, TOLERANCE};
use crate::frame::Size;

/// Subject and background at the pixels of a frame.
pub(super) struct CutoutSampler<'a> {
    cutout: &'a Cutout,
    /// For every column and row of the frame the cell of the mask before it, and how far it is from there.
    columns: Vec<(i32, f32)>,
    rows: Vec<(i32, f32)>,
    /// Whether the sixteen cells around a corner of the mask say the same; row by row, from the corner before the
    /// first cell on.
    plain: Vec<bool>,
    behind: Option<Behind<'a>>,
}

/// What shows behind, and for every column and row of the frame the two cells around it and the second one's share.
struct Behind<'a> {
    size: Size,
    pixels: &'a [u8],
    columns: Vec<(usize, usize, f32)>,
    rows: Vec<(usize, usize, f32)>,
}

impl<'a> CutoutSampler<'a> {
    pub(super) fn new(cutout: &'a Cutout, size: Size) -> Self {
        let Size { width, height } = cutout.size;
        let places = |side: u32, cells: u32| -> Vec<(i32, f32)> {
            let place = |pixel: u32| {
                let position = (pixel as f32 + 0.5) * cells as f32 / side as f32 - 0.5;
                (position.floor() as i32, position - position.floor())
            };
            (0..side).map(place).collect()
        };
        let (columns, rows) = (places(size.width, width), places(size.height, height));
        let behind = cutout.behind.as_ref().map(|(of, pixels)| Behind {
            size: *of,
            pixels,
            columns: between(size.width, of.width),
            rows: between(size.height, of.height),
        });
        Self { cutout, columns, rows, plain: plain(cutout), behind }
    }

    /// Whether something else shows in place of the background.
    pub(super) fn has_behind(&self) -> bool {
        self.behind.is_some()
    }

    /// How much of the painting lies where the mask says so.
    pub(super) fn share(&self, subject: f32) -> f32 {
        let [inside, outside] = self.cutout.paint;
        outside + (inside - outside) * subject
    }

    /// The mask at a pixel: of the sixteen cells around, those count most that have this pixel's colour.
    pub(super) fn subject_at(&self, x: usize, y: usize, own: [u8; 3]) -> f32 {
        let Size { width, height } = self.cutout.size;
        let ((column, share_x), (row, share_y)) = (self.columns[x], self.rows[y]);
        let cell = |i: i32, j: i32| {
            let column = (column + i).clamp(0, width as i32 - 1) as usize;
            let row = (row + j).clamp(0, height as i32 - 1) as usize;
            &self.cutout.pixels[4 * (row * width as usize + column)..][..4]
        };
        if self.plain[(row + 1) as usize * (width as usize + 1) + (column + 1) as usize] {
            return f32::from(cell(0, 0)[3]) / 255.0;
        }
        let (mut sum, mut total) = (0.0, 0.0);
        for j in -1..3 {
            for i in -1..3 {
                let cell = cell(i, j);
                let off: f32 =
                    cell.iter().zip(own).map(|(cell, own)| (f32::from(*cell) - f32::from(own)).powi(2)).sum();
                let alike = 1.0 / (1.0 + off / (TOLERANCE * 255.0 * 255.0));
                let near = (2.0 - (i as f32 - share_x).abs()) * (2.0 - (j as f32 - share_y).abs());
                let weight = near * (alike * alike + LEAST);
                sum += weight * f32::from(cell[3]);
                total += weight;
            }
        }
        sum / total / 255.0
    }

    /// A colour, 0..=255, before what shows behind it; the last of the four is how much of a picture both are, 0..=255.
    pub(super) fn before(&self, x: usize, y: usize, [r, g, b]: [f32; 3], subject: f32) -> [f32; 4] {
        let color = [r, g, b, 255.0];
        let Some(behind) = self.behind.as_ref().filter(|_| subject < 1.0) else { return color };
        let ((left, right, share_x), (upper, lower, share_y)) = (behind.columns[x], behind.rows[y]);
        let pixel = |x: usize, y: usize| &behind.pixels[4 * (y * behind.size.width as usize + x)..][..4];
        let corners = [pixel(left, upper), pixel(right, upper), pixel(left, lower), pixel(right, lower)];
        let mix = |a: f32, b: f32, share: f32| a + (b - a) * share;
        std::array::from_fn(|c| {
            let [upper_left, upper_right, lower_left, lower_right] = corners.map(|pixel| f32::from(pixel[c]));
            let top = mix(upper_left, upper_right, share_x);
            let bottom = mix(lower_left, lower_right, share_x);
            mix(mix(top, bottom, share_y), color[c], subject)
        })
    }
}

/// For every pixel along a side the two of `cells` around its middle, and the second one's share.
fn between(side: u32, cells: u32) -> Vec<(usize, usize, f32)> {
    let place = |pixel: u32| {
        let position = (pixel as f32 + 0.5) * cells as f32 / side as f32 - 0.5;
        let position = position.clamp(0.0, cells as f32 - 1.0);
        let corner = position as usize;
        (corner, (corner + 1).min(cells as usize - 1), position - corner as f32)
    };
    (0..side).map(place).collect()
}

fn plain(cutout: &Cutout) -> Vec<bool> {
    let (width, height) = (cutout.size.width as usize, cutout.size.height as usize);
    let value = |k: usize| cutout.pixels[4 * k + 3];
    // Least and most of four along a row, then of four rows.
    let around = |corner: usize, side: usize| corner.saturating_sub(2)..(corner + 2).min(side);
    let along: Vec<[u8; 2]> = (0..height * (width + 1))
        .map(|k| {
            let (row, corner) = (k / (width + 1), k % (width + 1));
            around(corner, width).fold([255, 0], |[least, most], column| {
                let value = value(row * width + column);
                [least.min(value), most.max(value)]
            })
        })
        .collect();
    (0..(height + 1) * (width + 1))
        .map(|k| {
            let (corner, column) = (k / (width + 1), k % (width + 1));
            let [least, most] = around(corner, height).fold([255, 0], |[least, most], row| {
                let [low, high] = along[row * (width + 1) + column];
                [least.min(low), most.max(high)]
            });
            least == most
        })
        .collect()
}
