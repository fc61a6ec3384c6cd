//! An opened network: tensors in, tensors out, as its entry in the manifest says.

use ort::session::{Session, SessionInputValue};
use ort::value::{Outlet, TensorRef};
use serde::Deserialize;

use crate::error::Result;
use crate::nn::error::NetworkError;
use crate::nn::runtime::Runtime;

/// One tensor of a signature; -1 is a size that may vary.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TensorSpec {
    /// Its name in the graph.
    pub name: String,
    /// Its dimensions.
    pub shape: Vec<i64>,
}

/// One file of the models folder.
#[derive(Debug, Clone, Deserialize)]
pub struct FileSpec {
    /// File name.
    pub name: String,
    /// Length.
    pub bytes: u64,
    /// Digest, in lower-case hexadecimal.
    pub sha256: String,
    /// Inputs in order; empty for a file that is not a network.
    #[serde(default)]
    pub inputs: Vec<TensorSpec>,
    /// Outputs in order.
    #[serde(default)]
    pub outputs: Vec<TensorSpec>,
    /// The file that holds its weights, where it is shared with other networks
    /// (ONNX external data).
    pub weights: Option<String>,
    /// Multiply-accumulates of one run, for networks of fixed size.
    pub macs: Option<u64>,
    /// The same per input pixel, for networks of any size.
    pub macs_per_pixel: Option<f64>,
}

/// An opened network, owned by the one thread that runs it.
#[derive(Debug)]
pub struct Network {
    pub(super) session: Session,
    pub(super) spec: FileSpec,
}

/// Dimensions and values of a tensor to be read.
pub type Input<'a> = (&'a [usize], &'a [f32]);

impl Network {
    /// Runs on inputs in the order of the signature; `read` sees the outputs'
    /// values, in order, before the runtime takes them back.
    ///
    /// # Errors
    /// Returns an error if the runtime fails, or shapes do not fit.
    pub fn run<T>(&mut self, inputs: &[Input<'_>], read: impl FnOnce(&[&[f32]]) -> T) -> Result<T> {
        let name = &self.spec.name;
        let failed = |error: ort::Error| NetworkError::Ort {
            doing: format!("running {name}"),
            source: Box::new(error),
        };
        let mut values = Vec::with_capacity(inputs.len());
        for (shape, data) in inputs {
            let tensor = TensorRef::from_array_view((shape.to_vec(), *data)).map_err(failed)?;
            values.push(SessionInputValue::from(tensor));
        }
        let outputs = self.session.run(values.as_slice()).map_err(failed)?;
        let mut slices = Vec::with_capacity(self.spec.outputs.len());
        for spec in &self.spec.outputs {
            slices.push(outputs[spec.name.as_str()].try_extract_tensor::<f32>().map_err(failed)?.1);
        }
        Ok(read(&slices))
    }

    /// Its manifest entry.
    pub fn spec(&self) -> &FileSpec {
        &self.spec
    }

    /// For tests and benchmarks: a network from bytes, without a manifest.
    ///
    /// # Errors
    /// Returns an error if ONNX Runtime refuses the graph.
    pub fn from_bytes(name: &str, bytes: &[u8], runtime: &Runtime) -> Result<Self> {
        let session = runtime
            .open(bytes, None)
            .map_err(|source| NetworkError::Ort { doing: format!("opening {name}"), source })?;
        let spec = FileSpec {
            name: name.into(),
            bytes: bytes.len() as u64,
            sha256: String::new(),
            inputs: session.inputs().iter().map(signature).collect(),
            outputs: session.outputs().iter().map(signature).collect(),
            weights: None,
            macs: None,
            macs_per_pixel: None,
        };
        Ok(Self { session, spec })
    }
}

pub(super) fn signature(outlet: &Outlet) -> TensorSpec {
    let shape = outlet.dtype().tensor_shape().map(|shape| shape.to_vec()).unwrap_or_default();
    TensorSpec { name: outlet.name().into(), shape }
}

pub(super) fn describe(specs: &[TensorSpec]) -> String {
    let one = |spec: &TensorSpec| format!("{} {:?}", spec.name, spec.shape);
    specs.iter().map(one).collect::<Vec<_>>().join(", ")
}
