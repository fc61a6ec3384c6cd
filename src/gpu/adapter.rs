//! The GPU: adapter, device and queue.

use std::time::Duration;

use crate::error::{Cause, Error, Result};
use crate::gpu::error::GpuError;

/// For a GPU to finish a picture: far longer than the largest takes. A driver that hangs would never end.
const PATIENCE: Duration = Duration::from_secs(30);

/// An opened GPU. Cheap to clone; clones share the device.
#[derive(Debug, Clone)]
pub struct Gpu {
    pub(crate) device: wgpu::Device,
    pub(crate) queue: wgpu::Queue,
    adapter: wgpu::AdapterInfo,
}

impl Gpu {
    /// The fastest real GPU (Vulkan, Metal or DirectX 12); `None` where there is
    /// none, or only a software driver, which the CPU path outruns tenfold.
    pub fn real() -> Option<Self> {
        let mut adapters = adapters();
        adapters.retain(|adapter| adapter.get_info().device_type != wgpu::DeviceType::Cpu);
        adapters.sort_by_key(|adapter| match adapter.get_info().device_type {
            wgpu::DeviceType::DiscreteGpu => 0,
            wgpu::DeviceType::IntegratedGpu => 1,
            _ => 2,
        });
        adapters.into_iter().find_map(|adapter| match Self::open(&adapter) {
            Ok(gpu) => Some(gpu),
            Err(error) => {
                tracing::warn!("{}", error.explained("gpu"));
                None
            }
        })
    }

    /// A software driver (lavapipe, WARP): runs the shaders anywhere, for tests.
    ///
    /// # Errors
    /// Returns an error if none is installed.
    pub fn software() -> Result<Self> {
        adapters()
            .into_iter()
            .find(|adapter| adapter.get_info().device_type == wgpu::DeviceType::Cpu)
            .ok_or_else(|| Error::from(GpuError::NoGpu { source: "no software driver is installed".into() }))
            .and_then(|adapter| Self::open(&adapter))
    }

    fn open(adapter: &wgpu::Adapter) -> Result<Self> {
        let limits = adapter.limits();
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("stylewarp"),
            // Frames up to the adapter's own limit, not the portable 8192.
            required_limits: wgpu::Limits {
                max_texture_dimension_2d: limits.max_texture_dimension_2d,
                max_buffer_size: limits.max_buffer_size,
                ..wgpu::Limits::default()
            },
            ..Default::default()
        };
        let (device, queue) = pollster::block_on(adapter.request_device(&descriptor))
            .map_err(|source| GpuError::NoGpu { source: Box::new(source) })?;
        // wgpu's default handler panics; what reaches it is logged instead, and
        // the step that caused it fails on its own when it reads its result.
        device.on_uncaptured_error(std::sync::Arc::new(|error| tracing::error!("GPU: {error}")));
        Ok(Self { device, queue, adapter: adapter.get_info() })
    }

    /// Name and interface, for people.
    pub fn name(&self) -> String {
        format!("{} ({})", self.adapter.name, self.adapter.backend)
    }

    /// Waits for submitted work, at most for [`PATIENCE`].
    ///
    /// # Errors
    /// Returns an error if the driver hangs, or the GPU is lost.
    pub(crate) fn wait(&self, doing: &'static str) -> Result<()> {
        let wait = wgpu::PollType::Wait { submission_index: None, timeout: Some(PATIENCE) };
        let lost = |source: Cause| Error::from(GpuError::DeviceLost { doing, source });
        self.device.poll(wait).map(drop).map_err(|error| lost(Box::new(error)))
    }
}

fn adapters() -> Vec<wgpu::Adapter> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
        backends: wgpu::Backends::PRIMARY,
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    });
    pollster::block_on(instance.enumerate_adapters(wgpu::Backends::PRIMARY))
}
