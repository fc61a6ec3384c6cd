//! Picture files: exemplars, paintings and photos, read and written.
//!
//! A picture comes out upright, as its camera noted, and as opaque RGB or RGBA. It is
//! written whole or not at all, and nothing is overwritten that was not meant to be.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write as _};
use std::path::Path;

use image::codecs::png::PngDecoder;
use image::codecs::webp::WebPDecoder;
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

/// Whether a picture file holds several pictures, of which only the first is read.
pub fn is_animated(path: &Path) -> bool {
    let open = || Some(BufReader::new(File::open(path).ok()?));
    let webp = || Some(WebPDecoder::new(open()?).ok()?.has_animation());
    let png = || PngDecoder::new(open()?).ok()?.is_apng().ok();
    webp().or_else(png).unwrap_or(false)
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

/// Reads a picture, upright and opaque: what is transparent shows black.
///
/// # Errors
/// Returns an error if it cannot be read, or has more pixels than a frame may.
pub fn read_frame(path: &Path) -> Result<Frame> {
    let mut frame = read_over(path, [0; 3])?;
    frame.pixels.iter_mut().skip(3).step_by(4).for_each(|alpha| *alpha = 255);
    Ok(frame)
}

/// Reads a picture, upright, as it is seen over a background, together with how transparent it was: colours that lie
/// under what is transparent never come up. [`write_over`] takes the background out again.
///
/// # Errors
/// Returns an error if it cannot be read, or has more pixels than a frame may.
pub fn read_over(path: &Path, background: [u8; 3]) -> Result<Frame> {
    let mut picture = read(path)?.into_rgba8();
    let (width, height) = picture.dimensions();
    let size = Size::new(width, height).ok_or_else(|| too_large(width, height))?;
    for image::Rgba([colors @ .., alpha]) in picture.pixels_mut() {
        let alpha = u32::from(*alpha);
        for (value, under) in colors.iter_mut().zip(background) {
            *value = ((u32::from(*value) * alpha + u32::from(under) * (255 - alpha) + 127) / 255) as u8;
        }
    }
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
    let format = format_of(path)?;
    encode(AtomicFile::create(path, overwrite)?, &rgb(frame), frame.size, ExtendedColorType::Rgb8, format)
}

/// As [`write`], over whatever is there, without looking around for other runs: of thousands in a folder that
/// takes longer than writing one.
///
/// # Errors
/// As [`write`].
#[cfg(feature = "video")]
pub(crate) fn write_shared(path: &Path, frame: &Frame) -> Result<()> {
    let format = format_of(path)?;
    encode(AtomicFile::create_shared(path)?, &rgb(frame), frame.size, ExtendedColorType::Rgb8, format)
}

/// Writes a picture that [`read_over`] read, transparent where it was if the format knows that (PNG, WebP, TIFF); else
/// the background shows.
///
/// # Errors
/// As [`write()`].
pub fn write_over(path: &Path, frame: &Frame, background: [u8; 3], overwrite: bool) -> Result<()> {
    let format = format_of(path)?;
    let is_opaque = frame.pixels.iter().skip(3).step_by(4).all(|alpha| *alpha == 255);
    let keeps = matches!(format, ImageFormat::Png | ImageFormat::WebP | ImageFormat::Tiff);
    if is_opaque || !keeps {
        return write(path, frame, overwrite);
    }
    let mut pixels = frame.pixels.clone();
    take_out(&mut pixels, background);
    encode(AtomicFile::create(path, overwrite)?, &pixels, frame.size, ExtendedColorType::Rgba8, format)
}

/// A picture that lies over black as a PNG file, transparent where it is.
///
/// # Errors
/// Returns an error if it cannot be encoded.
#[cfg(feature = "live")]
pub(crate) fn png(frame: &Frame) -> Result<Vec<u8>, image::ImageError> {
    let mut frame = frame.clone();
    take_out(&mut frame.pixels, [0; 3]);
    let mut bytes = std::io::Cursor::new(Vec::new());
    let Size { width, height } = frame.size;
    image::write_buffer_with_format(
        &mut bytes,
        &frame.pixels,
        width,
        height,
        ExtendedColorType::Rgba8,
        ImageFormat::Png,
    )?;
    Ok(bytes.into_inner())
}

/// Takes a background out of what lies over it.
fn take_out(pixels: &mut [u8], background: [u8; 3]) {
    for [colors @ .., alpha] in pixels.as_chunks_mut::<4>().0 {
        let alpha = i32::from(*alpha);
        for (value, under) in colors.iter_mut().zip(background) {
            // Of what is not seen at all, nothing is known.
            let over = (i32::from(*value) - i32::from(under)) * 255;
            *value = (i32::from(under) + over.checked_div(alpha).unwrap_or(0)).clamp(0, 255) as u8;
        }
    }
}

fn format_of(path: &Path) -> Result<ImageFormat> {
    ImageFormat::from_path(path).map_err(|_| Error::UnknownFormat { path: path.to_owned() })
}

fn rgb(frame: &Frame) -> Vec<u8> {
    frame.pixels.chunks_exact(4).flat_map(|pixel| &pixel[..3]).copied().collect()
}

fn encode(
    file: AtomicFile,
    bytes: &[u8],
    Size { width, height }: Size,
    color: ExtendedColorType,
    format: ImageFormat,
) -> Result<()> {
    let mut out = BufWriter::new(file.file());
    image::write_buffer_with_format(&mut out, bytes, width, height, color, format)
        .map_err(|reason| file.cannot_write(reason))?;
    out.flush().map_err(|reason| file.cannot_write(reason))?;
    drop(out);
    file.commit()
}

/// A picture as a frame.
pub(crate) fn frame_of(picture: &RgbImage) -> Frame {
    let size = Size { width: picture.width(), height: picture.height() };
    let pixels = picture.pixels().flat_map(|p| [p[0], p[1], p[2], 255]).collect();
    Frame { size, time: FrameTime::ZERO, pixels }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transparency_is_kept_and_hidden_colours_never_come_up() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        let rgba = [[0, 255, 0, 0], [255, 0, 0, 128], [10, 20, 30, 255]];
        let picture = image::RgbaImage::from_fn(3, 1, |x, _| image::Rgba(rgba[x as usize]));
        picture.save(path("in.png")).expect("written");
        for (background, seen) in
            [([0; 3], [[0, 0, 0], [128, 0, 0]]), ([255; 3], [[255, 255, 255], [255, 127, 127]])]
        {
            let frame = read_over(&path("in.png"), background).expect("read");
            let pixels = frame.pixels.as_chunks::<4>().0;
            assert_eq!([pixels[0][..3].to_vec(), pixels[1][..3].to_vec()], seen, "{background:?}");
            assert_eq!((pixels[0][3], pixels[1][3], pixels[2]), (0, 128, [10, 20, 30, 255]));
            for name in ["out.png", "out.webp", "out.tiff"] {
                write_over(&path(name), &frame, background, true).expect("written");
                let again = image::open(path(name)).expect("read").into_rgba8();
                assert_eq!(again.get_pixel(0, 0).0[3], 0, "{name}");
                assert!(again.get_pixel(0, 0).0[..3] == background, "{name}: {:?}", again.get_pixel(0, 0));
                let [r, g, b, a] = again.get_pixel(1, 0).0;
                assert!(r >= 254 && g <= 1 && b <= 1 && a == 128, "{name}: {:?}", again.get_pixel(1, 0));
                assert_eq!(again.get_pixel(2, 0).0, [10, 20, 30, 255], "{name}");
            }
            write_over(&path("out.jpg"), &frame, background, true).expect("written");
            let seen = image::open(path("out.jpg")).expect("read").into_rgb8();
            assert!(seen.get_pixel(0, 0).0[1].abs_diff(background[1]) < 60, "{:?}", seen.get_pixel(0, 0));
        }
        assert!(
            read_frame(&path("in.png")).expect("read").pixels.iter().skip(3).step_by(4).all(|a| *a == 255)
        );
    }

    #[test]
    fn transparent_parts_are_white() {
        let mut picture = image::RgbaImage::from_pixel(16, 16, image::Rgba([0, 0, 0, 0]));
        picture.put_pixel(1, 0, image::Rgba([10, 20, 30, 255]));
        let opaque = opaque(DynamicImage::ImageRgba8(picture));
        assert_eq!(opaque.get_pixel(0, 0).0, [255; 3]);
        assert_eq!(opaque.get_pixel(1, 0).0, [10, 20, 30]);
    }
}
