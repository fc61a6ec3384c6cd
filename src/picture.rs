//! Picture files: exemplars, paintings, photos.

use std::path::Path;

use image::{DynamicImage, ImageDecoder as _, ImageReader, RgbImage};

use crate::error::{Error, Result};

/// Smallest side of an exemplar.
const LEAST_SIDE: u32 = 16;

/// Reads an exemplar picture; what is transparent is taken for white.
///
/// # Errors
/// Where it cannot be read or is smaller than 16x16.
pub fn exemplar(path: &Path) -> Result<RgbImage> {
    let picture = opaque(read(path)?);
    let (width, height) = picture.dimensions();
    if width.min(height) < LEAST_SIDE {
        return Err(Error::PictureTooSmall { path: path.to_owned(), width, height });
    }
    Ok(picture)
}

fn opaque(picture: DynamicImage) -> RgbImage {
    if !picture.color().has_alpha() {
        return picture.into_rgb8();
    }
    let rgba = picture.into_rgba8();
    let over_white = |[r, g, b, a]: [u8; 4]| {
        [r, g, b]
            .map(|value| ((u32::from(value) * u32::from(a) + 255 * (255 - u32::from(a)) + 127) / 255) as u8)
    };
    RgbImage::from_fn(rgba.width(), rgba.height(), |x, y| image::Rgb(over_white(rgba.get_pixel(x, y).0)))
}

/// Reads any picture, turned upright as its camera noted.
///
/// # Errors
/// Where it cannot be read.
pub fn read(path: &Path) -> Result<DynamicImage> {
    let failed = |source| Error::Picture { path: path.to_owned(), source };
    let mut decoder = ImageReader::open(path)
        .and_then(ImageReader::with_guessed_format)
        .map_err(|source| Error::Read { path: path.to_owned(), source })?
        .into_decoder()
        .map_err(failed)?;
    let orientation = decoder.orientation().map_err(failed)?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(failed)?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transparent_parts_are_white() {
        let mut picture = image::RgbaImage::from_pixel(16, 16, image::Rgba([0, 0, 0, 0]));
        picture.put_pixel(1, 0, image::Rgba([10, 20, 30, 255]));
        let opaque = opaque(DynamicImage::ImageRgba8(picture));
        assert_eq!(opaque.get_pixel(0, 0).0, [255; 3]);
        assert_eq!(opaque.get_pixel(1, 0).0, [10, 20, 30]);
    }
}
