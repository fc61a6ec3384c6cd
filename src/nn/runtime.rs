//! ONNX Runtime, and what the networks run on.
//!
//! The runtime's shared library is opened when the program starts, so one build
//! serves the CPU library and every accelerated one. A device that the user
//! named is used or the run fails; `auto` takes the first that really opens a
//! network and says in one line which, and why not the others: a GPU that is
//! silently not used is what people complain of most.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use ort::environment::Environment;
use ort::session::Session;
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};

use crate::error::{Cause, Result};
use crate::nn::device::{Device, Provider};
use crate::nn::error::NetworkError;
use crate::nn::places;
use crate::threads;

/// A product of two matrices of any size: the yardstick, and the smallest
/// network there is to try a device with.
pub(crate) const GEMM_MODEL: &[u8] = include_bytes!("../../models/gemm.onnx");

/// The loaded library and the device chosen.
pub struct Runtime {
    environment: Environment,
    device: Device,
    library: PathBuf,
    /// What a network computes with.
    threads: usize,
}

impl Runtime {
    /// Opens ONNX Runtime (1.24 or newer): `$ORT_DYLIB_PATH`, else the one beside the program, in
    /// `lib/stylewarp` of where it is installed, or in the user's data folder, else the system's.
    ///
    /// # Errors
    /// Returns an error if no library is found, it is too old, or `device` is not in it.
    pub fn load(device: Device) -> Result<Self> {
        let (environment, library) = environment()?;
        let runtime = Self { environment, device: Device::Cpu, library, threads: threads::count() };
        runtime.choose(device)
    }

    /// The same, for networks that compute with so many threads, whatever others have.
    pub fn with_threads(self, threads: NonZeroUsize) -> Self {
        Self { threads: threads.get(), ..self }
    }

    fn choose(mut self, wanted: Device) -> Result<Self> {
        if wanted == Device::Auto {
            let (mut passed, mut found) = (Vec::new(), Device::Cpu);
            for device in Device::AUTO {
                match self.probe(device) {
                    Ok(()) => {
                        found = device;
                        break;
                    }
                    Err(reason) => passed.push(format!("{}: {reason}", device.name())),
                }
            }
            self.device = found;
            tracing::info!("networks run on {} ({})", found.name(), passed.join("; "));
        } else {
            self.probe(wanted)
                .map_err(|source| NetworkError::Device { device: wanted.name().into(), source })?;
            self.device = wanted;
            tracing::info!("networks run on {}", wanted.name());
        }
        Ok(self)
    }

    /// Whether a network can really be opened on it.
    fn probe(&self, device: Device) -> Result<(), Cause> {
        if device == Device::Cpu {
            return Ok(());
        }
        let opened = self.session(device)?.commit_from_memory(GEMM_MODEL);
        opened.map(drop).map_err(|error| Box::new(error) as Cause)
    }

    /// The device chosen.
    pub fn device(&self) -> Device {
        self.device
    }

    /// The library in use.
    pub fn library(&self) -> &std::path::Path {
        &self.library
    }

    /// Opens a network from its bytes, and those of the file its weights are in.
    pub(crate) fn open(&self, model: &[u8], weights: Option<(&str, Vec<u8>)>) -> Result<Session, Cause> {
        let mut builder = self.session(self.device)?;
        if let Some((file, bytes)) = weights {
            let given = builder.with_external_initializer_file_in_memory(file, bytes.into());
            builder = given.map_err(|error| error.to_string())?;
        }
        builder.commit_from_memory(model).map_err(|error| Box::new(error) as Cause)
    }

    fn session(&self, device: Device) -> Result<SessionBuilder, Cause> {
        let provider = device.provider(&self.environment, &self.library)?;
        let build = || -> ort::Result<SessionBuilder> {
            let builder = Session::builder(&self.environment)?
                .with_optimization_level(GraphOptimizationLevel::All)?
                .with_intra_threads(self.threads)?
                // The encoder and the painter work at the same time in two
                // threads of ours: a pool that spins while idle would take the
                // other's processor.
                .with_intra_op_spinning(false)?
                // Flat pictures leave numbers next to zero behind, which are ten
                // times slower to compute with than zero.
                .with_flush_to_zero()?;
            Ok(match provider {
                Provider::Cpu => builder,
                Provider::BuiltIn(provider) => builder.with_execution_providers([provider])?,
                Provider::PlugIn(device) => builder.with_devices([device], None)?,
            })
        };
        build().map_err(|error| Box::new(error) as Cause)
    }
}

/// The library, opened, and where it is. ONNX Runtime allows one environment a
/// process, ever: the first engine opens it, later ones share it.
fn environment() -> Result<(Environment, PathBuf)> {
    static OPENED: Mutex<Option<(Environment, PathBuf)>> = Mutex::new(None);
    // Nothing is left half done by a panic: it is opened or it is not.
    let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(both) = &*opened {
        return Ok(both.clone());
    }
    let library = find_library();
    let failed = |source: Cause| NetworkError::Runtime { source };
    let environment = ort::init_from(&library)
        .map_err(|error| failed(format!("{}: {error}", library.display()).into()))?
        .with_name("stylewarp")
        .with_telemetry(false)
        .build()
        .map_err(|error| failed(Box::new(error)))?;
    // Its failures come back as errors, and printed they would tear the progress
    // bar; its warnings about graphs help nobody.
    environment.set_log_level(ort::logging::LogLevel::Fatal);
    Ok(opened.insert((environment, library)).clone())
}

/// What `ORT_DYLIB_PATH` names, else the library in one of the [`places`], else whatever the system's loader finds.
fn find_library() -> PathBuf {
    const NAME: &str = match std::env::consts::OS.as_bytes() {
        b"windows" => "onnxruntime.dll",
        b"macos" => "libonnxruntime.dylib",
        _ => "libonnxruntime.so",
    };
    if let Some(path) = std::env::var_os("ORT_DYLIB_PATH").filter(|path| !path.is_empty()) {
        return path.into();
    }
    let found = places::trusted().into_iter().map(|folder| folder.join(NAME)).find(|path| path.is_file());
    found.unwrap_or_else(|| NAME.into())
}
