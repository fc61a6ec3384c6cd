//! What the window is made of.

use eframe::egui::{
    self, Align2, Color32, CornerRadius, FontId, Image, Pos2, Rect, Sense, Slider, Stroke, StrokeKind, Ui,
    Vec2, pos2, vec2,
};

use super::{Window, parts};
use crate::live::controls::ControlUpdate;
use crate::paint::composite::Colors;

pub(super) const DIALS_WIDTH: f32 = 230.0;
pub(super) const STRIP_HEIGHT: f32 = 84.0;
/// A thumbnail's size.
const THUMBNAIL: Vec2 = vec2(100.0, 50.0);
const GLOW: Color32 = Color32::from_rgb(224, 164, 88);
const KEYS: &str = "\
space   freeze
← →     looks
c       compare with the original; drag the line
s       snapshot
r       record, and end the recording
m       mirror
tab     show or hide the dials
f       full screen
h       this help";

/// The looks, along the lower edge.
pub(super) fn strip(window: &mut Window, ui: &mut Ui) {
    egui::Panel::bottom("looks").exact_size(STRIP_HEIGHT).show(ui, |ui| {
        let now = window.controls.state().preset;
        let mut wanted = None;
        egui::ScrollArea::horizontal().show(ui, |ui| {
            ui.horizontal(|ui| {
                for (name, texture) in &window.looks {
                    let (place, response) =
                        ui.allocate_exact_size(THUMBNAIL + vec2(0.0, 18.0), Sense::click());
                    let picture = Rect::from_min_size(place.min, THUMBNAIL);
                    match texture {
                        Some(texture) => Image::new(texture).corner_radius(4.0).paint_at(ui, picture),
                        None => {
                            ui.painter().rect_filled(picture, 4.0, ui.visuals().faint_bg_color);
                        }
                    }
                    let is_on = *name == now;
                    if is_on || response.hovered() {
                        let stroke = Stroke::new(2.0, if is_on { GLOW } else { Color32::GRAY });
                        ui.painter().rect_stroke(picture, CornerRadius::same(4), stroke, StrokeKind::Inside);
                    }
                    let colour = if is_on { GLOW } else { ui.visuals().text_color() };
                    let foot = pos2(place.center().x, place.max.y);
                    ui.painter().text(foot, Align2::CENTER_BOTTOM, name, FontId::proportional(12.0), colour);
                    if response.clicked() {
                        wanted = Some(name.clone());
                    }
                }
            });
        });
        if wanted.is_some() {
            window.set_params(ControlUpdate { preset: wanted, ..ControlUpdate::default() });
        }
    });
}

/// The dials and the readings, on the right.
pub(super) fn state(window: &mut Window, ui: &mut Ui) {
    egui::Panel::right("dials").exact_size(DIALS_WIDTH).resizable(false).show(ui, |ui| {
        let mut state = window.controls.state();
        let mut turn = ControlUpdate::default();
        ui.add_space(8.0);
        egui::Grid::new("sliders").num_columns(2).show(ui, |ui| {
            for (name, value, least, most, turned) in [
                ("warp", &mut state.warp, 0.0, 2.0, &mut turn.warp),
                ("paint", &mut state.paint, 0.0, 1.0, &mut turn.paint),
                ("strokes", &mut state.stroke_size, 0.5, 2.0, &mut turn.stroke_size),
                ("steady", &mut state.steady, 0.0, 1.0, &mut turn.steady),
                ("relief", &mut state.relief, 0.0, 1.0, &mut turn.relief),
            ] {
                ui.label(name);
                if ui.add(Slider::new(value, least..=most).fixed_decimals(2)).changed() {
                    *turned = Some(*value);
                }
                ui.end_row();
            }
        });
        parts::lists(ui, &state, &mut turn);
        let mut keep = state.colors == Colors::Keep;
        if ui.checkbox(&mut keep, "keep colours").changed() {
            turn.colors = Some(if keep { Colors::Keep } else { Colors::Paint });
        }
        if ui.checkbox(&mut state.mirror, "mirror (m)").changed() {
            turn.mirror = Some(state.mirror);
        }
        if ui.checkbox(&mut state.frozen, "freeze (space)").changed() {
            turn.frozen = Some(state.frozen);
        }
        let mut compares = window.split.is_some();
        if ui.checkbox(&mut compares, "compare (c)").changed() {
            window.compare();
        }
        window.set_params(turn);
        ui.add_space(6.0);
        ui.horizontal_wrapped(|ui| {
            if ui.button("snapshot (s)").clicked() {
                window.snapshot();
            }
            let records = if window.recorder.path().is_some() { "end recording (r)" } else { "record (r)" };
            if ui.button(records).clicked() {
                window.record();
            }
            if ui.button("help (h)").clicked() {
                window.help = !window.help;
            }
        });
        ui.separator();
        readings(window, ui);
    });
}

fn readings(window: &Window, ui: &mut Ui) {
    let reading = window.stats.read(window.clock.now());
    let rows = [
        ("frames/s", format!("{:.1} of {:.1}", reading.fps, reading.camera_fps)),
        ("warps/s", format!("{:.1}", reading.warp_fps)),
        ("latency", format!("{:.0} ms", reading.latency_ms)),
        ("  99 %", format!("{:.0} ms", reading.latency_p99_ms)),
        ("left out", reading.dropped.to_string()),
        ("painted at", format!("{} lines", reading.lines)),
    ];
    egui::Grid::new("readings").num_columns(2).show(ui, |ui| {
        for (name, value) in rows {
            ui.weak(name);
            ui.monospace(value);
            ui.end_row();
        }
    });
    ui.add_space(4.0);
    ui.weak(&window.devices);
}

/// The picture, the line between it and the original, and what is to be said.
pub(super) fn picture(window: &mut Window, ui: &mut Ui) {
    let frame = egui::Frame::NONE.fill(Color32::BLACK);
    egui::CentralPanel::default().frame(frame).show(ui, |ui| {
        let room = ui.max_rect();
        let response = ui.allocate_rect(room, Sense::click_and_drag());
        let Some(shown) = &window.shown else {
            let text = window.message().unwrap_or_else(|| "waiting for the first picture".into());
            ui.painter().text(
                room.center(),
                Align2::CENTER_CENTER,
                text,
                FontId::proportional(16.0),
                Color32::GRAY,
            );
            return;
        };
        let place = fitted(room, shown.finished.size.aspect());
        let whole = Rect::from_min_max(Pos2::ZERO, pos2(1.0, 1.0));
        if let Some(picture) = &window.picture {
            ui.painter().image(picture.id(), place, whole, Color32::WHITE);
        }
        if let (Some(share), Some(original)) = (window.split, &window.original) {
            let share = match response.interact_pointer_pos() {
                Some(pointer) => ((pointer.x - place.left()) / place.width()).clamp(0.0, 1.0),
                None => share,
            };
            window.split = Some(share);
            let x = place.left() + share * place.width();
            let left = Rect::from_min_max(place.min, pos2(x, place.max.y));
            let part = Rect::from_min_max(Pos2::ZERO, pos2(share, 1.0));
            ui.painter().image(original.id(), left, part, Color32::WHITE);
            ui.painter().vline(x, place.y_range(), Stroke::new(2.0, Color32::WHITE));
            ui.painter().circle_filled(pos2(x, place.center().y), 8.0, Color32::WHITE);
        }
        if window.recorder.path().is_some() {
            ui.painter().circle_filled(place.right_top() + vec2(-20.0, 20.0), 8.0, Color32::RED);
        }
        if let Some(text) = window.message() {
            label(
                ui,
                place.center_top() + vec2(0.0, 12.0),
                Align2::CENTER_TOP,
                &text,
                FontId::proportional(15.0),
            );
        }
        if window.help {
            label(ui, place.center(), Align2::CENTER_CENTER, KEYS, FontId::monospace(15.0));
        }
    });
}

/// The largest rectangle of an aspect inside another, in its middle.
fn fitted(room: Rect, aspect: f32) -> Rect {
    let width = room.width().min(room.height() * aspect);
    Rect::from_center_size(room.center(), vec2(width, width / aspect))
}

/// Text on a dark ground.
fn label(ui: &Ui, at: Pos2, align: Align2, text: &str, font: FontId) {
    let text = ui.painter().layout_no_wrap(text.to_owned(), font, Color32::WHITE);
    let place = align.anchor_size(at, text.size());
    ui.painter().rect_filled(place.expand(8.0), 6.0, Color32::from_black_alpha(200));
    ui.painter().galley(place.min, text, Color32::WHITE);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_keeps_its_shape_in_any_window() {
        let room = Rect::from_min_size(pos2(10.0, 0.0), vec2(400.0, 100.0));
        assert_eq!(fitted(room, 2.0), Rect::from_min_size(pos2(110.0, 0.0), vec2(200.0, 100.0)));
        assert_eq!(fitted(room, 8.0), Rect::from_min_size(pos2(10.0, 25.0), vec2(400.0, 50.0)));
    }
}
