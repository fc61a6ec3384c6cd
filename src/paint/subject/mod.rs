//! The subject and its background: what each of them gets.
//!
//! [`finder`] finds people, or what the warp took for the exemplar's subject; [`steady`] holds the mask still while the
//! film goes on; [`backdrop`] makes what shows in place of the background. [`crate::paint::composite`] draws the mask
//! along the picture's own edges.

use std::sync::Arc;

use image::RgbImage;
use serde::{Deserialize, Serialize};

use crate::frame::Size;
use crate::names::names;

pub mod backdrop;
pub mod finder;
pub mod steady;

/// A part of the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// All of it.
    #[default]
    All,
    /// People; without any, what the geometry exemplar was found in.
    Subject,
    /// The rest.
    Background,
}

names!(Part { All => "all", Subject => "subject", Background => "background" });

impl Part {
    /// How much of it is in the subject and in the background: 0 or 1 each.
    pub(crate) fn shares(self) -> [f32; 2] {
        match self {
            Self::All => [1.0, 1.0],
            Self::Subject => [1.0, 0.0],
            Self::Background => [0.0, 1.0],
        }
    }
}

/// What kind of background shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum BackdropKind {
    /// The picture's own.
    #[default]
    Keep,
    /// The same, blurred.
    Blur,
    /// One colour.
    Color,
    /// Another picture.
    Picture,
    /// Nothing: the picture is transparent there, and black where nothing can be.
    Clear,
}

names!(BackdropKind { Keep => "keep", Blur => "blur", Color => "color", Picture => "picture", Clear => "clear" });

/// What shows behind the subject.
#[derive(Debug, Clone, PartialEq)]
pub struct Backdrop {
    /// Which of them.
    pub kind: BackdropKind,
    /// The colour, RGB.
    pub color: [u8; 3],
    /// The picture; where there is none, the background stays.
    pub picture: Option<Arc<RgbImage>>,
}

impl Backdrop {
    /// The green that programs take out unless told otherwise.
    pub const GREEN: [u8; 3] = [0, 255, 0];
}

impl Default for Backdrop {
    fn default() -> Self {
        Self { kind: BackdropKind::Keep, color: Self::GREEN, picture: None }
    }
}

/// What is done where.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Regions {
    /// What is painted.
    pub paint: Part,
    /// What is bent.
    pub warp: Part,
    /// What shows behind the subject. A colour or a picture is never painted or bent.
    pub backdrop: Backdrop,
}

impl Regions {
    /// Whether the subject has to be told from the background.
    pub fn need_mask(&self) -> bool {
        self.warp != Part::All || self.divide_picture()
    }

    /// Whether the finished picture differs between the two, beyond its shapes.
    pub(crate) fn divide_picture(&self) -> bool {
        self.paint != Part::All || self.backdrop.kind != BackdropKind::Keep
    }
}

/// How surely each place of a picture shows the subject.
#[derive(Debug, Clone, PartialEq)]
pub struct Mask {
    /// Columns and rows; they lie evenly over the picture.
    pub size: Size,
    /// 0..=1, row by row.
    pub values: Vec<f32>,
}

impl Mask {
    /// Means over `across` x `down` blocks of the picture, row by row.
    pub(crate) fn blocks(&self, across: usize, down: usize) -> Vec<f32> {
        let (width, height) = (self.size.width as usize, self.size.height as usize);
        let span = |k: usize, parts: usize, side: usize| {
            let from = (k * side / parts).min(side - 1);
            from..((k + 1) * side / parts).clamp(from + 1, side)
        };
        (0..across * down)
            .map(|k| {
                let (columns, rows) = (span(k % across, across, width), span(k / across, down, height));
                let count = columns.len() * rows.len();
                let sum: f32 =
                    rows.map(|row| self.values[row * width..][columns.clone()].iter().sum::<f32>()).sum();
                sum / count as f32
            })
            .collect()
    }

    /// As a grey picture.
    pub(crate) fn to_rgba(&self) -> Vec<u8> {
        self.values.iter().flat_map(|value| [(value * 255.0 + 0.5) as u8; 4]).collect()
    }

    /// Of a grey picture.
    pub(crate) fn from_rgba(size: Size, pixels: &[u8]) -> Self {
        Self { size, values: pixels.chunks_exact(4).map(|pixel| f32::from(pixel[0]) / 255.0).collect() }
    }
}

/// Cut out along the mask: what the compositor needs to treat the two parts differently.
#[derive(Debug, Clone)]
pub struct Cutout {
    /// Size of the mask.
    pub size: Size,
    /// The frame at this size, packed RGBA; alpha is how surely a place shows the subject, 255 is sure.
    pub pixels: Vec<u8>,
    /// How much of the painting lies on the subject and on the background, 0..=1.
    pub paint: [f32; 2],
    /// What shows in place of the background, packed RGBA of any size, stretched over the frame.
    pub behind: Option<(Size, Arc<Vec<u8>>)>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn blocks_are_means() {
        let mask =
            Mask { size: Size { width: 4, height: 2 }, values: vec![0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0] };
        assert_eq!(mask.blocks(2, 1), [0.5, 0.25]);
        assert_eq!(mask.blocks(4, 2), mask.values);
        assert_eq!(mask.blocks(8, 2)[2], 1.0, "a finer grid repeats");
    }

    proptest! {
        #[test]
        fn blocks_stay_within_the_mask(width in 1u32..40, height in 1u32..40, across in 1usize..50, down in 1usize..50) {
            let size = Size { width, height };
            let values = (0..size.pixels()).map(|k| (k % 7) as f32 / 6.0).collect();
            let blocks = Mask { size, values }.blocks(across, down);
            prop_assert_eq!(blocks.len(), across * down);
            prop_assert!(blocks.iter().all(|value| (0.0..=1.0).contains(value)));
        }
    }

    #[test]
    fn nothing_needs_a_mask_where_all_is_treated_alike() {
        assert!(!Regions::default().need_mask());
        let warped = Regions { warp: Part::Subject, ..Regions::default() };
        assert!(warped.need_mask() && !warped.divide_picture());
        let backdrop = Backdrop { kind: BackdropKind::Blur, ..Backdrop::default() };
        assert!(Regions { backdrop, ..Regions::default() }.divide_picture());
    }
}
