//! The outputs that are open: a page and a virtual camera are begun and ended while a session runs.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use crate::cancel::CancelToken;
use crate::error::{Error, Result};
use crate::live::SessionHandle;
use crate::live::output::http::{self, ServeOptions, Server};

/// A session's outputs.
pub struct OpenOutputs {
    live: SessionHandle,
    page: Mutex<Option<(Server, CancelToken)>>,
    camera: Mutex<Option<Camera>>,
}

struct Camera {
    path: PathBuf,
    thread: JoinHandle<()>,
    stop: CancelToken,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // It is open or it is not.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl OpenOutputs {
    /// None yet.
    pub fn new(live: SessionHandle) -> Self {
        Self { live, page: Mutex::default(), camera: Mutex::default() }
    }

    /// Serves the page, in place of one that is served; where, and its whole address with the token.
    ///
    /// # Errors
    /// Returns an error if the server cannot be started.
    pub fn serve(&self, listener: TcpListener, options: ServeOptions) -> Result<(SocketAddr, String)> {
        self.end_page();
        let stop = CancelToken::new();
        let server = http::start(listener, options, &self.live, &stop)?;
        let told = (server.address, server.page.clone());
        *lock(&self.page) = Some((server, stop));
        Ok(told)
    }

    /// The whole address of the page, if it is served.
    pub fn page(&self) -> Option<String> {
        lock(&self.page).as_ref().map(|(server, _)| server.page.clone())
    }

    /// Serves no page any more.
    pub fn end_page(&self) {
        if let Some((server, stop)) = lock(&self.page).take() {
            stop.raise();
            server.join();
        }
    }

    /// Is a camera at a device, in place of another one.
    ///
    /// # Errors
    /// [`LiveError::VirtualCamera`](crate::live::error::LiveError::VirtualCamera) where it cannot be.
    #[cfg(target_os = "linux")]
    pub fn start_camera(&self, path: &Path) -> Result<()> {
        use crate::live::output::v4l2::VirtualCamera;
        self.end_camera();
        let camera = VirtualCamera::open(path, self.live.info.size)?;
        let stop = CancelToken::new();
        let thread = camera.start(self.live.frames.subscribe(), self.live.controls.clone(), stop.clone())?;
        *lock(&self.camera) = Some(Camera { path: path.into(), thread, stop });
        Ok(())
    }

    /// Is a camera at a device: only Linux has such.
    ///
    /// # Errors
    /// Always.
    #[cfg(not(target_os = "linux"))]
    pub fn start_camera(&self, path: &Path) -> Result<()> {
        let source = "only Linux has virtual cameras that programs can write to; \
                      use --serve and OBS's browser source, then OBS's own virtual camera";
        Err(crate::live::error::LiveError::VirtualCamera { path: path.into(), source: source.into() }.into())
    }

    /// The device at which it is a camera.
    pub fn camera(&self) -> Option<PathBuf> {
        lock(&self.camera).as_ref().map(|camera| camera.path.clone())
    }

    /// Is no camera any more.
    pub fn end_camera(&self) {
        if let Some(Camera { thread, stop, .. }) = lock(&self.camera).take() {
            stop.raise();
            if thread.join().is_err() {
                tracing::warn!("the virtual camera's thread broke down; this is a bug");
            }
            self.live.controls.notices.tell("virtual camera", None);
        }
    }

    /// Ends all of them.
    pub fn close(&self) {
        self.end_page();
        self.end_camera();
    }

    /// An error that stopped something, for people.
    pub fn told(&self, error: &Error, what: &str) -> String {
        (self.live.report)(error, what)
    }
}
