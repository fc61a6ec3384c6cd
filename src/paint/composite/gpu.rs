//! Runs `shaders/finish.wgsl`.

use super::{BlendParams, Colors, Cutout, Painting};
use crate::error::Result;
use crate::frame::{Frame, Size};
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
    grid: [u32; 2],
    depth: f32,
    /// What follows is aligned to eight bytes.
    rest: f32,
    cut: [u32; 2],
    shares: [f32; 2],
    behind_size: [u32; 2],
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
    pub fn run(
        &mut self,
        frame: &Frame,
        painting: &Painting,
        mix: BlendParams,
        cutout: Option<&Cutout>,
    ) -> Result<Frame> {
        // Where a picture is missing, one pixel is in its place.
        const NONE: (Size, &[u8]) = (Size { width: 1, height: 1 }, &[0; 4]);
        let cut = cutout.map_or(NONE, |cutout| (cutout.size, &cutout.pixels));
        let behind = cutout.and_then(|cutout| cutout.behind.as_ref());
        let (size, canvas, relief) = (frame.size, painting.size, painting.relief.as_ref());
        let params = Params {
            size: [size.width, size.height],
            canvas: [canvas.width, canvas.height],
            strength: mix.strength,
            keep: if mix.colors == Colors::Keep { 1.0 } else { 0.0 },
            grid: relief.map_or([1, 1], |relief| relief.grid.map(|places| places as u32)),
            depth: relief.map_or(0.0, |relief| relief.depth),
            rest: 0.0,
            cut: [cut.0.width, cut.0.height],
            shares: cutout.map_or([1.0, 1.0], |cutout| cutout.paint),
            behind_size: behind.map_or([0, 0], |(size, _)| [size.width, size.height]),
        };
        let light = relief.map_or(&[[0.0]][..], |relief| &relief.light);
        let guide = painting.guide.as_deref().unwrap_or(&frame.pixels);
        let behind = behind.map_or(NONE, |(size, pixels)| (*size, &pixels[..]));
        let pictures = [(size, &frame.pixels[..]), (canvas, guide), (canvas, &painting.painted), cut, behind];
        let pixels =
            self.0.run(size, bytemuck::bytes_of(&params), &[bytemuck::cast_slice(light)], &pictures)?;
        Ok(Frame { size, time: frame.time, pixels })
    }
}

#[cfg(test)]
mod tests {
    use super::super::CpuCompositor;
    use super::super::tests::{cutout, painted};
    use super::*;
    use crate::gpu::compute::{differing, params_layout};
    use crate::paint::relief::Relief;

    #[test]
    fn shader_and_twin_agree_within_one_level() {
        let mut gpu = GpuCompositor::new(Gpu::software().expect("a software Vulkan driver: ./setup.sh"))
            .expect("shader");
        for (size, canvas, strength, colors, relief) in [
            ((320, 180), (120, 67), 1.0, Colors::Paint, None),
            ((320, 180), (120, 67), 1.0, Colors::Paint, Some(0.4)),
            ((175, 143), (64, 52), 0.6, Colors::Keep, Some(1.0)),
            ((64, 64), (64, 64), 0.3, Colors::Keep, None),
            ((7, 5), (1, 1), 1.0, Colors::Paint, Some(0.2)),
        ] {
            let ((frame, mut painting), mix) = (painted(size, canvas), BlendParams { strength, colors });
            // Light is the third channel of the picture.
            let light = |pixel: &[u8]| f32::from(pixel[2]) / 127.5 - 1.0;
            painting.relief = relief.map(|depth| Relief {
                grid: [canvas.0 as usize, canvas.1 as usize],
                light: painting
                    .painted
                    .chunks_exact(4)
                    .map(|pixel| [light(pixel)])
                    .collect::<Vec<_>>()
                    .into(),
                depth,
            });
            let on_gpu = gpu.run(&frame, &painting, mix, None).expect("finished");
            let on_cpu = CpuCompositor::default().run(frame.clone(), &painting, mix, None);
            assert_eq!(differing(&on_gpu.pixels, &on_cpu.pixels), 0, "{size:?} from {canvas:?}, {mix:?}");
            // Negative control: the comparator sees a slightly different strength.
            let off = CpuCompositor::default().run(
                frame.clone(),
                &painting,
                BlendParams { strength: strength - 0.05, colors },
                None,
            );
            assert!(differing(&on_gpu.pixels, &off.pixels) > 10, "{size:?}");
            // And other light.
            let depth = if relief.is_some() { 0.0 } else { 0.4 };
            let light = painting.relief.map_or(vec![[0.5]; 4].into(), |relief| relief.light);
            let grid = if light.len() == 4 { [2, 2] } else { [canvas.0 as usize, canvas.1 as usize] };
            painting.relief = Some(Relief { grid, light, depth });
            let off = CpuCompositor::default().run(frame, &painting, mix, None);
            assert!(differing(&on_gpu.pixels, &off.pixels) > 10, "{size:?}");
        }
    }

    #[test]
    fn shader_and_twin_agree_on_subject_and_background() {
        let mut gpu = GpuCompositor::new(Gpu::software().expect("a software Vulkan driver: ./setup.sh"))
            .expect("shader");
        for (size, canvas, cut, paint, behind) in [
            ((320, 180), (120, 67), (64, 36), [1.0, 0.0], None),
            ((320, 180), (320, 180), (64, 36), [0.0, 1.0], Some((16, 9))),
            ((175, 143), (64, 52), (175, 143), [1.0, 1.0], Some((1, 1))),
            ((64, 64), (64, 64), (90, 70), [1.0, 0.0], Some((64, 64))),
            ((7, 5), (1, 1), (2, 3), [0.0, 1.0], Some((3, 2))),
        ] {
            let (frame, painting) = painted(size, canvas);
            let mix = BlendParams { strength: 0.9, colors: Colors::Paint };
            let mut cutout = cutout(cut, paint, behind);
            // One of them is clear in places.
            if let Some((_, pixels)) = cutout.behind.as_mut().filter(|(size, _)| size.width == 16) {
                let pixels = std::sync::Arc::make_mut(pixels).as_chunks_mut::<4>().0;
                pixels.iter_mut().zip((0..=u8::MAX).cycle()).for_each(|(pixel, alpha)| pixel[3] = alpha);
            }
            let on_gpu = gpu.run(&frame, &painting, mix, Some(&cutout)).expect("finished");
            let on_cpu = CpuCompositor::default().run(frame.clone(), &painting, mix, Some(&cutout));
            assert_eq!(differing(&on_gpu.pixels, &on_cpu.pixels), 0, "{size:?}, mask of {cut:?}");
            // Negative control: the comparator sees a mask that is turned round.
            let mut other = cutout;
            other.pixels.chunks_exact_mut(4).for_each(|pixel| pixel[3] = 255 - pixel[3]);
            let off = CpuCompositor::default().run(frame, &painting, mix, Some(&other));
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
            offset_of!(Params, grid),
            offset_of!(Params, depth),
            offset_of!(Params, cut),
            offset_of!(Params, shares),
            offset_of!(Params, behind_size),
        ];
        assert_eq!(params_layout(SHADER), (ours, size_of::<Params>()));
    }
}
