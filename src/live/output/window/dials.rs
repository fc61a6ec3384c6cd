//! The dials, on the right: how much of what, where, and what goes where.

use eframe::egui::{self, PointerButton, RichText, Slider, Ui};

use super::{Window, outputs, parts, tuning};
use crate::live::controls::{ControlState, ControlUpdate};
use crate::paint::composite::Colors;

pub(super) const WIDTH: f32 = 236.0;
/// A window of this width shows the dials unless told otherwise.
pub(super) const WIDE: f32 = 660.0;

/// A slider: its name, what it does, its range, and where it is found in the dials and in a message.
struct Dial {
    name: &'static str,
    about: &'static str,
    least: f32,
    most: f32,
    value: fn(&ControlState) -> f32,
    turned: fn(&mut ControlUpdate) -> &mut Option<f32>,
}

const DIALS: [Dial; 5] = [
    Dial {
        name: "warp",
        about: "how far shapes are bent: 0 not at all, 1 as in the look's picture, 2 a caricature",
        least: 0.0,
        most: 2.0,
        value: |state| state.warp,
        turned: |turn| &mut turn.warp,
    },
    Dial {
        name: "paint",
        about: "how much of the painting is seen: 0 your own picture, 1 all paint",
        least: 0.0,
        most: 1.0,
        value: |state| state.paint,
        turned: |turn| &mut turn.paint,
    },
    Dial {
        name: "strokes",
        about: "how broad the strokes are: 1 as in the painting",
        least: 0.5,
        most: 2.0,
        value: |state| state.stroke_size,
        turned: |turn| &mut turn.stroke_size,
    },
    Dial {
        name: "steady",
        about: "how still the strokes hold: 0 paints every picture anew",
        least: 0.0,
        most: 1.0,
        value: |state| state.steady,
        turned: |turn| &mut turn.steady,
    },
    Dial {
        name: "relief",
        about: "how thick the paint lies, and how the light falls on it: 0 is flat",
        least: 0.0,
        most: 1.0,
        value: |state| state.relief,
        turned: |turn| &mut turn.relief,
    },
];

/// The dials.
pub(super) fn show(window: &mut Window, ui: &mut Ui) {
    egui::Panel::right("dials").exact_size(WIDTH).resizable(false).show(ui, |ui| {
        egui::ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            let mut turn = ControlUpdate::default();
            let (state, own) = (window.live.controls.state(), window.live.controls.own());
            ui.add_space(6.0);
            worn(&state, ui);
            tuning::show(window, ui);
            ui.add_enabled_ui(!state.original, |ui| sliders(&state, &own, &mut turn, ui));
            parts::lists(ui, &state, &mut turn);
            switches(window, &state, &mut turn, ui);
            window.set_params(turn);
            ui.separator();
            outputs::show(window, ui);
        });
    });
}

/// What is worn, in words.
fn worn(state: &ControlState, ui: &mut Ui) {
    let mut text = match state.original {
        true => "original".to_owned(),
        false => state.preset.clone(),
    };
    for (piece, what) in [(&state.texture, "painted as"), (&state.geometry, "shaped as")] {
        if let Some(piece) = piece.as_ref().filter(|_| !state.original) {
            text += &format!("\n{what} {piece}");
        }
    }
    if state.wanted != state.preset {
        text += &format!("\n{} is coming", state.wanted);
    }
    ui.add(egui::Label::new(RichText::new(text).strong()).wrap())
        .on_hover_text("what you wear; choose another below, or drop a picture onto the window");
}

fn sliders(state: &ControlState, own: &ControlState, turn: &mut ControlUpdate, ui: &mut Ui) {
    let color = ui.visuals().text_color();
    egui::Grid::new("sliders").num_columns(2).show(ui, |ui| {
        for Dial { name, about, least, most, value, turned } in &DIALS {
            let (mut now, usual) = (value(state), value(own));
            let about = format!("{about}\n(double click: back to the look's own {usual:.2})");
            let label = ui
                .add(egui::Label::new(RichText::new(*name).color(color)).sense(egui::Sense::click()))
                .on_hover_text(&about);
            let slider = ui.add(Slider::new(&mut now, *least..=*most).fixed_decimals(2));
            // The number beside it is typed in, by a click.
            let rail = slider.rect.with_max_x(slider.rect.left() + ui.spacing().slider_width);
            let is_reset = label.double_clicked()
                || ui.rect_contains_pointer(rail)
                    && ui.input(|input| input.pointer.button_double_clicked(PointerButton::Primary));
            if is_reset {
                *turned(turn) = Some(usual);
            } else if slider.changed() {
                *turned(turn) = Some(now);
            }
            slider.on_hover_text(&about);
            ui.end_row();
        }
    });
}

fn switches(window: &mut Window, state: &ControlState, turn: &mut ControlUpdate, ui: &mut Ui) {
    let mut keep = state.colors == Colors::Keep;
    if ui
        .checkbox(&mut keep, "keep colours")
        .on_hover_text("your picture's own colours; the painting gives light and dark")
        .changed()
    {
        turn.colors = Some(if keep { Colors::Keep } else { Colors::Paint });
    }
    ui.horizontal_wrapped(|ui| {
        let mut mirror = state.mirror;
        let about = "swap left and right, for everyone who watches (m)";
        if ui.checkbox(&mut mirror, "mirror").on_hover_text(about).changed() {
            turn.mirror = Some(mirror);
        }
        let mut compares = window.split.is_some();
        let about = "your own picture on the left of a line that you can drag; only this window shows it (c)";
        if ui.checkbox(&mut compares, "compare").on_hover_text(about).changed() {
            window.compare();
        }
    });
}
