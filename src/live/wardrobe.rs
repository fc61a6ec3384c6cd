//! Changes looks while the picture goes on: loads the next one in a thread of its
//! own and hands each stage its part when it is ready to be used.

use std::sync::Arc;
use std::time::Duration;

use super::desk::Desk;
use crate::cancel::Stop;
use crate::engine::Setup;
use crate::error::Result;
use crate::nn::models::Models;
use crate::nn::runtime::Runtime;
use crate::preset::{self, Preset};
use crate::slot::{Put, Take, Taken};
use crate::style::Style;

/// A look, ready to be used.
pub struct Costume {
    /// All of it.
    pub look: Preset,
    /// Its brushwork as the painter takes it; `None` where it has none.
    pub style: Option<Style>,
}

/// Fills in what a look leaves alone with the default look's, at no strength: the sliders can turn it
/// up, and the next look may want it.
pub fn dressed(mut look: Preset) -> Result<Preset> {
    if look.geometry.is_none() || look.texture.is_none() {
        let usual = Preset::load(preset::DEFAULT)?;
        if look.geometry.is_none() {
            (look.geometry, look.warp) = (usual.geometry, 0.0);
        }
        if look.texture.is_none() {
            (look.texture, look.paint) = (usual.texture, 0.0);
        }
    }
    Ok(look)
}

/// Loads every look that is wanted, until nobody wants any; a look that cannot be had is told, and the
/// one before stays.
pub(super) fn run(
    wanted: &Take<String>,
    desk: &Desk,
    setup: &Setup,
    outs: &[Put<Arc<Costume>>],
    stop: &Stop,
) {
    while !stop.is_raised() {
        let name = match wanted.take(Duration::from_millis(200)) {
            Taken::Item(name) => name,
            Taken::Nothing => continue,
            Taken::Closed => break,
        };
        match load(&name, setup) {
            Ok(costume) => {
                desk.tell("look", None);
                desk.wear(&costume.look);
                let costume = Arc::new(costume);
                outs.iter().for_each(|out| {
                    out.put(costume.clone());
                });
            }
            Err(error) => desk.tell("look", Some(format!("the look stays, because {error}"))),
        }
    }
}

fn load(name: &str, setup: &Setup) -> Result<Costume> {
    let look = dressed(Preset::load(name)?)?;
    let models = Models::find(setup.models.as_deref())?;
    let runtime = Runtime::load(setup.device)?;
    let style = look.texture.as_ref().map(|texture| texture.style(&models, &runtime)).transpose()?;
    Ok(Costume { look, style })
}
