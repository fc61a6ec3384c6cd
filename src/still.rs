//! Single pictures: in, out, and redrawn as the paper does it.

use std::path::Path;

use crate::device::Runtime;
use crate::engine::{Engine, Setup};
use crate::error::{Error, Result};
use crate::finish::{Finish, Mix};
use crate::frame::{Frame, Size};
use crate::model::Models;
use crate::painter::{Brush, Painter};
use crate::picture;
use crate::preset::Preset;
use crate::styler::{Begin, Recipe, Step, Styler};
use crate::texture::Texture;
use crate::time::FrameTime;

/// Refuses what would lose a file.
///
/// # Errors
/// As [`keep`], and [`Error::UnknownFormat`].
pub fn check(input: &Path, output: &Path, overwrite: bool) -> Result<()> {
    if image::ImageFormat::from_path(output).is_err() {
        return Err(Error::UnknownFormat { path: output.to_owned() });
    }
    keep(input, output, overwrite)
}

/// Refuses to overwrite what is not to be.
///
/// # Errors
/// [`Error::OutputIsInput`] or [`Error::OutputExists`].
pub fn keep(input: &Path, output: &Path, overwrite: bool) -> Result<()> {
    let path = || output.to_owned();
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
    let picture = picture::read(path)?.into_rgba8();
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

/// The paper itself: the picture is warped, painted if the recipe begins so, then
/// optimised towards the look's painting. Minutes; `report` sees every step.
///
/// # Errors
/// Where the look's texture is not a single painting, or a stage fails.
pub fn copy(
    frame: Frame,
    mut look: Preset,
    recipe: Recipe,
    setup: &Setup,
    report: impl FnMut(Step),
) -> Result<Frame> {
    let texture = look.texture.take().filter(|_| look.paint > 0.0);
    let painting = texture.as_ref().map(Texture::painting).transpose()?;
    let warped = Engine::new(&look, None, frame.size.aspect(), setup)?.stylize(frame)?;
    let (Some(texture), Some(painting)) = (texture, painting) else { return Ok(warped) };
    let (models, runtime) = (Models::find(setup.models.as_deref())?, Runtime::load(setup.device)?);
    let start = match recipe.begin {
        Begin::Photo => None,
        Begin::Painting => {
            let style = texture.style(&models, &runtime)?;
            let lines = recipe.scales.iter().copied().min();
            let brush = Brush { style, stroke: recipe.stroke, lines };
            Some(Painter::new(&models, &runtime, setup.painter, brush)?.run(&warped, None)?)
        }
    };
    let painted = Styler::new(&models, &runtime, painting, recipe)?.run(&warped, start.as_ref(), report)?;
    let mix = Mix { strength: look.paint, colors: look.colors };
    Finish::new(None)?.run(warped, painted, mix)
}
