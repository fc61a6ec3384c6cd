//! One picture in every look, on one sheet: how looks are chosen.

use crate::app::tiles::{gallery, scaled};
use crate::engine::{Engine, EngineConfig};
use crate::error::Result;
use crate::frame::{Frame, Size};
use crate::look::Look;
use crate::nn::models::Models;
use crate::paint::style_spec::{self, StyleSpec};

/// Height of a picture on the sheet.
const HEIGHT: u32 = 320;
/// Width of the sheet, about.
const WIDTH: u32 = 2000;

/// What is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum SheetKind {
    /// Every preset: shapes and brushwork.
    #[default]
    Presets,
    /// Every texture of the program's own, without a warp.
    Textures,
}

/// The picture in every look, with names; `told` sees each name when it is done.
///
/// # Errors
/// Returns an error if a look or a network cannot be had or fails.
pub fn draw(
    photo: &Frame,
    shelf: SheetKind,
    setup: &EngineConfig,
    mut told: impl FnMut(&str),
) -> Result<Frame> {
    let photo = scaled(photo, HEIGHT);
    let looks: Vec<Look> = match shelf {
        SheetKind::Presets => Look::names().iter().map(|name| Look::load(name)).collect::<Result<_>>()?,
        SheetKind::Textures => style_spec::names(&Models::find(setup.models.as_deref())?)
            .into_iter()
            .map(|name| Look { texture: Some(StyleSpec::named(&name)), name, ..Look::default() })
            .collect(),
    };
    let mut tiles = vec![("as it is".to_owned(), photo.clone())];
    for look in looks {
        let mut engine = Engine::new(&look, None, photo.size.aspect(), setup)?;
        let done = engine.stylize(photo.clone())?;
        told(&look.name);
        tiles.push((look.name, done));
    }
    Ok(gallery(&tiles, columns(photo.size)))
}

/// As many as fit.
fn columns(tile: Size) -> usize {
    (WIDTH / tile.width).max(1) as usize
}
