//! A camera's pictures, as it sends them, converted to packed RGBA.

use image::codecs::jpeg::JpegDecoder;
use image::{DynamicImage, ImageDecoder as _};
use nokhwa::utils::FrameFormat;
use yuv::{
    YuvBiPlanarImage, YuvConversionMode, YuvPackedImage, YuvRange, YuvStandardMatrix, yuv_nv12_to_rgba,
    yuyv422_to_rgba,
};

use crate::error::Cause;
use crate::frame::Size;

/// A driver's picture as packed RGBA.
///
/// # Errors
/// Returns an error if it is shorter than its size needs, no picture at all, or of another size.
pub(super) fn rgba(format: FrameFormat, size: Size, bytes: &[u8]) -> Result<Vec<u8>, Cause> {
    let Size { width, height } = size;
    let (matrix, range) = (YuvStandardMatrix::Bt601, YuvRange::Limited);
    let enough = |wanted: usize| {
        bytes
            .get(..wanted)
            .ok_or_else(|| format!("it has {} bytes, where {wanted} make a picture", bytes.len()))
    };
    if bytes.is_empty() {
        return Err("it is empty; is the camera's privacy shutter closed?".into());
    }
    // Only for a picture that is whole.
    let pixels = || vec![0; size.rgba_bytes()];
    match format {
        FrameFormat::YUYV => {
            let yuy = enough(width as usize * height as usize * 2)?;
            let picture = YuvPackedImage { yuy, yuy_stride: width * 2, width, height };
            let mut pixels = pixels();
            yuyv422_to_rgba(&picture, &mut pixels, width * 4, range, matrix)?;
            Ok(pixels)
        }
        FrameFormat::NV12 => {
            let luma = size.pixels();
            let (y_plane, uv_plane) = enough(luma + luma / 2)?.split_at(luma);
            let picture =
                YuvBiPlanarImage { y_plane, y_stride: width, uv_plane, uv_stride: width, width, height };
            let mode = YuvConversionMode::Balanced;
            let mut pixels = pixels();
            yuv_nv12_to_rgba(&picture, &mut pixels, width * 4, range, matrix, mode)?;
            Ok(pixels)
        }
        _ => {
            let decoder = JpegDecoder::new(std::io::Cursor::new(bytes))?;
            // By the header: a picture of another size is never decoded.
            let (wide, high) = decoder.dimensions();
            if (wide, high) != (width, height) {
                return Err(format!("it is {wide}x{high}, where {size} was agreed").into());
            }
            Ok(DynamicImage::from_decoder(decoder)?.into_rgba8().into_raw())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_shorter_than_they_should_be_are_refused() {
        let size = Size { width: 16, height: 8 };
        for (format, bytes) in [(FrameFormat::YUYV, 256), (FrameFormat::NV12, 192)] {
            // Longer is what drivers give.
            let grey = vec![128; bytes + 512];
            let pixels = rgba(format, size, &grey).expect("whole");
            assert!(pixels.len() == 512 && (130..=131).contains(&pixels[0]) && pixels[3] == 255);
            assert!(rgba(format, size, &grey[..bytes - 1]).is_err());
        }
        assert!(rgba(FrameFormat::MJPEG, size, b"\xff\xd8 nonsense").is_err());
        let told = rgba(FrameFormat::YUYV, size, &[]).expect_err("empty").to_string();
        assert!(told.contains("privacy shutter"), "{told}");
    }
}
