//! One picture in every look, on one sheet: how looks are chosen.

use crate::engine::{Engine, Setup};
use crate::error::Result;
use crate::finish::{Finish, Mix};
use crate::frame::{Frame, Size};
use crate::model::Models;
use crate::painter::{Brush, Painter};
use crate::preset::Preset;
use crate::sheet::{gallery, scaled};
use crate::style;

/// Height of a picture on the sheet.
const HEIGHT: u32 = 320;
/// Width of the sheet, about.
const WIDTH: u32 = 2000;

/// What is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Shelf {
    /// Every preset: shapes and brushwork.
    #[default]
    Presets,
    /// Every texture of the program's own, without a warp.
    Textures,
}

/// The picture in every look, with names; `told` sees each name when it is done.
///
/// # Errors
/// Where a look or a network cannot be had or fails.
pub fn draw(photo: &Frame, shelf: Shelf, setup: &Setup, mut told: impl FnMut(&str)) -> Result<Frame> {
    let photo = scaled(photo, HEIGHT);
    let mut tiles = vec![("as it is".to_owned(), photo.clone())];
    let mut tile = |name: String, done: Frame| {
        told(&name);
        tiles.push((name, done));
    };
    match shelf {
        Shelf::Presets => {
            for name in Preset::names() {
                let mut engine = Engine::new(&Preset::load(&name)?, None, photo.size.aspect(), setup)?;
                tile(name, engine.stylize(photo.clone())?);
            }
        }
        Shelf::Textures => {
            let models = Models::find(setup.models.as_deref())?;
            let runtime = crate::device::Runtime::load(setup.device)?;
            for (name, style) in style::all(&models)? {
                let mut painter = Painter::new(&models, &runtime, Brush { style, stroke: 1.0, lines: None })?;
                let painting = painter.run(&photo)?;
                tile(name, Finish::new(None)?.run(photo.clone(), painting, Mix::default())?);
            }
        }
    }
    Ok(gallery(&tiles, columns(photo.size)))
}

/// As many as fit.
fn columns(tile: Size) -> usize {
    (WIDTH / tile.width).max(1) as usize
}
