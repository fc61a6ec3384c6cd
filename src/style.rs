//! Style codes: what the painter's network needs to know of a painting.
//!
//! A style is two vectors, one for pictures of [`FINE`] lines and one for those
//! of [`COARSE`]; between them (and a little beyond) they are mixed by the
//! logarithm of the lines, so that strokes keep their size relative to the
//! picture. Codes are plain vectors: styles blend by averaging.

use std::ops::Range;
use std::path::Path;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use crate::error::{Cause, Error, Result};
use crate::nn::models::Models;

/// Lines of the pictures that the first vector is for.
pub const FINE: f32 = 256.0;
/// Lines of the pictures that the second vector is for.
pub const COARSE: f32 = 724.0;
/// How far beyond the two a code is continued for strokes of another size, in
/// their distance. Of smaller and larger pictures there are no other codes.
const BEYOND: f32 = 0.5;

/// One style.
#[derive(Debug, Clone, PartialEq)]
pub struct Style {
    /// For FINE lines, then for COARSE.
    codes: [Vec<f32>; 2],
}

impl Style {
    /// Of two vectors of one length, all finite; `None` otherwise.
    pub fn new(fine: Vec<f32>, coarse: Vec<f32>) -> Option<Self> {
        let finite = fine.iter().chain(&coarse).all(|value| value.is_finite());
        (fine.len() == coarse.len() && !fine.is_empty() && finite).then_some(Self { codes: [fine, coarse] })
    }

    /// Values in a code.
    pub fn len(&self) -> usize {
        self.codes[0].len()
    }

    /// Never: a style has values.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// The code for a picture of so many lines, with strokes `stroke` times as large.
    pub fn code(&self, lines: f32, stroke: f32) -> Vec<f32> {
        let t = (lines.clamp(FINE, COARSE) * stroke / FINE).ln() / (COARSE / FINE).ln();
        let t = t.clamp(-BEYOND, 1.0 + BEYOND);
        let [fine, coarse] = &self.codes;
        fine.iter().zip(coarse).map(|(fine, coarse)| fine + (coarse - fine) * t).collect()
    }

    /// The weighted mean of some styles of one length; weights need not sum to one.
    pub fn mix(parts: &[(Self, f32)]) -> Option<Self> {
        let total: f32 = parts.iter().map(|(_, weight)| weight).sum();
        let length = parts.first().map(|(style, _)| style.len())?;
        let mean = |side: usize| {
            let mut sum = vec![0.0; length];
            for (style, weight) in parts {
                for (sum, value) in sum.iter_mut().zip(&style.codes[side]) {
                    *sum += value * weight / total;
                }
            }
            sum
        };
        if parts.iter().any(|(style, _)| style.len() != length) {
            return None;
        }
        Self::new(mean(0), mean(1))
    }

    /// Moves the values of both codes in `part` by `amount` of what `other` differs from `origin`.
    pub(crate) fn lean(&mut self, part: Range<usize>, amount: f32, [origin, other]: [&Self; 2]) {
        for (code, (origin, other)) in self.codes.iter_mut().zip(origin.codes.iter().zip(&other.codes)) {
            for k in part.clone() {
                code[k] += amount * (other[k] - origin[k]);
            }
        }
    }

    /// The first style of a file written by [`Self::write`].
    ///
    /// # Errors
    /// Where it cannot be read, or holds no style.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
        let first = parse(&bytes).map(|styles| styles.into_iter().next());
        match first {
            Ok(Some((_, style))) => Ok(style),
            Ok(None) => Err(Error::StyleInvalid { path: path.to_owned(), source: "it is empty".into() }),
            Err(source) => Err(Error::StyleInvalid { path: path.to_owned(), source }),
        }
    }

    /// Writes it as a file of its own, whole or not at all.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn write(&self, name: &str, path: &Path) -> Result<()> {
        let failed = |source: Cause| Error::Write { path: path.to_owned(), source };
        let values: Vec<u8> = self.codes.iter().flatten().flat_map(|value| value.to_le_bytes()).collect();
        let view =
            TensorView::new(Dtype::F32, vec![2, self.len()], &values).map_err(|e| failed(Box::new(e)))?;
        let bytes = safetensors::serialize([(name, view)], None).map_err(|e| failed(Box::new(e)))?;
        let part = path.with_extension("part");
        let written = std::fs::write(&part, bytes).and_then(|()| std::fs::rename(&part, path));
        written.map_err(|error| failed(Box::new(error)))
    }
}

/// Every style of `styles.safetensors`, by name.
///
/// # Errors
/// As [`Models::read`], or where the file holds something else.
pub fn all(models: &Models) -> Result<Vec<(String, Style)>> {
    const NAME: &str = "styles.safetensors";
    let (bytes, _) = models.read(NAME)?;
    parse(&bytes).map_err(|found| Error::ModelMismatch {
        path: models.folder().join(NAME),
        expected: "two vectors of floats a style".into(),
        found: found.to_string(),
    })
}

fn parse(bytes: &[u8]) -> Result<Vec<(String, Style)>, Cause> {
    let tensors = SafeTensors::deserialize(bytes)?;
    let mut styles = Vec::new();
    for (name, tensor) in tensors.iter() {
        let (&[2, length], Dtype::F32) = (tensor.shape(), tensor.dtype()) else {
            return Err(format!(
                "{name} is {:?} {:?}, not two vectors of floats",
                tensor.dtype(),
                tensor.shape()
            )
            .into());
        };
        let floats = tensor.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        let mut fine: Vec<_> = floats.collect();
        let coarse = fine.split_off(length);
        let style = Style::new(fine, coarse).ok_or_else(|| format!("{name} holds no finite values"))?;
        styles.push((name.to_owned(), style));
    }
    styles.sort_by(|a: &(String, _), b| a.0.cmp(&b.0));
    Ok(styles)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn style() -> Style {
        Style::new(vec![0.0, 1.0], vec![1.0, 3.0]).expect("finite")
    }

    #[test]
    fn codes_run_from_fine_to_coarse_with_lines_and_strokes() {
        assert_eq!(style().code(256.0, 1.0), [0.0, 1.0]);
        assert_eq!(style().code(724.0, 1.0), [1.0, 3.0]);
        assert_eq!(style().code(362.0, 2.0), style().code(724.0, 1.0));
        assert_eq!(style().code(8640.0, 1.0), [1.0, 3.0]);
        assert_eq!(style().code(8640.0, 2.0), [1.5, 4.0]);
        assert_eq!(style().code(1.0, 0.5), [-0.5, 0.0]);
    }

    #[test]
    fn mixing_is_a_weighted_mean() {
        let other = Style::new(vec![4.0, 1.0], vec![5.0, 3.0]).expect("finite");
        let mixed = Style::mix(&[(style(), 3.0), (other, 1.0)]).expect("one length");
        assert_eq!(mixed.codes, [vec![1.0, 1.0], vec![2.0, 3.0]]);
        let longer = Style::new(vec![0.0; 3], vec![0.0; 3]).expect("finite");
        assert_eq!(Style::mix(&[(style(), 1.0), (longer, 1.0)]), None);
        assert_eq!(Style::new(vec![f32::NAN], vec![0.0]), None);
    }

    #[test]
    fn leaning_moves_a_part_towards_another() {
        let other = Style::new(vec![4.0, 9.0], vec![5.0, 9.0]).expect("finite");
        let mut leant = style();
        leant.lean(0..1, 0.5, [&style(), &other]);
        assert_eq!(leant.codes, [vec![2.0, 1.0], vec![3.0, 3.0]]);
    }

    #[test]
    fn a_style_survives_its_file() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("a.safetensors");
        style().write("a", &path).expect("written");
        assert_eq!(Style::read(&path).expect("read"), style());
        std::fs::write(&path, b"junk").expect("written");
        assert!(matches!(Style::read(&path), Err(Error::StyleInvalid { .. })));
    }
}
