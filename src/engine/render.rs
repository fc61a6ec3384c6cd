//! Bends and paints: three stages, which may be at work on three frames at once.
//!
//! ```text
//! frame, field -> WarpStage -> PaintStage -> FinishStage -> frame
//! ```

use crate::engine::{AnalyzedFrame, EngineConfig, FinishStage, PaintStage, WarpStage};
use crate::error::Result;
use crate::frame::Frame;
use crate::gpu::adapter::Gpu;
use crate::paint::composite::{BlendParams, Colors, Painting};
use crate::paint::painter::{PaintParams, Painter};
use crate::paint::subject::Regions;

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

impl RenderParams {
    /// Nothing is painted.
    const NONE: Self = Self {
        blend: BlendParams { strength: 0.0, colors: Colors::Paint },
        paint: PaintParams { stroke: 1.0, lines: None, relief: 0.0 },
        steadiness: 0.0,
    };
}

/// Bends and paints.
pub struct Renderer {
    pub(crate) warp: WarpStage,
    pub(crate) paint: PaintStage,
    pub(crate) finish: FinishStage,
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
        let (painter, params) =
            paint.map_or((None, RenderParams::NONE), |(painter, params)| (Some(painter), params));
        let mut renderer = Self {
            warp: WarpStage::new(gpu.clone(), config, regions.clone())?,
            paint: PaintStage::new(painter, params),
            finish: FinishStage::new(gpu, params, regions)?,
        };
        renderer.set_params(params);
        Ok(renderer)
    }

    /// What frames are bent on, for people.
    pub(crate) fn device(&self) -> String {
        self.warp.device()
    }

    /// Sets how the next frames are painted.
    pub fn set_params(&mut self, params: RenderParams) {
        (self.paint.params, self.finish.params) = (params, params);
        self.warp.is_painted = self.paint.is_at_work();
    }

    /// Sets what of the next frames is painted and bent, and what shows behind the subject.
    pub fn set_regions(&mut self, regions: Regions) {
        self.warp.regions = regions.clone();
        self.finish.set_regions(regions);
    }

    /// Why the regions cannot be told apart, and what to do about it, if they cannot.
    pub fn notice(&self) -> Option<&str> {
        self.warp.notice()
    }

    /// Paints with another painter from the next frame on; for a moment both can be seen.
    pub fn change_painter(&mut self, painter: Painter) {
        self.paint.change(painter);
    }

    /// The frame, redrawn.
    ///
    /// # Errors
    /// Returns an error if the GPU or a network fails.
    pub fn run(&mut self, analyzed: AnalyzedFrame) -> Result<Frame> {
        self.finish.run(self.paint.run(self.warp.run(analyzed)?)?)
    }

    /// A painting that was made elsewhere on a frame that is bent already, where the regions say.
    ///
    /// # Errors
    /// Returns an error if the GPU or a network fails.
    pub(crate) fn compose(&mut self, warped: Frame, painting: Painting, blend: BlendParams) -> Result<Frame> {
        let warped = self.warp.untouched(warped)?;
        self.finish.compose(warped.frame, warped.mask, Some(painting), blend, None)
    }
}
