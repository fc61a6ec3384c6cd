//! The rooms of the source, and which may use which: imports only run downwards.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Rooms and files at the root, from the ground up. What stands in a line may be used by the lines after it, never
/// by its own line or those before.
const FLOORS: &[&[&str]] = &[
    &["error", "names", "time", "cancel"],
    &["frame"],
    &["resize", "image_file"],
    &["assets"],
    &["nn", "gpu", "video"],
    &["warp", "paint"],
    &["look"],
    &["engine"],
    &["jobs", "live"],
    &["app"],
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of the repository") {
        let path = entry.expect("readable").path();
        match path.is_dir() {
            true => sources(&path, found),
            false if path.extension().is_some_and(|extension| extension == "rs") => found.push(path),
            false => {}
        }
    }
}

/// The name of a room out of `warp/field.rs` or `frame.rs`.
fn room(path: &Path) -> String {
    let first = path.iter().next().expect("not empty").to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

/// What a file uses of the crate's other rooms; comments and tests do not count.
fn used(text: &str) -> BTreeSet<String> {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let words = lines.flat_map(|line| line.split("crate::").skip(1));
    let name = |rest: &str| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    words.map(name).filter(|name| name.chars().next().is_some_and(char::is_lowercase)).collect()
}

/// Every use that does not run downwards.
fn upward(files: &[(PathBuf, String)]) -> Vec<String> {
    let floor = |room: &str| FLOORS.iter().position(|floor| floor.contains(&room));
    let mut wrong = Vec::new();
    for (path, text) in files {
        let own = room(path);
        for other in used(text).into_iter().filter(|other| *other != own) {
            match (floor(&own), floor(&other)) {
                (Some(own), Some(other)) if other < own => {}
                _ => wrong.push(format!("{} uses {other}", path.display())),
            }
        }
    }
    wrong
}

fn library() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    sources(&root, &mut paths);
    let inside = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("a source file");
        (path.strip_prefix(&root).expect("below it").to_owned(), text)
    };
    let files = paths.into_iter().map(inside);
    files.filter(|(path, _)| !path.starts_with("bin") && path != Path::new("lib.rs")).collect()
}

#[test]
fn imports_run_downwards() {
    let wrong = upward(&library());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_room_stands_on_a_floor_and_every_floor_has_its_rooms() {
    let built: BTreeSet<_> = library().iter().map(|(path, _)| room(path)).collect();
    let drawn: BTreeSet<_> =
        FLOORS.iter().flat_map(|floor| floor.iter().map(|room| room.to_string())).collect();
    assert_eq!(built, drawn);
}

#[test]
fn an_upward_import_is_found() {
    let file = |path: &str, text: &str| (PathBuf::from(path), text.to_owned());
    let right = [file("paint/style.rs", "use crate::nn::models::Models;\n//! [`crate::engine`]\n")];
    assert!(upward(&right).is_empty());
    for text in ["use crate::engine::Engine;", "let x = crate::warp::grid::GRID;", "use crate::nowhere::X;"] {
        assert_eq!(upward(&[file("paint/style.rs", text)]).len(), 1, "{text}");
    }
}
