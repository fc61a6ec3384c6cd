//! The mixing desk: what can be turned while a session runs, by the window, the
//! control page, or whoever holds the desk. Stages look at it once a frame.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::live::latest::Sender;
use crate::look::Look;
use crate::paint::composite::Colors;
use crate::paint::subject::{BackdropKind, Part};
use crate::warp::regularize::Align;

/// Everything that can be turned, as it stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ControlState {
    /// Name of the look.
    pub preset: String,
    /// Strength of the warp, 0..=2.
    pub warp: f32,
    /// Strength of the painting, 0..=1.
    pub paint: f32,
    /// Size of the strokes, 0.5..=2.
    pub stroke_size: f32,
    /// How still the brushwork holds, 0..=1.
    pub steady: f32,
    /// How thick the paint lies, 0..=1.
    pub relief: f32,
    /// Whose colours.
    pub colors: Colors,
    /// Whose place and pose.
    pub align: Align,
    /// What is painted.
    pub paint_where: Part,
    /// What is bent.
    pub warp_where: Part,
    /// What shows behind the subject.
    pub backdrop: BackdropKind,
    /// Whether there is a picture to show behind it.
    pub has_picture: bool,
    /// Whether left and right are swapped.
    pub mirror: bool,
    /// Whether the picture stands still.
    pub frozen: bool,
}

impl ControlState {
    /// As a look has them.
    pub fn of(look: &Look, mirror: bool) -> Self {
        Self {
            preset: look.name.clone(),
            warp: look.warp,
            paint: look.paint,
            stroke_size: look.stroke_size,
            steady: look.steady,
            relief: look.relief,
            colors: look.colors,
            align: look.align,
            paint_where: look.regions.paint,
            warp_where: look.regions.warp,
            backdrop: look.regions.backdrop.kind,
            has_picture: look.regions.backdrop.picture.is_some(),
            mirror,
            frozen: false,
        }
    }
}

impl ControlState {
    /// Turns the dials that an update names, except for the look, which has to be loaded first.
    fn turn(&mut self, update: &ControlUpdate) {
        self.warp = update.warp.unwrap_or(self.warp);
        self.paint = update.paint.unwrap_or(self.paint);
        self.stroke_size = update.stroke_size.unwrap_or(self.stroke_size);
        self.steady = update.steady.unwrap_or(self.steady);
        self.relief = update.relief.unwrap_or(self.relief);
        self.colors = update.colors.unwrap_or(self.colors);
        self.paint_where = update.paint_where.unwrap_or(self.paint_where);
        self.warp_where = update.warp_where.unwrap_or(self.warp_where);
        self.backdrop = update.backdrop.unwrap_or(self.backdrop);
        self.mirror = update.mirror.unwrap_or(self.mirror);
        self.frozen = update.frozen.unwrap_or(self.frozen);
    }
}

/// Some dials and where to turn them to.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ControlUpdate {
    /// Name of a look, one of [`Look::names`].
    pub preset: Option<String>,
    /// As [`ControlState::warp`].
    pub warp: Option<f32>,
    /// As [`ControlState::paint`].
    pub paint: Option<f32>,
    /// As [`ControlState::stroke_size`].
    pub stroke_size: Option<f32>,
    /// As [`ControlState::steady`].
    pub steady: Option<f32>,
    /// As [`ControlState::relief`].
    pub relief: Option<f32>,
    /// As [`ControlState::colors`].
    pub colors: Option<Colors>,
    /// As [`ControlState::paint_where`].
    pub paint_where: Option<Part>,
    /// As [`ControlState::warp_where`].
    pub warp_where: Option<Part>,
    /// As [`ControlState::backdrop`]; a picture only where there is one.
    pub backdrop: Option<BackdropKind>,
    /// As [`ControlState::mirror`].
    pub mirror: Option<bool>,
    /// As [`ControlState::frozen`].
    pub frozen: Option<bool>,
}

impl ControlUpdate {
    /// Adds the dials of a later update, except for the look.
    fn add(&mut self, later: &Self) {
        self.warp = later.warp.or(self.warp);
        self.paint = later.paint.or(self.paint);
        self.stroke_size = later.stroke_size.or(self.stroke_size);
        self.steady = later.steady.or(self.steady);
        self.relief = later.relief.or(self.relief);
        self.colors = later.colors.or(self.colors);
        self.paint_where = later.paint_where.or(self.paint_where);
        self.warp_where = later.warp_where.or(self.warp_where);
        self.backdrop = later.backdrop.or(self.backdrop);
        self.mirror = later.mirror.or(self.mirror);
        self.frozen = later.frozen.or(self.frozen);
    }
}

/// The dials, and which of them were turned since a look was last asked for.
struct Desk {
    state: ControlState,
    turned: ControlUpdate,
}

/// The desk, shared by all threads of a session.
pub struct Controls {
    desk: Mutex<Desk>,
    /// What is amiss, by whom it is told.
    notices: Mutex<BTreeMap<&'static str, String>>,
    /// Names of the looks to change to.
    wanted: Sender<String>,
    names: Vec<String>,
}

impl Controls {
    /// A desk; names of looks go to `wanted`.
    pub fn new(state: ControlState, wanted: Sender<String>) -> Self {
        let desk = Mutex::new(Desk { state, turned: ControlUpdate::default() });
        Self { desk, notices: Mutex::default(), wanted, names: Look::names() }
    }

    fn lock(&self) -> MutexGuard<'_, Desk> {
        // Every change is whole.
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How they stand.
    pub fn state(&self) -> ControlState {
        self.lock().state.clone()
    }

    /// Names of the looks there are.
    pub fn looks(&self) -> &[String] {
        &self.names
    }

    /// Turns some dials, all or none. A look is changed to as soon as it is loaded, and the picture
    /// goes on meanwhile.
    ///
    /// # Errors
    /// Returns an error if a value is out of its range, or there is no such look. Only looks with a name can be
    /// had here, never files: whoever sits at the control page has no business in the file system.
    pub fn set_params(&self, turn: ControlUpdate) -> Result<()> {
        for (what, value, least, most, range) in [
            ("warp", turn.warp, 0.0, 2.0, "0 to 2"),
            ("paint", turn.paint, 0.0, 1.0, "0 to 1"),
            ("stroke_size", turn.stroke_size, 0.5, 2.0, "0.5 to 2"),
            ("steady", turn.steady, 0.0, 1.0, "0 to 1"),
            ("relief", turn.relief, 0.0, 1.0, "0 to 1"),
        ] {
            if let Some(value) = value.filter(|value| !(least..=most).contains(value)) {
                return Err(Error::OutOfRange { what, value: value.to_string(), range });
            }
        }
        if let Some(name) = &turn.preset
            && !self.names.contains(name)
        {
            return Err(Error::PresetMissing { name: name.clone(), available: self.names.clone() });
        }
        let mut desk = self.lock();
        if turn.backdrop == Some(BackdropKind::Picture) && !desk.state.has_picture {
            let range = "what there is (begin with --backdrop and a picture file)";
            return Err(Error::OutOfRange { what: "backdrop", value: "picture".into(), range });
        }
        if turn.preset.is_some() {
            desk.turned = ControlUpdate::default();
        }
        desk.state.turn(&turn);
        desk.turned.add(&turn);
        drop(desk);
        if let Some(name) = turn.preset {
            self.wanted.send(name);
        }
        Ok(())
    }

    /// Changes to the look `steps` further in the list, round and round.
    pub fn step(&self, steps: isize) {
        let now = self.state().preset;
        let at = self.names.iter().position(|name| *name == now).unwrap_or_default() as isize;
        if let Some(name) = self.names.get((at + steps).rem_euclid(self.names.len().max(1) as isize) as usize)
        {
            self.lock().turned = ControlUpdate::default();
            self.wanted.send(name.clone());
        }
    }

    /// Takes over the dials of a look that has been put on. What was turned while it was loading stays.
    pub(super) fn apply_look(&self, look: &Look) {
        let mut desk = self.lock();
        // What is where is no look's business.
        let ControlState { frozen, mirror, paint_where, warp_where, backdrop, has_picture, .. } = desk.state;
        let mut state = ControlState {
            frozen,
            paint_where,
            warp_where,
            backdrop,
            has_picture,
            ..ControlState::of(look, mirror)
        };
        state.turn(&desk.turned);
        desk.state = state;
    }

    /// Tells what is amiss with a part of the session; `None` when it is well again.
    pub fn set_notice(&self, part: &'static str, notice: Option<String>) {
        match (self.show_notice(part, notice.as_deref()), notice) {
            (true, Some(text)) => tracing::warn!("{text}"),
            (true, None) => tracing::warn!("the {part} is well again"),
            (false, _) => {}
        }
    }

    /// Shows what is amiss with a part of the session and was logged already; whether that is news.
    pub(super) fn show_notice(&self, part: &'static str, notice: Option<&str>) -> bool {
        let mut notices = self.notices.lock().unwrap_or_else(PoisonError::into_inner);
        match notice {
            Some(text) if notices.get(part).is_none_or(|before| before != text) => {
                notices.insert(part, text.into());
                true
            }
            Some(_) => false,
            None => notices.remove(part).is_some(),
        }
    }

    /// What is amiss.
    pub fn notice(&self) -> Option<String> {
        let notices = self.notices.lock().unwrap_or_else(PoisonError::into_inner);
        (!notices.is_empty()).then(|| notices.values().cloned().collect::<Vec<_>>().join("; "))
    }
}

#[cfg(test)]
mod tests;
