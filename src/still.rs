//! Single pictures in and out.

use std::path::Path;

use crate::error::{Error, Result};
use crate::frame::{Frame, Size};
use crate::preset;
use crate::time::FrameTime;

/// Refuses what would lose a file.
///
/// # Errors
/// [`Error::OutputIsInput`], [`Error::OutputExists`] or [`Error::UnknownFormat`].
pub fn check(input: &Path, output: &Path, overwrite: bool) -> Result<()> {
    let path = || output.to_owned();
    if image::ImageFormat::from_path(output).is_err() {
        return Err(Error::UnknownFormat { path: path() });
    }
    if same_file::is_same_file(input, output).unwrap_or(false) {
        return Err(Error::OutputIsInput { path: path() });
    }
    if output.exists() && !overwrite {
        return Err(Error::OutputExists { path: path() });
    }
    Ok(())
}

/// Reads a picture, upright and opaque.
///
/// # Errors
/// Where it cannot be read, or has more pixels than a frame may.
pub fn read(path: &Path) -> Result<Frame> {
    let picture = preset::picture(path)?.into_rgba8();
    let (width, height) = picture.dimensions();
    let size = Size::new(width, height).ok_or_else(|| Error::OutOfRange {
        what: "the picture's side",
        value: format!("{width}x{height}"),
        range: "1 to 16384 pixels",
    })?;
    Ok(Frame { size, time: FrameTime::ZERO, pixels: picture.into_raw() })
}

/// Writes a picture: whole or not at all.
///
/// # Errors
/// Where it cannot be encoded or written.
pub fn write(path: &Path, frame: &Frame) -> Result<()> {
    let failed = |source| Error::Write { path: path.to_owned(), source };
    let format =
        image::ImageFormat::from_path(path).map_err(|_| Error::UnknownFormat { path: path.to_owned() })?;
    let rgb: Vec<u8> = frame.pixels.chunks_exact(4).flat_map(|pixel| &pixel[..3]).copied().collect();
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let saved = image::save_buffer_with_format(
        &part,
        &rgb,
        frame.size.width,
        frame.size.height,
        image::ExtendedColorType::Rgb8,
        format,
    )
    .map_err(|error| failed(Box::new(error)))
    .and_then(|()| std::fs::rename(&part, path).map_err(|error| failed(Box::new(error))));
    if saved.is_err() {
        // What failed is reported; the leftover need not be.
        let _ = std::fs::remove_file(&part);
    }
    saved
}
