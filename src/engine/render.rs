//! Bends and paints.

use crate::engine::AnalyzedFrame;
use crate::error::Result;
use crate::frame::Frame;
use crate::gpu::adapter::Gpu;
use crate::paint::composite::{BlendParams, Compositor};
use crate::paint::crossfade::Crossfade;
use crate::paint::flow::FlowEstimator;
use crate::paint::painter::{PaintParams, Painter};
use crate::paint::stabilize::TemporalStabilizer;
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
    paint: Option<Paint>,
}

/// What painting takes.
struct Paint {
    flow: FlowEstimator,
    painter: Crossfade,
    stabilizer: TemporalStabilizer,
    compositor: Compositor,
    params: RenderParams,
}

impl Renderer {
    /// Bends only, or paints as well; on the GPU where there is one.
    ///
    /// # Errors
    /// Returns an error if the GPU refuses a shader.
    pub(crate) fn new(gpu: Option<Gpu>, paint: Option<(Painter, RenderParams)>) -> Result<Self> {
        let remap = Remap::new(gpu.clone())?;
        let paint = match paint {
            Some((painter, params)) => Some(Paint {
                flow: FlowEstimator::default(),
                painter: Crossfade::new(painter),
                stabilizer: TemporalStabilizer::default(),
                compositor: Compositor::new(gpu)?,
                params,
            }),
            None => None,
        };
        Ok(Self { remap, paint })
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
        let warped = self.remap.run(frame, &field)?;
        if let Some(paint) = self.paint.as_mut().filter(|_| is_cut) {
            paint.flow = FlowEstimator::default();
        }
        match self.paint.as_mut().filter(|paint| paint.params.blend.strength > 0.0) {
            Some(paint) => paint.run(warped),
            None => Ok(warped),
        }
    }
}

impl Paint {
    fn run(&mut self, warped: Frame) -> Result<Frame> {
        let motion = self.flow.run(&warped);
        let mut painting = self.painter.run(&warped, self.params.paint, motion.as_ref())?;
        match self.params.steadiness {
            // What was shown long ago must not come back when strokes are held still again.
            0.0 => self.stabilizer = TemporalStabilizer::default(),
            strength => self.stabilizer.run(&warped, &mut painting, motion.as_ref(), strength),
        }
        self.compositor.run(warped, painting, self.params.blend)
    }
}
