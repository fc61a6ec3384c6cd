//! Where networks and libraries may lie: places that belong to the user or to the system, never the working
//! directory or a folder above the program, where anybody may have left something.

use std::path::{Path, PathBuf};

/// Beside the program, `lib/stylewarp` of where it is installed, and the user's data folder.
pub(crate) fn trusted() -> Vec<PathBuf> {
    let program = std::env::current_exe().ok();
    let beside = program.as_deref().and_then(Path::parent).map(Path::to_owned);
    let installed = beside.as_deref().and_then(Path::parent).map(|prefix| prefix.join("lib/stylewarp"));
    let data = directories::ProjectDirs::from("", "", "stylewarp").map(|dirs| dirs.data_dir().to_owned());
    [beside, installed, data].into_iter().flatten().collect()
}
