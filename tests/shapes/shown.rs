//! `stylewarp still --show`: the program says how it bends.

use std::process::{Command, Output};

use crate::kit::{models, picture};

/// `stylewarp still in.png out.png ARGS` in a folder with a content and an exemplar.
fn still(args: &str) -> (Output, Option<image::RgbImage>) {
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    picture("gothic").save(folder.path().join("in.png")).expect("saved");
    picture("moon").save(folder.path().join("shapes.png")).expect("saved");
    let mut command = Command::new(env!("CARGO_BIN_EXE_stylewarp"));
    command.current_dir(folder.path()).args(["still", "in.png", "out.png", "--device", "cpu", "--models"]);
    let run = command.arg(models()).args(args.split_whitespace()).output().expect("the program starts");
    let drawn = image::open(folder.path().join("out.png")).ok().map(image::DynamicImage::into_rgb8);
    (run, drawn)
}

#[test]
fn every_picture_shows_something_of_its_own() {
    let size = picture("gothic").dimensions();
    let (_, plain) = still("--geometry shapes.png");
    let plain = plain.expect("drawn");
    let mut seen = vec![plain.clone()];
    for show in ["field", "confidence"] {
        let (run, drawn) = still(&format!("--geometry shapes.png --show {show}"));
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        let drawn = drawn.expect("drawn");
        assert_eq!(drawn.dimensions(), size);
        assert!(!seen.contains(&drawn), "{show}");
        seen.push(drawn);
    }
    // Two and more pictures side by side.
    for show in ["matches", "all"] {
        let (_, drawn) = still(&format!("--geometry shapes.png --show {show}"));
        assert!(drawn.expect("drawn").width() > size.0 + 50, "{show}");
    }
}

#[test]
fn without_a_warp_there_is_nothing_to_show() {
    for args in ["--texture scream --show field", "--geometry shapes.png --warp 0 --show all"] {
        let (run, drawn) = still(args);
        let said = String::from_utf8(run.stderr).expect("UTF-8");
        assert_eq!((run.status.code(), drawn), (Some(2), None), "{said}");
        assert!(said.contains("there is no warp to show") && said.contains("try: --geometry"), "{said}");
    }
}
