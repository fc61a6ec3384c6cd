//! Last stage of rendering: holds strokes still and puts the painting on its frame.

use crate::engine::{PaintedFrame, RenderParams, WarpedFrame};
use crate::error::Result;
use crate::frame::Frame;
use crate::frame::resize::Pixels;
use crate::gpu::adapter::Gpu;
use crate::paint::composite::{BlendParams, Colors, Compositor, Painting};
use crate::paint::flow::OpticalFlow;
use crate::paint::stabilize::TemporalStabilizer;
use crate::paint::subject::backdrop::BackdropMaker;
use crate::paint::subject::steady::MaskStabilizer;
use crate::paint::subject::{Cutout, Mask, Regions};

/// Puts paintings on their frames, where the regions say.
pub struct FinishStage {
    stabilizer: TemporalStabilizer,
    cutter: Cutter,
    compositor: Compositor,
    pub(super) params: RenderParams,
}

impl FinishStage {
    pub(super) fn new(gpu: Option<Gpu>, params: RenderParams, regions: Regions) -> Result<Self> {
        let cutter =
            Cutter { steady: MaskStabilizer::default(), backdrop: BackdropMaker::default(), regions };
        let stabilizer = TemporalStabilizer::default();
        Ok(Self { stabilizer, cutter, compositor: Compositor::new(gpu)?, params })
    }

    pub(super) fn set_regions(&mut self, regions: Regions) {
        self.cutter.regions = regions;
    }

    /// The finished frame.
    ///
    /// # Errors
    /// Returns an error if the GPU fails.
    pub fn run(&mut self, PaintedFrame { warped, mut painting }: PaintedFrame) -> Result<Frame> {
        let WarpedFrame { frame, mask, motion, is_cut } = warped;
        if is_cut || mask.is_none() {
            self.cutter.steady.reset();
        }
        if painting.is_none() && mask.is_none() {
            return Ok(frame);
        }
        let blend = match &mut painting {
            Some(painting) => {
                self.hold(&frame, painting, motion.as_ref());
                self.params.blend
            }
            None => BlendParams { strength: 0.0, colors: Colors::Paint },
        };
        self.compose(frame, mask, painting, blend, motion.as_ref())
    }

    /// A painting on its frame, as it is.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub(super) fn compose(
        &mut self,
        frame: Frame,
        mask: Option<Mask>,
        painting: Option<Painting>,
        blend: BlendParams,
        motion: Option<&OpticalFlow>,
    ) -> Result<Frame> {
        let cutout = match mask {
            Some(mask) => Some(self.cutter.run(&frame, mask, painting.as_ref(), motion)?),
            None => None,
        };
        let painting = painting.unwrap_or_else(|| Painting::untouched(&frame));
        self.compositor.run(frame, painting, blend, cutout.as_ref())
    }

    fn hold(&mut self, frame: &Frame, painting: &mut Painting, motion: Option<&OpticalFlow>) {
        match self.params.steadiness {
            // What was shown long ago must not come back when strokes are held still again.
            0.0 => self.stabilizer.forget(),
            strength => self.stabilizer.run(frame, painting, motion, strength),
        }
    }
}

/// Cuts the subject out.
struct Cutter {
    steady: MaskStabilizer,
    backdrop: BackdropMaker,
    regions: Regions,
}

impl Cutter {
    /// What the compositor needs of a bent frame, whose mask is bent alike.
    fn run(
        &mut self,
        frame: &Frame,
        mask: Mask,
        painting: Option<&Painting>,
        motion: Option<&OpticalFlow>,
    ) -> Result<Cutout> {
        let (size, pixels) = self.steady.run(frame, mask, motion)?;
        let paint = self.regions.paint.shares();
        let painted = painting.filter(|_| paint[1] > 0.0);
        let painted = painted.map(|painting| Pixels { bytes: &painting.painted, size: painting.size });
        let behind = self.backdrop.run(&self.regions.backdrop, frame.size, (size, &pixels), painted)?;
        Ok(Cutout { size, pixels, paint, behind })
    }
}
