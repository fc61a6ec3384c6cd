//! What brushwork was asked for: the program's own styles by name, paintings,
//! style files, or a mixture of them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use image::RgbImage;

use crate::assets;
use crate::error::{Error, Result};
use crate::image_file;
use crate::nn::models::Models;
use crate::nn::runtime::Runtime;
use crate::paint::style::{self, Style};
use crate::paint::style_encoder::StyleEncoder;

/// Parts and their shares.
#[derive(Debug, Clone, PartialEq)]
pub struct StyleSpec {
    text: String,
    parts: Vec<(Part, f32)>,
}

#[derive(Debug, Clone, PartialEq)]
enum Part {
    /// One of the program's own paintings.
    Named(String),
    /// A painting, whose style is predicted.
    Painting(PathBuf),
    /// A file written by `stylewarp distill`.
    File(PathBuf),
}

impl StyleSpec {
    /// Reads `scream`, `painting.jpg`, `my-style.safetensors`, or a mixture such as
    /// `scream:0.7,painting.jpg:0.3`. Files are looked for in `folder`.
    ///
    /// # Errors
    /// Says what is wrong with the text.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, String> {
        // A file may be called anything.
        if is_file_name(text) && folder.join(text).is_file() {
            return Ok(Self { text: text.into(), parts: vec![(Part::of(text, folder), 1.0)] });
        }
        let mut parts = Vec::new();
        for piece in text.split(',') {
            let (name, share) = match piece.rsplit_once(':') {
                // Not a share: the drive of a Windows path.
                Some((_, share)) if share.starts_with(['\\', '/']) => (piece, 1.0),
                Some((name, share)) => {
                    let share =
                        share.trim().parse().map_err(|_| format!("{share} is not a share such as 0.7"))?;
                    (name, share)
                }
                None => (piece, 1.0),
            };
            if !(0.0..=1000.0).contains(&share) {
                return Err(format!("the share {share} is outside 0 to 1000"));
            }
            let name = name.trim();
            if name.is_empty() {
                return Err("a texture without a name".into());
            }
            parts.push((Part::of(name, folder), share));
        }
        if parts.iter().all(|(_, share)| *share == 0.0) {
            return Err("the shares are all 0".into());
        }
        Ok(Self { text: text.into(), parts })
    }

    /// One style of the program's own.
    #[cfg(feature = "cli")]
    pub(crate) fn named(name: &str) -> Self {
        Self { text: name.into(), parts: vec![(Part::Named(name.into()), 1.0)] }
    }

    /// The same, the files by names that hold in every folder.
    ///
    /// # Errors
    /// Returns an error if a file is not there.
    pub fn absolute(&self) -> Result<Self> {
        let absolute = |(part, share): &(Part, f32)| {
            let there = |path: &Path| {
                std::fs::canonicalize(path).map_err(|source| Error::Read { path: path.into(), source })
            };
            Ok((
                match part {
                    Part::Named(name) => Part::Named(name.clone()),
                    Part::Painting(path) => Part::Painting(there(path)?),
                    Part::File(path) => Part::File(there(path)?),
                },
                *share,
            ))
        };
        let parts = self.parts.iter().map(absolute).collect::<Result<Vec<_>>>()?;
        let name = |part: &Part| match part {
            Part::Named(name) => name.clone(),
            Part::Painting(path) | Part::File(path) => path.display().to_string(),
        };
        let text = match &parts[..] {
            [(part, 1.0)] => name(part),
            _ => parts
                .iter()
                .map(|(part, share)| format!("{}:{share}", name(part)))
                .collect::<Vec<_>>()
                .join(","),
        };
        Ok(Self { text, parts })
    }

    /// The files it is made of.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.parts.iter().filter_map(|(part, _)| match part {
            Part::Named(_) => None,
            Part::Painting(path) | Part::File(path) => Some(path.as_path()),
        })
    }

    /// The file it is, if it is one file and nothing else.
    pub fn file(&self) -> Option<&Path> {
        match &self.parts[..] {
            [(Part::Painting(path) | Part::File(path), _)] => Some(path),
            _ => None,
        }
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its style: tuned to the painting where that was done, else predicted.
    ///
    /// # Errors
    /// Returns an error if a name is unknown, or if a file or network cannot be used.
    pub fn style(&self, models: &Models, runtime: &Runtime) -> Result<Style> {
        let mut encoder = None;
        let mut predicted = |painting: &RgbImage| match &mut encoder {
            Some(encoder) => StyleEncoder::run(encoder, painting),
            none => none.insert(StyleEncoder::new(models, runtime)?).run(painting),
        };
        let mut styles = Vec::new();
        for (part, share) in self.parts.iter().filter(|(_, share)| *share > 0.0) {
            let style = match part {
                Part::Named(name) => match Style::tuned(models, name)? {
                    Some(style) => style,
                    None => predicted(&named_painting(models, name)?)?,
                },
                Part::Painting(path) => predicted(&image_file::exemplar(path)?)?,
                Part::File(path) => Style::read(path)?,
            };
            styles.push((style, *share));
        }
        Style::mix(&styles).ok_or_else(|| Error::StyleInvalid {
            path: self.text.clone().into(),
            source: "the parts are styles of different networks".into(),
        })
    }

    /// The one painting it names: a file, or the painting of a style of the program's own.
    ///
    /// # Errors
    /// Returns an error if it is a mixture or a style file, or the painting cannot be read.
    pub fn painting(&self) -> Result<RgbImage> {
        match &self.parts[..] {
            [(Part::Painting(path), _)] => image_file::exemplar(path),
            [(Part::Named(name), _)] => assets::painting(name),
            _ => Err(Error::NoPainting { text: self.text.clone() }),
        }
    }
}

/// As typed: files are looked for in the working directory.
impl std::str::FromStr for StyleSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::parse(text, Path::new(""))
    }
}

impl Part {
    fn of(name: &str, folder: &Path) -> Self {
        let path = Path::new(name);
        match path.extension() {
            Some(extension) if extension == "safetensors" => Self::File(folder.join(path)),
            _ if is_file_name(name) => Self::Painting(folder.join(path)),
            _ => Self::Named(name.into()),
        }
    }
}

/// Whether it can only be a file: it has an extension, or a folder before it.
fn is_file_name(name: &str) -> bool {
    let path = Path::new(name);
    path.extension().is_some_and(|extension| !extension.to_string_lossy().contains([':', ',']))
        || path.components().count() > 1
}

fn named_painting(models: &Models, name: &str) -> Result<RgbImage> {
    let available = names(models);
    match available.iter().any(|known| known == name) {
        true => assets::painting(name),
        false => Err(Error::TextureMissing { name: name.into(), available }),
    }
}

/// The names of all paintings that [`StyleSpec`] knows, in order.
pub fn names(models: &Models) -> Vec<String> {
    let own = assets::painting_names().map(str::to_owned);
    let names: BTreeSet<_> = own.chain(style::tuned_names(models)).collect();
    names.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Vec<(Part, f32)> {
        text.parse::<StyleSpec>().expect(text).parts
    }

    #[test]
    fn names_files_and_mixtures() {
        let named = |name: &str| Part::Named(name.into());
        assert_eq!(parts("scream"), [(named("scream"), 1.0)]);
        assert_eq!(parts("scream:0.7, udnie:.3"), [(named("scream"), 0.7), (named("udnie"), 0.3)]);
        assert_eq!(
            parts("art/a.jpg:2,b.safetensors"),
            [(Part::Painting("art/a.jpg".into()), 2.0), (Part::File("b.safetensors".into()), 1.0)]
        );
        assert_eq!(parts("./scream"), [(Part::Painting("./scream".into()), 1.0)]);
    }

    #[test]
    fn says_what_is_wrong_with_a_mixture() {
        for (text, said) in [
            ("", "without a name"),
            ("a,,b", "without a name"),
            ("a:x", "not a share"),
            ("a:-1", "outside 0 to 1000"),
            ("a:nan", "outside 0 to 1000"),
            ("a:0,b:0", "all 0"),
        ] {
            let error = text.parse::<StyleSpec>().expect_err(text);
            assert!(error.contains(said), "{text}: {error}");
        }
    }

    #[test]
    fn only_one_painting_can_be_copied() {
        let painting = |text: &str| text.parse::<StyleSpec>().expect("valid").painting();
        assert!(matches!(painting("scream,udnie"), Err(Error::NoPainting { .. })));
        assert!(painting("scream").is_ok());
        assert!(matches!(painting("no/such.png"), Err(Error::Read { .. })));
    }
}
