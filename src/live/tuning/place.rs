//! Where a tuning is kept: beside the user's own presets, under a name that was free, with a picture of its painting.

use std::path::{Path, PathBuf};

use image::RgbImage;
use image::imageops::{self, FilterType};

use crate::error::{Error, Result};
use crate::image_file::{self, frame_of};
use crate::live::error::LiveError;
use crate::look::Look;

/// Longer side of the picture that is kept: more lines show no more strokes.
const KEPT: u32 = 2048;
/// Letters of a name.
const LONGEST: usize = 60;
/// Side of pictures that are compared, and how far apart on average those of one painting may be, of 255.
const GLANCE: u32 = 32;
const ALIKE: f64 = 3.0;

/// What is tuned, and where that goes.
#[derive(Debug)]
pub(super) struct Place {
    /// What the look is called.
    pub(super) name: String,
    /// The painting, as it is kept.
    pub(super) painting: PathBuf,
    /// The preset.
    pub(super) preset: PathBuf,
    /// Whether it is there already, tuned to the same painting, and goes on.
    pub(super) goes_on: bool,
}

impl Place {
    /// Of a style that was tuned before, or of a painting: there its picture is kept from now on. `taken` are names that
    /// mean something else.
    ///
    /// # Errors
    /// Returns an error if the painting cannot be read, or its picture not be kept.
    pub(super) fn of(file: &Path, folder: &Path, taken: &[String]) -> Result<Self> {
        if file.extension().is_some_and(|extension| extension == "safetensors") {
            let preset = file.with_extension("toml");
            let kept = Look::load(&preset.to_string_lossy())?.painting.filter(|path| path.is_file());
            let painting = kept.ok_or_else(|| LiveError::PaintingLost { path: file.into() })?;
            return Ok(Self { name: stem(file), painting, preset, goes_on: true });
        }
        let picture = image_file::exemplar(file)?;
        std::fs::create_dir_all(folder)
            .map_err(|reason| Error::Write { path: folder.into(), source: reason.into() })?;
        let (first, mut number) = (called(file), 1);
        loop {
            let name = if number == 1 { first.clone() } else { format!("{first}-{number}") };
            let [preset, style, painting] =
                ["toml", "safetensors", "png"].map(|ending| folder.join(format!("{name}.{ending}")));
            if is_of(&preset, &painting, &picture) {
                return Ok(Self { name, painting, preset, goes_on: true });
            }
            let is_free =
                !taken.contains(&name) && ![&preset, &style, &painting].iter().any(|path| path.exists());
            if is_free {
                match image_file::write(&painting, &frame_of(&small(&picture)), false) {
                    Ok(()) => return Ok(Self { name, painting, preset, goes_on: false }),
                    // Another session was quicker.
                    Err(Error::OutputExists { .. } | Error::OutputBusy { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            number += 1;
        }
    }

    /// Leaves no picture behind where no look came of it.
    pub(super) fn tidy(&self) {
        if !self.goes_on && !self.preset.exists() {
            let _ = std::fs::remove_file(&self.painting);
        }
    }
}

/// Whether a preset was tuned to this painting, of which it has a picture there.
fn is_of(preset: &Path, painting: &Path, picture: &RgbImage) -> bool {
    let tuned = Look::load(&preset.to_string_lossy()).ok().and_then(|look| look.painting);
    tuned.as_deref() == Some(painting)
        && image_file::exemplar(painting).is_ok_and(|kept| is_alike(&kept, &small(picture)))
}

fn is_alike(a: &RgbImage, b: &RgbImage) -> bool {
    if a.dimensions() != b.dimensions() {
        return false;
    }
    let [a, b] = [a, b].map(|picture| imageops::resize(picture, GLANCE, GLANCE, FilterType::Triangle));
    let apart: u64 = a.as_raw().iter().zip(b.as_raw()).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    (apart as f64) < ALIKE * a.as_raw().len() as f64
}

/// The picture, no larger than it is kept.
fn small(picture: &RgbImage) -> RgbImage {
    let (width, height) = picture.dimensions();
    let longer = width.max(height);
    if longer <= KEPT {
        return picture.clone();
    }
    let side = |side: u32| ((u64::from(side) * u64::from(KEPT)) / u64::from(longer)).max(16) as u32;
    imageops::resize(picture, side(width), side(height), FilterType::CatmullRom)
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// A name for the look of a painting: that of its file, as words with dashes.
pub(in crate::live) fn called(file: &Path) -> String {
    let stem = stem(file).to_lowercase();
    let words: Vec<_> = stem.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let name: String = words.join("-").chars().take(LONGEST).collect();
    if name.is_empty() { "painting".into() } else { name }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    fn painting(shade: u8) -> RgbImage {
        RgbImage::from_fn(80, 60, |x, y| image::Rgb([x as u8 * 3, y as u8 * 4, shade]))
    }

    /// A folder of presets, and a painting elsewhere.
    fn folders() -> (TempDir, PathBuf, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, presets) = (folder.path().join("My Monet (2).PNG"), folder.path().join("presets"));
        painting(9).save(&file).expect("written");
        (folder, file, presets)
    }

    fn begun(place: &Place) {
        let name = |path: &Path| path.file_name().expect("a name").to_string_lossy().into_owned();
        let text = format!("painting = '{}'", name(&place.painting));
        fs::write(&place.preset, text).expect("written");
    }

    #[test]
    fn names_are_free_and_what_is_there_is_never_touched() {
        let (_folder, file, presets) = folders();
        fs::create_dir(&presets).expect("made");
        // One of each that is somebody's.
        for name in ["my-monet-2.toml", "my-monet-2-2.png", "my-monet-2-3.safetensors"] {
            fs::write(presets.join(name), "warp = 1.0").expect("written");
        }
        let place = Place::of(&file, &presets, &["my-monet-2-4".into()]).expect("free");
        assert_eq!((place.name.as_str(), place.goes_on), ("my-monet-2-5", false));
        assert_eq!(image::open(&place.painting).expect("kept").into_rgb8(), painting(9));
        // No look came of it.
        place.tidy();
        assert_eq!(fs::read_dir(&presets).expect("listed").count(), 3);
        for (text, name) in [("...", "painting"), ("/a/b.c.d", "b-c"), ("Æ é_1.jpg", "æ-é-1")] {
            assert_eq!(called(Path::new(text)), name);
        }
    }

    #[test]
    fn the_same_painting_goes_on_and_another_of_that_name_begins() {
        let (_folder, file, presets) = folders();
        let first = Place::of(&file, &presets, &[]).expect("begun");
        begun(&first);
        let again = Place::of(&file, &presets, &[]).expect("there");
        assert_eq!((again.name.as_str(), again.goes_on), ("my-monet-2", true));
        again.tidy();
        let style = first.preset.with_extension("safetensors");
        let worn = Place::of(&style, &presets, &[]).expect("there");
        assert_eq!((&worn.painting, worn.goes_on), (&first.painting, true));
        painting(200).save(&file).expect("written");
        assert_eq!(Place::of(&file, &presets, &[]).expect("begun").name, "my-monet-2-2");
        fs::remove_file(&first.painting).expect("there");
        let told = Place::of(&style, &presets, &[]).expect_err("no painting").to_string();
        assert!(told.contains("my-monet-2.safetensors"), "{told}");
    }

    #[test]
    fn a_large_scan_is_kept_small_and_known_again() {
        let (folder, _, presets) = folders();
        let file = folder.path().join("scan.png");
        RgbImage::from_fn(5000, 300, |x, y| image::Rgb([(x / 20) as u8, y as u8, 50]))
            .save(&file)
            .expect("written");
        let place = Place::of(&file, &presets, &[]).expect("begun");
        assert_eq!(image::image_dimensions(&place.painting).expect("kept"), (2048, 122));
        begun(&place);
        assert!(Place::of(&file, &presets, &[]).expect("there").goes_on);
    }
}
