//! What strangers hand to the programs, tried on any bytes.
//!
//! One function for each kind of input, shared by `tests/fuzz.rs`, which tries a stored corpus and what becomes of it, and
//! by the targets of `cargo fuzz` in `fuzz/`. Each panics where it finds a fault.

use std::str;

use crate::live::controls::{ControlState, ControlUpdate, Controls, Wardrobe};
use crate::live::latest::channel;
use crate::live::output::http::guard;
use crate::look::{Look, LookSpec};
use crate::paint::style::Style;
use crate::paint::style_spec::StyleSpec;

/// A kind of input by its name, and what tries it.
pub type Target = (&'static str, fn(&[u8]));

/// Every kind of input.
pub const TARGETS: [Target; 5] =
    [("preset", preset), ("mixture", mixture), ("style", style), ("controls", controls), ("head", head)];

/// A preset is a look whose values are in their ranges, or refused with a reason.
pub fn preset(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    match Look::from_text(text) {
        Ok(look) => {
            assert!((0.0..=2.0).contains(&look.warp) && (0.0..=1.0).contains(&look.paint));
            assert!((0.5..=2.0).contains(&look.stroke_size) && (0.0..=1.0).contains(&look.steady));
        }
        Err(error) => assert!(error.explained("x").contains("because: ")),
    }
}

/// A mixture is kept as it was written, or refused with a reason.
pub fn mixture(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    match text.parse::<StyleSpec>() {
        Ok(spec) => assert_eq!(spec.text(), text),
        Err(told) => assert!(!told.is_empty()),
    }
}

/// A style file has finite values, or is refused with a reason.
pub fn style(bytes: &[u8]) {
    match Style::parse(bytes) {
        Ok(style) => assert!(style.code(300.0, 1.5).iter().all(|value| value.is_finite())),
        Err(told) => assert!(!told.to_string().is_empty()),
    }
}

/// Messages of the page, one a line, leave every dial in its range.
pub fn controls(bytes: &[u8]) {
    let (wanted, names) = channel();
    let wardrobe = Wardrobe {
        worn: LookSpec::default(),
        own: ControlState::of(&Look::default(), false),
        looks: Look::names(),
        paintings: crate::assets::painting_names().map(str::to_owned).collect(),
    };
    let controls = Controls::new(ControlState::of(&Look::default(), false), wardrobe, wanted);
    for message in bytes.split(|byte| *byte == b'\n') {
        if let Ok(update) = serde_json::from_slice::<ControlUpdate>(message) {
            let _ = controls.set_params(update);
        }
    }
    let ControlState { warp, paint, stroke_size, steady, .. } = controls.state();
    assert!((0.0..=2.0).contains(&warp) && (0.0..=1.0).contains(&paint));
    assert!((0.5..=2.0).contains(&stroke_size) && (0.0..=1.0).contains(&steady));
    // No path of the file system gets through.
    assert!(names.now().is_none_or(|wish| {
        let LookSpec { preset, texture, geometry, .. } = wish.spec;
        preset.is_none_or(|name| controls.looks().contains(&name))
            && texture.is_none_or(|name| controls.paintings().contains(&name))
            && geometry.is_none()
    }));
}

/// Of a request's head nothing slips through that is not from this machine, or lacks the token.
pub fn head(bytes: &[u8]) {
    guard::try_head(bytes);
}
