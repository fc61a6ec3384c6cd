//! A style: everything the painter's network needs to paint like one painting.
//!
//! - its weights: the network is the same for all paintings, its weights are tuned to each;
//! - a code, the scales and shifts of its conditional normalisation (Dumoulin et al., "A Learned
//!   Representation for Artistic Style", ICLR 2017), as two vectors: for pictures of [`FINE`] lines and
//!   of [`COARSE`]. Between them (and a little beyond) they are mixed by the logarithm of the lines, so
//!   that strokes keep their size relative to the picture;
//! - the painting's colours, which a frame takes before it is painted ([`crate::paint::recolor`]).
//!
//! All weights are tuned from the same start, so styles mix by averaging all three.

use std::path::Path;
use std::sync::Arc;

use half::f16;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use crate::error::{Cause, Error, Result};
use crate::nn::models::Models;
use crate::paint::recolor::ColorMoments;

/// Lines of the pictures that the first vector is for.
pub const FINE: f32 = 256.0;
/// Lines of the pictures that the second vector is for.
pub const COARSE: f32 = 724.0;
/// How far beyond the two a code is continued for strokes of another size, in
/// their distance. Of smaller and larger pictures there are no other codes.
const BEYOND: f32 = 0.5;

/// How thick the paint of a painting lies of which nothing is known.
const RELIEF: f32 = 0.15;

/// Where the tuned styles lie in the folder of networks, and how their names end.
const FOLDER: &str = "painters/";
const EXTENSION: &str = ".safetensors";

/// One style.
#[derive(Debug, Clone, PartialEq)]
pub struct Style {
    /// Of the painter's network, in the order of `painter.bin`.
    weights: Arc<[f32]>,
    /// For FINE lines, then for COARSE.
    codes: [Vec<f32>; 2],
    /// Of the painting; without them a frame keeps its own.
    colors: Option<ColorMoments>,
    /// How thick the painting's paint lies, 0 (a print) to 1.
    relief: f32,
}

impl Style {
    /// Of two codes of one length; `None` unless they have values and all are finite.
    pub fn new(
        weights: Arc<[f32]>,
        fine: Vec<f32>,
        coarse: Vec<f32>,
        colors: Option<ColorMoments>,
    ) -> Option<Self> {
        let finite = weights.iter().chain(&fine).chain(&coarse).all(|value| value.is_finite());
        (fine.len() == coarse.len() && !fine.is_empty() && finite).then_some(Self {
            weights,
            codes: [fine, coarse],
            colors,
            relief: RELIEF,
        })
    }

    /// The same, with paint as thick as this, 0 to 1.
    #[must_use]
    pub(crate) fn with_relief(self, relief: f32) -> Self {
        Self { relief, ..self }
    }

    /// How thick the paint lies, 0 (a print) to 1: how much of a colour the light on it adds and takes.
    pub fn relief(&self) -> f32 {
        self.relief
    }

    /// Values in a code.
    pub fn code_len(&self) -> usize {
        self.codes[0].len()
    }

    /// The code for pictures of [`FINE`] lines, then the one for [`COARSE`].
    pub(crate) fn codes(&self) -> &[Vec<f32>; 2] {
        &self.codes
    }

    /// Values in the weights.
    pub fn weights_len(&self) -> usize {
        self.weights.len()
    }

    /// Of the painter's network, in the order of `painter.bin`.
    pub(crate) fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// The weights as ONNX Runtime takes them: little-endian floats.
    pub(crate) fn weight_bytes(&self) -> Vec<u8> {
        self.weights.iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    /// The colours of the painting.
    pub(crate) fn colors(&self) -> Option<&ColorMoments> {
        self.colors.as_ref()
    }

    /// Whether both run on the same weights, so that one can follow the other in an open network.
    pub(crate) fn shares_weights_with(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.weights, &other.weights) || self.weights == other.weights
    }

    /// The code for a picture of so many lines, with strokes `stroke` times as large.
    pub fn code(&self, lines: f32, stroke: f32) -> Vec<f32> {
        let t = code_place(lines.clamp(FINE, COARSE) * stroke).clamp(-BEYOND, 1.0 + BEYOND);
        let [fine, coarse] = &self.codes;
        fine.iter().zip(coarse).map(|(fine, coarse)| fine + (coarse - fine) * t).collect()
    }

    /// The weighted mean of some styles of one network; weights need not sum to one. `None` if they are
    /// of different networks, or none.
    pub fn mix(parts: &[(Self, f32)]) -> Option<Self> {
        let (first, _) = parts.first()?;
        let sizes = |style: &Self| (style.code_len(), style.weights_len());
        if parts.iter().any(|(style, _)| sizes(style) != sizes(first)) {
            return None;
        }
        let total: f32 = parts.iter().map(|(_, share)| share).sum();
        let mean = |values: fn(&Self) -> &[f32]| {
            let mut sum = vec![0.0; values(first).len()];
            for (style, share) in parts {
                sum.iter_mut().zip(values(style)).for_each(|(sum, value)| *sum += value * share / total);
            }
            sum
        };
        let mut colors = first.colors;
        let mut so_far = parts[0].1;
        for (style, share) in &parts[1..] {
            so_far += share;
            colors = colors.zip(style.colors).map(|(mean, own)| mean.lerp(&own, share / so_far));
        }
        let weights = match parts.iter().all(|(style, _)| style.shares_weights_with(first)) {
            true => first.weights.clone(),
            false => mean(|style| &style.weights).into(),
        };
        let relief = parts.iter().map(|(style, share)| style.relief * share / total).sum();
        let [fine, coarse] = [mean(|style| &style.codes[0]), mean(|style| &style.codes[1])];
        Self::new(weights, fine, coarse, colors).map(|style| style.with_relief(relief))
    }

    /// Reads a file that `stylewarp distill` or `models/train/tune.py` wrote.
    ///
    /// # Errors
    /// Returns an error if it cannot be read, or holds something else.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
        Self::parse(&bytes).map_err(|source| Error::StyleInvalid { path: path.to_owned(), source })
    }

    /// The style of one of the program's own paintings, by name; `None` unless it was tuned.
    ///
    /// # Errors
    /// As [`Models::read`], or if the file holds something else.
    pub fn tuned(models: &Models, name: &str) -> Result<Option<Self>> {
        let file = format!("{FOLDER}{name}{EXTENSION}");
        if models.spec(&file).is_none() {
            return Ok(None);
        }
        let (bytes, _) = models.read(&file)?;
        let path = models.folder().join(&file);
        Self::parse(&bytes).map(Some).map_err(|source| Error::StyleInvalid { path, source })
    }

    /// From the bytes of a style file: `weights` [W] and `code` [2,S], floats or half floats; `colors` [12] and
    /// `relief` [1], floats, which may be missing.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Cause> {
        let tensors = SafeTensors::deserialize(bytes)?;
        let weights = floats(&tensors, "weights")?;
        let mut fine = floats(&tensors, "code")?;
        let coarse = fine.split_off(fine.len() / 2);
        let colors = match tensors.tensor("colors") {
            Ok(_) => Some(
                ColorMoments::from_values(&floats(&tensors, "colors")?).ok_or("its colors are no moments")?,
            ),
            Err(_) => None,
        };
        let relief = match tensors.tensor("relief") {
            Ok(_) => match floats(&tensors, "relief")?[..] {
                [relief] if (0.0..=1.0).contains(&relief) => relief,
                _ => return Err("its `relief` is no number from 0 to 1".into()),
            },
            Err(_) => RELIEF,
        };
        let style = Self::new(weights.into(), fine, coarse, colors).ok_or("its values are not finite")?;
        Ok(style.with_relief(relief))
    }

    /// What [`Self::parse`] reads.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, Cause> {
        let halves = |values: &mut dyn Iterator<Item = &f32>| -> Vec<u8> {
            values.flat_map(|value| f16::from_f32(*value).to_le_bytes()).collect()
        };
        let weights = halves(&mut self.weights.iter());
        let code = halves(&mut self.codes.iter().flatten());
        let colors: Option<Vec<u8>> =
            self.colors.map(|colors| colors.values().iter().flat_map(|value| value.to_le_bytes()).collect());
        let relief = self.relief.to_le_bytes();
        let mut tensors = vec![
            ("relief", TensorView::new(Dtype::F32, vec![1], &relief)?),
            ("weights", TensorView::new(Dtype::F16, vec![self.weights.len()], &weights)?),
            ("code", TensorView::new(Dtype::F16, vec![2, self.code_len()], &code)?),
        ];
        if let Some(colors) = &colors {
            tensors.push(("colors", TensorView::new(Dtype::F32, vec![colors.len() / 4], colors)?));
        }
        Ok(safetensors::serialize(tensors, None)?)
    }
}

/// Where the code for pictures of so many lines lies between the fine one (0) and the coarse one (1).
pub(crate) fn code_place(lines: f32) -> f32 {
    (lines / FINE).ln() / (COARSE / FINE).ln()
}

/// The names of all paintings that were tuned.
pub fn tuned_names(models: &Models) -> Vec<String> {
    let names =
        models.files().iter().filter_map(|file| file.name.strip_prefix(FOLDER)?.strip_suffix(EXTENSION));
    names.map(str::to_owned).collect()
}

fn floats(tensors: &SafeTensors<'_>, name: &str) -> Result<Vec<f32>, Cause> {
    let tensor = tensors
        .tensor(name)
        .map_err(|_| format!("it has no `{name}`: another program or an older version wrote it"))?;
    match tensor.dtype() {
        Dtype::F16 => {
            Ok(tensor.data().chunks_exact(2).map(|b| f16::from_le_bytes([b[0], b[1]]).to_f32()).collect())
        }
        Dtype::F32 => {
            Ok(tensor.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
        }
        other => Err(format!("its `{name}` is of type {other:?}, not of floats").into()),
    }
}

#[cfg(test)]
mod tests;
