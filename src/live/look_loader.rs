//! Changes looks while the picture goes on: loads the next one in a thread of its
//! own and hands each stage its part when it is ready to be used.

use std::sync::Arc;
use std::time::Duration;

use crate::cancel::CancelToken;
use crate::engine::EngineConfig;
use crate::error::Result;
use crate::live::controls::Controls;
use crate::live::latest::{Received, Receiver, Sender};
use crate::look::{self, Look};
use crate::nn::models::Models;
use crate::nn::runtime::Runtime;
use crate::paint::painter::Painter;

/// Fills in what a look leaves alone with the default look's, at no strength: the sliders can turn it
/// up, and the next look may want it.
pub fn with_defaults(mut look: Look) -> Result<Look> {
    if look.geometry.is_none() || look.texture.is_none() {
        let usual = Look::load(look::DEFAULT)?;
        if look.geometry.is_none() {
            (look.geometry, look.warp) = (usual.geometry, 0.0);
        }
        if look.texture.is_none() {
            (look.texture, look.paint) = (usual.texture, 0.0);
        }
    }
    Ok(look)
}

/// Where the parts of a loaded look go.
pub(super) struct Outs {
    /// To the analysis.
    pub looks: Sender<Arc<Look>>,
    /// To the rendering.
    pub painters: Sender<Painter>,
}

/// Loads every look that is wanted, until nobody wants any; a look that cannot be had is told, and the
/// one before stays.
pub(super) fn run(
    wanted: &Receiver<String>,
    controls: &Controls,
    setup: &EngineConfig,
    outs: &Outs,
    stop: &CancelToken,
) {
    while !stop.is_raised() {
        let name = match wanted.take(Duration::from_millis(200)) {
            Received::Item(name) => name,
            Received::Nothing => continue,
            Received::Closed => break,
        };
        match load(&name, setup) {
            Ok((look, painter)) => {
                controls.set_notice("look", None);
                controls.apply_look(&look);
                outs.looks.send(Arc::new(look));
                if let Some(painter) = painter {
                    outs.painters.send(painter);
                }
            }
            Err(error) => controls.set_notice("look", Some(format!("the look stays, because {error}"))),
        }
    }
}

/// The look, and the painter of its brushwork, ready to paint.
fn load(name: &str, setup: &EngineConfig) -> Result<(Look, Option<Painter>)> {
    let look = with_defaults(Look::load(name)?)?;
    let models = Models::find(setup.models.as_deref())?;
    let runtime = Runtime::load(setup.device)?;
    let painter = match &look.texture {
        Some(texture) => Some(Painter::new(&models, &runtime, texture.style(&models, &runtime)?)?),
        None => None,
    };
    Ok((look, painter))
}
