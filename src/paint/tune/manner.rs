//! What a painting's strokes alone tell: whether it is painted at all, how large it is best seen, how thick its paint lies.
//!
//! The strongest quarter of the strokes of prints, patterns and drawings stands out far more than that of oil paintings. Both rules
//! are lines through what was chosen by hand for the program's own 37 (`models/train/paintings.py`), whose correlation with
//! this quantile is -0.72 and -0.76.

use image::RgbImage;

use crate::error::{Difference, Result};
use crate::paint::tune::target::{RADII, TILES, enlarged, scale, strokes};

/// Lines of the canvas when strokes are measured.
const LINES: f32 = 579.0;
/// Of the strokes in the squares of a crop, weakest first, the one that is weaker than a quarter.
const QUARTER: usize = TILES * 3 / 4;
/// Deviation of luminance by which the strongest strokes stand out at least.
const FAINTEST: f32 = 0.004;

/// How a painting is made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner {
    /// How much larger than the picture it is seen, 0.8 to 1.6: fine strokes must be of a size that cells of 4x4 pixels can draw; of
    /// shapes with quiet insides more must come into view.
    pub(super) larger: f32,
    /// How thick its paint lies, 0 (a print) to 0.2.
    pub(super) relief: f32,
}

impl Manner {
    /// Of a part of a painting, whose canvas' shorter side has so many pixels.
    ///
    /// # Errors
    /// Returns an error if it cannot be resized.
    pub(super) fn of(painting: &RgbImage, canvas: u32) -> Result<Self> {
        let [fine, coarse] = measured(painting, canvas)?.map(|strokes| strokes[QUARTER]);
        Ok(Self { larger: (2.1 - 9.0 * coarse).clamp(0.8, 1.6), relief: (0.35 - 3.2 * fine).clamp(0.0, 0.2) })
    }
}

/// What a painting lacks in which no strokes can be seen at all.
///
/// # Errors
/// Returns an error if it cannot be resized.
pub(crate) fn plainness(painting: &RgbImage) -> Result<Option<Difference>> {
    let [fine, _] = measured(painting, painting.width().min(painting.height()))?;
    let strongest = fine[TILES - 1];
    let found = || {
        Difference::new(format!("strokes that stand out by {FAINTEST}"), format!("{strongest:.4} at most"))
    };
    Ok((strongest < FAINTEST).then(found))
}

/// The strokes of both bands.
fn measured(painting: &RgbImage, canvas: u32) -> Result<[Vec<f32>; 2]> {
    let planes = enlarged(painting, scale(painting, canvas, LINES), 1)?;
    let luminance = planes.luminance();
    Ok(RADII.map(|radii| strokes(&luminance, planes.width, radii)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Waves of this height, so many pixels long.
    fn painted(height: f32, length: f32) -> RgbImage {
        RgbImage::from_fn(600, 580, |x, y| {
            let wave = (x as f32 * std::f32::consts::TAU / length).sin() * (y as f32 * 0.2).cos();
            image::Rgb([(127.0 + 127.0 * height * wave) as u8; 3])
        })
    }

    #[test]
    fn a_print_is_flat_and_seen_less_large_than_an_oil_painting() {
        let [oil, print] = [(0.12, 9.0), (0.9, 20.0)]
            .map(|(height, length)| Manner::of(&painted(height, length), 580).expect("measured"));
        assert!(oil.larger > 1.5 && oil.relief > 0.15, "{oil:?}");
        assert!(print.larger < 1.3 && print.relief < 0.05, "{print:?}");
    }

    #[test]
    fn a_blank_page_is_plain_and_a_faint_wash_is_not() {
        assert!(plainness(&painted(0.0, 9.0)).expect("measured").is_some());
        assert!(plainness(&painted(0.03, 9.0)).expect("measured").is_none());
    }
}
