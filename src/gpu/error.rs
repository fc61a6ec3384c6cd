//! What a graphics card can fail at.

use crate::error::{Cause, Error};

/// What can go wrong on a graphics card.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GpuError {
    /// No GPU can be used for the shaders.
    #[error("no GPU can run the shaders")]
    NoGpu {
        /// wgpu's reason.
        source: Cause,
    },
    /// The GPU went away in the middle.
    #[error("the GPU stopped while {doing}")]
    DeviceLost {
        /// The step.
        doing: &'static str,
        /// wgpu's reason.
        source: Cause,
    },
}

impl From<GpuError> for Error {
    fn from(error: GpuError) -> Self {
        Self::Other(Box::new(error))
    }
}
