//! Presets: a geometry exemplar, a style, and how much of each.
//!
//! A preset is a small TOML file with its exemplar picture beside it. The
//! program carries those of `presets/`; a user's own are files given by path, or
//! by name from the user's configuration folder. Once parsed it is valid.

use std::path::{Path, PathBuf};

use image::RgbImage;
use serde::{Deserialize, Serialize};

use crate::assets::EMBEDDED;
use crate::error::{Cause, Error, Result};
use crate::image_file::exemplar;
use crate::paint::composite::Colors;
use crate::paint::style_spec::StyleSpec;
use crate::paint::subject::Regions;
use crate::warp::regularize::Align;
use crate::warp::search::Focus;

/// Name of the preset used where none is named.
pub const DEFAULT: &str = "modigliani";

/// Everything that makes a look.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Look {
    /// Its name, or the file it came from.
    pub name: String,
    /// One line for people.
    pub description: String,
    /// Shapes to take over; `None` leaves them alone.
    pub geometry: Option<RgbImage>,
    /// Brushwork; `None` leaves the surface alone.
    pub texture: Option<StyleSpec>,
    /// The picture file of the painting that its brushwork was tuned to, where the preset has it beside it.
    pub painting: Option<PathBuf>,
    /// Strength of the warp, 0..=2; 1 is the exemplar's own shape.
    pub warp: f32,
    /// Strength of the painting, 0..=1.
    pub paint: f32,
    /// Size of the strokes, 0.5..=2; 1 as in the painting.
    pub stroke_size: f32,
    /// Whose colours the picture has.
    pub colors: Colors,
    /// How still the brushwork of a video holds, 0..=1; 0 paints every frame anew.
    pub steady: f32,
    /// How thick the paint lies, 0..=1; 1 as thick as the painting's, which for prints is flat.
    pub relief: f32,
    /// Whose place and pose the output takes.
    pub align: Align,
    /// Which of several subjects are bent. No preset says so.
    pub focus: Focus,
    /// What of the picture is painted and bent, and what shows behind the subject. No preset says so.
    pub regions: Regions,
}

impl Default for Look {
    /// Nothing is changed.
    fn default() -> Self {
        Self {
            name: "none".into(),
            description: String::new(),
            geometry: None,
            texture: None,
            painting: None,
            warp: 1.0,
            paint: 1.0,
            stroke_size: 1.0,
            colors: Colors::Paint,
            steady: 1.0,
            relief: 1.0,
            align: Align::Subject,
            focus: Focus::default(),
            regions: Regions::default(),
        }
    }
}

/// What a look is made of: a preset, and what is laid over it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LookSpec {
    /// A name, or a TOML file; without it, and without geometry and texture, the default.
    pub preset: Option<String>,
    /// Picture whose shapes are taken over.
    pub geometry: Option<PathBuf>,
    /// Brushwork, as [`StyleSpec`] reads it.
    pub texture: Option<String>,
    /// As in [`Look`], and so the rest.
    pub warp: Option<f32>,
    #[expect(missing_docs, reason = "as in Look")]
    pub paint: Option<f32>,
    #[expect(missing_docs, reason = "as in Look")]
    pub colors: Option<Colors>,
    #[expect(missing_docs, reason = "as in Look")]
    pub stroke_size: Option<f32>,
    #[expect(missing_docs, reason = "as in Look")]
    pub steady: Option<f32>,
    #[expect(missing_docs, reason = "as in Look")]
    pub relief: Option<f32>,
    #[expect(missing_docs, reason = "as in Look")]
    pub align: Option<Align>,
}

impl LookSpec {
    /// The two together; what this one does not say, the other one may.
    #[cfg(feature = "cli")]
    pub(crate) fn over(self, below: &Self) -> Self {
        Self {
            preset: self.preset.or_else(|| below.preset.clone()),
            geometry: self.geometry.or_else(|| below.geometry.clone()),
            texture: self.texture.or_else(|| below.texture.clone()),
            warp: self.warp.or(below.warp),
            paint: self.paint.or(below.paint),
            colors: self.colors.or(below.colors),
            stroke_size: self.stroke_size.or(below.stroke_size),
            steady: self.steady.or(below.steady),
            relief: self.relief.or(below.relief),
            align: self.align.or(below.align),
        }
    }

    /// The preset with the rest laid over it.
    ///
    /// # Errors
    /// Returns an error if the preset, the exemplar or the name of the texture cannot be read.
    pub fn resolve(&self) -> Result<Look> {
        let own = self.geometry.is_some() || self.texture.is_some();
        let mut look = match &self.preset {
            Some(name) => Look::load(name)?,
            None if own => Look::default(),
            None => Look::load(DEFAULT)?,
        };
        if let Some(path) = &self.geometry {
            look.geometry = Some(exemplar(path)?);
        }
        if let Some(text) = &self.texture {
            let broken = |said: String| Error::StyleInvalid { path: text.into(), source: said.into() };
            look.texture = Some(text.parse().map_err(broken)?);
        }
        look.warp = self.warp.unwrap_or(look.warp);
        look.paint = self.paint.unwrap_or(look.paint);
        look.colors = self.colors.unwrap_or(look.colors);
        look.stroke_size = self.stroke_size.unwrap_or(look.stroke_size);
        look.steady = self.steady.unwrap_or(look.steady);
        look.relief = self.relief.unwrap_or(look.relief);
        look.align = self.align.unwrap_or(look.align);
        Ok(look)
    }
}

/// A preset as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    description: String,
    /// File name, next to the preset.
    geometry: Option<String>,
    texture: Option<String>,
    /// File name, next to the preset: for people, and to tune on with.
    painting: Option<String>,
    warp: Option<f32>,
    paint: Option<f32>,
    stroke_size: Option<f32>,
    #[serde(default)]
    colors: Colors,
    steady: Option<f32>,
    relief: Option<f32>,
    #[serde(default)]
    align: Align,
}

impl Look {
    /// By name (the program's own, then the user's) or by path (anything with a
    /// `/` or ending in `.toml`).
    ///
    /// # Errors
    /// Returns an error if there is none, or it is broken.
    pub fn load(name: &str) -> Result<Self> {
        let path = Path::new(name);
        if path.extension().is_some_and(|extension| extension == "toml") || path.components().count() > 1 {
            return Self::from_file(path);
        }
        let file = format!("{name}.toml");
        if let Some(text) = EMBEDDED.get_file(&file) {
            let picture = |picture: &str| -> Result<RgbImage, Cause> {
                let bytes = EMBEDDED.get_file(picture).ok_or("not among the program's own")?.contents();
                Ok(image::load_from_memory(bytes)?.into_rgb8())
            };
            let broken = |source: Cause| Error::PresetInvalid { path: file.clone().into(), source };
            let text = text.contents_utf8().ok_or_else(|| broken("not UTF-8".into()))?;
            return Self::parse(name, text, Path::new(""), broken, |name| picture(name).map_err(broken));
        }
        match user_folder().map(|folder| folder.join(&file)).filter(|path| path.is_file()) {
            Some(path) => Self::from_file(&path),
            None => Err(Error::PresetMissing { name: name.into(), available: Self::names() }),
        }
    }

    /// Names that [`Look::load`] knows: the program's own, then the user's.
    pub fn names() -> Vec<String> {
        let stem = |path: &Path| -> Option<String> {
            let is_toml = path.extension().is_some_and(|extension| extension == "toml");
            is_toml.then(|| path.file_stem().map(|stem| stem.to_string_lossy().into_owned())).flatten()
        };
        let mut names: Vec<_> = EMBEDDED.files().filter_map(|file| stem(file.path())).collect();
        let folder = user_folder().and_then(|folder| std::fs::read_dir(folder).ok());
        names.extend(folder.into_iter().flatten().flatten().filter_map(|entry| stem(&entry.path())));
        names.sort();
        names.dedup();
        names
    }

    fn from_file(path: &Path) -> Result<Self> {
        let text =
            std::fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
        let broken = |source: Cause| Error::PresetInvalid { path: path.to_owned(), source };
        let folder = path.parent().unwrap_or(Path::new(""));
        Self::parse(&path.to_string_lossy(), &text, folder, broken, |name| exemplar(&folder.join(name)))
    }

    /// As of a file that holds this text, whatever picture it names.
    #[cfg(any(feature = "cli", test))]
    pub(crate) fn from_text(text: &str) -> Result<Self> {
        let broken = |source| Error::PresetInvalid { path: "text".into(), source };
        Self::parse("text", text, Path::new(""), broken, |_| Ok(RgbImage::new(16, 16)))
    }

    fn parse(
        name: &str,
        text: &str,
        folder: &Path,
        broken: impl Fn(Cause) -> Error,
        picture: impl FnOnce(&str) -> Result<RgbImage>,
    ) -> Result<Self> {
        let written: Written = toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            broken(format!("line {}: {}", before.matches('\n').count() + 1, error.message()).into())
        })?;
        let texture = written.texture.map(|text| StyleSpec::parse(&text, folder)).transpose();
        let preset = Self {
            name: name.into(),
            description: written.description,
            geometry: written.geometry.as_deref().map(picture).transpose()?,
            texture: texture.map_err(|error| broken(format!("texture: {error}").into()))?,
            painting: written.painting.map(|name| folder.join(name)),
            warp: written.warp.unwrap_or(1.0),
            paint: written.paint.unwrap_or(1.0),
            stroke_size: written.stroke_size.unwrap_or(1.0),
            colors: written.colors,
            steady: written.steady.unwrap_or(1.0),
            relief: written.relief.unwrap_or(1.0),
            align: written.align,
            focus: Focus::default(),
            regions: Regions::default(),
        };
        for (what, value, least, most) in [
            ("warp", preset.warp, 0.0, 2.0),
            ("paint", preset.paint, 0.0, 1.0),
            ("stroke_size", preset.stroke_size, 0.5, 2.0),
            ("steady", preset.steady, 0.0, 1.0),
            ("relief", preset.relief, 0.0, 1.0),
        ] {
            if !(least..=most).contains(&value) {
                return Err(broken(format!("{what} is {value}, outside {least} to {most}").into()));
            }
        }
        Ok(preset)
    }
}

/// Where a user's own presets are looked for by name.
pub fn user_folder() -> Option<PathBuf> {
    directories::ProjectDirs::from("", "", "stylewarp").map(|dirs| dirs.config_dir().join("presets"))
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::{Index, select};

    use super::*;

    fn parse(text: &str) -> Result<Look> {
        Look::from_text(text)
    }

    #[test]
    fn every_embedded_preset_is_valid() {
        let names = Look::names();
        assert!(names.len() >= 4 && names.iter().any(|name| name == DEFAULT), "{names:?}");
        for name in names {
            let preset = Look::load(&name).expect(&name);
            assert!(
                !preset.description.is_empty() && preset.texture.is_some() && preset.geometry.is_some(),
                "{name}"
            );
        }
    }

    #[test]
    fn says_where_a_preset_is_broken() {
        for (text, said) in [
            ("warp = ", "line 1"),
            ("warp = 3.0", "outside 0 to 2"),
            ("paint = nan", "outside 0 to 1"),
            ("brush = 1", "unknown field `brush`"),
            ("stroke_size = 0.1", "outside 0.5 to 2"),
            ("texture = \"a:b\"", "not a share"),
            ("align = \"left\"", "unknown variant"),
        ] {
            let report = parse(text).expect_err(text).explained("x");
            assert!(report.contains(said), "{report}");
        }
        assert_eq!(parse("texture = \"scream\"").expect("valid").warp, 1.0);
    }

    #[test]
    fn unknown_names_list_the_known_ones() {
        let Err(Error::PresetMissing { available, .. }) = Look::load("no-such") else { panic!("found") };
        assert!(available.iter().any(|name| name == DEFAULT), "{available:?}");
    }

    /// Presets and mixtures to begin with, and pieces to put into them.
    const CORPUS: &[&str] = &[
        include_str!("../presets/modigliani.toml"),
        "description = 'é'\ngeometry = \"a.jpg\"\ntexture = \"scream:0.7,art/b.jpg:.3\"\nwarp = 1.5\ncolors = \"keep\"\n",
        "texture = 'C:\\a.jpg:2, b.safetensors'\nsteady = 0\nalign = \"exemplar\"\nstroke_size = 2.0\npaint = 0.5",
        "scream:0.7,painting.jpg:0.3",
        "",
    ];
    const PIECES: &[&str] = &[
        "nan", "-inf", "1e999", "[", "]", "{", "}", "\"", "'''", "=", ":", ",", "\n", "\0", "\u{feff}", "🐢",
        "#",
    ];

    /// A text of the corpus with some pieces put in, and some letters taken out.
    fn spoilt() -> impl Strategy<Value = String> {
        let edit = (any::<Index>(), 0..6usize, select(PIECES), select(&[1, 1, 1, 500][..]));
        (select(CORPUS), vec(edit, 0..6)).prop_map(|(text, edits)| {
            let mut letters: Vec<char> = text.chars().collect();
            for (place, taken, piece, times) in edits {
                let from = place.index(letters.len() + 1);
                let to = (from + taken).min(letters.len());
                letters.splice(from..to, piece.repeat(times).chars());
            }
            letters.into_iter().collect()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(10_000), failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_spoilt_preset_is_a_look_within_its_ranges_or_is_told(text in spoilt()) {
            match parse(&text) {
                Ok(look) => {
                    prop_assert!((0.0..=2.0).contains(&look.warp) && (0.0..=1.0).contains(&look.paint));
                    prop_assert!((0.5..=2.0).contains(&look.stroke_size) && (0.0..=1.0).contains(&look.steady));
                }
                Err(error) => prop_assert!(error.explained("x").contains("because: ")),
            }
        }

        #[test]
        fn a_spoilt_mixture_has_shares_or_is_told(text in spoilt()) {
            match text.parse::<StyleSpec>() {
                Ok(spec) => prop_assert_eq!(spec.text(), text),
                Err(told) => prop_assert!(!told.is_empty()),
            }
        }
    }
}
