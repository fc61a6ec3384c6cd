//! What packages ship beside the programs: manual pages and shell completions, made from the command line itself.

use std::io::Write as _;
use std::path::Path;

use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;

use crate::atomic_file::AtomicFile;
use crate::error::Result;

/// A script that completes a program's arguments.
pub fn completions(shell: Shell, mut command: Command) -> String {
    let mut script = Vec::new();
    let name = command.get_name().to_owned();
    clap_complete::generate(shell, &mut command, name, &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// Writes a program's page, and one of each of its commands, into a folder: `stylewarp.1`, `stylewarp-live.1`...
///
/// # Errors
/// [`Error::OutputExists`](crate::Error::OutputExists) if one is there and `overwrite` is not set;
/// [`Error::Write`](crate::Error::Write) if one cannot be written.
pub fn write(command: Command, folder: &Path, overwrite: bool) -> Result<()> {
    for (name, text) in pages(command) {
        let page = AtomicFile::create(&folder.join(format!("{name}.1")), overwrite)?;
        page.file().write_all(&text).map_err(|reason| page.cannot_write(reason))?;
        page.commit()?;
    }
    Ok(())
}

/// The pages by their names.
fn pages(mut command: Command) -> Vec<(String, Vec<u8>)> {
    // `stylewarp help live` says what `stylewarp live --help` does.
    command = command.disable_help_subcommand(true);
    command.build();
    let mut pages = vec![page(&command)];
    pages.extend(command.get_subcommands().filter(|command| !command.is_hide_set()).map(page));
    pages
}

fn page(command: &Command) -> (String, Vec<u8>) {
    let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
    let mut text = Vec::new();
    Man::new(command.clone()).render(&mut text).expect("memory takes all that is written");
    (name, text)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::app::cli::VideoArgs;

    #[test]
    fn every_command_has_a_page() {
        let command = Command::new("tool")
            .about("does things")
            .subcommand(Command::new("one").about("does one"))
            .subcommand(Command::new("secret").hide(true));
        let pages = pages(command);
        let names: Vec<_> = pages.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["tool", "tool-one"]);
        let text = |n: usize| String::from_utf8_lossy(&pages[n].1).into_owned();
        assert!(
            text(0).contains("does things") && text(1).contains("tool\\-one \\- does one"),
            "{}",
            text(1)
        );
    }

    #[test]
    fn pages_are_not_overwritten_unless_asked() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |overwrite| write(VideoArgs::command(), folder.path(), overwrite);
        write(false).expect("written");
        assert!(matches!(write(false), Err(crate::Error::OutputExists { .. })));
        write(true).expect("replaced");
        let text = std::fs::read_to_string(folder.path().join("stylewarp-video.1")).expect("there");
        assert!(text.starts_with(".ie") && text.contains("dry\\-run"), "{text}");
    }

    #[test]
    fn completions_know_the_flags() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let script = completions(shell, VideoArgs::command());
            assert!(script.contains("stylewarp-video") && script.contains("dry-run"), "{shell}");
        }
    }
}
