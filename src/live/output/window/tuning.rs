//! "Make it better": the button for the painting that is worn, and how far its tuning is.

use std::time::Duration;

use eframe::egui::{self, Button, ProgressBar, RichText, Ui, vec2};

use super::icons::{self, Icon};
use super::{GLOW, Window, bar};
use crate::live::preview::Garment;
use crate::live::tuning::{Pause, Running, TuningStatus};

/// How often a window that nothing else wakes looks how far it is.
const OFTEN: Duration = Duration::from_millis(500);

/// What the window knows of it.
#[derive(Default)]
pub(super) struct Shown {
    pub(super) status: TuningStatus,
}

/// Looks how it stands; what came of one is told, and its look painted anew in the strip.
pub(super) fn receive(window: &mut Window, ctx: &egui::Context) {
    let status = window.live.tuning.status();
    let before = std::mem::replace(&mut window.tuning.status, status.clone());
    if status.running.is_some() {
        ctx.request_repaint_after(OFTEN);
    } else if let Some(running) = before.running {
        window.strip.outdate(&Garment::Look(running.name));
        if let Some(said) = status.said {
            window.notice(said);
        }
    }
}

/// Begins, or lets what was begun stand still or go on.
pub(super) fn toggle(window: &mut Window) {
    let status = &window.tuning.status;
    let told = match (&status.running, &status.missing) {
        (None, Some(missing)) => Some(missing.clone()),
        _ => window.live.tuning.toggle().err().map(|error| (window.live.report)(&error, "not tuned")),
    };
    if let Some(told) = told {
        window.notice(told);
    }
}

/// The row below what is worn.
pub(super) fn show(window: &mut Window, ui: &mut Ui) {
    let TuningStatus { can, missing, running, .. } = window.tuning.status.clone();
    if let Some(running) = running {
        progress(window, &running, ui);
    } else if let Some(can) = can {
        let about = match &missing {
            Some(missing) => missing.clone(),
            None => format!(
                "tunes a painter to {can}, in the background: ten minutes where a core has nothing else to do.\n\
                 The picture goes on, its strokes get better on the way, and what comes of it is kept\n\
                 among your looks; pressed again it goes on (t)"
            ),
        };
        let button = ui.add_enabled(missing.is_none(), Button::new("make it better"));
        if button.on_hover_text(&about).on_disabled_hover_text(about).clicked() {
            toggle(window);
        }
    }
}

fn progress(window: &mut Window, running: &Running, ui: &mut Ui) {
    ui.horizontal(|ui| {
        let is_paused = running.paused == Some(Pause::Asked);
        let text = RichText::new(far(running)).size(12.0);
        let wide = ui.available_width() - 84.0;
        let bar =
            ProgressBar::new(running.share).desired_width(wide).fill(GLOW.linear_multiply(0.6)).text(text);
        let bar = ui.add(bar.corner_radius(3));
        bar.on_hover_text(format!("{}\n{}", title(running), why(running)));
        let about = match is_paused {
            true => "go on (t)",
            false => "let it stand still for a while (t)",
        };
        if icons::button(ui, Icon::Freeze, is_paused, about) {
            window.live.tuning.pause(!is_paused);
        }
        let about = "end it; what it has reached is kept among your looks, and can go on";
        if icons::button(ui, Icon::Square, false, about) {
            window.live.tuning.stop();
        }
    });
    ui.add(egui::Label::new(RichText::new(title(running)).small().weak()).truncate());
    ui.allocate_space(vec2(0.0, 2.0));
}

fn title(running: &Running) -> String {
    match running.paused {
        None => format!("gets better: {}", running.name),
        Some(Pause::Asked) => format!("stands still: {}", running.name),
        Some(Pause::Stream) => format!("lets the picture go first: {}", running.name),
    }
}

fn why(running: &Running) -> &'static str {
    match running.paused {
        None => "a painter is tuned to it, in the background; its strokes blend over every half minute",
        Some(Pause::Asked) => "it goes on when you want it to",
        Some(Pause::Stream) => "the frame rate would fall by more than a fifth; it is tried again soon",
    }
}

/// How far it is, in few letters.
pub(super) fn far(running: &Running) -> String {
    let share = format!("{:.0} %", 100.0 * running.share);
    match (running.paused, running.left_secs) {
        (None, None) if running.share == 0.0 => "looks at it".into(),
        (None, Some(secs)) => format!("{share}, {} left", bar::clock(secs)),
        _ => share,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_far_it_is_in_few_letters() {
        let running = |share, left_secs, paused| Running { name: "monet".into(), share, left_secs, paused };
        for (share, left, paused, told) in [
            (0.0, None, None, "looks at it"),
            (0.01, None, None, "1 %"),
            (0.374, Some(371), None, "37 %, 6:11 left"),
            (0.5, Some(371), Some(Pause::Asked), "50 %"),
            (0.5, Some(371), Some(Pause::Stream), "50 %"),
        ] {
            let running = running(share, left, paused);
            assert_eq!(far(&running), told);
            assert!(title(&running).ends_with(": monet"));
        }
    }
}
