//! The mixing desk: what can be turned while a session runs, by the window, the control page, or whoever holds the
//! desk. Stages look at it once a frame.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::{Error, Result};
use crate::live::latest::Sender;
use crate::look::{Look, LookSpec};
use crate::paint::subject::BackdropKind;

mod notices;
mod state;

pub use notices::Notices;
pub use state::{ControlState, ControlUpdate};

/// What is to be put on.
#[derive(Debug, Clone, PartialEq)]
pub struct Wish {
    /// A look, and what takes the place of its brushwork or its shapes.
    pub spec: LookSpec,
    /// Whether the dials go where the look has them.
    pub whole: bool,
}

/// A picture file that takes the place of a part of the look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Its brushwork.
    Texture(PathBuf),
    /// Its shapes.
    Geometry(PathBuf),
}

/// What a desk can put on.
#[derive(Debug, Clone)]
pub struct Wardrobe {
    /// What is worn to begin with.
    pub worn: LookSpec,
    /// The dials where that look has them.
    pub own: ControlState,
    /// Names of the looks there are.
    pub looks: Vec<String>,
    /// Names of the paintings there are.
    pub paintings: Vec<String>,
}

/// The dials, which of them were turned since a look was last asked for, and what is worn.
struct Desk {
    state: ControlState,
    turned: ControlUpdate,
    /// The dials where the look has them.
    own: ControlState,
    worn: LookSpec,
    /// What was asked for and is not there yet.
    pending: Option<Wish>,
    /// The look that was asked for last, whether it could be had or not.
    asked: String,
}

/// The desk, shared by all threads of a session.
pub struct Controls {
    desk: Mutex<Desk>,
    /// What is amiss.
    pub notices: Notices,
    /// What to change to.
    wanted: Sender<Wish>,
    looks: Mutex<Arc<[String]>>,
    paintings: Vec<String>,
}

impl Controls {
    /// A desk; what is to be put on goes to `wanted`.
    pub fn new(mut state: ControlState, wardrobe: Wardrobe, wanted: Sender<Wish>) -> Self {
        let Wardrobe { worn, own, looks, paintings } = wardrobe;
        // A look of the user's is called as it was asked for, not by its file.
        if let Some(name) = &worn.preset {
            (state.preset, state.wanted) = (name.clone(), name.clone());
        }
        let (asked, turned) = (state.preset.clone(), ControlUpdate::default());
        let mut desk = Desk { state, turned, own, worn: worn.clone(), pending: None, asked };
        desk.name_pieces(&worn);
        let looks = Mutex::new(looks.into());
        Self { desk: Mutex::new(desk), notices: Notices::default(), wanted, looks, paintings }
    }

    fn lock(&self) -> MutexGuard<'_, Desk> {
        // Every change is whole.
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How they stand.
    pub fn state(&self) -> ControlState {
        self.lock().state.clone()
    }

    /// Where the look has them.
    pub fn own(&self) -> ControlState {
        self.lock().own.clone()
    }

    /// What is worn, or will be.
    pub fn worn(&self) -> LookSpec {
        let desk = self.lock();
        desk.pending.as_ref().map_or(&desk.worn, |wish| &wish.spec).clone()
    }

    /// Names of the looks there are.
    pub fn looks(&self) -> Arc<[String]> {
        self.looks.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// There is one more look, unless there is one of that name.
    pub(super) fn add_look(&self, name: &str) {
        let mut looks = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(place) = looks.binary_search_by(|look| look.as_str().cmp(name)) {
            let (before, after) = looks.split_at(place);
            *looks = [before, &[name.to_owned()], after].concat().into();
        }
    }

    /// Names of the paintings there are.
    pub fn paintings(&self) -> &[String] {
        &self.paintings
    }

    /// Turns some dials, all or none. A look or a painting is changed to as soon as it is loaded, and the picture
    /// goes on meanwhile.
    ///
    /// # Errors
    /// Returns an error if a value is out of its range, or there is no such look or painting. Only what has a name can
    /// be had here, never files: whoever sits at the control page has no business in the file system.
    pub fn set_params(&self, mut turn: ControlUpdate) -> Result<()> {
        turn.check()?;
        if let Some(name) = turn.preset.as_ref().filter(|name| !self.looks().contains(name)) {
            let available = self.looks().to_vec();
            return Err(Error::PresetMissing { name: name.clone(), available });
        }
        if let Some(name) = turn.texture.as_ref().filter(|name| !self.paintings.contains(name)) {
            return Err(Error::TextureMissing { name: name.clone(), available: self.paintings.clone() });
        }
        let mut desk = self.lock();
        if turn.backdrop == Some(BackdropKind::Picture) && !desk.state.has_picture {
            let range = "what there is (begin with --backdrop and a picture file)";
            return Err(Error::OutOfRange { what: "backdrop", value: "picture".into(), range });
        }
        if turn.preset.is_some() || turn.texture.is_some() {
            // What is chosen is seen.
            turn.original.get_or_insert(false);
        }
        if turn.preset.is_some() {
            desk.turned = ControlUpdate::default();
        }
        desk.state.turn(&turn);
        desk.turned.add(&turn);
        let ControlUpdate { preset, texture, .. } = turn;
        if preset.is_some() || texture.is_some() {
            self.ask(
                &mut desk,
                |spec| match preset {
                    Some(_) => *spec = LookSpec { preset: preset.clone(), texture, ..LookSpec::default() },
                    None => spec.texture = texture,
                },
                preset.is_some(),
            );
        }
        Ok(())
    }

    /// Puts on the brushwork or the shapes of a picture file, over the look.
    pub fn put_on(&self, piece: Piece) {
        let mut desk = self.lock();
        let shown = ControlUpdate { original: Some(false), ..ControlUpdate::default() };
        desk.state.turn(&shown);
        let change = |spec: &mut LookSpec| match piece {
            Piece::Texture(path) => spec.texture = Some(path.to_string_lossy().into_owned()),
            Piece::Geometry(path) => spec.geometry = Some(path),
        };
        self.ask(&mut desk, change, false);
    }

    /// A style was tuned to a painting: whoever wears either has it put on anew.
    pub(super) fn renew(&self, painting: &Path, style: &Path) {
        let mut desk = self.lock();
        let worn = desk.state.brushwork.as_deref();
        let (is_style, is_painting) = (worn == Some(style), worn == Some(painting));
        // What is on its way is loaded as it is by then.
        if desk.pending.is_none() && (is_style || is_painting) {
            let text = style.to_string_lossy().into_owned();
            let change =
                |spec: &mut LookSpec| spec.texture = if is_style { spec.texture.take() } else { Some(text) };
            self.ask(&mut desk, change, false);
        }
    }

    /// Changes to the look `steps` further in the list, round and round, counted from the one asked for last.
    pub fn step(&self, steps: isize) {
        let (looks, mut desk) = (self.looks(), self.lock());
        let at = looks.iter().position(|name| *name == desk.asked).unwrap_or_default() as isize;
        let next = (at + steps).rem_euclid(looks.len().max(1) as isize) as usize;
        let Some(name) = looks.get(next).filter(|_| steps != 0) else { return };
        desk.turned = ControlUpdate::default();
        desk.state.original = false;
        let preset = Some(name.clone());
        self.ask(&mut desk, |spec| *spec = LookSpec { preset, ..LookSpec::default() }, true);
    }

    /// Asks for what is worn, or asked for already, with a change.
    fn ask(&self, desk: &mut Desk, change: impl FnOnce(&mut LookSpec), whole: bool) {
        let before = desk.pending.take().unwrap_or(Wish { spec: desk.worn.clone(), whole: false });
        let mut spec = LookSpec {
            preset: before.spec.preset,
            geometry: before.spec.geometry,
            texture: before.spec.texture,
            ..LookSpec::default()
        };
        change(&mut spec);
        let wish = Wish { spec, whole: whole || before.whole };
        if let Some(name) = &wish.spec.preset {
            desk.state.wanted.clone_from(name);
            desk.asked.clone_from(name);
        }
        desk.pending = Some(wish.clone());
        self.wanted.send(wish);
    }

    /// Takes over the dials of a look that has been put on. What was turned while it was loading stays.
    pub(super) fn apply_look(&self, look: &Look, wish: &Wish) {
        let mut desk = self.lock();
        let name = wish.spec.preset.as_ref().unwrap_or(&look.name);
        desk.own = ControlState { preset: name.clone(), ..ControlState::of(look, desk.state.mirror) };
        if wish.whole {
            // What is where is no look's business.
            let ControlState {
                frozen, original, focus, paint_where, warp_where, backdrop, has_picture, ..
            } = desk.state;
            let (own, wanted) = (desk.own.clone(), desk.state.wanted.clone());
            desk.state = ControlState {
                wanted,
                frozen,
                original,
                focus,
                paint_where,
                warp_where,
                backdrop,
                has_picture,
                ..own
            };
            let turned = desk.turned.clone();
            desk.state.turn(&turned);
        } else {
            let own = (name.clone(), desk.own.brushwork.clone());
            (desk.state.preset, desk.state.brushwork) = own;
            // What is chosen is seen.
            if wish.spec.texture != desk.worn.texture && desk.state.paint == 0.0 {
                desk.state.paint = 1.0;
            }
            if wish.spec.geometry != desk.worn.geometry && desk.state.warp == 0.0 {
                desk.state.warp = 1.0;
            }
        }
        desk.name_pieces(&wish.spec);
        desk.worn = wish.spec.clone();
        desk.end(wish);
    }

    /// What was asked for cannot be had: what is worn stays. The next step goes on from what was asked for, so that
    /// nobody is caught before a look that is gone.
    pub(super) fn refuse(&self, wish: &Wish) {
        self.lock().end(wish);
    }
}

impl Desk {
    /// A wish is granted or refused.
    fn end(&mut self, wish: &Wish) {
        self.pending.take_if(|pending| pending == wish);
        if self.pending.is_none() {
            self.state.wanted.clone_from(&self.state.preset);
        }
    }

    /// Names what is worn in place of the look's own, files by their names alone, and what was tuned as its look.
    fn name_pieces(&mut self, spec: &LookSpec) {
        let name = |text: String| {
            let path = Path::new(&text);
            let is_style = path.extension().is_some_and(|extension| extension == "safetensors");
            match if is_style { path.file_stem() } else { path.file_name() } {
                Some(name) => name.to_string_lossy().into_owned(),
                None => text,
            }
        };
        self.state.texture = spec.texture.clone().map(name);
        self.state.geometry = spec.geometry.as_ref().map(|path| name(path.to_string_lossy().into_owned()));
    }
}

#[cfg(test)]
mod tests;
