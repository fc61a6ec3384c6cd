//! Light and dark, as the system has it.
//!
//! macOS and Windows tell their windows. Linux desktops tell a service, which is asked by `gdbus`: where there is
//! neither, the window is dark.

use eframe::egui;

/// What the service calls its answer: 1 is dark, 2 is light, 0 is no opinion.
const SETTING: [&str; 2] = ["org.freedesktop.appearance", "color-scheme"];

/// Follows the system from now on, without waiting for it.
pub(super) fn follow(ctx: &egui::Context) {
    if !cfg!(target_os = "linux") {
        return;
    }
    let ctx = ctx.clone();
    // It takes as long as a service takes to wake up, and is not waited for.
    let asked = std::thread::Builder::new().name("theme".into()).spawn(move || {
        let theme = ask().unwrap_or(egui::Theme::Dark);
        ctx.set_theme(theme);
        ctx.request_repaint();
    });
    if let Err(error) = asked {
        tracing::debug!("the system is not asked for light or dark: {error}");
    }
}

fn ask() -> Option<egui::Theme> {
    let mut command = std::process::Command::new("gdbus");
    command.args("call --session --timeout 2 --dest org.freedesktop.portal.Desktop".split(' '));
    command.args("--object-path /org/freedesktop/portal/desktop".split(' '));
    command.args("--method org.freedesktop.portal.Settings.Read".split(' ')).args(SETTING);
    let answer = command.stdin(std::process::Stdio::null()).output().ok()?;
    parse(&String::from_utf8_lossy(&answer.stdout))
}

/// Of an answer such as `(<<uint32 1>>,)`.
fn parse(answer: &str) -> Option<egui::Theme> {
    let digits = answer.split("uint32").nth(1)?.trim_start().chars().next()?;
    match digits {
        '1' => Some(egui::Theme::Dark),
        '2' => Some(egui::Theme::Light),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_the_service() {
        assert_eq!(parse("(<<uint32 1>>,)\n"), Some(egui::Theme::Dark));
        assert_eq!(parse("(<uint32 2>,)\n"), Some(egui::Theme::Light));
        for none in ["", "(<<uint32 0>>,)", "Error: no such name", "uint32"] {
            assert_eq!(parse(none), None, "{none}");
        }
    }
}
