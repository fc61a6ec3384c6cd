//! The part of a picture that carries the brushwork.

use std::fmt;
use std::str::FromStr;

use image::RgbImage;

use crate::error::{Error, Result};
use crate::nn::models::Models;
use crate::nn::runtime::Runtime;
use crate::paint::tune::marks::Marks;
use crate::paint::tune::target;

/// Least side of a part, in pixels.
const LEAST: u32 = 64;
/// Left of a picture's own sides, so that neither a frame nor the scan's edge counts as brushwork.
const INSET: f32 = 0.02;
/// Looks that are taken, each at what the one before left.
const LOOKS: usize = 3;
/// A side that shows less of what is usual within is peeled off: at the first look, and at later ones.
const PEEL: f32 = 0.5;
const PEEL_NEAR: f32 = 0.4;

/// A part of a picture, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Columns before it.
    pub left: u32,
    /// Rows above it.
    pub top: u32,
    /// Its columns.
    pub width: u32,
    /// Its rows.
    pub height: u32,
}

impl Part {
    /// The same, if it lies within a picture and is large enough.
    ///
    /// # Errors
    /// [`Error::OutOfRange`].
    pub fn within(self, picture: &RgbImage) -> Result<Self> {
        let ends = |first: u32, count: u32, all: u32| {
            count >= LEAST && first.checked_add(count).is_some_and(|end| end <= all)
        };
        let (width, height) = picture.dimensions();
        if ends(self.left, self.width, width) && ends(self.top, self.height, height) {
            return Ok(self);
        }
        let value = format!("{self} of {width}x{height}");
        Err(Error::OutOfRange {
            what: "the crop",
            value,
            range: "the picture, with 64 pixels a side at least",
        })
    }

    /// The part of a picture that it lies within.
    pub fn of(self, picture: &RgbImage) -> RgbImage {
        image::imageops::crop_imm(picture, self.left, self.top, self.width, self.height).to_image()
    }

    /// Finds the part that carries the brushwork: whose features differ most from flat and repeat least along rows and columns.
    /// Margins, walls and frames around a painting are left out.
    ///
    /// # Errors
    /// Returns an error if a network cannot be had or fails.
    pub fn find(models: &Models, runtime: &Runtime, picture: &RgbImage) -> Result<Self> {
        let mut network = models.network(target::NETWORK, runtime)?;
        let (width, height) = picture.dimensions();
        let mut part = Self { left: 0, top: 0, width, height };
        for look in 0..LOOKS {
            let seen = part.of(picture);
            if seen.width().min(seen.height()) < LEAST {
                break;
            }
            let marks = Marks::of(&mut network, &seen)?;
            let all = [0, 0, marks.across, marks.down];
            // From near a margin and a frame are thick, so they are peeled off again; what is calm within is not.
            let tiles =
                if look == 0 { marks.peeled(marks.richest(all), PEEL) } else { marks.peeled(all, PEEL_NEAR) };
            part = part.tiles(tiles, [marks.across, marks.down]);
        }
        let [x, y] = [part.width, part.height].map(|side| (side as f32 * INSET).round() as u32);
        Ok(Self {
            left: part.left + x,
            top: part.top + y,
            width: part.width - 2 * x,
            height: part.height - 2 * y,
        })
    }

    /// The part from one tile up to another, of as many as it is divided into.
    fn tiles(self, [left, top, right, bottom]: [usize; 4], [across, down]: [usize; 2]) -> Self {
        let at = |tile: usize, side: u32, count: usize| (tile as u64 * u64::from(side) / count as u64) as u32;
        let (x, y) = (at(left, self.width, across), at(top, self.height, down));
        Self {
            left: self.left + x,
            top: self.top + y,
            width: at(right, self.width, across) - x,
            height: at(bottom, self.height, down) - y,
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{},{},{}", self.left, self.top, self.width, self.height)
    }
}

impl FromStr for Part {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers: Vec<u32> = text.split(',').filter_map(|word| word.trim().parse().ok()).collect();
        match numbers[..] {
            [left, top, width, height] if text.split(',').count() == 4 => {
                Ok(Self { left, top, width, height })
            }
            _ => Err("not four numbers of pixels: X,Y,WIDTH,HEIGHT".into()),
        }
    }
}
