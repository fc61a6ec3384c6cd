//! What shows behind the subject, as typed.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use crate::error::Result;
use crate::image_file;
use crate::paint::subject::{Backdrop, BackdropKind};
use crate::video::colour;

/// A background as typed; a picture is not read yet.
#[derive(Debug, Clone, PartialEq)]
pub enum BackdropChoice {
    /// The picture's own.
    Keep,
    /// The same, blurred.
    Blur,
    /// Nothing.
    Clear,
    /// One colour, RGB.
    Color([u8; 3]),
    /// A picture file.
    Picture(PathBuf),
}

impl FromStr for BackdropChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "keep" => Ok(Self::Keep),
            "blur" => Ok(Self::Blur),
            "clear" => Ok(Self::Clear),
            // FFmpeg's green is half as bright as the one that programs take out.
            "green" => Ok(Self::Color(Backdrop::GREEN)),
            _ => match colour::named(text) {
                Some(color) => Ok(Self::Color(color)),
                None if text.contains(['.', '/', '\\']) => Ok(Self::Picture(text.into())),
                None => {
                    Err("not `keep`, `blur`, `clear`, a colour such as green or #102030, or a picture file"
                        .into())
                }
            },
        }
    }
}

impl BackdropChoice {
    /// With its picture.
    ///
    /// # Errors
    /// Returns an error if the picture cannot be read.
    pub fn load(&self) -> Result<Backdrop> {
        let backdrop = Backdrop::default();
        Ok(match self {
            Self::Keep => backdrop,
            Self::Blur => Backdrop { kind: BackdropKind::Blur, ..backdrop },
            Self::Clear => Backdrop { kind: BackdropKind::Clear, ..backdrop },
            Self::Color(color) => Backdrop { kind: BackdropKind::Color, color: *color, ..backdrop },
            Self::Picture(path) => {
                let picture = Some(Arc::new(image_file::exemplar(path)?));
                Backdrop { kind: BackdropKind::Picture, picture, ..backdrop }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backgrounds_as_typed() {
        let read = |text: &str| text.parse::<BackdropChoice>();
        assert_eq!(read("blur"), Ok(BackdropChoice::Blur));
        assert_eq!(read("green"), Ok(BackdropChoice::Color([0, 255, 0])));
        assert_eq!(read("#102030"), Ok(BackdropChoice::Color([16, 32, 48])));
        assert_eq!(read("beach.jpg"), Ok(BackdropChoice::Picture("beach.jpg".into())));
        for wrong in ["", "blurred", "geen"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        assert!(read("no-such/picture.png").expect("a path").load().is_err());
    }
}
