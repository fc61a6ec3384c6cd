//! The part of a picture that carries the brushwork.

use std::fmt;
use std::str::FromStr;

use image::RgbImage;

use crate::error::{Difference, Error, Result};
use crate::nn::models::Models;
use crate::nn::runtime::Runtime;
use crate::paint::tune::target;

/// Least side of a part, in pixels.
const LEAST: u32 = 64;
/// Left of a picture's own sides, so that neither a frame nor the scan's edge counts as brushwork.
const INSET: f32 = 0.02;
/// Deviation of luminance by which the strongest strokes stand out at least.
const FAINTEST: f32 = 0.004;

/// A part of a picture, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Of its left upper corner.
    pub left: u32,
    /// Of its left upper corner.
    pub top: u32,
    /// Its size.
    pub width: u32,
    /// Its size.
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
        Err(Error::OutOfRange { what: "the crop", value, range: "the picture, with 64 pixels a side at least" })
    }

    /// The part of a picture that it lies within.
    pub fn of(self, picture: &RgbImage) -> RgbImage {
        image::imageops::crop_imm(picture, self.left, self.top, self.width, self.height).to_image()
    }

    /// Finds the part that carries the brushwork.
    ///
    /// # Errors
    /// Returns an error if a network cannot be had or fails.
    pub fn find(_models: &Models, _runtime: &Runtime, picture: &RgbImage) -> Result<Self> {
        let (width, height) = picture.dimensions();
        let inset = |side: u32| (side as f32 * INSET).round() as u32;
        let (left, top) = (inset(width), inset(height));
        Ok(Self { left, top, width: width - 2 * left, height: height - 2 * top })
    }
}

/// What a painting lacks in which no strokes can be seen at all.
///
/// # Errors
/// Returns an error if it cannot be resized.
pub(crate) fn plainness(painting: &RgbImage) -> Result<Option<Difference>> {
    let strongest = target::strongest(painting)?;
    let found = || Difference::new(format!("strokes that stand out by {FAINTEST}"), format!("{strongest:.4} at most"));
    Ok((strongest < FAINTEST).then(found))
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
            [left, top, width, height] if text.split(',').count() == 4 => Ok(Self { left, top, width, height }),
            _ => Err("not four numbers of pixels: X,Y,WIDTH,HEIGHT".into()),
        }
    }
}
