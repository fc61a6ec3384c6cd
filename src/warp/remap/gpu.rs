//! Runs `shaders/remap.wgsl`.

use crate::error::Result;
use crate::frame::Frame;
use crate::gpu::adapter::Gpu;
use crate::gpu::compute::Compute;
use crate::warp::field::WarpField;
use crate::warp::remap::cell_taps;

const SHADER: &str = include_str!("../../../shaders/remap.wgsl");

/// Mirrors the shader's `Params`; a test compares the two.
#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct Params {
    size: [u32; 2],
    grid: [u32; 2],
}

/// Warps on a GPU.
pub struct GpuRemap(Compute);

impl GpuRemap {
    /// Compiles the shader.
    ///
    /// # Errors
    /// Returns an error if the driver refuses it.
    pub fn new(gpu: Gpu) -> Result<Self> {
        Compute::new(gpu, "remap", SHADER, "warping a frame").map(Self)
    }

    /// The adapter's name.
    pub fn adapter(&self) -> String {
        self.0.adapter()
    }

    /// The frame as seen through the field.
    ///
    /// # Errors
    /// Returns an error if the GPU is lost, or the frame is larger than it can hold.
    pub fn run(&mut self, frame: &Frame, field: &WarpField) -> Result<Frame> {
        let size = frame.size;
        let params =
            Params { size: [size.width, size.height], grid: [field.width() as u32, field.height() as u32] };
        let taps: Vec<u32> = cell_taps(field, size).iter().map(|[x, y]| x | y << 16).collect();
        let pixels = self.0.run(
            size,
            bytemuck::bytes_of(&params),
            &[bytemuck::cast_slice(&field.padded()), bytemuck::cast_slice(&taps)],
            &[(size, &frame.pixels)],
        )?;
        Ok(Frame { size, time: frame.time, pixels })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::tests::picture;
    use crate::gpu::compute::{differing, params_layout};
    use crate::warp::remap::tests::bent;
    use crate::warp::remap::{CpuRemap, cell_taps};

    #[test]
    fn shader_and_twin_agree_within_one_level() {
        let mut gpu =
            GpuRemap::new(Gpu::software().expect("a software Vulkan driver: ./setup.sh")).expect("shader");
        for (width, height, strength) in
            [(320, 180, 0.2), (175, 143, 1.0), (64, 64, 3.0), (1, 1, 1.0), (7, 5, 1.0)]
        {
            let (frame, field) = (picture(width, height), bent(strength));
            let on_gpu = gpu.run(&frame, &field).expect("warp");
            let on_cpu = CpuRemap::default().run(&frame, &field);
            assert_eq!(differing(&on_gpu.pixels, &on_cpu.pixels), 0, "{width}x{height} at {strength}");
        }
        let frame = picture(175, 143);
        assert!(cell_taps(&bent(1.0), frame.size).iter().any(|taps| *taps != [1, 1]), "shrinking was tested");
        // Negative control: the comparator sees a slightly different warp.
        let off = CpuRemap::default().run(&frame, &bent(1.01));
        assert!(differing(&gpu.run(&frame, &bent(1.0)).expect("warp").pixels, &off.pixels) > 1000);
    }

    #[test]
    fn parameters_lie_where_the_shader_reads_them() {
        let ours = vec![std::mem::offset_of!(Params, size), std::mem::offset_of!(Params, grid)];
        assert_eq!(params_layout(SHADER), (ours, size_of::<Params>()));
    }
}
