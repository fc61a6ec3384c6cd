//! What shows behind the subject: its own background blurred, one colour, a picture that covers the frame, or nothing.

use std::sync::Arc;

use image::RgbImage;

use crate::error::Result;
use crate::frame::Size;
use crate::frame::resize::{Filter, Pixels, Resizer};
use crate::paint::subject::{Backdrop, BackdropKind};

/// Lines of a blurred background: what is smaller is gone.
const BLURRED_LINES: u32 = 36;
/// Times that each place becomes the mean of the nine around it.
const PASSES: usize = 4;
/// What a place of the subject counts in the blur: nothing is ever divided by zero.
const LEAST: f32 = 1e-3;

/// Packed RGBA of any size.
type Picture = (Size, Arc<Vec<u8>>);

/// Makes backgrounds, and remembers the picture that covers the frame.
#[derive(Default)]
pub struct BackdropMaker {
    resizer: Resizer,
    cover: Option<(Arc<RgbImage>, Picture)>,
}

impl BackdropMaker {
    /// What shows behind the subject of a frame of `frame` pixels, if it is not its own background. `cut` is the frame
    /// with its mask as alpha; `painting` is its painting, where the background is painted.
    ///
    /// # Errors
    /// Returns an error if the picture or the painting is torn.
    pub fn run(
        &mut self,
        backdrop: &Backdrop,
        frame: Size,
        cut: (Size, &[u8]),
        painting: Option<Pixels<'_>>,
    ) -> Result<Option<Picture>> {
        match (backdrop.kind, &backdrop.picture) {
            (BackdropKind::Keep, _) | (BackdropKind::Picture, None) => Ok(None),
            (BackdropKind::Color, _) => {
                let [r, g, b] = backdrop.color;
                Ok(Some((Size { width: 1, height: 1 }, Arc::new(vec![r, g, b, 255]))))
            }
            (BackdropKind::Clear, _) => Ok(Some((Size { width: 1, height: 1 }, Arc::new(vec![0; 4])))),
            (BackdropKind::Blur, _) => {
                let (size, guide) = cut;
                let painted =
                    painting.map(|pixels| self.resizer.pixels(pixels, size, Filter::Box)).transpose()?;
                Ok(Some(blurred(size, painted.as_deref().unwrap_or(guide), guide)))
            }
            (BackdropKind::Picture, Some(picture)) => match &self.cover {
                Some((known, (size, cover))) if Arc::ptr_eq(known, picture) && *size == frame => {
                    Ok(Some((*size, cover.clone())))
                }
                _ => {
                    let cover = (frame, Arc::new(self.covering(picture, frame)?));
                    self.cover = Some((picture.clone(), cover.clone()));
                    Ok(Some(cover))
                }
            },
        }
    }

    /// The picture's middle, as large as the frame.
    fn covering(&mut self, picture: &RgbImage, frame: Size) -> Result<Vec<u8>> {
        let (width, height) = (f64::from(picture.width()), f64::from(picture.height()));
        let scale = (width / f64::from(frame.width)).min(height / f64::from(frame.height));
        let (wide, high) =
            ((scale * f64::from(frame.width)).min(width), (scale * f64::from(frame.height)).min(height));
        let part = [(width - wide) / 2.0, (height - high) / 2.0, wide, high];
        let pixels = Pixels {
            bytes: picture.as_raw(),
            size: Size { width: picture.width(), height: picture.height() },
        };
        let mut rgb = Vec::new();
        self.resizer.cropped(pixels, part, frame, Filter::CatmullRom, &mut rgb)?;
        Ok(rgb.chunks_exact(3).flat_map(|pixel| [pixel[0], pixel[1], pixel[2], 255]).collect())
    }
}

/// The background alone, blurred: where the subject is, what is around it.
fn blurred(size: Size, colors: &[u8], cut: &[u8]) -> Picture {
    let (width, height) = (size.width as usize, size.height as usize);
    let block = size.width.min(size.height).div_ceil(BLURRED_LINES) as usize;
    let (across, down) = (width.div_ceil(block), height.div_ceil(block));
    // Sums of colours times weights, and of weights.
    let mut cells = vec![[0.0f32; 4]; across * down];
    for y in 0..height {
        for x in 0..width {
            let (k, cell) = (4 * (y * width + x), &mut cells[y / block * across + x / block]);
            let weight = 1.0 - f32::from(cut[k + 3]) / 255.0 + LEAST;
            (0..3).for_each(|c| cell[c] += weight * f32::from(colors[k + c]));
            cell[3] += weight;
        }
    }
    for _ in 0..PASSES {
        cells = along(&cells, across, down, 1, across);
        cells = along(&cells, down, across, across, 1);
    }
    let pixel = |[r, g, b, weight]: [f32; 4]| {
        let value = |sum: f32| (sum / weight + 0.5).clamp(0.0, 255.0) as u8;
        [value(r), value(g), value(b), 255]
    };
    let size = Size { width: across as u32, height: down as u32 };
    (size, Arc::new(cells.into_iter().flat_map(pixel).collect()))
}

/// Each cell becomes the sum of itself and its two neighbours on a line; there are `lines` lines of `length` cells,
/// `step` apart, one line beginning `stride` after the other.
fn along(cells: &[[f32; 4]], length: usize, lines: usize, step: usize, stride: usize) -> Vec<[f32; 4]> {
    let mut summed = cells.to_vec();
    for line in 0..lines {
        for k in 0..length {
            let at = |k: usize| cells[line * stride + k * step];
            let (before, own, after) = (at(k.saturating_sub(1)), at(k), at((k + 1).min(length - 1)));
            summed[line * stride + k * step] = std::array::from_fn(|c| before[c] + own[c] + after[c]);
        }
    }
    summed
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size { width: 128, height: 72 };

    /// Red, sure to be the subject, on the left; stripes of blue on the right.
    fn cut() -> Vec<u8> {
        let pixel = |k: usize| match k % 128 {
            x if x < 64 => [255, 0, 0, 255],
            x => [0, 0, if x % 2 == 0 { 200 } else { 100 }, 0],
        };
        (0..SIZE.pixels()).flat_map(pixel).collect()
    }

    fn made(backdrop: &Backdrop) -> Option<Picture> {
        let frame = Size { width: 64, height: 64 };
        BackdropMaker::default().run(backdrop, frame, (SIZE, &cut()), None).expect("whole")
    }

    #[test]
    fn a_blurred_background_has_no_halo_of_the_subject() {
        let (size, pixels) =
            made(&Backdrop { kind: BackdropKind::Blur, ..Backdrop::default() }).expect("made");
        assert!(size.width < 128 && pixels.len() == size.rgba_bytes());
        for pixel in
            pixels.chunks_exact(4).enumerate().filter(|(k, _)| k % size.width as usize >= 31).map(|(_, p)| p)
        {
            assert!(pixel[0] < 12 && pixel[2].abs_diff(150) < 12, "{pixel:?}");
        }
    }

    #[test]
    fn colours_and_pictures_are_as_given_and_nothing_is_made_of_nothing() {
        assert_eq!(made(&Backdrop::default()), None);
        let colour = Backdrop { kind: BackdropKind::Color, color: [1, 2, 3], picture: None };
        assert_eq!(*made(&colour).expect("made").1, [1, 2, 3, 255]);
        assert_eq!(made(&Backdrop { kind: BackdropKind::Picture, ..colour.clone() }), None);
        // Wide, with green at its sides, which a square frame cuts off.
        let picture = RgbImage::from_fn(120, 40, |x, _| {
            image::Rgb(if (40..80).contains(&x) { [9, 9, 200] } else { [0, 255, 0] })
        });
        let backdrop = Backdrop { kind: BackdropKind::Picture, picture: Some(Arc::new(picture)), ..colour };
        let (size, pixels) = made(&backdrop).expect("made");
        assert_eq!(size, Size { width: 64, height: 64 });
        assert!(pixels.chunks_exact(4).skip(2).take(60).all(|pixel| pixel[2] > 150 && pixel[1] < 60));
    }
}
