//! Resizing: the one place that calls `fast_image_resize`.
//!
//! Packed bytes or a plane of floats of one size go in, the same of another size come out.
//! Values are taken as they are: no gamma, and alpha is a channel like any other.

use fast_image_resize as fr;

use crate::error::{Error, Result};
use crate::frame::Size;

/// Packed pixels: 3 (RGB) or 4 (RGBA) bytes each, row by row.
#[derive(Debug, Clone, Copy)]
pub struct Pixels<'a> {
    /// The bytes.
    pub bytes: &'a [u8],
    /// Width and height.
    pub size: Size,
}

/// How values between pixels are computed. Every filter widens where a picture shrinks.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Filter {
    /// Means over areas.
    Box,
    /// Straight lines between neighbours.
    Bilinear,
    /// Cubic curves through four neighbours.
    CatmullRom,
}

/// Resizes pictures and keeps its working memory from one to the next.
#[derive(Default)]
pub(crate) struct Resizer(fr::Resizer);

impl Resizer {
    /// Packed pixels of another size.
    ///
    /// # Errors
    /// Returns [`Error::Resize`] if there are too few bytes for the size.
    pub(crate) fn pixels(&mut self, source: Pixels<'_>, to: Size, filter: Filter) -> Result<Vec<u8>> {
        let mut resized = Vec::new();
        self.pixels_into(source, to, filter, &mut resized)?;
        Ok(resized)
    }

    /// The same in a buffer, which is filled anew.
    ///
    /// # Errors
    /// As [`Self::pixels`].
    pub(crate) fn pixels_into(
        &mut self,
        source: Pixels<'_>,
        to: Size,
        filter: Filter,
        resized: &mut Vec<u8>,
    ) -> Result<()> {
        let Size { width, height } = source.size;
        self.cropped(source, [0.0, 0.0, f64::from(width), f64::from(height)], to, filter, resized)
    }

    /// Packed pixels of another size, made of the part `[left, top, width, height]`, in a buffer, which is filled anew.
    ///
    /// # Errors
    /// As [`Self::pixels`], or if the part lies outside the picture.
    pub(crate) fn cropped(
        &mut self,
        Pixels { bytes, size }: Pixels<'_>,
        [left, top, width, height]: [f64; 4],
        to: Size,
        filter: Filter,
        resized: &mut Vec<u8>,
    ) -> Result<()> {
        let kind = match bytes.len() / size.pixels() {
            3 => fr::PixelType::U8x3,
            _ => fr::PixelType::U8x4,
        };
        let source = fr::images::ImageRef::new(size.width, size.height, bytes, kind)
            .map_err(|error| failed(size, to, error))?;
        resized.resize(to.pixels() * kind.size(), 0);
        let mut resized = fr::images::Image::from_slice_u8(to.width, to.height, resized, kind)
            .map_err(|error| failed(size, to, error))?;
        let options = options(filter).crop(left, top, width, height);
        self.0.resize(&source, &mut resized, &options).map_err(|error| failed(size, to, error))
    }

    /// A plane of another size. Cubic curves may overshoot the range of the values.
    ///
    /// # Errors
    /// Returns [`Error::Resize`] if there are too few values for the size.
    pub(crate) fn plane(&mut self, plane: &[f32], from: Size, to: Size, filter: Filter) -> Result<Vec<f32>> {
        let bytes = bytemuck::cast_slice(plane);
        let source =
            fr::images::TypedImageRef::<fr::pixels::F32>::from_buffer(from.width, from.height, bytes)
                .map_err(|error| failed(from, to, error))?;
        let mut resized = fr::images::TypedImage::<fr::pixels::F32>::new(to.width, to.height);
        self.0
            .resize_typed(&source, &mut resized, &options(filter))
            .map_err(|error| failed(from, to, error))?;
        Ok(resized.pixels().iter().map(|pixel| pixel.0).collect())
    }
}

fn options(filter: Filter) -> fr::ResizeOptions {
    let filter = match filter {
        Filter::Box => fr::FilterType::Box,
        Filter::Bilinear => fr::FilterType::Bilinear,
        Filter::CatmullRom => fr::FilterType::CatmullRom,
    };
    fr::ResizeOptions::new().resize_alg(fr::ResizeAlg::Convolution(filter)).use_alpha(false)
}

fn failed(from: Size, to: Size, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Resize { from: from.to_string(), to: to.to_string(), source: Box::new(error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: Size = Size { width: 2, height: 2 };
    const ONE: Size = Size { width: 1, height: 1 };

    #[test]
    fn areas_become_their_means_and_alpha_is_a_channel_like_any_other() {
        let bytes = [0, 10, 20, 0, 100, 10, 20, 200, 0, 10, 20, 0, 100, 10, 20, 200];
        let pixels = Pixels { bytes: &bytes, size: TWO };
        let mut resizer = Resizer::default();
        assert_eq!(resizer.pixels(pixels, ONE, Filter::Box).expect("whole"), [50, 10, 20, 100]);
        let mut right = vec![7; 9];
        resizer.cropped(pixels, [1.0, 0.0, 1.0, 2.0], ONE, Filter::Box, &mut right).expect("inside");
        assert_eq!(right, [100, 10, 20, 200]);
        let plane = resizer.plane(&[0.0, 1.0, 2.0, 5.0], TWO, ONE, Filter::Box).expect("whole");
        assert!((plane[0] - 2.0).abs() < 1e-6, "{plane:?}");
    }

    #[test]
    fn a_torn_picture_is_called_by_its_name() {
        let torn = Pixels { bytes: &[0; 11], size: TWO };
        let error = Resizer::default().pixels(torn, ONE, Filter::Box).expect_err("a byte is missing");
        assert_eq!(error.to_string(), "cannot resize a picture of 2x2 to 1x1");
    }
}
