//! Presets, exemplars and textures that are broken or not there.

use std::fs;

use crate::kit::{Folder, clip, refuses, with};

#[test]
fn names_that_nothing_goes_by_list_those_there_are() {
    let folder = Folder::new();
    clip(&folder);
    for (args, words) in [
        ("--preset no-such", ["there is no preset called no-such", "", "modigliani"]),
        ("--texture no-such", ["there is no texture called no-such", "", "scream, self-portrait"]),
    ] {
        refuses(&folder, &mut with(&folder, &format!("in.mp4 out.mp4 {args}")), 2, words);
    }
}

#[test]
fn pictures_that_are_none() {
    let folder = Folder::new();
    clip(&folder);
    image::RgbImage::new(1, 1).save(folder.path("dot.png")).expect("saved");
    fs::write(folder.path("text.png"), "I am no picture.").expect("written");
    fs::write(folder.path("empty.png"), "").expect("written");
    for (picture, words) in [
        ("missing.png", ["cannot read missing.png", "No such file", "check the name"]),
        ("dot.png", ["the picture dot.png is too small: 1x1", "", "16x16"]),
        ("text.png", ["cannot read the picture text.png", "signature", "a JPEG, PNG"]),
        ("empty.png", ["cannot read the picture empty.png", "unexpected end", "a JPEG, PNG"]),
        ("in.mp4", ["cannot read the picture in.mp4", "format", "a JPEG, PNG"]),
    ] {
        refuses(&folder, &mut with(&folder, &format!("in.mp4 out.mp4 --geometry {picture}")), 1, words);
    }
}

#[test]
fn presets_that_are_broken_say_where() {
    let folder = Folder::new();
    clip(&folder);
    image::RgbImage::new(1, 1).save(folder.path("dot.png")).expect("saved");
    let broken = "preset mine.toml is broken";
    for (text, words) in [
        ("warp = ", [broken, "line 1", "compare it"]),
        ("warp = 1\nbrush = 'oil'", [broken, "unknown field `brush`", "compare it"]),
        ("paint = 1.5", [broken, "paint is 1.5, outside 0 to 1", "compare it"]),
        ("warp = 'a lot'", [broken, "invalid type", "compare it"]),
        ("geometry = 'gone.png'", ["cannot read gone.png", "No such file", "check the name"]),
        ("geometry = 'dot.png'", ["the picture dot.png is too small", "", "16x16"]),
    ] {
        fs::write(folder.path("mine.toml"), text).expect("written");
        refuses(&folder, &mut with(&folder, "in.mp4 out.mp4 --preset mine.toml"), 1, words);
    }
    let missing = ["cannot read gone.toml", "No such file", "check the name"];
    refuses(&folder, &mut with(&folder, "in.mp4 out.mp4 --preset gone.toml"), 1, missing);
}
