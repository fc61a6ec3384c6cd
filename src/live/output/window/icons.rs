//! Signs drawn by lines: fonts have them or not.

use eframe::egui::{
    Button, Color32, Painter, Pos2, Rect, Response, Stroke, StrokeKind, Ui, Vec2, pos2, vec2,
};

/// A sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Icon {
    /// A camera that takes one picture.
    Snapshot,
    /// Two bars: the picture stands still.
    Freeze,
    /// The corners of a screen.
    FullScreen,
    /// Three dials.
    Dials,
    /// A question mark would be text.
    Cross,
    /// A disc: it can be recorded, or is.
    Disc,
    /// A square: what is recorded can be ended.
    Square,
    /// Five points, full or not.
    Star(bool),
}

/// A button with a sign, which explains itself when it is pointed at.
pub(super) fn button(ui: &mut Ui, icon: Icon, is_on: bool, about: &str) -> bool {
    let response = ui.add(Button::new("").selected(is_on).min_size(vec2(30.0, 22.0)));
    let color = if is_on {
        ui.visuals().selection.stroke.color
    } else {
        ui.style().interact(&response).fg_stroke.color
    };
    draw(ui.painter(), icon, Rect::from_center_size(response.rect.center(), Vec2::splat(14.0)), color);
    response.on_hover_text(about).clicked()
}

/// A button with a sign before its text, on a ground of one colour.
pub(super) fn titled(ui: &mut Ui, icon: Icon, text: &str, ground: Color32, least: f32) -> Response {
    let text = eframe::egui::RichText::new(format!("      {text}")).color(Color32::WHITE).strong();
    let response = ui.add(Button::new(text).fill(ground).min_size(vec2(least, 0.0)));
    let at = pos2(response.rect.left() + 14.0, response.rect.center().y);
    draw(ui.painter(), icon, Rect::from_center_size(at, Vec2::splat(11.0)), Color32::WHITE);
    response
}

/// Draws a sign into a square.
pub(super) fn draw(painter: &Painter, icon: Icon, place: Rect, color: Color32) {
    let stroke = Stroke::new(1.5, color);
    let at = |x: f32, y: f32| pos2(place.left() + x * place.width(), place.top() + y * place.height());
    let line = |a: Pos2, b: Pos2| {
        painter.line_segment([a, b], stroke);
    };
    match icon {
        Icon::Snapshot => {
            let body = Rect::from_min_max(at(0.0, 0.22), at(1.0, 0.9));
            painter.rect_stroke(body, 2.0, stroke, StrokeKind::Inside);
            painter.circle_stroke(body.center(), 0.19 * place.width(), stroke);
            line(at(0.3, 0.14), at(0.7, 0.14));
        }
        Icon::Freeze => {
            for left in [0.18, 0.6] {
                painter.rect_filled(Rect::from_min_max(at(left, 0.08), at(left + 0.22, 0.92)), 1.0, color);
            }
        }
        Icon::FullScreen => {
            for (x, y) in [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)] {
                let towards = |v: f32| v + 0.34 * (1.0 - 2.0 * v);
                line(at(x, y), at(towards(x), y));
                line(at(x, y), at(x, towards(y)));
            }
        }
        Icon::Dials => {
            for (y, knob) in [(0.15, 0.7), (0.5, 0.3), (0.85, 0.6)] {
                line(at(0.0, y), at(1.0, y));
                painter.circle_filled(at(knob, y), 0.15 * place.width(), color);
            }
        }
        Icon::Cross => {
            line(at(0.15, 0.15), at(0.85, 0.85));
            line(at(0.85, 0.15), at(0.15, 0.85));
        }
        Icon::Disc => {
            painter.circle_filled(place.center(), 0.45 * place.width(), color);
        }
        Icon::Square => {
            painter.rect_filled(place.shrink(0.1 * place.width()), 1.0, color);
        }
        Icon::Star(is_full) => {
            let point = |k: usize| {
                let (angle, radius) =
                    (k as f32 * std::f32::consts::PI / 5.0, if k.is_multiple_of(2) { 0.55 } else { 0.24 });
                place.center() + radius * place.width() * vec2(angle.sin(), -angle.cos())
            };
            let points: Vec<_> = (0..10).map(point).collect();
            if is_full {
                // A star is not convex; its points and its middle are.
                for k in (1..10).step_by(2) {
                    let tip =
                        [points[k], points[(k + 1) % 10], points[(k + 2) % 10], place.center()].to_vec();
                    painter.add(eframe::egui::Shape::convex_polygon(tip, color, Stroke::NONE));
                }
            }
            for (k, from) in points.iter().enumerate() {
                line(*from, points[(k + 1) % 10]);
            }
        }
    }
}
