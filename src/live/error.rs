//! What a session can fail at.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::error::{Cause, Error};

/// What can go wrong with a camera, or where its pictures go.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LiveError {
    /// A camera cannot be used.
    #[error("cannot use the camera {name}")]
    Camera {
        /// As typed, or as the system calls it.
        name: String,
        /// The driver's reason: busy, forbidden, unplugged...
        source: Cause,
    },
    /// No camera of this name.
    #[error("there is no camera {name}")]
    CameraMissing {
        /// As typed.
        name: String,
        /// Those there are.
        available: Vec<String>,
    },
    /// A camera opens but shows nothing.
    #[error("the camera {name} gives no picture")]
    CameraStalled {
        /// As typed.
        name: String,
    },
    /// The virtual camera cannot be written to.
    #[error("cannot be a camera at {}", path.display())]
    VirtualCamera {
        /// The device.
        path: PathBuf,
        /// The reason.
        source: Cause,
    },
    /// The page cannot be served.
    #[error("cannot serve at {address}")]
    Serve {
        /// Where.
        address: SocketAddr,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Other machines would see the camera.
    #[error("{address} can be reached from other machines, by anyone")]
    NotLoopback {
        /// Where.
        address: SocketAddr,
    },
    /// Another painting is being tuned to.
    #[error("{name} is still being tuned")]
    TuningBusy {
        /// Its name.
        name: String,
    },
    /// Nothing that is worn can be tuned to.
    #[error("what you wear is no painting of yours")]
    NothingToTune,
    /// A tuning cannot go on.
    #[error("the painting that {} was tuned to is not kept beside it", path.display())]
    PaintingLost {
        /// The style.
        path: PathBuf,
    },
    /// No window can be opened.
    #[error("no window can be opened")]
    Window {
        /// The reason.
        source: Cause,
    },
}

impl From<LiveError> for Error {
    fn from(error: LiveError) -> Self {
        Self::Other(Box::new(error))
    }
}
