//! What an optimisation begins with: a picture, and noise along its forms.
//!
//! A plain wall gives a search nothing to tell strokes by, and would be painted with the quietest
//! paint. So noise, smeared along the photo's forms as for the painter, is added to what is finer
//! than 16 pixels; strokes begin in it and follow the forms (`models/train/noise.py`).

use crate::paint::noise::{AdvectedNoise, CELL, OCTAVES};
use crate::paint::optimize::planes::PlanarImage;
use crate::paint::optimize::pyramid::{Pyramid, doubled};
use crate::paint::orientation::Orientation;
use crate::paint::painter::cell_luminance;
use crate::time::FrameTime;

/// Deviation of the noise: about 1 where all of its octaves agree.
const AMOUNT: f32 = 0.15;
/// Levels of the pyramid, fine to coarse, that get noise.
const NOISY: usize = 4;

/// The padded values of a picture with noise along the forms of a photo of the same size.
pub(super) fn with_noise(picture: &PlanarImage, photo: &PlanarImage) -> Vec<f32> {
    let size = photo.padded();
    let cells = size.map(|side| side / CELL);
    let mut orientation = Orientation::default();
    let (mut luminance, mut grain, mut noise) = (Vec::new(), Vec::new(), Vec::new());
    cell_luminance(&photo.values(), cells, &mut luminance);
    orientation.update(&luminance, cells, None);
    AdvectedNoise::default().run(FrameTime::ZERO, photo.size(), cells, None, &mut grain);
    orientation.smear(&grain, &mut noise);
    let count = cells[0] * cells[1];
    let mean = |cell: usize| {
        let octaves = (0..OCTAVES).map(|octave| noise[octave * count + cell]);
        AMOUNT * octaves.sum::<f32>() / OCTAVES as f32
    };
    let coarse: Vec<f32> = (0..count).map(mean).collect();
    // From cells of 4x4 pixels to pixels, smoothly: their corners would be seen in the painting.
    let smooth = doubled(&doubled(&coarse.repeat(3), cells), cells.map(|side| 2 * side));
    let pyramid = Pyramid::new(size);
    let mut levels = pyramid.split(&picture.values());
    let fine = pyramid.finest(NOISY);
    let grain = pyramid.split(&smooth);
    levels[..fine].iter_mut().zip(&grain).for_each(|(level, grain)| *level += grain);
    let mut values = pyramid.join(&levels);
    values.iter_mut().for_each(|value| *value = value.clamp(0.0, 1.0));
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Size;

    #[test]
    fn a_plain_picture_gets_texture_and_keeps_its_tone() {
        let plain =
            PlanarImage::of_rgba(&[128, 128, 128, 255].repeat(96 * 64), Size { width: 96, height: 64 });
        let values = with_noise(&plain, &plain);
        let mean = values.iter().sum::<f32>() / values.len() as f32;
        let deviation = (values.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / values.len() as f32).sqrt();
        assert!((mean - 0.502).abs() < 0.01, "mean {mean}");
        assert!((0.02..0.2).contains(&deviation), "deviation {deviation}");
    }
}
