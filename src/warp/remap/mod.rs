//! Bends a frame by a flow field: `shaders/remap.wgsl` on a GPU, its tuned twin
//! on a processor.
//!
//! Both evaluate the same function; which runs is decided once. A software GPU
//! driver would need ten times the twin's processor time, so such an adapter is
//! used in tests only.

use crate::error::Result;
use crate::frame::{Frame, Size};
use crate::gpu::adapter::Gpu;
use crate::warp::field::WarpField;

mod cpu;
#[cfg(feature = "gpu")]
mod gpu;
mod sample;

pub use cpu::CpuRemap;
#[cfg(feature = "gpu")]
pub use gpu::GpuRemap;

/// The warping stage.
pub enum Remap {
    /// The twin.
    Cpu(Box<CpuRemap>),
    /// The shader.
    #[cfg(feature = "gpu")]
    Gpu(Box<GpuRemap>),
}

impl Remap {
    /// On the GPU if there is one, otherwise on the processor.
    ///
    /// # Errors
    /// Returns an error if the GPU refuses the shader.
    pub fn new(gpu: Option<Gpu>) -> Result<Self> {
        Ok(match gpu {
            #[cfg(feature = "gpu")]
            Some(gpu) => Self::Gpu(Box::new(GpuRemap::new(gpu)?)),
            _ => Self::Cpu(Box::default()),
        })
    }

    /// The frame as seen through the field. The identity returns the frame
    /// itself, bit for bit.
    ///
    /// # Errors
    /// Returns an error if the GPU is lost.
    pub fn run(&mut self, frame: Frame, field: &WarpField) -> Result<Frame> {
        if field.is_identity() {
            return Ok(frame);
        }
        match self {
            Self::Cpu(remap) => {
                let warped = remap.run(&frame, field);
                remap.reuse(frame);
                Ok(warped)
            }
            #[cfg(feature = "gpu")]
            Self::Gpu(remap) => remap.run(&frame, field),
        }
    }

    /// What it runs on, for people.
    pub fn device(&self) -> String {
        match self {
            Self::Cpu(_) => "CPU".into(),
            #[cfg(feature = "gpu")]
            Self::Gpu(remap) => remap.adapter(),
        }
    }
}

/// Samples per output pixel, across and down, for every spline cell. Decided
/// here, once for both twins, so that they cannot disagree on a threshold.
fn cell_taps(field: &WarpField, size: Size) -> Vec<[u32; 2]> {
    let taps = |stretch: f32| match stretch {
        // A bilinear sample covers two source pixels by itself.
        s if s <= 1.25 => 1,
        s if s <= 2.25 => 2,
        _ => 4,
    };
    field.cell_stretch(size).into_iter().map(|stretch| stretch.map(taps)).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    /// Swirls and squeezes, minifying in places, reaching outside the picture.
    pub(crate) fn bent(strength: f32) -> WarpField {
        let values = (0..13 * 9)
            .map(|k| {
                let (x, y) = ((k % 13) as f32 / 13.0, (k / 13) as f32 / 9.0);
                [0.2 * (5.0 * y).sin() + 0.3 * x * x, 0.15 * (7.0 * x).cos() - 0.25 * y]
            })
            .collect();
        WarpField::new(13, 9, values).expect("finite").scaled(strength)
    }
}
