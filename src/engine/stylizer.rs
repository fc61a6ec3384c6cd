//! One call a frame: what other programs build on.

use crate::engine::{AnalyzedFrame, Engine, EngineConfig, FrameMut, FrameRef, RenderParams};
use crate::error::Result;
use crate::look::Look;
use crate::paint::composite::BlendParams;
use crate::paint::painter::PaintParams;
use crate::warp::regularize::Align;

/// What can be changed from one frame to the next.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct StylizeParams {
    /// Strength of the warp, 0..=2; 0 leaves shapes alone.
    pub warp: f32,
    /// Where the subject goes.
    pub align: Align,
    /// Strength of the painting, 0..=1.
    pub paint: f32,
    /// Size of the strokes, 0.5..=2.
    pub stroke: f32,
    /// How still strokes hold, 0..=1.
    pub steadiness: f32,
    /// How thick the paint lies, 0..=1.
    pub relief: f32,
    /// Lines (of the shorter side) to paint at, up to 720 if `None`.
    pub lines: Option<u32>,
}

/// Puts a [`Stylizer`] together.
#[derive(Debug, Clone, Default)]
pub struct StylizerBuilder {
    look: Option<Look>,
    config: EngineConfig,
    lines: Option<u32>,
}

impl StylizerBuilder {
    /// The look; without one, the default look.
    #[must_use]
    pub fn look(mut self, look: Look) -> Self {
        self.look = Some(look);
        self
    }

    /// Where networks come from and what they run on.
    #[must_use]
    pub fn config(mut self, config: EngineConfig) -> Self {
        self.config = config;
        self
    }

    /// Lines (of the shorter side) to paint at.
    #[must_use]
    pub fn lines(mut self, lines: u32) -> Self {
        self.lines = Some(lines);
        self
    }

    /// Loads what the look needs.
    ///
    /// # Errors
    /// Returns an error if the look, a network or the device cannot be had.
    pub fn build(self) -> Result<Stylizer> {
        let look = match self.look {
            Some(look) => look,
            None => Look::load(crate::look::DEFAULT)?,
        };
        let params = StylizeParams {
            warp: look.warp,
            align: look.align,
            paint: look.paint,
            stroke: look.stroke_size,
            steadiness: look.steady,
            relief: look.relief,
            lines: self.lines,
        };
        let engine = Engine::new(&look, self.lines, 16.0 / 9.0, &self.config)?;
        Ok(Stylizer { engine, look, params, buffer: Vec::new() })
    }
}

/// Redraws the frames of a film or a camera one after the other, as they come: only the past is known
/// (a file is redrawn more calmly by [`crate::jobs::video`], which looks ahead). It can be sent to another
/// thread.
///
/// ```no_run
/// use stylewarp::engine::{FrameMut, FrameRef, PixelFormat, Stylizer};
/// use stylewarp::time::FrameTime;
///
/// # fn main() -> stylewarp::Result<()> {
/// let mut stylizer = Stylizer::builder().build()?;
/// let (picture, mut drawn) = (vec![0; 640 * 360 * 3], vec![0; 640 * 360 * 4]);
/// let input = FrameRef::new(640, 360, PixelFormat::Rgb8, 640 * 3, &picture, FrameTime::ZERO)?;
/// stylizer.process(input, &mut FrameMut::new(640, 360, PixelFormat::Bgra8, 640 * 4, &mut drawn)?)?;
/// # Ok(())
/// # }
/// ```
pub struct Stylizer {
    engine: Engine,
    look: Look,
    params: StylizeParams,
    /// Pixels of the frame before, to be used again.
    buffer: Vec<u8>,
}

impl Stylizer {
    /// Begins one.
    pub fn builder() -> StylizerBuilder {
        StylizerBuilder::default()
    }

    /// How the next frame is drawn.
    pub fn params(&self) -> StylizeParams {
        self.params
    }

    /// Draws the next frames so. A strength that the look has at 0 was not loaded, and stays 0.
    pub fn set_params(&mut self, params: StylizeParams) {
        self.params = params;
        self.engine.analyzer.set_params(params.warp, params.align);
        self.engine.renderer.set_params(RenderParams {
            blend: BlendParams { strength: params.paint, colors: self.look.colors },
            paint: PaintParams { stroke: params.stroke, lines: params.lines, relief: params.relief },
            steadiness: params.steadiness,
        });
    }

    /// Redraws a frame into the caller's buffer, which has the frame's size.
    ///
    /// # Errors
    /// Returns an error if the sizes differ, or if the GPU or a network fails.
    pub fn process(&mut self, input: FrameRef<'_>, output: &mut FrameMut<'_>) -> Result<()> {
        let frame = input.to_frame(std::mem::take(&mut self.buffer));
        let field = self.engine.analyzer.follow(&frame)?;
        let drawn = self.engine.renderer.run(AnalyzedFrame { frame, field, is_cut: false })?;
        output.write(&drawn)?;
        self.buffer = drawn.pixels;
        Ok(())
    }
}

const _: fn() = || {
    fn is_send<T: Send>() {}
    is_send::<Stylizer>();
};
