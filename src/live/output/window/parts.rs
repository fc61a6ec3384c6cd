//! The lists that say what is painted, what and who is bent, and what shows behind the subject.

use eframe::egui::{self, Ui};

use crate::live::controls::{ControlState, ControlUpdate};
use crate::paint::subject::{BackdropKind, Part};
use crate::warp::search::Focus;

const FOCUSES: [(Focus, &str); 3] =
    [(Focus::Largest, "the nearest"), (Focus::Middle, "in the middle"), (Focus::All, "up to three")];
const PARTS: [(Part, &str); 3] =
    [(Part::All, "everything"), (Part::Subject, "only me"), (Part::Background, "all but me")];
/// The last needs a picture.
const BACKDROPS: [(BackdropKind, &str); 5] = [
    (BackdropKind::Keep, "as it is"),
    (BackdropKind::Blur, "blurred"),
    (BackdropKind::Color, "one colour"),
    (BackdropKind::Clear, "nothing (for OBS)"),
    (BackdropKind::Picture, "a picture"),
];

/// Four lists to choose from; what was chosen goes into `turn`.
pub(super) fn lists(ui: &mut Ui, state: &ControlState, turn: &mut ControlUpdate) {
    egui::Grid::new("parts").num_columns(2).show(ui, |ui| {
        let about = "people; without any, what the shapes were matched with";
        turn.paint_where = choose(ui, "painted", about, &PARTS, state.paint_where);
        turn.warp_where = choose(ui, "bent", about, &PARTS, state.warp_where);
        let about = "of several people, who is bent; they keep it until they are out of sight";
        turn.focus = choose(ui, "whom", about, &FOCUSES, state.focus);
        let kinds = &BACKDROPS[..if state.has_picture { 5 } else { 4 }];
        let about = "what shows behind you: nothing is transparent in OBS's browser source; a picture or another colour comes with --backdrop";
        turn.backdrop = choose(ui, "behind me", about, kinds, state.backdrop);
    });
}

/// A row with a list to choose from; what was chosen, if anything else was.
fn choose<T: Copy + PartialEq>(
    ui: &mut Ui,
    label: &str,
    about: &str,
    choices: &[(T, &str)],
    now: T,
) -> Option<T> {
    let mut chosen = now;
    let shown = choices.iter().find(|(choice, _)| *choice == now).map_or("", |(_, name)| *name);
    ui.label(label).on_hover_text(about);
    let list = egui::ComboBox::from_id_salt(label).width(120.0).selected_text(shown);
    let list = list.show_ui(ui, |ui| {
        for (value, name) in choices {
            ui.selectable_value(&mut chosen, *value, *name);
        }
    });
    list.response.on_hover_text(about);
    ui.end_row();
    (chosen != now).then_some(chosen)
}
