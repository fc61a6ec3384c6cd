//! The folder of networks: found, checked and opened.
//!
//! `models/manifest.toml` gives each file's size, SHA-256 and signature. A file
//! is checked against it before ONNX Runtime sees it, and the opened network's
//! signature after, so a wrong, torn or swapped file is one clear message and
//! never a strange picture.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::error::{Error, Result};
use crate::nn::error::NetworkError;
use crate::nn::network::{FileSpec, Network, describe, signature};
use crate::nn::places;
use crate::nn::runtime::Runtime;

const MANIFEST: &str = "manifest.toml";

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
    /// Finds the folder: the one given, else `$STYLEWARP_MODELS`, else `models` beside the program, in
    /// `lib/stylewarp` of where it is installed, or in the user's data folder.
    ///
    /// # Errors
    /// Returns an error if none holds a manifest, or it cannot be understood.
    pub fn find(given: Option<&Path>) -> Result<Self> {
        let searched = match given {
            Some(folder) => vec![folder.to_owned()],
            None => folders(),
        };
        let Some(folder) = searched.iter().find(|folder| folder.join(MANIFEST).is_file()).cloned() else {
            return Err(NetworkError::Missing { name: MANIFEST.into(), searched }.into());
        };
        let path = folder.join(MANIFEST);
        let text =
            std::fs::read_to_string(&path).map_err(|source| Error::Read { path: path.clone(), source })?;
        let manifest = toml::from_str(&text)
            .map_err(|error| NetworkError::mismatch(path, "a manifest of networks", error.message()))?;
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

    /// What the manifest says of a file.
    pub(crate) fn spec(&self, name: &str) -> Option<&FileSpec> {
        self.manifest.file.iter().find(|file| file.name == name)
    }

    /// Whether files are there; what is in them is checked when they are read.
    ///
    /// # Errors
    /// [`NetworkError::Missing`].
    #[cfg(feature = "live")]
    pub(crate) fn check<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Result<()> {
        let is_there = |name: &str| self.spec(name).is_some() && self.folder.join(name).is_file();
        match names.into_iter().find(|name| !is_there(name)) {
            Some(name) => Err(self.missing(name).into()),
            None => Ok(()),
        }
    }

    fn missing(&self, name: &str) -> NetworkError {
        NetworkError::Missing { name: name.into(), searched: vec![self.folder.clone()] }
    }

    /// A file's bytes, checked against the manifest.
    ///
    /// # Errors
    /// [`NetworkError::Missing`] or [`NetworkError::Mismatch`].
    pub fn read(&self, name: &str) -> Result<(Vec<u8>, &FileSpec)> {
        let spec = self.spec(name).ok_or_else(|| self.missing(name))?;
        let path = self.folder.join(name);
        let bytes = std::fs::read(&path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => self.missing(name).into(),
            _ => Error::Read { path: path.clone(), source: error },
        })?;
        let digest: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        if digest != spec.sha256 {
            let said = |bytes: u64, digest: &str| format!("{bytes} bytes with SHA-256 {digest}");
            let (expected, found) = (said(spec.bytes, &spec.sha256), said(bytes.len() as u64, &digest));
            return Err(NetworkError::mismatch(path, expected, found).into());
        }
        Ok((bytes, spec))
    }

    /// Opens a network and checks its signature.
    ///
    /// # Errors
    /// As [`Models::read`], or where ONNX Runtime refuses the graph.
    pub fn network(&self, name: &str, runtime: &Runtime) -> Result<Network> {
        self.network_with(name, None, runtime)
    }

    /// As [`Models::network`], with other weights in place of those in the file beside the network.
    ///
    /// # Errors
    /// As [`Models::network`], or if there are more or fewer weights than the network's own.
    pub(crate) fn network_with(
        &self,
        name: &str,
        own: Option<Vec<u8>>,
        runtime: &Runtime,
    ) -> Result<Network> {
        let (bytes, spec) = self.read(name)?;
        let weights = match (&spec.weights, own) {
            (Some(file), Some(own)) => {
                let wanted = self.spec(file).map_or(0, |spec| spec.bytes);
                if own.len() as u64 != wanted {
                    let expected = format!("{} bytes of weights", own.len());
                    let path = self.folder.join(name);
                    return Err(NetworkError::mismatch(path, expected, wanted.to_string()).into());
                }
                Some((file.as_str(), own))
            }
            (Some(file), None) => Some((file.as_str(), self.read(file)?.0)),
            (None, _) => None,
        };
        let session = runtime.open(&bytes, weights).map_err(|source| NetworkError::Ort {
            doing: format!("opening {}", self.folder.join(name).display()),
            source,
        })?;
        for (specs, found) in [(&spec.inputs, session.inputs()), (&spec.outputs, session.outputs())] {
            let found: Vec<_> = found.iter().map(signature).collect();
            if *specs != found {
                let path = self.folder.join(name);
                return Err(NetworkError::mismatch(path, describe(specs), describe(&found)).into());
            }
        }
        Ok(Network { session, spec: spec.clone() })
    }
}

fn folders() -> Vec<PathBuf> {
    let from_environment = std::env::var_os("STYLEWARP_MODELS").map(PathBuf::from);
    let trusted = places::trusted().into_iter().map(|folder| folder.join("models"));
    from_environment.into_iter().chain(trusted).collect()
}
