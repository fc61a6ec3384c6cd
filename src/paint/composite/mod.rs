//! Puts a painting on its frame: `shaders/finish.wgsl` on a GPU, its twin on a
//! processor. A painting smaller than the frame is enlarged along the frame's
//! own edges (joint bilateral upsampling; Kopf et al., 2007), so that outlines
//! stay as sharp as the frame's; the frame's colours are kept if asked for; light
//! falls on the paint; the two are blended by the strength. Where the subject is told from the background
//! ([`crate::paint::subject`]), the mask is drawn along the same edges, and says which of them is painted and what
//! shows behind.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::frame::pool::Buffer;
use crate::frame::{Frame, Size};
use crate::gpu::adapter::Gpu;
use crate::names::names;
use crate::paint::recolor::ColorMap;
use crate::paint::relief::{LightRows, Relief};
use crate::paint::subject::Cutout;

mod cpu;
mod cutout;
#[cfg(feature = "gpu")]
mod gpu;

pub use cpu::CpuCompositor;
#[cfg(feature = "gpu")]
pub use gpu::GpuCompositor;

/// Square of the colour difference, in 0..3, at which a neighbour counts a quarter.
const TOLERANCE: f32 = 0.01;
/// What a neighbour of any colour counts: nothing is ever divided by zero.
const LEAST: f32 = 0.001;

/// Whose colours the picture has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Colors {
    /// The painting's.
    #[default]
    Paint,
    /// The frame's own hue and chroma in Oklab; the painting gives light and dark.
    Keep,
}

names!(Colors { Paint => "paint", Keep => "keep" });

/// How a painting is put on its frame.
#[derive(Debug, Clone, Copy)]
pub struct BlendParams {
    /// 0 leaves the frame, 1 the painting.
    pub strength: f32,
    /// Whose colours.
    pub colors: Colors,
}

/// A painting, and what the painter saw when it made it; packed RGBA.
#[derive(Debug, Clone)]
pub struct Painting {
    /// Size of both.
    pub size: Size,
    /// The frame, resized; `None` where it has this size.
    pub guide: Option<Buffer<u8>>,
    /// The painting.
    pub painted: Buffer<u8>,
    /// How the frame's colours were mapped before it was painted.
    pub colors: ColorMap,
    /// The light on its paint; `None` leaves it flat.
    pub relief: Option<Relief>,
}

impl Painting {
    /// The frame itself, for where nothing is painted.
    pub fn untouched(frame: &Frame) -> Self {
        let painted = frame.pixels.clone().into();
        Self { size: frame.size, guide: None, painted, colors: ColorMap::IDENTITY, relief: None }
    }

    /// Maps the painting back to the frame's own colours.
    fn restore_colors(&mut self) {
        let restore = self.colors.inverse();
        self.painted.par_chunks_exact_mut(4 * self.size.width as usize).for_each(|row| {
            for pixel in row.chunks_exact_mut(4) {
                let color = restore([0, 1, 2].map(|c| f32::from(pixel[c]) / 255.0));
                (0..3).for_each(|c| pixel[c] = (color[c] * 255.0 + 0.5) as u8);
            }
        });
    }
}

/// The finishing stage.
pub struct Compositor {
    twin: Twin,
    light: LightRows,
}

/// What it runs on.
enum Twin {
    Cpu(Box<CpuCompositor>),
    #[cfg(feature = "gpu")]
    Gpu(Box<GpuCompositor>),
}

impl Compositor {
    /// On the GPU if there is one, otherwise on the processor.
    ///
    /// # Errors
    /// Returns an error if the GPU refuses the shader.
    pub fn new(gpu: Option<Gpu>) -> Result<Self> {
        let twin = match gpu {
            #[cfg(feature = "gpu")]
            Some(gpu) => Twin::Gpu(Box::new(GpuCompositor::new(gpu)?)),
            _ => Twin::Cpu(Box::default()),
        };
        Ok(Self { twin, light: LightRows::default() })
    }

    /// The frame with the painting on it, or on the parts of it that a mask says.
    ///
    /// # Errors
    /// Returns an error if the GPU is lost.
    pub fn run(
        &mut self,
        mut frame: Frame,
        mut painting: Painting,
        mix: BlendParams,
        cutout: Option<&Cutout>,
    ) -> Result<Frame> {
        if mix.colors == Colors::Keep {
            painting.restore_colors();
        }
        let whole = painting.size == frame.size && mix.colors == Colors::Paint && mix.strength == 1.0;
        if whole && cutout.is_none() {
            if let Some(relief) = &painting.relief {
                relief.shade(&mut painting.painted, painting.size, &mut self.light);
            }
            // As in the other cases, what is transparent stays so.
            let pixels = painting.painted.as_chunks_mut::<4>().0.iter_mut();
            pixels.zip(frame.pixels.as_chunks::<4>().0).for_each(|(painted, own)| painted[3] = own[3]);
            // The painter gets the frame's memory for the painting's.
            std::mem::swap(&mut frame.pixels, &mut *painting.painted);
            return Ok(frame);
        }
        match &mut self.twin {
            Twin::Cpu(finish) => Ok(finish.run(frame, &painting, mix, cutout)),
            #[cfg(feature = "gpu")]
            Twin::Gpu(finish) => finish.run(&frame, &painting, mix, cutout),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::frame::tests::picture;

    /// A frame, and its painting (the colours turned round) on a canvas of another size.
    pub(crate) fn painted(size: (u32, u32), canvas: (u32, u32)) -> (Frame, Painting) {
        let (frame, small) = (picture(size.0, size.1), picture(canvas.0, canvas.1));
        let turned = small.pixels.chunks_exact(4).flat_map(|p| [p[2], p[0], 255 - p[1], 255]);
        let painted = turned.collect::<Vec<_>>().into();
        (
            frame,
            Painting {
                size: small.size,
                guide: (size != canvas).then_some(small.pixels.into()),
                painted,
                colors: ColorMap::IDENTITY,
                relief: None,
            },
        )
    }

    /// A mask with hard and soft edges on the colours of [`painted`]'s frame, and something behind.
    pub(crate) fn cutout(size: (u32, u32), paint: [f32; 2], behind: Option<(u32, u32)>) -> Cutout {
        let mut small = picture(size.0, size.1);
        for (k, pixel) in small.pixels.chunks_exact_mut(4).enumerate() {
            let (x, y) =
                (k as f32 % size.0 as f32 / size.0 as f32, (k as u32 / size.0) as f32 / size.1 as f32);
            pixel[3] = if y < 0.4 {
                (255.0 * (1.6 * x - 0.3).clamp(0.0, 1.0)) as u8
            } else {
                255 * u8::from(x < 0.5)
            };
        }
        let behind = behind.map(|(width, height)| {
            let picture = picture(height, width);
            (Size { width, height }, std::sync::Arc::new(picture.pixels))
        });
        Cutout { size: small.size, pixels: small.pixels, paint, behind }
    }

    #[test]
    fn a_whole_painting_is_handed_through() {
        let (frame, painting) = painted((20, 10), (20, 10));
        let expected = painting.painted.to_vec();
        let mix = BlendParams { strength: 1.0, colors: Colors::Paint };
        let done =
            Compositor::new(None).and_then(|mut finish| finish.run(frame, painting, mix, None)).expect("CPU");
        assert_eq!(done.pixels, expected);
    }

    #[test]
    fn where_nothing_shows_behind_the_subject_the_picture_is_clear_and_tells_nothing() {
        let (frame, painting) = painted((64, 64), (64, 64));
        let expected = painting.painted.to_vec();
        let mut cutout = cutout((64, 64), [1.0, 1.0], Some((1, 1)));
        cutout.behind = Some((Size { width: 1, height: 1 }, std::sync::Arc::new(vec![0; 4])));
        let mix = BlendParams { strength: 1.0, colors: Colors::Paint };
        let done =
            Compositor::new(None).and_then(|mut finish| finish.run(frame, painting, mix, Some(&cutout)));
        let done = done.expect("CPU");
        // The lower half of the mask is hard: the subject on the left.
        let pixel = |x: usize, y: usize| [0, 1, 2, 3].map(|c| done.pixels[4 * (64 * y + x) + c]);
        let own = |x: usize, y: usize| &expected[4 * (64 * y + x)..][..3];
        for y in [40, 50, 60] {
            assert_eq!(pixel(60, y), [0; 4]);
            assert_eq!((&pixel(4, y)[..3], pixel(4, y)[3]), (own(4, y), 255));
        }
        // The upper one is soft: colours lie over black by as much as they are opaque.
        let soft = (0..64).map(|x| (x, pixel(x, 5))).find(|(_, pixel)| (100..150).contains(&pixel[3]));
        let (x, [red, _, _, alpha]) = soft.expect("an edge");
        assert!(red.abs_diff((u32::from(own(x, 5)[0]) * u32::from(alpha) / 255) as u8) <= 2, "{red} {alpha}");
    }
}
