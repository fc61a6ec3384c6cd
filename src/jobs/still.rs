//! One picture, painted by optimisation: minutes, for the best that there is.

use crate::engine::{Engine, EngineConfig};
use crate::error::Result;
use crate::frame::Frame;
use crate::look::Look;
use crate::nn::models::Models;
use crate::nn::runtime::Runtime;
use crate::paint::composite::BlendParams;
use crate::paint::optimize::{Init, OptimizeParams, Step, StyleOptimizer};
use crate::paint::painter::{PaintParams, Painter};
use crate::paint::style_spec::StyleSpec;
use crate::paint::subject::Regions;

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
    let mut engine = Engine::new(&look, None, frame.size.aspect(), setup)?;
    let (Some(texture), Some(painting)) = (texture, painting) else { return engine.stylize(frame) };
    // Until it is painted it is bent, and no more.
    let bent = Regions { warp: look.regions.warp, ..Regions::default() };
    engine.renderer.set_regions(bent);
    let warped = engine.stylize(frame)?;
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
    engine.renderer.set_regions(look.regions);
    engine.renderer.compose(warped, painted, mix)
}
