//! Changes looks while the picture goes on: loads the next one in a thread of its
//! own and hands each stage its part when it is ready to be used.

use std::sync::Arc;
use std::time::Duration;

use crate::cancel::CancelToken;
use crate::engine::EngineConfig;
use crate::error::Result;
use crate::live::controls::{Controls, Wish};
use crate::live::latest::{Received, Receiver, Sender};
use crate::look::{self, Look, LookSpec};
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

/// The look that is wished for. Of one that is worn already only what takes another part's place is read: its file may
/// be gone.
fn resolve(Wish { spec, whole }: &Wish, (before, worn): &(LookSpec, Look)) -> Result<Look> {
    if *whole || spec.preset != before.preset {
        return with_defaults(spec.resolve()?);
    }
    let mut look = worn.clone();
    // A look without either has the default's.
    let LookSpec { geometry, texture, .. } = spec.clone();
    let parts = LookSpec {
        geometry: geometry.filter(|_| spec.geometry != before.geometry),
        texture: texture.filter(|_| spec.texture != before.texture),
        ..LookSpec::default()
    };
    if parts != LookSpec::default() {
        let Look { geometry, texture, .. } = parts.resolve()?;
        (look.geometry, look.texture) = (geometry.or(look.geometry), texture.or(look.texture));
    }
    Ok(look)
}

/// Loads everything that is wanted, until nobody wants anything; what cannot be had is told, and what is worn stays.
pub(super) fn run(
    wanted: &Receiver<Wish>,
    mut worn: (LookSpec, Look),
    controls: &Controls,
    setup: &EngineConfig,
    outs: &Outs,
    stop: &CancelToken,
) {
    while !stop.is_raised() {
        let wish = match wanted.take(Duration::from_millis(200)) {
            Received::Item(wish) => wish,
            Received::Nothing => continue,
            Received::Closed => break,
        };
        match load(&wish, &worn, setup) {
            Ok((look, painter)) => {
                worn = (wish.spec.clone(), look.clone());
                controls.notices.tell("look", None);
                controls.apply_look(&look, &wish);
                outs.looks.send(Arc::new(look));
                if let Some(painter) = painter {
                    outs.painters.send(painter);
                }
            }
            Err(error) => {
                controls.notices.tell("look", Some(format!("the look stays, because {}", error.in_a_line())));
                controls.refuse(&wish);
            }
        }
    }
}

/// The look, and the painter of its brushwork, ready to paint.
fn load(wish: &Wish, worn: &(LookSpec, Look), setup: &EngineConfig) -> Result<(Look, Option<Painter>)> {
    let look = resolve(wish, worn)?;
    let models = Models::find(setup.models.as_deref())?;
    let runtime = Runtime::load(setup.device)?;
    let painter = match &look.texture {
        Some(texture) => Some(Painter::new(&models, &runtime, texture.style(&models, &runtime)?)?),
        None => None,
    };
    Ok((look, painter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_takes_its_place_over_a_look_whose_file_is_gone() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("mine.toml");
        std::fs::write(&file, "texture = 'scream'\nwarp = 0.5\nrelief = 0.25").expect("written");
        let spec = LookSpec { preset: Some(file.to_string_lossy().into_owned()), ..LookSpec::default() };
        let whole = Wish { spec: spec.clone(), whole: true };
        let nothing = (LookSpec::default(), Look::default());
        let worn = (spec.clone(), resolve(&whole, &nothing).expect("there"));
        std::fs::remove_file(&file).expect("there");
        assert!(resolve(&whole, &worn).is_err());
        let piece = Wish { spec: LookSpec { texture: Some("irises".into()), ..spec.clone() }, whole: false };
        let look = resolve(&piece, &worn).expect("over what is worn");
        assert_eq!(
            (look.texture.map(|texture| texture.text().to_owned()).as_deref(), look.relief),
            (Some("irises"), 0.25)
        );
        assert!(look.geometry.is_some());
        let missing = Wish { spec: LookSpec { geometry: Some("no/such.jpg".into()), ..spec }, whole: false };
        assert!(resolve(&missing, &worn).is_err());
    }
}
