//! Everything that can be turned, and messages that turn some of it.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::look::Look;
use crate::paint::composite::Colors;
use crate::paint::style_spec::StyleSpec;
use crate::paint::subject::{BackdropKind, Part};
use crate::warp::regularize::Align;
use crate::warp::search::Focus;

/// Everything that can be turned, as it stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ControlState {
    /// Name of the look.
    pub preset: String,
    /// Name of the look that was asked for last: [`Self::preset`], unless that one is still being loaded.
    pub wanted: String,
    /// The painting whose brushwork is worn in place of the look's own: its name, or that of its file.
    pub texture: Option<String>,
    /// The file of the picture whose shapes are worn in place of the look's own.
    pub geometry: Option<String>,
    /// The file whose brushwork is worn, if it is one. Whoever sits at the control page sees no paths.
    #[serde(skip)]
    pub brushwork: Option<PathBuf>,
    /// Whether nothing is bent and nothing painted, whatever the strengths are.
    pub original: bool,
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
    /// Which of several subjects are bent.
    pub focus: Focus,
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
            wanted: look.name.clone(),
            texture: None,
            geometry: None,
            brushwork: look.texture.as_ref().and_then(StyleSpec::file).map(Path::to_path_buf),
            original: false,
            warp: look.warp,
            paint: look.paint,
            stroke_size: look.stroke_size,
            steady: look.steady,
            relief: look.relief,
            colors: look.colors,
            align: look.align,
            focus: look.focus,
            paint_where: look.regions.paint,
            warp_where: look.regions.warp,
            backdrop: look.regions.backdrop.kind,
            has_picture: look.regions.backdrop.picture.is_some(),
            mirror,
            frozen: false,
        }
    }

    /// Turns the dials that an update names, except for what has to be loaded first.
    pub(super) fn turn(&mut self, update: &ControlUpdate) {
        self.original = update.original.unwrap_or(self.original);
        self.warp = update.warp.unwrap_or(self.warp);
        self.paint = update.paint.unwrap_or(self.paint);
        self.stroke_size = update.stroke_size.unwrap_or(self.stroke_size);
        self.steady = update.steady.unwrap_or(self.steady);
        self.relief = update.relief.unwrap_or(self.relief);
        self.colors = update.colors.unwrap_or(self.colors);
        self.focus = update.focus.unwrap_or(self.focus);
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
    /// Name of a look, one of [`Look::names`]; the dials go where it has them.
    pub preset: Option<String>,
    /// Name of a painting, whose brushwork takes the place of the look's; the dials stay.
    pub texture: Option<String>,
    /// As [`ControlState::original`]; a look or a painting that is chosen ends it.
    pub original: Option<bool>,
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
    /// As [`ControlState::focus`].
    pub focus: Option<Focus>,
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
    /// Refuses a strength that is out of its range.
    pub(super) fn check(&self) -> Result<()> {
        for (what, value, least, most, range) in [
            ("warp", self.warp, 0.0, 2.0, "0 to 2"),
            ("paint", self.paint, 0.0, 1.0, "0 to 1"),
            ("stroke_size", self.stroke_size, 0.5, 2.0, "0.5 to 2"),
            ("steady", self.steady, 0.0, 1.0, "0 to 1"),
            ("relief", self.relief, 0.0, 1.0, "0 to 1"),
        ] {
            if let Some(value) = value.filter(|value| !(least..=most).contains(value)) {
                return Err(Error::OutOfRange { what, value: value.to_string(), range });
            }
        }
        Ok(())
    }

    /// Adds the dials of a later update, except for what has to be loaded first.
    pub(super) fn add(&mut self, later: &Self) {
        self.original = later.original.or(self.original);
        self.warp = later.warp.or(self.warp);
        self.paint = later.paint.or(self.paint);
        self.stroke_size = later.stroke_size.or(self.stroke_size);
        self.steady = later.steady.or(self.steady);
        self.relief = later.relief.or(self.relief);
        self.colors = later.colors.or(self.colors);
        self.focus = later.focus.or(self.focus);
        self.paint_where = later.paint_where.or(self.paint_where);
        self.warp_where = later.warp_where.or(self.warp_where);
        self.backdrop = later.backdrop.or(self.backdrop);
        self.mirror = later.mirror.or(self.mirror);
        self.frozen = later.frozen.or(self.frozen);
    }
}
