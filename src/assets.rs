//! Files that the program carries inside itself: presets, exemplars and paintings.

use std::path::Path;

use image::RgbImage;
use include_dir::{Dir, File, include_dir};

use crate::error::{Error, Result};

/// The folder `presets/` of the source, as it was when the program was built.
pub(crate) static EMBEDDED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/presets");

/// The painting that a style of the program's own was learned from.
///
/// # Errors
/// Returns an error if there is none of this name.
pub fn painting(name: &str) -> Result<RgbImage> {
    let found = paintings().find(|file| stem(file.path()) == Some(name));
    let missing = || Error::TextureMissing {
        name: name.into(),
        available: painting_names().map(str::to_owned).collect(),
    };
    decoded(found.ok_or_else(missing)?)
}

/// Photos to tune painters on: people, animals, streets, things (`presets/photos/README.md`).
///
/// # Errors
/// Returns an error if one cannot be read.
pub fn photos() -> Result<Vec<RgbImage>> {
    let folder = EMBEDDED.get_dir("photos").into_iter().flat_map(|folder| folder.files());
    let pictures = folder.filter(|file| file.path().extension().is_some_and(|extension| extension == "jpg"));
    pictures.map(decoded).collect()
}

fn decoded(file: &File<'static>) -> Result<RgbImage> {
    let picture = image::load_from_memory(file.contents());
    Ok(picture.map_err(|source| Error::Picture { path: file.path().to_owned(), source })?.into_rgb8())
}

/// The names of all paintings that [`painting`] gives.
pub fn painting_names() -> impl Iterator<Item = &'static str> {
    paintings().filter_map(|file| stem(file.path()))
}

fn paintings() -> impl Iterator<Item = &'static File<'static>> {
    EMBEDDED.get_dir("textures").into_iter().flat_map(|folder| folder.files())
}

fn stem(path: &Path) -> Option<&str> {
    path.file_stem()?.to_str()
}
