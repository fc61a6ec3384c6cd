//! Every shader parses and validates, without any GPU: a mistake in one shows
//! here, on every machine, and not on the first one that has a GPU.

use std::path::{Path, PathBuf};

use wgpu::naga::front::wgsl;
use wgpu::naga::valid::{Capabilities, ValidationFlags, Validator};

/// What is wrong with a shader.
fn complaint(text: &str) -> Option<String> {
    let module = match wgsl::parse_str(text) {
        Ok(module) => module,
        Err(error) => return Some(error.emit_to_string(text)),
    };
    if module.entry_points.is_empty() {
        return Some("no entry point".into());
    }
    // No capabilities: what wgpu asks of no adapter in particular.
    let checked = Validator::new(ValidationFlags::all(), Capabilities::empty()).validate(&module);
    checked.err().map(|error| error.emit_to_string(text))
}

fn shaders() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("shaders");
    let entries = std::fs::read_dir(folder).expect("the shaders' folder");
    let paths = entries.map(|entry| entry.expect("readable").path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "wgsl")).collect()
}

#[test]
fn every_shader_is_valid() {
    let paths = shaders();
    assert!(!paths.is_empty(), "no shaders found");
    let complaints: Vec<_> = paths
        .iter()
        .filter_map(|path| {
            let text = std::fs::read_to_string(path).expect("readable");
            complaint(&text).map(|said| format!("{}: {said}", path.display()))
        })
        .collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn a_broken_shader_is_refused() {
    assert_eq!(complaint("@compute @workgroup_size(1) fn main() {}"), None);
    for (what, text) in [
        ("grammar", "@compute @workgroup_size(1) fn main() { let }"),
        ("a type", "@compute @workgroup_size(1) fn main() { let a: f32 = vec2f(1.0, 2.0); }"),
        ("an unknown name", "@compute @workgroup_size(1) fn main() { let a = b; }"),
        ("no entry", "fn helper() {}"),
        (
            "two at one binding",
            "@group(0) @binding(0) var<uniform> a: f32; @group(0) @binding(0) var<uniform> b: f32; @compute @workgroup_size(1) fn main() { let c = a + b; }",
        ),
    ] {
        assert!(complaint(text).is_some(), "{what}");
    }
}
