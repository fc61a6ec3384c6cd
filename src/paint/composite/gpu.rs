//! Runs `shaders/finish.wgsl`.

use super::{BlendParams, Colors, Painting};
use crate::error::Result;
use crate::frame::Frame;
use crate::gpu::adapter::Gpu;
use crate::gpu::compute::Compute;

const SHADER: &str = include_str!("../../../shaders/finish.wgsl");

/// Mirrors the shader's `Params`; a test compares the two.
#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct Params {
    size: [u32; 2],
    canvas: [u32; 2],
    strength: f32,
    keep: f32,
}

/// Finishes on a GPU.
pub struct GpuCompositor(Compute);

impl GpuCompositor {
    /// Compiles the shader.
    ///
    /// # Errors
    /// Returns an error if the driver refuses it.
    pub fn new(gpu: Gpu) -> Result<Self> {
        Compute::new(gpu, "finish", SHADER, "finishing a frame").map(Self)
    }

    /// The frame with the painting on it.
    ///
    /// # Errors
    /// Returns an error if the GPU is lost, or the frame is larger than it can hold.
    pub fn run(&mut self, frame: &Frame, painting: &Painting, mix: BlendParams) -> Result<Frame> {
        let (size, canvas) = (frame.size, painting.size);
        let params = Params {
            size: [size.width, size.height],
            canvas: [canvas.width, canvas.height],
            strength: mix.strength,
            keep: if mix.colors == Colors::Keep { 1.0 } else { 0.0 },
        };
        let guide = painting.guide.as_ref().unwrap_or(&frame.pixels);
        let pictures = [(size, &frame.pixels[..]), (canvas, guide), (canvas, &painting.painted)];
        let pixels = self.0.run(size, bytemuck::bytes_of(&params), &[], &pictures)?;
        Ok(Frame { size, time: frame.time, pixels })
    }
}

#[cfg(test)]
mod tests {
    use super::super::CpuCompositor;
    use super::super::tests::painted;
    use super::*;
    use crate::gpu::compute::{differing, params_layout};

    #[test]
    fn shader_and_twin_agree_within_one_level() {
        let mut gpu = GpuCompositor::new(Gpu::software().expect("a software Vulkan driver: ./setup.sh"))
            .expect("shader");
        for (size, canvas, strength, colors) in [
            ((320, 180), (120, 67), 1.0, Colors::Paint),
            ((175, 143), (64, 52), 0.6, Colors::Keep),
            ((64, 64), (64, 64), 0.3, Colors::Keep),
            ((7, 5), (1, 1), 1.0, Colors::Paint),
        ] {
            let ((frame, painting), mix) = (painted(size, canvas), BlendParams { strength, colors });
            let on_gpu = gpu.run(&frame, &painting, mix).expect("finished");
            let on_cpu = CpuCompositor.run(frame.clone(), &painting, mix);
            assert_eq!(differing(&on_gpu.pixels, &on_cpu.pixels), 0, "{size:?} from {canvas:?}, {mix:?}");
            // Negative control: the comparator sees a slightly different strength.
            let off = CpuCompositor.run(frame, &painting, BlendParams { strength: strength - 0.05, colors });
            assert!(differing(&on_gpu.pixels, &off.pixels) > 10, "{size:?}");
        }
    }

    #[test]
    fn parameters_lie_where_the_shader_reads_them() {
        use std::mem::offset_of;
        let ours = vec![
            offset_of!(Params, size),
            offset_of!(Params, canvas),
            offset_of!(Params, strength),
            offset_of!(Params, keep),
        ];
        assert_eq!(params_layout(SHADER), (ours, size_of::<Params>()));
    }
}
