//! The README is short, and what it names is there.

use std::path::{Path, PathBuf};

use stylewarp::look::Look;

fn root() -> PathBuf {
    env!("CARGO_MANIFEST_DIR").into()
}

fn readme() -> String {
    std::fs::read_to_string(root().join("README.md")).expect("README.md")
}

/// Files a Markdown text links to, or shows: `](target)` and `src="target"`.
fn links(text: &str) -> Vec<String> {
    let after = |mark: &'static str, end: char| {
        text.split(mark).skip(1).filter_map(move |rest| rest.split_once(end).map(|(target, _)| target))
    };
    let targets = after("](", ')').chain(after("src=\"", '"')).chain(after("href=\"", '"'));
    let local = targets.filter(|target| !target.contains("://") && !target.starts_with(['#', '<']));
    // A title may follow the target, and a section.
    let path =
        |target: &str| target.split([' ', '#']).next().map(str::to_owned).filter(|path| !path.is_empty());
    local.filter_map(path).collect()
}

/// Those of the links that lead nowhere.
fn dead(text: &str, folder: &Path) -> Vec<String> {
    links(text).into_iter().filter(|link| !folder.join(link).exists()).collect()
}

#[test]
fn is_short() {
    let lines = readme().lines().count();
    assert!(lines <= 150, "{lines} lines");
}

#[test]
fn says_how_to_run_and_how_to_test() {
    let text = readme();
    for command in ["./setup.sh && cargo run --release --bin stylewarp-video --", "./setup.sh && cargo test"]
    {
        assert!(text.contains(command), "no word of: {command}");
    }
}

#[test]
fn names_every_preset() {
    let text = readme();
    let silent: Vec<_> =
        own_presets().into_iter().filter(|name| !text.contains(&format!("`{name}`"))).collect();
    assert!(silent.is_empty(), "no word of {silent:?}");
}

/// The program's own: `Look::names` lists the user's as well.
fn own_presets() -> Vec<String> {
    let is_own = |name: &String| root().join(format!("presets/{name}.toml")).is_file();
    let names: Vec<_> = Look::names().into_iter().filter(is_own).collect();
    assert!(!names.is_empty(), "no presets found");
    names
}

#[test]
fn links_to_files_that_are_there() {
    assert_eq!(dead(&readme(), &root()), [""; 0]);
}

#[test]
fn dead_links_are_found() {
    let text = "![a](Cargo.toml \"title\") [b](src/lib.rs#L3) [c](no/such.md) <img src=\"gone.gif\"> \
                [d](https://example.org/x) [e](#section)";
    assert_eq!(links(text), ["Cargo.toml", "src/lib.rs", "no/such.md", "gone.gif"]);
    assert_eq!(dead(text, &root()), ["no/such.md", "gone.gif"]);
}
