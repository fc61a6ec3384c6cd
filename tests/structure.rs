//! The house stays in order: imports run downwards only, and no two files import each other.
//!
//! The source is read as text: every `crate::...` path outside of comments, with braces
//! opened out, and `super::` paths too. A path counts where it stands, tests included.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

#[path = "common/quality.rs"]
mod quality;

/// The floors, lowest first. A room may import from lower floors only.
const FLOORS: &[&[&str]] = &[
    &["error", "time", "names", "cancel", "threads"],
    &["frame", "atomic_file"],
    &["image_file", "assets", "scene_change"],
    &["nn", "gpu"],
    &["video"],
    &["warp", "paint"],
    &["look"],
    &["engine"],
    &["jobs"],
    &["live"],
    &["app"],
];

/// Arrows that point down but are not wanted: room, and what it must not know.
const FORBIDDEN: &[(&str, &str)] = &[
    ("warp", "video"),
    ("paint", "video"),
    ("engine", "video"),
    ("nn", "frame"),
    ("look", "video"),
    ("look", "nn"),
    ("look", "gpu"),
];

/// A module, as the names from the crate's root to it.
type Module = Vec<String>;

/// Which modules each module imports from.
type Imports = BTreeMap<Module, BTreeSet<Module>>;

#[test]
fn every_root_module_has_a_floor_and_there_are_few() {
    let listed: BTreeSet<&str> = FLOORS.concat().into_iter().collect();
    let sources = sources();
    let roots: BTreeSet<&str> =
        sources.keys().filter_map(|module| module.first()).map(String::as_str).collect();
    assert_eq!(roots, listed, "every module at the root stands on one floor");
    assert!(roots.len() <= 20, "{} modules at the root", roots.len());
}

#[test]
fn rooms_import_from_lower_floors_only() {
    let floor = |room: &str| FLOORS.iter().position(|rooms| rooms.contains(&room));
    let wrong: BTreeSet<String> = arrows(&imports(&sources()))
        .into_iter()
        .filter(|(from, to)| floor(to) >= floor(from) || FORBIDDEN.contains(&(from, to)))
        .map(|(from, to)| format!("{from} imports from {to}"))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let circle = circle(&imports(&sources()));
    assert!(circle.is_empty(), "{circle:#?}");
}

#[test]
fn every_room_says_what_comes_in_and_what_goes_out() {
    for room in ["nn", "gpu", "video", "warp", "paint", "engine", "jobs", "live", "app"] {
        let text = fs::read_to_string(source_folder().join(room).join("mod.rs")).expect(room);
        let doc: Vec<_> = text.lines().take_while(|line| line.starts_with("//!")).collect();
        assert!(doc.iter().any(|line| line.contains("In: ")), "{room} does not say what comes in");
        assert!(doc.iter().any(|line| line.contains("Out: ")), "{room} does not say what goes out");
    }
}

#[test]
fn every_bound_of_quality_is_asked_for_and_has_its_reason() {
    let tests = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests"));
    let tests: String = tests.iter().map(|path| fs::read_to_string(path).expect("UTF-8")).collect();
    let bounds = quality::bounds();
    assert!(bounds.len() > 15, "{} bounds", bounds.len());
    for (name, bound) in &bounds {
        assert!(tests.contains(&format!("\"{name}\"")), "no test asks for {name}");
        assert_eq!(bound.unexplained(), None, "{name}");
    }
}

#[test]
fn wrong_imports_are_found() {
    let file = |path: &str, text: &str| (module_of(Path::new(path)), text.to_owned());
    let sources = BTreeMap::from([
        file("warp/field.rs", "use crate::{frame::Frame, paint::{flow as f, style}};\n// crate::app::x"),
        file("paint/flow/mod.rs", "fn f() { crate::warp::field::g(\"crate::app\"); }"),
        file("paint/style.rs", "mod tests { use super::super::flow::dis::X; }"),
        file("paint/flow/dis.rs", ""),
        file("frame.rs", ""),
    ]);
    let imports = imports(&sources);
    let found: Vec<_> = arrows(&imports).into_iter().map(|(a, b)| format!("{a} {b}")).collect();
    assert_eq!(found, ["paint warp", "warp frame", "warp paint"]);
    assert_eq!(imports[&module("paint::style")], BTreeSet::from([module("paint::flow::dis")]));
    assert_eq!(circle(&imports), [module("paint::flow"), module("warp::field")]);
}

fn module(path: &str) -> Module {
    path.split("::").map(str::to_owned).collect()
}

fn source_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The Rust files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder of the source");
    let paths = entries.map(|entry| entry.expect("readable").path());
    let below = paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] });
    below.filter(|path| path.extension().is_some_and(|ending| ending == "rs")).collect()
}

/// The library's files by their modules.
fn sources() -> BTreeMap<Module, String> {
    let root = source_folder();
    let read = |path: PathBuf| {
        let inside = path.strip_prefix(&root).expect("below the root");
        let is_of_the_library = !inside.starts_with("bin") && inside != Path::new("lib.rs");
        is_of_the_library.then(|| (module_of(inside), fs::read_to_string(&path).expect("UTF-8")))
    };
    files(&root).into_iter().filter_map(read).collect()
}

fn module_of(path: &Path) -> Module {
    let mut names: Module =
        path.with_extension("").iter().map(|name| name.to_string_lossy().into_owned()).collect();
    names.pop_if(|last| last == "mod");
    names
}

fn imports(sources: &BTreeMap<Module, String>) -> Imports {
    let reached = |module: &Module, text: &str| -> BTreeSet<Module> {
        let paths = paths(text).into_iter().map(|(path, in_tests)| absolute(module, path, in_tests));
        let files = paths.filter_map(|mut path| {
            while !path.is_empty() && !sources.contains_key(&path) {
                path.pop();
            }
            (!path.is_empty() && path != *module).then_some(path)
        });
        // `super::*` of a tests file is its own parent, of which it is a part.
        files
            .filter(|file| module.last().is_none_or(|name| name != "tests") || !module.starts_with(file))
            .collect()
    };
    sources.iter().map(|(module, text)| (module.clone(), reached(module, text))).collect()
}

/// Every `crate::` and `super::` path of a file, braces opened out, and whether it stands in
/// the file's tests, which are a module of their own.
fn paths(text: &str) -> Vec<(Vec<String>, bool)> {
    let code: String =
        text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n");
    let tests = code.find("mod tests {").unwrap_or(code.len());
    let mut found = Vec::new();
    for start in ["crate::", "super::"] {
        for (at, _) in code.match_indices(start) {
            let before = code[..at].chars().next_back();
            let quoted =
                code[..at].rsplit('\n').next().is_some_and(|line| line.matches('"').count() % 2 == 1);
            if before.is_none_or(|c| !c.is_alphanumeric() && c != ':' && c != '_') && !quoted {
                let mut rest = &code[at..];
                open_out(&mut rest, &[], &mut |path| found.push((path, at > tests)));
            }
        }
    }
    found
}

/// Reads one path, or a tree of them in braces, from the front of a text.
fn open_out(text: &mut &str, before: &[String], found: &mut impl FnMut(Vec<String>)) {
    let mut path = before.to_vec();
    loop {
        *text = text.trim_start();
        if let Some(inside) = text.strip_prefix('{') {
            *text = inside;
            while !text.trim_start().starts_with('}') && !text.is_empty() {
                open_out(text, &path, found);
                // A rename, and the comma.
                let end = text.find([',', '}']).unwrap_or(text.len());
                *text = text[end..].trim_start_matches(',');
            }
            *text = text.trim_start().trim_start_matches('}');
            return;
        }
        let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
        let name = &text[..end];
        if !name.is_empty() && name != "self" {
            path.push(name.to_owned());
        }
        *text = &text[end..];
        match text.strip_prefix("::") {
            Some(rest) => *text = rest,
            None => return found(path),
        }
    }
}

/// A path from the crate's root.
fn absolute(module: &Module, path: Vec<String>, in_tests: bool) -> Module {
    let up = path.iter().take_while(|name| *name == "super").count();
    if up == 0 {
        return path[1..].to_vec();
    }
    let kept = (module.len() + usize::from(in_tests)).saturating_sub(up).min(module.len());
    module[..kept].iter().cloned().chain(path[up..].iter().cloned()).collect()
}

/// Which rooms import from which.
fn arrows(imports: &Imports) -> BTreeSet<(&str, &str)> {
    let pairs = imports.iter().flat_map(|(from, to)| to.iter().map(move |to| (from, to)));
    pairs.map(|(from, to)| (from[0].as_str(), to[0].as_str())).filter(|(from, to)| from != to).collect()
}

/// Modules that are left when those that import nothing else are taken away, again and again,
/// and then those that nothing imports: all on a circle, or between two.
fn circle(imports: &Imports) -> Vec<Module> {
    let mut left = imports.clone();
    loop {
        let all: BTreeSet<Module> = left.keys().cloned().collect();
        let used: BTreeSet<Module> = left.values().flatten().cloned().collect();
        left.values_mut().for_each(|to| to.retain(|to| all.contains(to)));
        left.retain(|module, to| !to.is_empty() && used.contains(module));
        if left.len() == all.len() {
            return left.into_keys().collect();
        }
    }
}
