//! The bar below the picture: record, snapshot, freeze and so on, the search, and one light for all readings.

use eframe::egui::{
    self, Button, Color32, CornerRadius, Popup, PopupCloseBehavior, RichText, Sense, Ui, vec2,
};

use super::icons::{self, Icon};
use super::light::judge;
use super::{Window, strip};
use crate::live::controls::ControlUpdate;

pub(super) const HEIGHT: f32 = 32.0;
const RED: Color32 = Color32::from_rgb(200, 40, 40);

/// The bar.
pub(super) fn show(window: &mut Window, ui: &mut Ui) {
    egui::Panel::bottom("bar").exact_size(HEIGHT).show(ui, |ui| {
        ui.horizontal_centered(|ui| {
            record(window, ui);
            let frozen = window.live.controls.state().frozen;
            let about = "save the picture as it is now, as PNG (s)";
            if icons::button(ui, Icon::Snapshot, false, about) {
                window.snapshot();
            }
            let about = "stop the camera; dials and looks still change the picture (space)";
            if icons::button(ui, Icon::Freeze, frozen, about) {
                window.set_params(ControlUpdate { frozen: Some(!frozen), ..ControlUpdate::default() });
            }
            let about = "fill the screen with the picture (f); Esc leads back";
            if icons::button(ui, Icon::FullScreen, false, about) {
                window.fill_screen(ui.ctx(), true);
            }
            if icons::button(ui, Icon::Dials, window.shows_dials(ui.ctx()), "show or hide the dials (d)") {
                window.toggle_dials(ui.ctx());
            }
            if ui.add(Button::new("?").selected(window.help)).on_hover_text("all keys (h)").clicked() {
                window.help = !window.help;
            }
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                light(window, ui);
                search(window, ui);
            });
        });
    });
}

/// The red button, and the time that it has run.
fn record(window: &mut Window, ui: &mut Ui) {
    let since = window.live.recorder.since();
    let (icon, text) = match since {
        Some(since) => (Icon::Square, clock(since.elapsed().as_secs())),
        None => (Icon::Disc, "Record".into()),
    };
    let about = match window.live.recorder.path() {
        Some(path) => format!("end the recording to {} (r)", path.display()),
        None => format!("record what everyone sees, to a file in {} (r)", window.live.folder.display()),
    };
    if icons::titled(ui, icon, &text, RED, 78.0).on_hover_text(about).clicked() {
        window.record();
    }
}

/// Minutes and seconds, and hours where there are any.
pub(super) fn clock(secs: u64) -> String {
    match secs / 3600 {
        0 => format!("{}:{:02}", secs / 60, secs % 60),
        hours => format!("{hours}:{:02}:{:02}", secs / 60 % 60, secs % 60),
    }
}

fn search(window: &mut Window, ui: &mut Ui) {
    let width = ui.available_width().clamp(40.0, 150.0);
    let edit = egui::TextEdit::singleline(&mut window.strip.search)
        .hint_text("search looks")
        .desired_width(width - 10.0);
    let field = ui
        .add(edit)
        .on_hover_text("search all looks and paintings by name (/); Enter takes the first, Esc clears");
    if std::mem::take(&mut window.strip.focus_search) {
        field.request_focus();
    }
    let (enter, escape) =
        ui.input(|input| (input.key_pressed(egui::Key::Enter), input.key_pressed(egui::Key::Escape)));
    if field.lost_focus() && enter {
        let controls = window.live.controls.clone();
        let strip = &window.strip;
        let found =
            strip::garments(&controls.looks(), controls.paintings(), &strip.favourites, &strip.search);
        if let Some(first) = found.first().filter(|_| !strip.search.trim().is_empty()) {
            strip::choose(window, first);
        }
    } else if field.lost_focus() && escape {
        window.strip.search.clear();
    }
}

/// Green, amber or red; pointed at it says why, clicked it shows all readings.
fn light(window: &mut Window, ui: &mut Ui) {
    let reading = window.live.stats.read(window.live.clock.now());
    let notices = window.live.controls.notices.all();
    let size = window.shown.as_ref().map_or(window.live.info.size, |shown| shown.finished.size);
    let frozen = window.live.controls.state().frozen;
    let amiss = notices.first().map(String::as_str);
    let (light, why) = judge(&reading, size.width.min(size.height), frozen, amiss);
    let (place, response) = ui.allocate_exact_size(vec2(22.0, 22.0), Sense::click());
    ui.painter().circle_filled(place.center(), 7.0, light.color());
    if response.hovered() {
        ui.painter().rect_stroke(
            place,
            CornerRadius::same(4),
            ui.visuals().widgets.hovered.bg_stroke,
            egui::StrokeKind::Inside,
        );
    }
    let response = response.on_hover_text(format!("{why}\n(click: all readings)"));
    Popup::from_toggle_button_response(&response).close_behavior(PopupCloseBehavior::CloseOnClick).show(
        |ui| {
            ui.set_max_width(260.0);
            ui.add(egui::Label::new(RichText::new(&why).strong()).wrap());
            let rows = [
                (
                    "frames a second",
                    format!("{:.1} of {:.1}", reading.fps, reading.camera_fps),
                    "painted, of those that the camera gives",
                ),
                ("warps a second", format!("{:.1}", reading.warp_fps), "how often shapes are looked for"),
                (
                    "camera to screen",
                    format!("{:.0} ms", reading.latency_ms),
                    "half of the pictures are shown sooner after they were taken",
                ),
                (
                    "  of 99 in 100",
                    format!("{:.0} ms", reading.latency_p99_ms),
                    "99 of 100 pictures are shown sooner than this",
                ),
                ("left out", reading.dropped.to_string(), "pictures that came while another was painted"),
                (
                    "painted at",
                    format!("{} lines", reading.lines),
                    "fewer than the picture has where the machine is too slow",
                ),
            ];
            egui::Grid::new("readings").num_columns(2).show(ui, |ui| {
                for (name, value, about) in rows {
                    ui.weak(name).on_hover_text(about);
                    ui.monospace(value).on_hover_text(about);
                    ui.end_row();
                }
            });
            ui.add(egui::Label::new(RichText::new(&window.live.devices).weak()).wrap());
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_as_clocks_show_them() {
        assert_eq!([0, 59, 61, 3599, 3661].map(clock), ["0:00", "0:59", "1:01", "59:59", "1:01:01"]);
    }
}
