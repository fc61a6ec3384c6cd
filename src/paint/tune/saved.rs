//! A style in the making, as a file: the style itself, which every command paints with, and what tuning needs to go on.

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use crate::error::Cause;
use crate::paint::style::Style;
use crate::paint::tune::learner::State;

/// Names of the two tensors: values, mean and moments of weights and codes [4,N]; and steps, weight of the content, seconds.
const VALUES: &str = "tuning.values";
const PROGRESS: &str = "tuning.progress";

/// A style, and, until it is done, the state of its tuning and the seconds that were used.
pub(crate) struct Saved {
    pub(crate) style: Style,
    pub(crate) unfinished: Option<(State, f64)>,
}

impl Saved {
    /// From the bytes of a style file. One whose tuning cannot be understood is a style that is done.
    ///
    /// # Errors
    /// As [`Style::parse`].
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Cause> {
        Ok(Self { style: Style::parse(bytes)?, unfinished: unfinished(bytes) })
    }

    /// What [`Self::parse`] reads.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, Cause> {
        let bytes = self.style.to_bytes()?;
        let Some((state, seconds)) = &self.unfinished else { return Ok(bytes) };
        let raw = |values: &mut dyn Iterator<Item = f32>| -> Vec<u8> {
            values.flat_map(f32::to_le_bytes).collect()
        };
        let values = raw(&mut state.values.iter().flatten().copied());
        let progress = raw(&mut [state.steps as f32, state.content, *seconds as f32].into_iter());
        let style = SafeTensors::deserialize(&bytes)?;
        let mut tensors: Vec<(String, TensorView<'_>)> = style.tensors();
        let shape = vec![state.values.len(), state.values[0].len()];
        tensors.push((VALUES.into(), TensorView::new(Dtype::F32, shape, &values)?));
        tensors.push((PROGRESS.into(), TensorView::new(Dtype::F32, vec![3], &progress)?));
        Ok(safetensors::serialize(tensors, None)?)
    }
}

fn unfinished(bytes: &[u8]) -> Option<(State, f64)> {
    let tensors = SafeTensors::deserialize(bytes).ok()?;
    let floats = |name: &str| -> Option<Vec<f32>> {
        let tensor = tensors.tensor(name).ok().filter(|tensor| tensor.dtype() == Dtype::F32)?;
        let values: Vec<f32> =
            tensor.data().as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
        values.iter().all(|value| value.is_finite()).then_some(values)
    };
    let (values, progress) = (floats(VALUES)?, floats(PROGRESS)?);
    let &[steps, content, seconds] = &progress[..] else { return None };
    let len = values.len() / 4;
    let part = |k: usize| values[k * len..(k + 1) * len].to_vec();
    let state = State { values: std::array::from_fn(part), steps: steps as u32, content };
    (seconds >= 0.0 && content > 0.0 && len > 0).then_some((state, f64::from(seconds)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn style() -> Style {
        Style::new(vec![0.5; 3].into(), vec![1.0], vec![2.0], None).expect("finite")
    }

    #[test]
    fn an_unfinished_style_is_a_style_and_knows_how_to_go_on() {
        let state =
            State { values: [1.0, 2.0, 3.0, 4.0].map(|value| vec![value; 5]), steps: 77, content: 1.25 };
        let saved = Saved { style: style(), unfinished: Some((state.clone(), 42.5)) };
        let bytes = saved.to_bytes().expect("written");
        assert_eq!(Style::parse(&bytes).expect("a style"), style());
        let again = Saved::parse(&bytes).expect("read");
        assert_eq!((again.style, again.unfinished), (style(), Some((state, 42.5))));
        let done = Saved { style: style(), unfinished: None }.to_bytes().expect("written");
        assert!(Saved::parse(&done).expect("read").unfinished.is_none());
        assert!(done.len() < bytes.len());
    }

    #[test]
    fn spoilt_tuning_is_left_out_and_the_style_stays() {
        let state =
            State { values: [1.0, f32::NAN, 3.0, 4.0].map(|value| vec![value; 5]), steps: 1, content: 1.0 };
        let saved = Saved { style: style(), unfinished: Some((state, 1.0)) };
        let again = Saved::parse(&saved.to_bytes().expect("written")).expect("read");
        assert!(again.unfinished.is_none() && again.style == style());
    }
}
