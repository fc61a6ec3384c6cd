//! Bends and paints.

use crate::engine::cutting::{Cutter, bent};
use crate::engine::{AnalyzedFrame, EngineConfig};
use crate::error::Result;
use crate::frame::Frame;
use crate::gpu::adapter::Gpu;
use crate::paint::composite::{BlendParams, Colors, Compositor, Painting};
use crate::paint::crossfade::Crossfade;
use crate::paint::flow::{FlowEstimator, OpticalFlow};
use crate::paint::painter::{PaintParams, Painter};
use crate::paint::stabilize::TemporalStabilizer;
use crate::paint::subject::Regions;
use crate::warp::field::WarpField;
use crate::warp::remap::Remap;

/// What can be changed of the brushwork from one frame to the next.
#[derive(Debug, Clone, Copy)]
pub struct RenderParams {
    /// How the painting is put on the frame.
    pub blend: BlendParams,
    /// Size of the strokes, and lines to paint at.
    pub paint: PaintParams,
    /// How still strokes hold, 0..=1.
    pub steadiness: f32,
}

/// Bends and paints.
pub struct Renderer {
    remap: Remap,
    cutter: Cutter,
    flow: FlowEstimator,
    paint: Option<Paint>,
    compositor: Compositor,
}

/// What painting takes.
struct Paint {
    painter: Crossfade,
    stabilizer: TemporalStabilizer,
    params: RenderParams,
}

impl Renderer {
    /// Bends only, or paints as well, where the regions say; on the GPU where there is one.
    ///
    /// # Errors
    /// Returns an error if the GPU refuses a shader.
    pub(crate) fn new(
        gpu: Option<Gpu>,
        paint: Option<(Painter, RenderParams)>,
        config: &EngineConfig,
        regions: Regions,
    ) -> Result<Self> {
        let paint = paint.map(|(painter, params)| Paint {
            painter: Crossfade::new(painter),
            stabilizer: TemporalStabilizer::default(),
            params,
        });
        Ok(Self {
            remap: Remap::new(gpu.clone())?,
            cutter: Cutter::new(config, regions),
            flow: FlowEstimator::default(),
            paint,
            compositor: Compositor::new(gpu)?,
        })
    }

    /// What frames are bent on, for people.
    pub(crate) fn device(&self) -> String {
        self.remap.device()
    }

    /// Sets how the next frames are painted.
    pub fn set_params(&mut self, params: RenderParams) {
        if let Some(paint) = &mut self.paint {
            paint.params = params;
        }
    }

    /// Sets what of the next frames is painted and bent, and what shows behind the subject.
    pub fn set_regions(&mut self, regions: Regions) {
        self.cutter.regions = regions;
    }

    /// Why the regions cannot be told apart, and what to do about it, if they cannot.
    pub fn notice(&self) -> Option<&str> {
        self.cutter.notice()
    }

    /// Paints with another painter from the next frame on; for a moment both can be seen.
    pub fn change_painter(&mut self, painter: Painter) {
        if let Some(paint) = &mut self.paint {
            paint.painter.change(painter);
        }
    }

    /// The frame, redrawn.
    ///
    /// # Errors
    /// Returns an error if the GPU or a network fails.
    pub fn run(&mut self, AnalyzedFrame { frame, field, is_cut }: AnalyzedFrame) -> Result<Frame> {
        if is_cut {
            self.flow = FlowEstimator::default();
            self.cutter.forget();
        }
        let (time, mask) = (frame.time, self.cutter.find(&frame, &field)?);
        let field = match &mask {
            Some(mask) => self.cutter.confine(field, mask, time),
            None => field,
        };
        let warped = self.remap.run(frame, &field)?;
        let mask = match mask.filter(|_| self.cutter.regions.divide_picture()) {
            Some(mask) => Some(bent(mask, &field, &mut self.remap, time)?),
            None => None,
        };
        let paint = self.paint.as_mut().filter(|paint| paint.params.blend.strength > 0.0);
        if paint.is_none() && mask.is_none() {
            return Ok(warped);
        }
        let motion = self.flow.run(&warped);
        let (painting, blend) = match paint {
            Some(paint) => (Some(paint.run(&warped, motion.as_ref())?), paint.params.blend),
            None => (None, BlendParams { strength: 0.0, colors: Colors::Paint }),
        };
        let cutout = match mask {
            Some(mask) => Some(self.cutter.cut(&warped, mask, painting.as_ref(), motion.as_ref())?),
            None => None,
        };
        let painting = painting.unwrap_or_else(|| Painting::untouched(&warped));
        self.compositor.run(warped, painting, blend, cutout.as_ref())
    }

    /// A painting that was made elsewhere on a frame that is bent already, where the regions say.
    ///
    /// # Errors
    /// Returns an error if the GPU or a network fails.
    pub(crate) fn compose(&mut self, warped: Frame, painting: Painting, blend: BlendParams) -> Result<Frame> {
        let mask = self.cutter.find(&warped, &WarpField::identity(1, 1))?;
        let cutout = match mask.filter(|_| self.cutter.regions.divide_picture()) {
            Some(mask) => Some(self.cutter.cut(&warped, mask, Some(&painting), None)?),
            None => None,
        };
        self.compositor.run(warped, painting, blend, cutout.as_ref())
    }
}

impl Paint {
    /// What the frame looks like in paint.
    fn run(&mut self, warped: &Frame, motion: Option<&OpticalFlow>) -> Result<Painting> {
        let mut painting = self.painter.run(warped, self.params.paint, motion)?;
        match self.params.steadiness {
            // What was shown long ago must not come back when strokes are held still again.
            0.0 => self.stabilizer = TemporalStabilizer::default(),
            strength => self.stabilizer.run(warped, &mut painting, motion, strength),
        }
        Ok(painting)
    }
}
