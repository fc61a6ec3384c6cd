//! Someone else's painting network beside ours: same process, runtime and frame.

use std::path::Path;

use crate::error::{Error, Result};
use crate::frame::Size;
use crate::nn::network::{Input, Network};
use crate::nn::runtime::Runtime;
use crate::paint::noise::CELL;

/// A network that takes one picture [1,3,H,W], perhaps a grain of 4x4 pixels a cell, and any number
/// of small tensors.
pub(super) struct Peer {
    network: Network,
    inputs: Vec<(Vec<usize>, Vec<f32>)>,
}

impl Peer {
    /// Opens it for pictures of one size. Tensors beside the picture hold a one, then
    /// zeros: the first of a choice of styles.
    ///
    /// # Errors
    /// Returns an error if it cannot be read or opened.
    pub(super) fn open(path: &Path, size: Size, runtime: &Runtime) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
        let network = Network::from_bytes(&path.display().to_string(), &bytes, runtime)?;
        let inputs = network.spec().inputs.iter().map(|input| match &input.shape[..] {
            [_, 3, _, _] => {
                let pitch = if input.name == "grain" { CELL } else { 1 };
                let shape = vec![1, 3, size.height as usize / pitch, size.width as usize / pitch];
                let values = (0..shape.iter().product()).map(|k: usize| (k % 251) as f32 / 250.0).collect();
                (shape, values)
            }
            shape => {
                let shape: Vec<_> = shape.iter().map(|side| (*side).max(1) as usize).collect();
                let mut values = vec![0.0; shape.iter().product::<usize>().max(1)];
                values[0] = 1.0;
                (shape, values)
            }
        });
        let inputs = inputs.collect();
        Ok(Self { network, inputs })
    }

    /// One picture.
    ///
    /// # Errors
    /// Returns an error if the runtime fails.
    pub(super) fn run(&mut self) -> Result<()> {
        let inputs: Vec<Input<'_>> =
            self.inputs.iter().map(|(shape, values)| (&shape[..], &values[..])).collect();
        self.network.run(&inputs, |_| ())
    }
}
