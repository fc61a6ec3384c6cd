//! Second stage of rendering: paints a bent frame.

use crate::engine::{RenderParams, WarpedFrame};
use crate::error::Result;
use crate::paint::composite::Painting;
use crate::paint::crossfade::Crossfade;
use crate::paint::painter::Painter;

/// A bent frame, and what it looks like in paint.
#[derive(Debug)]
pub struct PaintedFrame {
    /// The frame.
    pub warped: WarpedFrame,
    /// Its painting, as the painter made it; `None` where nothing is painted.
    pub painting: Option<Painting>,
}

/// Paints frames, if there is a painter.
pub struct PaintStage {
    painter: Option<Crossfade>,
    pub(super) params: RenderParams,
}

impl PaintStage {
    pub(super) fn new(painter: Option<Painter>, params: RenderParams) -> Self {
        Self { painter: painter.map(Crossfade::new), params }
    }

    /// Whether the next frames are painted.
    pub(super) fn is_at_work(&self) -> bool {
        self.painter.is_some() && self.params.blend.strength > 0.0
    }

    /// Paints with another painter from the next frame on; for a moment both can be seen.
    pub(super) fn change(&mut self, painter: Painter) {
        if let Some(current) = &mut self.painter {
            current.change(painter);
        }
    }

    /// The frame with its painting.
    ///
    /// # Errors
    /// Returns an error if the network fails.
    pub fn run(&mut self, warped: WarpedFrame) -> Result<PaintedFrame> {
        let painting = match self.painter.as_mut().filter(|_| self.params.blend.strength > 0.0) {
            Some(painter) => Some(painter.run(&warped.frame, self.params.paint, warped.motion.as_ref())?),
            None => None,
        };
        Ok(PaintedFrame { warped, painting })
    }
}
