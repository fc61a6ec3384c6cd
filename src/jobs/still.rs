//! One picture, redrawn as the paper does it: minutes of optimisation.

use crate::engine::{Engine, Setup};
use crate::error::Result;
use crate::frame::Frame;
use crate::look::Preset;
use crate::nn::models::Models;
use crate::nn::runtime::Runtime;
use crate::paint::composite::{Finish, Mix};
use crate::paint::optimize::{Begin, Recipe, Step, Styler};
use crate::paint::painter::{PaintParams, Painter};
use crate::paint::style_spec::Texture;

/// The paper itself: the picture is warped, painted if the recipe begins so, then
/// optimised towards the look's painting. Minutes; `report` sees every step.
///
/// # Errors
/// Where the look's texture is not a single painting, or a stage fails.
pub fn copy(
    frame: Frame,
    mut look: Preset,
    recipe: Recipe,
    setup: &Setup,
    report: impl FnMut(Step),
) -> Result<Frame> {
    let texture = look.texture.take().filter(|_| look.paint > 0.0);
    let painting = texture.as_ref().map(Texture::painting).transpose()?;
    let warped = Engine::new(&look, None, frame.size.aspect(), setup)?.stylize(frame)?;
    let (Some(texture), Some(painting)) = (texture, painting) else { return Ok(warped) };
    let (models, runtime) = (Models::find(setup.models.as_deref())?, Runtime::load(setup.device)?);
    let start = match recipe.begin {
        Begin::Photo => None,
        Begin::Painting => {
            let style = texture.style(&models, &runtime)?;
            let lines = recipe.scales.iter().copied().min();
            let params = PaintParams { stroke: recipe.stroke, lines };
            Some(Painter::new(&models, &runtime, style)?.run(&warped, params, None)?)
        }
    };
    let painted = Styler::new(&models, &runtime, painting, recipe)?.run(&warped, start.as_ref(), report)?;
    let mix = Mix { strength: look.paint, colors: look.colors };
    Finish::new(None)?.run(warped, painted, mix)
}
