//! The networks' files: found, checked, opened.
//!
//! `models/manifest.toml` gives each file's size, SHA-256 and signature. A file
//! is checked against it before ONNX Runtime sees it, and the opened network's
//! signature after, so a wrong, torn or swapped file is one clear message and
//! never a strange picture.

use std::path::{Path, PathBuf};

use ort::session::{Session, SessionInputValue};
use ort::value::{Outlet, TensorRef};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::device::Runtime;
use crate::error::{Error, Result};

const MANIFEST: &str = "manifest.toml";

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

#[derive(Debug, Deserialize)]
struct Manifest {
    file: Vec<FileSpec>,
}

/// The folder of networks.
#[derive(Debug)]
pub struct Models {
    folder: PathBuf,
    manifest: Manifest,
}

impl Models {
    /// Finds the folder: the one given, else `$STYLEWARP_MODELS`, the user's data
    /// folder, `models` next to the program or above it, `models` here.
    ///
    /// # Errors
    /// Where none holds a manifest, or it cannot be understood.
    pub fn find(given: Option<&Path>) -> Result<Self> {
        let searched = match given {
            Some(folder) => vec![folder.to_owned()],
            None => folders(),
        };
        let Some(folder) = searched.iter().find(|folder| folder.join(MANIFEST).is_file()).cloned() else {
            return Err(Error::ModelMissing { name: MANIFEST.into(), searched });
        };
        let path = folder.join(MANIFEST);
        let text =
            std::fs::read_to_string(&path).map_err(|source| Error::Read { path: path.clone(), source })?;
        let manifest = toml::from_str(&text).map_err(|error| Error::ModelMismatch {
            path,
            expected: "a manifest of networks".into(),
            found: error.message().into(),
        })?;
        Ok(Self { folder, manifest })
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Every file the manifest names.
    pub fn files(&self) -> &[FileSpec] {
        &self.manifest.file
    }

    /// A file's bytes, checked against the manifest.
    ///
    /// # Errors
    /// [`Error::ModelMissing`] or [`Error::ModelMismatch`].
    pub fn read(&self, name: &str) -> Result<(Vec<u8>, &FileSpec)> {
        let missing = || Error::ModelMissing { name: name.into(), searched: vec![self.folder.clone()] };
        let spec = self.manifest.file.iter().find(|file| file.name == name).ok_or_else(missing)?;
        let path = self.folder.join(name);
        let bytes = std::fs::read(&path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => missing(),
            _ => Error::Read { path: path.clone(), source: error },
        })?;
        let digest: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        if digest != spec.sha256 {
            let said = |bytes: u64, digest: &str| format!("{bytes} bytes with SHA-256 {digest}");
            return Err(Error::ModelMismatch {
                path,
                expected: said(spec.bytes, &spec.sha256),
                found: said(bytes.len() as u64, &digest),
            });
        }
        Ok((bytes, spec))
    }

    /// Opens a network and checks its signature.
    ///
    /// # Errors
    /// As [`Models::read`], or where ONNX Runtime refuses the graph.
    pub fn network(&self, name: &str, runtime: &Runtime) -> Result<Network> {
        let (bytes, spec) = self.read(name)?;
        let weights = match &spec.weights {
            Some(file) => Some((file.as_str(), self.read(file)?.0)),
            None => None,
        };
        let session = runtime.open(&bytes, weights).map_err(|source| Error::Ort {
            doing: format!("opening {}", self.folder.join(name).display()),
            source,
        })?;
        for (specs, found) in [(&spec.inputs, session.inputs()), (&spec.outputs, session.outputs())] {
            let found: Vec<_> = found.iter().map(signature).collect();
            if *specs != found {
                return Err(Error::ModelMismatch {
                    path: self.folder.join(name),
                    expected: describe(specs),
                    found: describe(&found),
                });
            }
        }
        Ok(Network { session, spec: spec.clone() })
    }
}

/// An opened network, owned by the one thread that runs it.
#[derive(Debug)]
pub struct Network {
    session: Session,
    spec: FileSpec,
}

/// Dimensions and values of a tensor to be read.
pub type Input<'a> = (&'a [usize], &'a [f32]);

impl Network {
    /// Runs on inputs in the order of the signature; `read` sees the outputs'
    /// values, in order, before the runtime takes them back.
    ///
    /// # Errors
    /// Where the runtime fails, or shapes do not fit.
    pub fn run<T>(&mut self, inputs: &[Input<'_>], read: impl FnOnce(&[&[f32]]) -> T) -> Result<T> {
        let name = &self.spec.name;
        let failed =
            |error: ort::Error| Error::Ort { doing: format!("running {name}"), source: Box::new(error) };
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
    /// Where ONNX Runtime refuses the graph.
    pub fn from_bytes(name: &str, bytes: &[u8], runtime: &Runtime) -> Result<Self> {
        let session = runtime
            .open(bytes, None)
            .map_err(|source| Error::Ort { doing: format!("opening {name}"), source })?;
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

fn signature(outlet: &Outlet) -> TensorSpec {
    let shape = outlet.dtype().tensor_shape().map(|shape| shape.to_vec()).unwrap_or_default();
    TensorSpec { name: outlet.name().into(), shape }
}

fn describe(specs: &[TensorSpec]) -> String {
    let one = |spec: &TensorSpec| format!("{} {:?}", spec.name, spec.shape);
    specs.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn folders() -> Vec<PathBuf> {
    let from_environment = std::env::var_os("STYLEWARP_MODELS").map(PathBuf::from);
    let data = directories::ProjectDirs::from("", "", "stylewarp").map(|dirs| dirs.data_dir().join("models"));
    let program = std::env::current_exe().ok();
    // A program in target/release of a checkout finds the checkout's.
    let above =
        program.iter().flat_map(|path| path.ancestors().skip(1).take(4)).map(|folder| folder.join("models"));
    from_environment.into_iter().chain(data).chain(above).chain([PathBuf::from("models")]).collect()
}
