//! Runs `shaders/remap.wgsl`: upload, one dispatch, read-back.

use wgpu::util::{BufferInitDescriptor, DeviceExt as _};

use super::cell_taps;
use crate::error::{Cause, Error, Result};
use crate::field::WarpField;
use crate::frame::{Frame, Size};
use crate::gpu::Gpu;

const SHADER: &str = include_str!("../../shaders/remap.wgsl");
const FORMAT: wgpu::TextureFormat = wgpu::TextureFormat::Rgba8Unorm;
const DOING: &str = "warping a frame";
/// The shader's workgroup, pixels across and down.
const GROUP: [u32; 2] = [16, 8];

/// Mirrors the shader's `Params`; a test compares the two.
#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct Params {
    size: [u32; 2],
    grid: [u32; 2],
}

/// Warps on a GPU; keeps textures between frames of one size.
pub struct GpuRemap {
    gpu: Gpu,
    pipeline: wgpu::ComputePipeline,
    surfaces: Option<Surfaces>,
}

impl GpuRemap {
    /// Compiles the shader.
    ///
    /// # Errors
    /// Where the driver refuses it.
    pub fn new(gpu: Gpu) -> Result<Self> {
        let scope = gpu.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let module = gpu.device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some("remap"),
            source: wgpu::ShaderSource::Wgsl(SHADER.into()),
        });
        let pipeline = gpu.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some("remap"),
            layout: None,
            module: &module,
            entry_point: Some("remap"),
            compilation_options: Default::default(),
            cache: None,
        });
        match pollster::block_on(scope.pop()) {
            Some(error) => Err(Error::NoGpu { source: Box::new(error) }),
            None => Ok(Self { gpu, pipeline, surfaces: None }),
        }
    }

    /// The adapter's name.
    pub fn adapter(&self) -> String {
        self.gpu.name()
    }

    /// The frame as seen through the field.
    ///
    /// # Errors
    /// Where the GPU is lost, or the frame is larger than it can hold.
    pub fn run(&mut self, frame: &Frame, field: &WarpField) -> Result<Frame> {
        let size = frame.size;
        let most = self.gpu.device.limits().max_texture_dimension_2d;
        if size.width.max(size.height) > most {
            return Err(lost(format!("a {size} frame is larger than this GPU's {most} pixels").into()));
        }
        let surfaces = match self.surfaces.take() {
            Some(surfaces) if surfaces.size == size => surfaces,
            _ => Surfaces::new(&self.gpu.device, size),
        };
        self.dispatch(&surfaces, frame, field);
        let pixels = surfaces.read(&self.gpu)?;
        self.surfaces = Some(surfaces);
        Ok(Frame { size, time: frame.time, pixels })
    }

    fn dispatch(&self, surfaces: &Surfaces, frame: &Frame, field: &WarpField) {
        let Gpu { device, queue, .. } = &self.gpu;
        let size = frame.size;
        queue.write_texture(
            surfaces.source.as_image_copy(),
            &frame.pixels,
            wgpu::TexelCopyBufferLayout {
                offset: 0,
                bytes_per_row: Some(size.width * 4),
                rows_per_image: Some(size.height),
            },
            surfaces.source.size(),
        );
        let params =
            Params { size: [size.width, size.height], grid: [field.width() as u32, field.height() as u32] };
        let taps: Vec<u32> = cell_taps(field, size).iter().map(|[x, y]| x | y << 16).collect();
        let buffer = |contents: &[u8], usage| {
            device.create_buffer_init(&BufferInitDescriptor { label: Some("remap"), contents, usage })
        };
        let params = buffer(bytemuck::bytes_of(&params), wgpu::BufferUsages::UNIFORM);
        let control = buffer(bytemuck::cast_slice(&field.padded()), wgpu::BufferUsages::STORAGE);
        let taps = buffer(bytemuck::cast_slice(&taps), wgpu::BufferUsages::STORAGE);
        let view = |texture: &wgpu::Texture| texture.create_view(&Default::default());
        let (source, warped) = (view(&surfaces.source), view(&surfaces.warped));
        let resources = [
            params.as_entire_binding(),
            control.as_entire_binding(),
            taps.as_entire_binding(),
            wgpu::BindingResource::TextureView(&source),
            wgpu::BindingResource::TextureView(&warped),
        ];
        let entries: Vec<_> = (0..)
            .zip(resources)
            .map(|(binding, resource)| wgpu::BindGroupEntry { binding, resource })
            .collect();
        let bindings = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("remap"),
            layout: &self.pipeline.get_bind_group_layout(0),
            entries: &entries,
        });
        let mut encoder = device.create_command_encoder(&Default::default());
        {
            let mut pass = encoder.begin_compute_pass(&Default::default());
            pass.set_pipeline(&self.pipeline);
            pass.set_bind_group(0, &bindings, &[]);
            pass.dispatch_workgroups(size.width.div_ceil(GROUP[0]), size.height.div_ceil(GROUP[1]), 1);
        }
        encoder.copy_texture_to_buffer(
            surfaces.warped.as_image_copy(),
            wgpu::TexelCopyBufferInfo { buffer: &surfaces.readback, layout: surfaces.layout() },
            surfaces.warped.size(),
        );
        queue.submit([encoder.finish()]);
    }
}

/// What lives on the GPU for frames of one size.
struct Surfaces {
    size: Size,
    source: wgpu::Texture,
    warped: wgpu::Texture,
    readback: wgpu::Buffer,
}

impl Surfaces {
    fn new(device: &wgpu::Device, size: Size) -> Self {
        let texture = |usage| {
            device.create_texture(&wgpu::TextureDescriptor {
                label: Some("remap"),
                size: wgpu::Extent3d { width: size.width, height: size.height, depth_or_array_layers: 1 },
                mip_level_count: 1,
                sample_count: 1,
                dimension: wgpu::TextureDimension::D2,
                format: FORMAT,
                usage,
                view_formats: &[],
            })
        };
        use wgpu::TextureUsages as Usage;
        Self {
            size,
            source: texture(Usage::TEXTURE_BINDING | Usage::COPY_DST),
            warped: texture(Usage::STORAGE_BINDING | Usage::COPY_SRC),
            readback: device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("remap"),
                size: u64::from(row_bytes(size)) * u64::from(size.height),
                usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
                mapped_at_creation: false,
            }),
        }
    }

    fn layout(&self) -> wgpu::TexelCopyBufferLayout {
        wgpu::TexelCopyBufferLayout {
            offset: 0,
            bytes_per_row: Some(row_bytes(self.size)),
            rows_per_image: Some(self.size.height),
        }
    }

    /// The warped picture, rows without padding.
    fn read(&self, gpu: &Gpu) -> Result<Vec<u8>> {
        let (done, mapped) = crossbeam_channel::bounded(1);
        self.readback.map_async(wgpu::MapMode::Read, .., move |result| {
            // The receiver outlives the wait below.
            let _ = done.send(result);
        });
        gpu.wait(DOING)?;
        mapped.recv().map_err(|error| lost(Box::new(error)))?.map_err(|error| lost(Box::new(error)))?;
        let pixels = {
            let rows = self.readback.get_mapped_range(..).map_err(|error| lost(Box::new(error)))?;
            let (padded, packed) = (row_bytes(self.size) as usize, self.size.width as usize * 4);
            rows.chunks_exact(padded).flat_map(|row| &row[..packed]).copied().collect()
        };
        self.readback.unmap();
        Ok(pixels)
    }
}

/// Bytes of a row in the read-back buffer: a multiple of 256 by wgpu's rule.
fn row_bytes(size: Size) -> u32 {
    (size.width * 4).next_multiple_of(wgpu::COPY_BYTES_PER_ROW_ALIGNMENT)
}

fn lost(source: Cause) -> Error {
    Error::DeviceLost { doing: DOING, source }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{bent, picture};
    use super::super::{CpuRemap, cell_taps};
    use super::*;

    /// Pixels that differ by more than 1/255 in any channel.
    fn differing(a: &Frame, b: &Frame) -> usize {
        a.pixels
            .chunks(4)
            .zip(b.pixels.chunks(4))
            .filter(|(a, b)| a.iter().zip(*b).any(|(a, b)| a.abs_diff(*b) > 1))
            .count()
    }

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
            assert_eq!(differing(&on_gpu, &on_cpu), 0, "{width}x{height} at {strength}");
        }
        let frame = picture(175, 143);
        assert!(cell_taps(&bent(1.0), frame.size).iter().any(|taps| *taps != [1, 1]), "shrinking was tested");
        // Negative control: the comparator sees a slightly different warp.
        let off = CpuRemap::default().run(&frame, &bent(1.01));
        assert!(differing(&gpu.run(&frame, &bent(1.0)).expect("warp"), &off) > 1000);
    }

    #[test]
    fn parameters_lie_where_the_shader_reads_them() {
        let module = wgpu::naga::front::wgsl::parse_str(SHADER).expect("valid WGSL");
        let (_, params) = module
            .types
            .iter()
            .find(|(_, t)| t.name.as_deref() == Some("Params"))
            .expect("the shader has Params");
        let wgpu::naga::TypeInner::Struct { members, span } = &params.inner else { panic!("a struct") };
        let ours = [std::mem::offset_of!(Params, size), std::mem::offset_of!(Params, grid)];
        assert!(members.iter().map(|m| m.offset as usize).eq(ours));
        assert_eq!(*span as usize, size_of::<Params>());
    }
}
