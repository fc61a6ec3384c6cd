//! What a look is made of, at a glance: its exemplar, and beside it its painting.

use image::RgbImage;
use image::imageops::{self, FilterType};

use crate::assets;
use crate::error::Result;
use crate::frame::Frame;
use crate::image_file::{self, frame_of};
use crate::live::look_loader::with_defaults;
use crate::look::Look;

/// Side of a half.
const SIDE: u32 = 96;

/// The thumbnail of a look.
///
/// # Errors
/// Returns an error if the look cannot be read.
pub(super) fn draw(look: &str) -> Result<Frame> {
    let own = Look::load(look)?;
    // Of a look that was tuned to a painting of the user's, that is all there is to it.
    if let (None, Some(path)) = (&own.geometry, &own.painting) {
        return image_file::exemplar(path).map(|painting| middle(&painting));
    }
    let look = with_defaults(own)?;
    let mut both = RgbImage::new(2 * SIDE, SIDE);
    let halves = [look.geometry, look.texture.and_then(|texture| texture.painting().ok())];
    for (picture, left) in halves.into_iter().zip([0, SIDE]) {
        if let Some(picture) = picture {
            let side = picture.width().min(picture.height());
            let (x, y) = ((picture.width() - side) / 2, (picture.height() - side) / 3);
            let square = imageops::crop_imm(&picture, x, y, side, side).to_image();
            let small = imageops::resize(&square, SIDE, SIDE, FilterType::Triangle);
            imageops::replace(&mut both, &small, left.into(), 0);
        }
    }
    Ok(frame_of(&both))
}

/// The thumbnail of a painting: its middle.
///
/// # Errors
/// Returns an error if there is no such painting.
pub(super) fn painting(name: &str) -> Result<Frame> {
    assets::painting(name).map(|painting| middle(&painting))
}

fn middle(painting: &RgbImage) -> Frame {
    let (width, height) = painting.dimensions();
    let cropped = [width.min(2 * height), height.min(width / 2)].map(|side| side.max(1));
    let (x, y) = ((width - cropped[0]) / 2, (height - cropped[1]) / 2);
    let middle = imageops::crop_imm(painting, x, y, cropped[0], cropped[1]).to_image();
    frame_of(&imageops::resize(&middle, 2 * SIDE, SIDE, FilterType::Triangle))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_look_has_one_with_something_on_both_sides() {
        for look in Look::names() {
            let drawn = draw(&look).expect(&look);
            let half = |right: usize| {
                let row =
                    &drawn.pixels[drawn.stride() * 48 + right * SIDE as usize * 4..][..SIDE as usize * 4];
                row.chunks_exact(4).any(|pixel| pixel[..3] != [0, 0, 0])
            };
            assert!(half(0) && half(1), "{look}");
        }
    }

    #[test]
    fn every_painting_has_one() {
        for name in assets::painting_names() {
            let drawn = painting(name).expect(name);
            assert_eq!((drawn.size.width, drawn.size.height), (2 * SIDE, SIDE), "{name}");
        }
        assert!(painting("no-such").is_err());
    }
}
