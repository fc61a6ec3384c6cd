//! Where networks and libraries may lie: places that belong to the user or to the system, never the working
//! directory or a folder above the program, where anybody may have left something.

use std::path::{Path, PathBuf};

/// Beside the program, `lib/stylewarp` of where it is installed, and the user's data folder.
pub(crate) fn trusted() -> Vec<PathBuf> {
    let program = std::env::current_exe().ok();
    let data = directories::ProjectDirs::from("", "", "stylewarp").map(|dirs| dirs.data_dir().to_owned());
    program.as_deref().map(of_program).into_iter().flatten().chain(data).collect()
}

/// Those that belong to a program. One that is in no `bin` is not installed: what is above it is
/// anybody's, `/tmp` for instance.
fn of_program(program: &Path) -> Vec<PathBuf> {
    let beside = program.parent().map(Path::to_owned);
    let prefix = beside.as_deref().filter(|folder| folder.ends_with("bin")).and_then(Path::parent);
    let installed = prefix.map(|prefix| prefix.join("lib/stylewarp"));
    [beside, installed].into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_installed_program_trusts_a_folder_that_it_is_not_in() {
        let of = |program: &str| of_program(Path::new(program));
        assert_eq!(of("/opt/bin/stylewarp"), [Path::new("/opt/bin"), Path::new("/opt/lib/stylewarp")]);
        assert_eq!(of("/tmp/unpacked/stylewarp"), [Path::new("/tmp/unpacked")]);
    }
}
