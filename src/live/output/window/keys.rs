//! The keys: each does one thing, and all of them stand in the help.

use eframe::egui::{self, Key, Modifiers};

/// What a key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Freeze,
    /// Looks further in the list.
    Step(isize),
    /// The look of a number in the strip; 0 is the original.
    Number(usize),
    Favourite,
    Compare,
    Snapshot,
    Record,
    Mirror,
    /// Tunes to the painting that is worn, or stands still, or goes on.
    Tune,
    Dials,
    Search,
    FullScreen,
    Help,
    /// One step back: out of the help, a question, a search, full screen, a notice.
    Back,
}

/// Keys, how they are called, what they do, and how that is said; a line of the help each.
type Line = (&'static [(Key, Action)], &'static str, &'static str);

const NUMBERS: [(Key, Action); 10] = [
    (Key::Num0, Action::Number(0)),
    (Key::Num1, Action::Number(1)),
    (Key::Num2, Action::Number(2)),
    (Key::Num3, Action::Number(3)),
    (Key::Num4, Action::Number(4)),
    (Key::Num5, Action::Number(5)),
    (Key::Num6, Action::Number(6)),
    (Key::Num7, Action::Number(7)),
    (Key::Num8, Action::Number(8)),
    (Key::Num9, Action::Number(9)),
];

pub(super) const LINES: [Line; 14] = [
    (&[(Key::Space, Action::Freeze)], "space", "freeze"),
    (
        &[
            (Key::ArrowLeft, Action::Step(-1)),
            (Key::ArrowRight, Action::Step(1)),
            (Key::ArrowUp, Action::Step(-1)),
            (Key::ArrowDown, Action::Step(1)),
        ],
        "← → ↑ ↓",
        "looks",
    ),
    (&NUMBERS, "1 ... 9, 0", "looks by number, original"),
    (&[(Key::B, Action::Favourite)], "b", "favourite, or not"),
    (&[(Key::Slash, Action::Search)], "/", "search looks, paintings"),
    (&[(Key::C, Action::Compare)], "c", "compare; drag the line"),
    (&[(Key::S, Action::Snapshot)], "s", "snapshot"),
    (&[(Key::R, Action::Record)], "r", "record, and end it"),
    (&[(Key::M, Action::Mirror)], "m", "mirror"),
    (&[(Key::T, Action::Tune)], "t", "make it better; pause"),
    (&[(Key::D, Action::Dials)], "d", "show or hide dials"),
    (&[(Key::F, Action::FullScreen)], "f", "full screen"),
    (&[(Key::H, Action::Help), (Key::F1, Action::Help)], "h, F1", "this help"),
    (&[(Key::Escape, Action::Back)], "Esc", "close, or back"),
];

/// What was pressed, in order, each as often as it was, while no value is typed: a letter in a field is no command, nor is
/// the Esc that leaves it, of which only `typed` knows, whether something was typed in when the last picture was drawn.
pub(super) fn pressed(ctx: &egui::Context, typed: bool) -> Vec<Action> {
    if typed || ctx.egui_wants_keyboard_input() {
        return Vec::new();
    }
    ctx.input(|input| input.events.iter().filter_map(action).collect())
}

/// What an event asks for. A key that is held down steps through looks and does nothing else twice; with Ctrl, Alt or
/// Super held, keys belong to the system.
fn action(event: &egui::Event) -> Option<Action> {
    let egui::Event::Key { key, pressed: true, repeat, modifiers, .. } = event else { return None };
    let is_plain = !Modifiers { shift: false, ..*modifiers }.any();
    let mut all = LINES.iter().flat_map(|(keys, _, _)| *keys);
    let (_, action) = all.find(|(known, _)| known == key).filter(|_| is_plain)?;
    (!repeat || matches!(action, Action::Step(_))).then_some(*action)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(key: Key, modifiers: Modifiers, repeat: bool) -> egui::Event {
        egui::Event::Key { key, physical_key: None, pressed: true, repeat, modifiers }
    }

    /// What a window makes of these events, with a field to type in that has the focus or not.
    fn actions(events: Vec<egui::Event>, types: bool) -> Vec<Action> {
        let ctx = egui::Context::default();
        let (mut found, mut text, mut typed) = (Vec::new(), String::new(), false);
        for round in 0..2 {
            let events = if round == 1 { events.clone() } else { Vec::new() };
            let input = egui::RawInput { events, ..egui::RawInput::default() };
            let mut output = ctx.run_ui(input, |ui| {
                found = pressed(ui.ctx(), typed);
                let field = ui.text_edit_singleline(&mut text);
                if types {
                    field.request_focus();
                }
            });
            typed = ctx.egui_wants_keyboard_input();
            // Nothing draws it.
            output.textures_delta.clear();
        }
        found
    }

    #[test]
    fn quick_presses_all_count() {
        let none = Modifiers::NONE;
        let events = vec![
            press(Key::ArrowRight, none, false),
            press(Key::ArrowRight, none, false),
            press(Key::S, none, false),
            press(Key::ArrowRight, none, true),
        ];
        let right = Action::Step(1);
        assert_eq!(actions(events, false), [right, right, Action::Snapshot, right]);
        // A key that is held down does not record and end it again and again.
        let held = vec![press(Key::R, none, false), press(Key::R, none, true), press(Key::R, none, true)];
        assert_eq!(actions(held, false), [Action::Record]);
    }

    #[test]
    fn keys_never_act_while_something_is_typed_or_the_system_is_meant() {
        let all: Vec<_> = LINES.iter().flat_map(|(keys, _, _)| *keys).map(|(key, _)| *key).collect();
        let events = |modifiers| all.iter().map(|key| press(*key, modifiers, false)).collect::<Vec<_>>();
        assert_eq!(actions(events(Modifiers::NONE), true), []);
        assert_eq!(actions(events(Modifiers::CTRL), false), []);
        assert_eq!(actions(events(Modifiers::NONE), false).len(), all.len());
    }

    #[test]
    fn every_key_has_one_meaning() {
        let mut all: Vec<_> = LINES.iter().flat_map(|(keys, _, _)| *keys).map(|(key, _)| *key).collect();
        let count = all.len();
        all.sort_by_key(|key| key.name());
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
