//! What the networks run on, and how ONNX Runtime is asked for it.
//!
//! Most devices are built into its library or they are not. For any GPU it has a plug-in, a library of its own
//! (the Python package `onnxruntime-ep-webgpu`: WebGPU over Vulkan, Metal or Direct3D 12), which is opened where it lies
//! beside the other.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use ort::environment::Environment;
use ort::ep::{self, ExecutionProviderDispatch};

use crate::error::Cause;
use crate::names::names;

/// Name that the plug-in's devices carry.
const WEBGPU: &str = "WebGpuExecutionProvider";

/// What the networks run on (ONNX Runtime's execution providers).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Device {
    /// The first of the others that works here, else the CPU.
    #[default]
    Auto,
    /// The processor.
    Cpu,
    /// NVIDIA, compiled per network (slow first start).
    TensorRt,
    /// NVIDIA.
    Cuda,
    /// Apple.
    CoreMl,
    /// Any DirectX 12 GPU on Windows.
    DirectMl,
    /// Intel.
    OpenVino,
    /// Any GPU through WebGPU.
    WebGpu,
}

names!(Device { Auto => "auto", Cpu => "cpu", TensorRt => "tensorrt", Cuda => "cuda", CoreMl => "coreml", DirectMl => "directml", OpenVino => "openvino", WebGpu => "webgpu" });

impl Device {
    /// What `Auto` tries, in order. TensorRT is left out: it compiles a network
    /// for minutes at the first frame, which only a user who asks for it wants.
    pub(super) const AUTO: [Self; 5] =
        [Self::Cuda, Self::CoreMl, Self::DirectMl, Self::OpenVino, Self::WebGpu];

    /// How to ask for it; why that cannot be done, if it cannot.
    pub(super) fn provider<'e>(
        self,
        environment: &'e Environment,
        library: &Path,
    ) -> Result<Provider<'e>, Cause> {
        fn of<P>(provider: P) -> Option<ExecutionProviderDispatch>
        where
            P: ep::ExecutionProvider + Into<ExecutionProviderDispatch>,
        {
            P::is_available().unwrap_or(false).then(|| provider.into().error_on_failure())
        }
        let built_in = match self {
            Self::Auto | Self::Cpu => return Ok(Provider::Cpu),
            Self::TensorRt => of(ep::TensorRT::default()),
            Self::Cuda => of(ep::CUDA::default()),
            Self::CoreMl => of(ep::CoreML::default()),
            Self::DirectMl => of(ep::DirectML::default()),
            Self::OpenVino => of(ep::OpenVINO::default()),
            Self::WebGpu => of(ep::WebGPU::default()),
        };
        match built_in {
            Some(provider) => Ok(Provider::BuiltIn(provider)),
            None if self == Self::WebGpu => plugged_in(environment, library).map(Provider::PlugIn),
            None => Err("not in this build of ONNX Runtime".into()),
        }
    }
}

/// How a session is told what to run on.
pub(super) enum Provider<'e> {
    /// Not at all.
    Cpu,
    /// By a provider in the library itself.
    BuiltIn(ExecutionProviderDispatch),
    /// By a device of the plug-in.
    PlugIn(ort::device::Device<'e>),
}

/// The first device of the plug-in for any GPU, which lies beside ONNX Runtime's library. A process opens it once.
fn plugged_in<'e>(environment: &'e Environment, library: &Path) -> Result<ort::device::Device<'e>, Cause> {
    static IS_OPEN: Mutex<bool> = Mutex::new(false);
    let mut is_open = IS_OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    if !*is_open {
        let name = format!(
            "{}onnxruntime_providers_webgpu{}",
            std::env::consts::DLL_PREFIX,
            std::env::consts::DLL_SUFFIX
        );
        // The library may be a link in the user's data folder.
        let library = library.canonicalize().unwrap_or_else(|_| library.to_owned());
        let plugin = library.with_file_name(&name);
        if !plugin.is_file() {
            return Err(format!(
                "its plug-in {name} is not beside ONNX Runtime (./setup.sh --gpu fetches it)"
            )
            .into());
        }
        environment.register_ep_library("webgpu", &plugin)?;
        *is_open = true;
    }
    let device = environment.devices().find(|device| device.ep().is_ok_and(|name| name == WEBGPU));
    device.ok_or_else(|| "its plug-in finds no GPU".into())
}
