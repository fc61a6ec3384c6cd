//! Picture files: exemplars, paintings and photos, read and written.
//!
//! A picture comes out upright, as its camera noted, and as opaque RGB or RGBA. It is
//! written whole or not at all, and nothing is overwritten that was not meant to be.

use std::io::{BufWriter, Write as _};
use std::path::Path;

use image::{DynamicImage, ExtendedColorType, ImageDecoder as _, ImageFormat, ImageReader, Limits, RgbImage};

use crate::atomic_file;
use crate::atomic_file::AtomicFile;
use crate::error::{Error, Result};
use crate::frame::{Frame, Size};
use crate::time::FrameTime;

/// Smallest side of an exemplar.
const LEAST_SIDE: u32 = 16;
/// Bytes of a picture as it is decoded: the largest frame, with 8 bits a channel.
const MOST_BYTES: u64 = 4 * (Size::MAX_SIDE as u64).pow(2);

/// Reads an exemplar picture; what is transparent is taken for white.
///
/// # Errors
/// Returns an error if it cannot be read or is smaller than 16x16.
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

/// Reads any picture, turned upright as its camera noted. Its header alone decides whether
/// memory is taken for it.
///
/// # Errors
/// Returns an error if it cannot be read, or has more pixels than a frame may.
pub fn read(path: &Path) -> Result<DynamicImage> {
    let failed = |source| Error::Picture { path: path.to_owned(), source };
    let mut reader = ImageReader::open(path)
        .and_then(ImageReader::with_guessed_format)
        .map_err(|source| Error::Read { path: path.to_owned(), source })?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(MOST_BYTES);
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder().map_err(failed)?;
    let (width, height) = decoder.dimensions();
    if Size::new(width, height).is_none() {
        return Err(too_large(width, height));
    }
    limits.reserve(decoder.total_bytes()).map_err(failed)?;
    decoder.set_limits(limits).map_err(failed)?;
    let orientation = decoder.orientation().map_err(failed)?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(failed)?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

/// Refuses what would lose a file.
///
/// # Errors
/// As [`check_overwrite`], and [`Error::UnknownFormat`].
pub fn check_output(input: &Path, output: &Path, overwrite: bool) -> Result<()> {
    if ImageFormat::from_path(output).is_err() {
        return Err(Error::UnknownFormat { path: output.to_owned() });
    }
    check_overwrite(input, output, overwrite)
}

/// Refuses to overwrite what is not to be.
///
/// # Errors
/// [`Error::OutputIsInput`] or [`Error::OutputExists`]; [`Error::Write`] where no file can be.
pub fn check_overwrite(input: &Path, output: &Path, overwrite: bool) -> Result<()> {
    if same_file::is_same_file(input, output).unwrap_or(false) {
        return Err(Error::OutputIsInput { path: output.to_owned() });
    }
    atomic_file::check(output, overwrite)
}

/// Reads a picture, upright and opaque.
///
/// # Errors
/// Returns an error if it cannot be read, or has more pixels than a frame may.
pub fn read_frame(path: &Path) -> Result<Frame> {
    let picture = read(path)?.into_rgba8();
    let (width, height) = picture.dimensions();
    let size = Size::new(width, height).ok_or_else(|| too_large(width, height))?;
    Ok(Frame { size, time: FrameTime::ZERO, pixels: picture.into_raw() })
}

fn too_large(width: u32, height: u32) -> Error {
    Error::OutOfRange {
        what: "the picture's side",
        value: format!("{width}x{height}"),
        range: "1 to 16384 pixels",
    }
}

/// Writes a picture: whole or not at all.
///
/// # Errors
/// [`Error::OutputExists`] if it is there and `overwrite` is not set; [`Error::Write`] if it
/// cannot be encoded or written.
pub fn write(path: &Path, frame: &Frame, overwrite: bool) -> Result<()> {
    write_to(AtomicFile::create(path, overwrite)?, path, frame)
}

/// As [`write`], over whatever is there, without looking around for other runs: of thousands in a folder that
/// takes longer than writing one.
///
/// # Errors
/// As [`write`].
#[cfg(feature = "video")]
pub(crate) fn write_shared(path: &Path, frame: &Frame) -> Result<()> {
    write_to(AtomicFile::create_shared(path)?, path, frame)
}

fn write_to(file: AtomicFile, path: &Path, frame: &Frame) -> Result<()> {
    let format = ImageFormat::from_path(path).map_err(|_| Error::UnknownFormat { path: path.to_owned() })?;
    let rgb: Vec<u8> = frame.pixels.chunks_exact(4).flat_map(|pixel| &pixel[..3]).copied().collect();
    let mut out = BufWriter::new(file.file());
    let Size { width, height } = frame.size;
    image::write_buffer_with_format(&mut out, &rgb, width, height, ExtendedColorType::Rgb8, format)
        .map_err(|reason| file.cannot_write(reason))?;
    out.flush().map_err(|reason| file.cannot_write(reason))?;
    drop(out);
    file.commit()
}

/// A picture as a frame.
#[cfg(feature = "live")]
pub(crate) fn frame_of(picture: &RgbImage) -> Frame {
    let size = Size { width: picture.width(), height: picture.height() };
    let pixels = picture.pixels().flat_map(|p| [p[0], p[1], p[2], 255]).collect();
    Frame { size, time: FrameTime::ZERO, pixels }
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
