//! What a network can fail at.

use std::path::PathBuf;

use crate::error::{Cause, Difference, Error};

/// What can go wrong with a network, or with what runs it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// A network or style file is not where it is looked for.
    #[error("the file {name} of the networks is missing")]
    Missing {
        /// File name.
        name: String,
        /// Folders looked in, in order.
        searched: Vec<PathBuf>,
    },
    /// A network's file is there but is not what the manifest says.
    #[error("{} is not the network it should be", path.display())]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// In what it differs.
        source: Difference,
    },
    /// ONNX Runtime's shared library cannot be used.
    #[error("cannot load ONNX Runtime")]
    Runtime {
        /// The loader's reason.
        source: Cause,
    },
    /// The user named a device that cannot be had.
    #[error("device {device} is not available")]
    Device {
        /// Its name on the command line.
        device: String,
        /// Why not.
        source: Cause,
    },
    /// ONNX Runtime failed in the middle.
    #[error("ONNX Runtime failed while {doing}")]
    Ort {
        /// The step.
        doing: String,
        /// Its reason.
        source: Cause,
    },
}

impl NetworkError {
    /// That a network's file is not what it should be.
    pub(crate) fn mismatch(path: PathBuf, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self::Mismatch { path, source: Difference::new(expected, found) }
    }
}

impl From<NetworkError> for Error {
    fn from(error: NetworkError) -> Self {
        Self::Other(Box::new(error))
    }
}
