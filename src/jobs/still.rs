//! One picture, painted by optimisation: minutes, for the best that there is.

use crate::engine::{Engine, EngineConfig};
use crate::error::Result;
use crate::frame::Frame;
use crate::look::Look;
use crate::nn::models::Models;
use crate::nn::runtime::Runtime;
use crate::paint::composite::{BlendParams, Compositor};
use crate::paint::optimize::{Init, OptimizeParams, Step, StyleOptimizer};
use crate::paint::painter::{PaintParams, Painter};
use crate::paint::style_spec::StyleSpec;

/// The picture is warped, painted if the parameters say so, then optimised
/// towards the look's painting. Minutes; `report` sees every step.
///
/// # Errors
/// Returns an error if the look's texture is not a single painting, or a stage fails.
pub fn copy(
    frame: Frame,
    mut look: Look,
    optimize: OptimizeParams,
    setup: &EngineConfig,
    report: impl FnMut(Step),
) -> Result<Frame> {
    let texture = look.texture.take().filter(|_| look.paint > 0.0);
    let painting = texture.as_ref().map(StyleSpec::painting).transpose()?;
    let warped = Engine::new(&look, None, frame.size.aspect(), setup)?.stylize(frame)?;
    let (Some(texture), Some(painting)) = (texture, painting) else { return Ok(warped) };
    let (models, runtime) = (Models::find(setup.models.as_deref())?, Runtime::load(setup.device)?);
    let start = match optimize.begin {
        Init::Photo => None,
        Init::Painting => {
            let style = texture.style(&models, &runtime)?;
            let lines = optimize.scales.iter().copied().min();
            let params = PaintParams { stroke: optimize.stroke, lines, relief: 0.0 };
            Some(Painter::new(&models, &runtime, style)?.run(&warped, params, None)?)
        }
    };
    let painted =
        StyleOptimizer::new(&models, &runtime, painting, optimize)?.run(&warped, start.as_ref(), report)?;
    let mix = BlendParams { strength: look.paint, colors: look.colors };
    Compositor::new(None)?.run(warped, painted, mix)
}
