//! A camera of macOS or Windows, read through `nokhwa`.

use std::time::{Duration, UNIX_EPOCH};

use nokhwa::{Buffer, Camera, NokhwaError};

use crate::error::Cause;
use crate::live::capture::driver::{Driver, Shot};

/// A picture that says it is older than this comes from a clock of another kind.
const OLDEST: Duration = Duration::from_secs(2);

/// A camera that streams.
pub(super) struct NokhwaDriver {
    /// Always there, until it is dropped.
    camera: Option<Camera>,
    buffer: Option<Buffer>,
}

impl NokhwaDriver {
    /// Begins to stream in the format that the camera is set to.
    ///
    /// # Errors
    /// Returns an error if it is busy or forbidden.
    pub(super) fn start(camera: Camera) -> Result<Self, NokhwaError> {
        let mut driver = Self { camera: Some(camera), buffer: None };
        if let Some(camera) = &mut driver.camera {
            camera.open_stream()?;
        }
        Ok(driver)
    }
}

impl Driver for NokhwaDriver {
    fn shoot(&mut self) -> Result<Shot<'_>, Cause> {
        let Some(camera) = &mut self.camera else { return Err("it is closed".into()) };
        let buffer = self.buffer.insert(camera.frame()?);
        let age = buffer.capture_timestamp().and_then(|at| (UNIX_EPOCH + at).elapsed().ok());
        let age = age.filter(|age| *age < OLDEST).unwrap_or_default();
        Ok(Shot::Picture { bytes: buffer.buffer(), age })
    }
}

impl Drop for NokhwaDriver {
    fn drop(&mut self) {
        let Some(mut camera) = self.camera.take() else { return };
        if let Err(error) = camera.stop_stream() {
            tracing::warn!("the camera does not stop: {error}");
            // Its own end would try again and panic.
            std::mem::forget(camera);
        }
    }
}
