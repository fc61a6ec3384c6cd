//! The picture, the line between it and the original, and what is to be said on it.

use eframe::egui::{
    self, Align2, Button, Color32, FontId, LayerId, Order, Pos2, Rect, RichText, Sense, Stroke, Ui,
    UiBuilder, pos2, vec2,
};

use super::icons::{self, Icon};
use super::{Window, bar, drops, keys, tuning};

/// Seconds that the way out of full screen shows after the pointer rests.
const SHOWN: f32 = 3.0;
const DARK: Color32 = Color32::from_black_alpha(200);

/// The picture and all that lies on it.
pub(super) fn show(window: &mut Window, ui: &mut Ui) {
    let frame = egui::Frame::NONE.fill(Color32::BLACK);
    egui::CentralPanel::default().frame(frame).show(ui, |ui| {
        let room = ui.max_rect();
        let response = ui.allocate_rect(room, Sense::click_and_drag());
        match &window.shown {
            Some(shown) => {
                let place = fitted(room, shown.finished.size.aspect());
                pictures(window, place, &response, ui);
            }
            None => {
                let font = FontId::proportional(16.0);
                let text = "waiting for the first picture";
                ui.painter().text(room.center(), Align2::CENTER_CENTER, text, font, Color32::GRAY);
            }
        }
        badges(window, room, ui);
        notices(window, room, ui);
        if window.help {
            help(ui);
        }
        if let Some(since) = window.full {
            let (now, rest) = ui.input(|input| (since.elapsed(), input.pointer.time_since_last_movement()));
            if now.as_secs_f32() < SHOWN || rest < SHOWN {
                way_out(window, room, ui);
            }
        }
        drops::question(window, room, ui);
    });
}

/// The picture, and on the left of the line what the camera gave.
fn pictures(window: &mut Window, place: Rect, response: &egui::Response, ui: &Ui) {
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
}

/// What everyone must know at a glance: that the picture stands still, and that it is recorded.
fn badges(window: &Window, room: Rect, ui: &Ui) {
    let notices = &window.live.controls.notices;
    let still = match () {
        () if notices.of("camera").is_some() => Some(("camera lost", Color32::from_rgb(190, 40, 40))),
        () if window.live.controls.state().frozen => Some(("frozen", Color32::from_rgb(40, 90, 170))),
        () => None,
    };
    let font = FontId::proportional(14.0);
    if let Some((text, color)) = still {
        badge(ui, room.left_top() + vec2(16.0, 16.0), Align2::LEFT_TOP, text, font.clone(), color);
    }
    if let Some(running) = &window.tuning.status.running
        && window.full.is_none()
        && !window.shows_dials(ui.ctx())
    {
        let at = room.left_bottom() + vec2(16.0, -12.0);
        let text = format!("{}: {}", running.name, tuning::far(running));
        badge(ui, at, Align2::LEFT_BOTTOM, &text, font.clone(), DARK);
    }
    if let Some(since) = window.live.recorder.since() {
        let text = format!("REC {}", bar::clock(since.elapsed().as_secs()));
        badge(
            ui,
            room.right_top() + vec2(-16.0, 16.0),
            Align2::RIGHT_TOP,
            &text,
            font,
            Color32::from_rgb(190, 40, 40),
        );
    }
}

fn badge(ui: &Ui, at: Pos2, align: Align2, text: &str, font: FontId, color: Color32) {
    let text = ui.painter().layout_no_wrap(text.to_owned(), font, Color32::WHITE);
    let place = align.anchor_size(at, text.size());
    ui.painter().rect_filled(place.expand2(vec2(8.0, 4.0)), 6.0, color);
    ui.painter().galley(place.min, text, Color32::WHITE);
}

/// What is amiss, and what was done; each can be put away.
fn notices(window: &mut Window, room: Rect, ui: &mut Ui) {
    let texts = window.messages();
    let wide = (room.width() - 40.0).clamp(120.0, 560.0);
    let mut top = room.top() + 42.0;
    for (k, text) in texts.iter().enumerate() {
        let place = Rect::from_min_max(
            pos2(room.center().x - wide / 2.0, top),
            pos2(room.center().x + wide / 2.0, room.max.y),
        );
        if place.height() < 30.0 {
            break;
        }
        let builder = UiBuilder::new().max_rect(place).id_salt(("notice", k));
        let shown = ui.scope_builder(builder, |ui| {
            ui.set_clip_rect(room);
            egui::Frame::NONE.fill(DARK).corner_radius(6.0).inner_margin(8.0).show(ui, |ui| {
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Min), |ui| {
                    let (place, cross) = ui.allocate_exact_size(vec2(18.0, 18.0), Sense::click());
                    icons::draw(ui.painter(), Icon::Cross, place.shrink(4.0), Color32::WHITE);
                    let away = cross.on_hover_text("put this away (Esc)").clicked();
                    ui.with_layout(egui::Layout::top_down(egui::Align::Min), |ui| {
                        ui.add(egui::Label::new(RichText::new(text).color(Color32::WHITE)).wrap());
                    });
                    away
                })
                .inner
            })
        });
        if shown.inner.inner {
            window.dismiss(text);
        }
        top = shown.inner.response.rect.bottom() + 8.0;
    }
}

/// All keys, over the whole window, in as many columns as it takes.
fn help(ui: &Ui) {
    let room = ui.ctx().content_rect();
    let layer = LayerId::new(Order::Foreground, egui::Id::unique("help"));
    let painter = ui.ctx().layer_painter(layer);
    painter.rect_filled(room, 0.0, Color32::from_black_alpha(230));
    let font = FontId::monospace(if room.width() < 600.0 { 12.0 } else { 15.0 });
    let lines: Vec<_> = keys::LINES.iter().map(|(_, keys, text)| format!("{keys:<11} {text}")).collect();
    let row = 1.5 * font.size;
    let rows = ((room.height() - 20.0) / row).max(1.0) as usize;
    let columns = lines.chunks(rows.min(lines.len()));
    let galley = |line: &String| painter.layout_no_wrap(line.clone(), font.clone(), Color32::WHITE);
    let columns: Vec<Vec<_>> = columns.map(|lines| lines.iter().map(galley).collect()).collect();
    let wide =
        |column: &[std::sync::Arc<egui::Galley>]| column.iter().map(|line| line.size().x).fold(0.0, f32::max);
    let whole = columns.iter().map(|column| wide(column) + 24.0).sum::<f32>() - 24.0;
    let tall = columns.iter().map(Vec::len).max().unwrap_or_default() as f32 * row;
    let mut left = (room.center().x - whole / 2.0).max(room.left() + 8.0);
    for column in columns {
        let next = left + wide(&column) + 24.0;
        for (k, line) in column.into_iter().enumerate() {
            painter.galley(pos2(left, room.center().y - tall / 2.0 + k as f32 * row), line, Color32::WHITE);
        }
        left = next;
    }
}

fn way_out(window: &mut Window, room: Rect, ui: &mut Ui) {
    let place = Rect::from_center_size(pos2(room.center().x, room.top() + 24.0), vec2(190.0, 28.0));
    let button = Button::new(RichText::new("leave full screen (Esc)").color(Color32::WHITE)).fill(DARK);
    if ui.put(place, button).on_hover_text("Esc or f").clicked() {
        let ctx = ui.ctx().clone();
        window.fill_screen(&ctx, false);
    }
}

/// The largest rectangle of an aspect inside another, in its middle.
fn fitted(room: Rect, aspect: f32) -> Rect {
    let width = room.width().min(room.height() * aspect);
    Rect::from_center_size(room.center(), vec2(width, width / aspect))
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
