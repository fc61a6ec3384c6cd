//! The library's door: the two working stages, put together from a look.
//!
//! In: a look, and frames. Out: redrawn frames. It knows no files, windows or cameras.
//!
//! ```text
//! Analyzer  Matcher -> LookaheadSmoother -> FieldSolver                  frame        -> frame, field
//! Renderer  WarpStage    SubjectFinder -> Remap -> FlowEstimator         frame, field -> frame, mask, motion
//!           PaintStage   Painter                                                      -> painting
//!           FinishStage  TemporalStabilizer -> MaskStabilizer -> Compositor           -> frame
//! ```
//!
//! Live, the past is all there is ([`OneEuroSmoother`](crate::warp::smoothing::OneEuroSmoother) in place of the
//! look-ahead), and both stages can be changed while they run. A stage whose strength is 0 is not loaded: with
//! neither, frames pass untouched and no network is opened.

mod analyze;
mod builder;
mod finish_stage;
mod paint_stage;
mod render;
mod stylizer;
mod trace;
mod views;
mod waiting;
mod warp_stage;

pub use analyze::{AnalyzedFrame, Analyzer};
pub use builder::EngineConfig;
pub use finish_stage::FinishStage;
pub use paint_stage::{PaintStage, PaintedFrame};
pub use render::{RenderParams, Renderer};
pub use stylizer::{StylizeParams, Stylizer, StylizerBuilder};
pub use trace::Trace;
pub use views::{FrameMut, FrameRef, PixelFormat};
pub use warp_stage::{WarpStage, WarpedFrame};

use crate::error::Result;
use crate::frame::Frame;
use crate::warp::field::WarpField;

/// Both stages.
pub struct Engine {
    /// Finds each frame's field.
    pub analyzer: Analyzer,
    /// Bends and paints.
    pub renderer: Renderer,
    /// What runs on what, for people.
    pub devices: String,
}

impl Engine {
    /// One picture by itself, without a past or a future.
    ///
    /// # Errors
    /// Returns an error if a stage fails.
    pub fn stylize(&mut self, frame: Frame) -> Result<Frame> {
        if self.analyzer.warp.is_some() {
            return self.explain(frame).map(|trace| trace.result);
        }
        self.renderer.run(AnalyzedFrame { frame, field: WarpField::identity(1, 1), is_cut: false })
    }
}
