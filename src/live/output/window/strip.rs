//! The strip of looks along the lower edge: the camera's own picture in each of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use eframe::egui::{
    self, Align, Align2, Color32, CornerRadius, FontId, Image, Rect, Sense, Stroke, StrokeKind,
    TextureHandle, Ui, Vec2, pos2, vec2,
};

use super::icons::{self, Icon};
use super::{GLOW, Window, upload};
use crate::frame::Frame;
use crate::live::controls::{ControlState, ControlUpdate};
use crate::live::latest::Sender;
use crate::live::preview::{Garment, Preview, Previews, Request};

/// Height of the strip, and of one in a low window.
pub(super) const HEIGHT: f32 = 92.0;
const LOW_HEIGHT: f32 = 64.0;
/// Below this height of the window the strip is low.
const LOW_WINDOW: f32 = 420.0;
/// Room below a picture for its name.
const FOOT: f32 = 16.0;
/// A picture that is pointed at is painted again after this.
const OLD: Duration = Duration::from_secs(20);

/// The pictures of the strip, and what is looked for.
pub(super) struct Strip {
    /// Each with when it was painted; what it is made of shows until then.
    pictures: BTreeMap<Garment, (TextureHandle, Option<Instant>)>,
    previews: Previews,
    requests: Sender<Request>,
    /// What was asked for and has not come.
    asked: Vec<Garment>,
    pub(super) search: String,
    /// Whether the field is to be typed in from now on.
    pub(super) focus_search: bool,
    /// The look that was last scrolled to.
    seen: Option<Garment>,
    /// Names of looks and paintings, in the order in which they were chosen.
    pub(super) favourites: Vec<String>,
}

impl Strip {
    pub(super) fn new(previews: Previews, requests: Sender<Request>, favourites: Vec<String>) -> Self {
        Self {
            pictures: BTreeMap::new(),
            previews,
            requests,
            asked: Vec::new(),
            search: String::new(),
            focus_search: false,
            seen: None,
            favourites,
        }
    }

    /// Takes pictures that are ready.
    pub(super) fn receive(&mut self, ctx: &egui::Context) {
        for Preview { garment, picture, is_painted } in self.previews.take() {
            let (texture, before) = self.pictures.remove(&garment).unzip();
            let mut texture = texture;
            upload(ctx, &mut texture, "preview", &picture);
            if is_painted {
                self.asked.retain(|asked| *asked != garment);
            }
            let painted = is_painted.then(Instant::now).or(before.flatten());
            self.pictures.extend(texture.map(|texture| (garment, (texture, painted))));
        }
    }

    /// Asks for pictures of what is shown and not painted yet, or so long ago that whoever points at it wants a new one.
    fn ask(&mut self, frame: &Arc<Frame>, shown: &[Garment], is_wanted: bool) {
        let is_needed = |garment: &&Garment| match self.pictures.get(garment) {
            Some((_, Some(painted))) => is_wanted && painted.elapsed() > OLD,
            _ => true,
        };
        let needed: Vec<_> = shown.iter().filter(is_needed).cloned().collect();
        if needed.iter().any(|garment| !self.asked.contains(garment)) {
            self.asked.clone_from(&needed);
            self.requests.send(Request { frame: frame.clone(), garments: needed });
        }
    }

    /// What it shows of a garment is not how that paints now.
    pub(super) fn outdate(&mut self, garment: &Garment) {
        if let Some((_, painted)) = self.pictures.get_mut(garment) {
            *painted = None;
        }
    }

    /// Adds a name to the favourites, or takes it out.
    pub(super) fn toggle_favourite(&mut self, name: &str) {
        match self.favourites.iter().position(|favourite| favourite == name) {
            Some(place) => drop(self.favourites.remove(place)),
            None => self.favourites.push(name.into()),
        }
    }
}

/// What stands in the strip: the original, the favourites, the other looks; or what is looked for.
pub(super) fn garments(
    looks: &[String],
    paintings: &[String],
    favourites: &[String],
    search: &str,
) -> Vec<Garment> {
    let look = |name: &String| Garment::Look(name.clone());
    let painting = |name: &String| Garment::Painting(name.clone());
    let search = search.trim().to_lowercase();
    if !search.is_empty() {
        let fits = |name: &&String| name.to_lowercase().replace('-', " ").contains(&search.replace('-', " "));
        return looks
            .iter()
            .filter(fits)
            .map(look)
            .chain(paintings.iter().filter(fits).map(painting))
            .collect();
    }
    let named = |name: &String| match () {
        () if looks.contains(name) => Some(look(name)),
        () if paintings.contains(name) => Some(painting(name)),
        () => None,
    };
    let favourites: Vec<_> = favourites.iter().filter_map(named).collect();
    let rest = looks.iter().map(look).filter(|look| !favourites.contains(look));
    std::iter::once(Garment::Original).chain(favourites.iter().cloned()).chain(rest).collect()
}

/// What is worn, as the strip calls it.
pub(super) fn worn(state: &ControlState) -> Garment {
    match &state.texture {
        _ if state.original => Garment::Original,
        // While a look is being loaded, it is the one that was chosen.
        Some(painting) if state.wanted == state.preset => match &state.brushwork {
            // What was tuned is called as its look.
            Some(file) if file.extension().is_some_and(|ending| ending == "safetensors") => {
                Garment::Look(painting.clone())
            }
            _ => Garment::Painting(painting.clone()),
        },
        _ => Garment::Look(state.wanted.clone()),
    }
}

pub(super) fn name(garment: &Garment) -> &str {
    match garment {
        Garment::Original => "original",
        Garment::Look(name) | Garment::Painting(name) => name,
    }
}

/// Puts it on.
pub(super) fn choose(window: &mut Window, garment: &Garment) {
    let none = ControlUpdate::default();
    window.set_params(match garment.clone() {
        Garment::Original => ControlUpdate { original: Some(true), ..none },
        Garment::Look(name) => ControlUpdate { preset: Some(name), ..none },
        Garment::Painting(name) => ControlUpdate { texture: Some(name), ..none },
    });
}

/// Height of the strip in a window of this height.
pub(super) fn height(window: f32) -> f32 {
    if window < LOW_WINDOW { LOW_HEIGHT } else { HEIGHT }
}

/// The looks.
pub(super) fn show(window: &mut Window, ui: &mut Ui) {
    let tall = height(ui.ctx().content_rect().height());
    egui::Panel::bottom("looks").exact_size(tall).show(ui, |ui| {
        let controls = window.live.controls.clone();
        let state = controls.state();
        let shown =
            garments(&controls.looks(), controls.paintings(), &window.strip.favourites, &window.strip.search);
        let is_wanted = ui.rect_contains_pointer(ui.max_rect());
        if let Some(pair) = &window.shown {
            let original = pair.original.clone();
            window.strip.ask(&original, &shown, is_wanted);
        }
        let aspect = window.aspect().clamp(0.6, 2.4);
        // Room for the name, and for the bar that scrolls.
        let picture = tall - FOOT - 16.0;
        let size = vec2((picture * aspect).max(58.0), picture);
        let worn = worn(&state);
        let (mut chosen, mut starred) = (None, None);
        egui::ScrollArea::horizontal().show(ui, |ui| {
            ui.horizontal(|ui| {
                if shown.is_empty() {
                    ui.weak("neither a look nor a painting is called so");
                }
                for (place, garment) in shown.iter().enumerate() {
                    let number = (place < 10 && window.strip.search.is_empty()).then_some(place);
                    let tile = Tile { garment, number, is_on: *garment == worn, size };
                    match tile.show(&window.strip, ui) {
                        Some(Click::Choose) => chosen = Some(garment.clone()),
                        Some(Click::Star) => starred = Some(name(garment).to_owned()),
                        None => {}
                    }
                }
            });
        });
        window.strip.seen = Some(worn);
        if let Some(garment) = chosen {
            choose(window, &garment);
        }
        if let Some(name) = starred {
            window.strip.toggle_favourite(&name);
        }
    });
}

enum Click {
    Choose,
    Star,
}

/// A garment in the strip.
struct Tile<'a> {
    garment: &'a Garment,
    /// The key that chooses it.
    number: Option<usize>,
    is_on: bool,
    /// Of the picture.
    size: Vec2,
}

impl Tile<'_> {
    fn show(&self, strip: &Strip, ui: &mut Ui) -> Option<Click> {
        let (place, response) = ui.allocate_exact_size(self.size + vec2(0.0, FOOT), Sense::click());
        let name = name(self.garment);
        if self.is_on && strip.seen.as_ref() != Some(self.garment) {
            response.scroll_to_me(Some(Align::Center));
        }
        let picture = Rect::from_min_size(place.min, self.size);
        match strip.pictures.get(self.garment) {
            Some((texture, _)) => Image::new(texture).corner_radius(4.0).paint_at(ui, picture),
            None => {
                ui.painter().rect_filled(picture, 4.0, ui.visuals().faint_bg_color);
            }
        }
        if self.is_on || response.hovered() {
            let stroke = Stroke::new(2.0, if self.is_on { GLOW } else { Color32::GRAY });
            ui.painter().rect_stroke(picture, CornerRadius::same(4), stroke, StrokeKind::Inside);
        }
        let label = |text: String, at: egui::Pos2, align: Align2, color: Color32| {
            let text = ui.painter().layout_no_wrap(text, FontId::proportional(12.0), color);
            let room = align.anchor_size(at, text.size());
            ui.painter().rect_filled(room.expand2(vec2(3.0, 0.0)), 3.0, Color32::from_black_alpha(150));
            ui.painter().galley(room.min, text, color);
        };
        if let Some(number) = self.number {
            label(
                number.to_string(),
                picture.left_bottom() + vec2(5.0, -3.0),
                Align2::LEFT_BOTTOM,
                Color32::WHITE,
            );
        }
        let is_favourite = strip.favourites.iter().any(|favourite| favourite == name);
        let star = Rect::from_min_size(pos2(picture.right() - 22.0, picture.top()), Vec2::splat(22.0));
        let can_star = *self.garment != Garment::Original;
        if can_star && (is_favourite || response.hovered()) {
            ui.painter().rect_filled(star.shrink(2.0), 4.0, Color32::from_black_alpha(150));
            let color = if is_favourite { GLOW } else { Color32::WHITE };
            icons::draw(ui.painter(), Icon::Star(is_favourite), star.shrink(5.0), color);
        }
        let color = if self.is_on { ui.visuals().strong_text_color() } else { ui.visuals().text_color() };
        let font = FontId::proportional(12.0);
        let text = egui::WidgetText::from(egui::RichText::new(name).font(font).color(color));
        let text =
            text.into_galley(ui, Some(egui::TextWrapMode::Truncate), self.size.x, egui::TextStyle::Small);
        let at = pos2(place.center().x - text.size().x / 2.0, place.max.y - FOOT + 1.0);
        ui.painter().galley(at, text, color);
        let pointer = response.interact_pointer_pos();
        let is_star = can_star && pointer.is_some_and(|pointer| star.contains(pointer));
        let response = response.on_hover_text(self.about(is_favourite));
        response.clicked().then_some(if is_star { Click::Star } else { Click::Choose })
    }

    fn about(&self, is_favourite: bool) -> String {
        let what = match self.garment {
            Garment::Original => {
                "your picture as the camera gives it; what is behind you stays as it is chosen".into()
            }
            Garment::Look(name) => format!("{name}: a look, shapes and brushwork"),
            Garment::Painting(name) => {
                format!("{name}: a painting, whose brushwork takes the place of the look's")
            }
        };
        let key = self.number.map(|number| format!("; key {number}")).unwrap_or_default();
        let star = match (self.garment, is_favourite) {
            (Garment::Original, _) => "",
            (_, true) => "\nthe star, or b: no favourite any more",
            (_, false) => "\nthe star, or b: a favourite, which stands in front",
        };
        format!("{what}{key}{star}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::look::Look;

    fn names(garments: &[Garment]) -> Vec<&str> {
        garments.iter().map(name).collect()
    }

    #[test]
    fn the_original_comes_first_then_favourites_then_the_rest() {
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let (looks, paintings) = (list(&["gothic", "moon", "wave"]), list(&["great-wave", "irises"]));
        let shown =
            |favourites: &[&str], search: &str| garments(&looks, &paintings, &list(favourites), search);
        assert_eq!(names(&shown(&[], "")), ["original", "gothic", "moon", "wave"]);
        let chosen = shown(&["wave", "irises", "gone"], "");
        assert_eq!(names(&chosen), ["original", "wave", "irises", "gothic", "moon"]);
        assert_eq!(chosen[2], Garment::Painting("irises".into()));
        // Looks and paintings alike are found, however they are written.
        assert_eq!(names(&shown(&[], "WAVE")), ["wave", "great-wave"]);
        assert_eq!(names(&shown(&[], " great wave ")), ["great-wave"]);
        assert!(shown(&["wave"], "xyz").is_empty());
    }

    #[test]
    fn what_is_worn_is_marked() {
        let mut state = ControlState::of(&Look::load("moon").expect("embedded"), false);
        assert_eq!(worn(&state), Garment::Look("moon".into()));
        state.texture = Some("irises".into());
        assert_eq!(worn(&state), Garment::Painting("irises".into()));
        state.brushwork = Some("looks/monet.safetensors".into());
        state.texture = Some("monet".into());
        assert_eq!(worn(&state), Garment::Look("monet".into()));
        state.wanted = "wave".into();
        assert_eq!(worn(&state), Garment::Look("wave".into()));
        state.original = true;
        assert_eq!(worn(&state), Garment::Original);
    }
}
