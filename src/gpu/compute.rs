//! A compute shader that makes one picture of others: upload, one dispatch,
//! read-back. What lives on the GPU is kept between frames of one size.
//!
//! Bindings of every such shader, all in group 0: its parameters, its tables,
//! its pictures, and the picture it makes.

use wgpu::util::{BufferInitDescriptor, DeviceExt as _};

use crate::error::{Cause, Result};
use crate::frame::Size;
use crate::gpu::adapter::Gpu;
use crate::gpu::error::GpuError;

const FORMAT: wgpu::TextureFormat = wgpu::TextureFormat::Rgba8Unorm;
/// The shaders' workgroup, pixels across and down.
const GROUP: [u32; 2] = [16, 8];

/// A compiled shader and its surfaces.
pub(crate) struct Compute {
    gpu: Gpu,
    name: &'static str,
    /// For messages: "warping a frame".
    doing: &'static str,
    pipeline: wgpu::ComputePipeline,
    pictures: Vec<wgpu::Texture>,
    made: Option<Made>,
}

impl Compute {
    /// Compiles a shader whose entry point is `name`.
    ///
    /// # Errors
    /// Returns an error if the driver refuses it.
    pub(crate) fn new(gpu: Gpu, name: &'static str, shader: &str, doing: &'static str) -> Result<Self> {
        let scope = gpu.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let module = gpu.device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some(name),
            source: wgpu::ShaderSource::Wgsl(shader.into()),
        });
        let pipeline = gpu.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(name),
            layout: None,
            module: &module,
            entry_point: Some(name),
            compilation_options: Default::default(),
            cache: None,
        });
        match pollster::block_on(scope.pop()) {
            Some(error) => Err(GpuError::NoGpu { source: Box::new(error) }.into()),
            None => Ok(Self { gpu, name, doing, pipeline, pictures: Vec::new(), made: None }),
        }
    }

    /// The adapter's name.
    pub(crate) fn adapter(&self) -> String {
        self.gpu.name()
    }

    /// The picture, of `size`, that the shader makes of packed RGBA pictures.
    ///
    /// # Errors
    /// Returns an error if the GPU is lost, or a picture is larger than it can hold.
    pub(crate) fn run(
        &mut self,
        size: Size,
        params: &[u8],
        tables: &[&[u8]],
        pictures: &[(Size, &[u8])],
    ) -> Result<Vec<u8>> {
        let most = self.gpu.device.limits().max_texture_dimension_2d;
        if let Some((size, _)) = pictures.iter().find(|(size, _)| size.width.max(size.height) > most) {
            let reason = format!("a {size} picture is larger than this GPU's {most} pixels");
            return Err(self.lost(reason.into()).into());
        }
        self.upload(pictures);
        let made = match self.made.take() {
            Some(made) if made.size == size => made,
            _ => Made::new(&self.gpu.device, size),
        };
        // What is wrong with this picture is this picture's error, not a line in a log.
        let scope = self.gpu.device.push_error_scope(wgpu::ErrorFilter::Validation);
        self.dispatch(&made, params, tables);
        if let Some(error) = pollster::block_on(scope.pop()) {
            return Err(self.lost(Box::new(error)).into());
        }
        let pixels = made.read(self)?;
        self.made = Some(made);
        Ok(pixels)
    }

    fn upload(&mut self, pictures: &[(Size, &[u8])]) {
        let Gpu { device, queue, .. } = &self.gpu;
        let usage = wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST;
        let fits = |texture: &wgpu::Texture, size: Size| {
            (texture.width(), texture.height()) == (size.width, size.height)
        };
        if self.pictures.len() != pictures.len()
            || !self.pictures.iter().zip(pictures).all(|(texture, (size, _))| fits(texture, *size))
        {
            self.pictures = pictures.iter().map(|(size, _)| texture(device, *size, usage)).collect();
        }
        for (texture, (size, pixels)) in self.pictures.iter().zip(pictures) {
            let layout = wgpu::TexelCopyBufferLayout {
                offset: 0,
                bytes_per_row: Some(size.width * 4),
                rows_per_image: Some(size.height),
            };
            queue.write_texture(texture.as_image_copy(), pixels, layout, texture.size());
        }
    }

    fn dispatch(&self, made: &Made, params: &[u8], tables: &[&[u8]]) {
        let Gpu { device, queue, .. } = &self.gpu;
        let buffer = |contents: &[u8], usage| {
            device.create_buffer_init(&BufferInitDescriptor { label: Some(self.name), contents, usage })
        };
        let params = buffer(params, wgpu::BufferUsages::UNIFORM);
        let tables: Vec<_> = tables.iter().map(|t| buffer(t, wgpu::BufferUsages::STORAGE)).collect();
        let view = |texture: &wgpu::Texture| texture.create_view(&Default::default());
        let views: Vec<_> = self.pictures.iter().chain([&made.picture]).map(view).collect();
        let buffers = std::iter::once(&params).chain(&tables).map(wgpu::Buffer::as_entire_binding);
        let entries: Vec<_> = (0..)
            .zip(buffers.chain(views.iter().map(wgpu::BindingResource::TextureView)))
            .map(|(binding, resource)| wgpu::BindGroupEntry { binding, resource })
            .collect();
        let bindings = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some(self.name),
            layout: &self.pipeline.get_bind_group_layout(0),
            entries: &entries,
        });
        let mut encoder = device.create_command_encoder(&Default::default());
        {
            let mut pass = encoder.begin_compute_pass(&Default::default());
            pass.set_pipeline(&self.pipeline);
            pass.set_bind_group(0, &bindings, &[]);
            let Size { width, height } = made.size;
            pass.dispatch_workgroups(width.div_ceil(GROUP[0]), height.div_ceil(GROUP[1]), 1);
        }
        encoder.copy_texture_to_buffer(
            made.picture.as_image_copy(),
            wgpu::TexelCopyBufferInfo { buffer: &made.readback, layout: made.layout() },
            made.picture.size(),
        );
        queue.submit([encoder.finish()]);
    }

    fn lost(&self, source: Cause) -> GpuError {
        GpuError::DeviceLost { doing: self.doing, source }
    }
}

fn texture(device: &wgpu::Device, size: Size, usage: wgpu::TextureUsages) -> wgpu::Texture {
    device.create_texture(&wgpu::TextureDescriptor {
        label: None,
        size: wgpu::Extent3d { width: size.width, height: size.height, depth_or_array_layers: 1 },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format: FORMAT,
        usage,
        view_formats: &[],
    })
}

/// The picture made, and the way back from the GPU.
struct Made {
    size: Size,
    picture: wgpu::Texture,
    readback: wgpu::Buffer,
}

impl Made {
    fn new(device: &wgpu::Device, size: Size) -> Self {
        let usage = wgpu::TextureUsages::STORAGE_BINDING | wgpu::TextureUsages::COPY_SRC;
        let readback = device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size: u64::from(row_bytes(size)) * u64::from(size.height),
            usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
            mapped_at_creation: false,
        });
        Self { size, picture: texture(device, size, usage), readback }
    }

    fn layout(&self) -> wgpu::TexelCopyBufferLayout {
        wgpu::TexelCopyBufferLayout {
            offset: 0,
            bytes_per_row: Some(row_bytes(self.size)),
            rows_per_image: Some(self.size.height),
        }
    }

    /// The picture, rows without padding.
    fn read(&self, compute: &Compute) -> Result<Vec<u8>> {
        let (done, mapped) = crossbeam_channel::bounded(1);
        self.readback.map_async(wgpu::MapMode::Read, .., move |result| {
            // The receiver outlives the wait below.
            let _ = done.send(result);
        });
        compute.gpu.wait(compute.doing)?;
        mapped
            .recv()
            .map_err(|error| compute.lost(Box::new(error)))?
            .map_err(|error| compute.lost(Box::new(error)))?;
        let pixels = {
            let rows = self.readback.get_mapped_range(..).map_err(|error| compute.lost(Box::new(error)))?;
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

/// Offsets of the members of the shader's `Params`, and its size, for tests that compare them with ours.
#[cfg(test)]
pub(crate) fn params_layout(shader: &str) -> (Vec<usize>, usize) {
    let module = wgpu::naga::front::wgsl::parse_str(shader).expect("valid WGSL");
    let (_, params) = module
        .types
        .iter()
        .find(|(_, t)| t.name.as_deref() == Some("Params"))
        .expect("the shader has Params");
    let wgpu::naga::TypeInner::Struct { members, span } = &params.inner else { panic!("a struct") };
    (members.iter().map(|member| member.offset as usize).collect(), *span as usize)
}

/// Pixels that differ by more than 1/255 in any channel.
#[cfg(test)]
pub(crate) fn differing(a: &[u8], b: &[u8]) -> usize {
    let differs = |(a, b): (&[u8], &[u8])| a.iter().zip(b).any(|(a, b)| a.abs_diff(*b) > 1);
    a.chunks(4).zip(b.chunks(4)).filter(|pair| differs(*pair)).count()
}
