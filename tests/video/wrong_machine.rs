//! Networks, a runtime and devices that are not what they should be.

use std::fs;

use crate::kit::{Folder, clip, program, refuses, run, with};
use crate::networks;

/// Refused on networks that were damaged.
fn refuses_networks(models: &networks::Copy, words: [&str; 3]) {
    let folder = Folder::new();
    clip(&folder);
    refuses(&folder, with(&folder, "in.mp4 out.mp4").env("STYLEWARP_MODELS", models.folder()), 1, words);
}

#[test]
fn a_flipped_byte_is_found() {
    for name in ["encoder-fast.onnx", "warper.onnx", "painter.onnx", "painters/starry-night.safetensors"] {
        let models = networks::Copy::new();
        let mut bytes = fs::read(models.path(name)).expect("readable");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(models.path(name), bytes).expect("written");
        refuses_networks(&models, [&format!("{name} is not the network"), "SHA-256", "git checkout models"]);
    }
}

#[test]
fn another_network_in_its_place_is_found() {
    for (name, other) in [("warper.onnx", "encoder.onnx"), ("painter.onnx", "encoder.onnx")] {
        let models = networks::Copy::new();
        models.replace(name, &fs::read(models.path(other)).expect("readable"));
        refuses_networks(
            &models,
            [&format!("{name} is not the network"), "found image", "git checkout models"],
        );
    }
}

#[test]
fn an_encoder_that_does_not_fit_the_warper_is_refused() {
    let models = networks::Copy::new();
    let narrow = fs::read(models.path("encoder-fast.onnx")).expect("readable");
    // One channel less, in the graph and in the manifest.
    let narrow = swap(&narrow, &512i64.to_le_bytes(), &511i64.to_le_bytes());
    models.replace("encoder-fast.onnx", &swap(&narrow, &[0x08, 0x80, 0x04], &[0x08, 0xff, 0x03]));
    let manifest = fs::read_to_string(models.path("manifest.toml")).expect("readable");
    let (before, after) = manifest.split_once("encoder-fast.onnx").expect("listed");
    let after = after.replacen("shape = [1, 512, 16, 16]", "shape = [1, 511, 16, 16]", 1);
    fs::write(models.path("manifest.toml"), format!("{before}encoder-fast.onnx{after}")).expect("written");
    refuses_networks(&models, ["encoder-fast.onnx is not the network", "511", "git checkout models"]);
}

/// Every `from` in the bytes replaced by a `to` of the same length.
fn swap(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for at in 0..bytes.len().saturating_sub(from.len() - 1) {
        if bytes[at..].starts_with(from) {
            bytes[at..at + to.len()].copy_from_slice(to);
        }
    }
    bytes
}

#[test]
fn what_is_no_network_is_refused_even_if_the_manifest_agrees() {
    let models = networks::Copy::new();
    models.replace("warper.onnx", b"I am no network.");
    refuses_networks(&models, ["failed while opening", "protobuf parsing failed", "--device cpu"]);
    let models = networks::Copy::new();
    models.replace("painters/starry-night.safetensors", b"I am no style.");
    refuses_networks(
        &models,
        ["painters/starry-night.safetensors is not a style", "header too large", "of this version"],
    );
}

#[test]
fn files_that_are_missing_are_named_with_the_places_looked_in() {
    for name in ["encoder-fast.onnx", "warper.onnx", "painter.onnx", "painters/starry-night.safetensors"] {
        let models = networks::Copy::new();
        fs::remove_file(models.path(name)).expect("removed");
        let place = models.folder().display().to_string();
        refuses_networks(&models, [&format!("the file {name} of the networks is missing"), "", &place]);
    }
    let folder = Folder::new();
    clip(&folder);
    let words = ["the file manifest.toml of the networks is missing", "", "no/such/folder"];
    refuses(&folder, &mut with(&folder, "in.mp4 out.mp4 --models no/such/folder"), 1, words);
}

#[test]
fn a_broken_manifest_is_refused() {
    for (text, because) in [
        (&b"[[file"[..], "found unclosed"),
        (b"file = 3", "found invalid type"),
        (b"[[file]]\nname = 'warper.onnx'", "missing field"),
    ] {
        let models = networks::Copy::new();
        fs::write(models.path("manifest.toml"), text).expect("written");
        refuses_networks(&models, ["manifest.toml is not", because, "git checkout models"]);
    }
    let models = networks::Copy::new();
    fs::write(models.path("manifest.toml"), b"\xff\xfe").expect("written");
    refuses_networks(&models, ["manifest.toml", "UTF-8", "check"]);
}

#[test]
fn a_runtime_that_cannot_be_opened_is_refused() {
    let folder = Folder::new();
    clip(&folder);
    fs::write(folder.path("text.so"), "I am no library.").expect("written");
    for library in ["missing.so", "text.so"] {
        let path = folder.path(library);
        let words = ["cannot load ONNX Runtime", library, "./setup.sh"];
        refuses(&folder, with(&folder, "in.mp4 out.mp4").env("ORT_DYLIB_PATH", path), 1, words);
    }
}

/// A device that was named is used or missed, never quietly replaced. None of
/// these is in the runtime that `./setup.sh` fetches for this system.
#[test]
fn a_device_that_is_not_there_is_refused() {
    let elsewhere = if cfg!(target_os = "macos") { "directml" } else { "coreml" };
    let folder = Folder::new();
    clip(&folder);
    for device in [elsewhere, "openvino"] {
        let mut command = program(&folder);
        command.args(["in.mp4", "out.mp4", "--device", device]);
        let what = format!("device {device} is not available");
        refuses(&folder, &mut command, 1, [&what, "not in this build", "--device auto"]);
    }
}

#[test]
fn a_library_in_the_working_directory_is_never_loaded() {
    let folder = Folder::new();
    clip(&folder);
    // What is planted is no library: to open it would be told.
    for planted in [".onnxruntime/libonnxruntime", "libonnxruntime.so", "libonnxruntime.dylib"] {
        let planted = folder.path(planted);
        fs::create_dir_all(planted.parent().expect("a folder")).expect("made");
        fs::write(planted, b"planted").expect("written");
    }
    let nowhere = folder.path("nobody");
    let mut command = with(&folder, "in.mp4 out.mp4");
    command.env_remove("ORT_DYLIB_PATH").env("HOME", &nowhere).env("XDG_DATA_HOME", &nowhere);
    let run = run(&mut command);
    assert!(!run.said.contains("ELF") && !run.said.contains("planted"), "{}", run.said);
    assert!(run.said.contains("ONNX Runtime") || run.code == Some(0), "{}", run.said);
    assert!(!run.said.contains(&folder.path("").display().to_string()), "{}", run.said);
}

#[test]
fn networks_in_the_working_directory_are_never_loaded() {
    let folder = Folder::new();
    clip(&folder);
    fs::create_dir(folder.path("models")).expect("made");
    fs::write(folder.path("models/manifest.toml"), b"planted").expect("written");
    let nowhere = folder.path("nobody");
    let mut command = with(&folder, "in.mp4 out.mp4");
    command.env_remove("STYLEWARP_MODELS").env("HOME", &nowhere).env("XDG_DATA_HOME", &nowhere);
    refuses(&folder, &mut command, 1, ["the file manifest.toml of the networks is missing", "", "models"]);
}
