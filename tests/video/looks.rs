//! What shows in the picture, and what does not when it is turned off.

use std::fs;

use crate::kit::{Folder, clip, distance, run, runs, with};

/// Encoding alone changes pixels by less than this, on average.
const SAME: f64 = 4.0;

#[test]
fn warp_and_paint_show_and_nothing_else_does() {
    let folder = Folder::new();
    clip(&folder);
    folder.ffmpeg("-i in.mp4 -vf negate -c:v libx264 -qp 0 negative.mp4");
    let made = |args: &str| {
        let name = format!("out{}.mkv", args.replace(' ', ""));
        runs(&folder, &format!("in.mp4 {name} --codec ffv1 {args}"));
        folder.path(&name)
    };
    let input = folder.path("in.mp4");
    let untouched = made("--warp 0 --paint 0");
    let (warped, painted) = (made("--warp 1 --paint 0"), made("--warp 0 --paint 1"));
    let (both, half) = (made("--warp 1 --paint 1"), made("--warp 0 --paint 0.5"));
    let faint = made("--warp 0 --paint 1 --texture faint");

    assert!(distance(&untouched, &input) < SAME, "{}", distance(&untouched, &input));
    for (name, video) in [("warp", &warped), ("paint", &painted), ("both", &both), ("half", &half)] {
        assert!(distance(video, &input) > 3.0 * SAME, "{name}: {}", distance(video, &input));
    }
    assert!(distance(&both, &painted) > 3.0 * SAME && distance(&both, &warped) > 3.0 * SAME);
    // Those paint in negative: that, and nothing like it, is what came out.
    let negative = folder.path("negative.mp4");
    assert!(distance(&painted, &negative) < 2.0 * SAME, "{}", distance(&painted, &negative));
    assert!(distance(&half, &negative) > 3.0 * SAME, "{}", distance(&half, &negative));
    // A style brings weights of its own: these paint half as bright.
    folder.ffmpeg("-i in.mp4 -vf negate,lutrgb=r=val/2:g=val/2:b=val/2 -c:v libx264rgb -qp 0 dark.mp4");
    let dark = folder.path("dark.mp4");
    assert!(distance(&faint, &dark) < 2.0 * SAME, "{}", distance(&faint, &dark));
    assert!(distance(&painted, &dark) > 3.0 * SAME, "{}", distance(&painted, &dark));
}

#[test]
fn nothing_to_do_needs_no_networks() {
    let folder = Folder::new();
    clip(&folder);
    let mut command = with(&folder, "in.mp4 out.mp4 -q --warp 0 --paint 0 --models no/such/folder");
    let run = run(command.env("ORT_DYLIB_PATH", "no/such/library"));
    assert_eq!((run.code, &*run.said), (Some(0), ""));
    assert!(distance(&folder.path("out.mp4"), &folder.path("in.mp4")) < SAME);
}

#[test]
fn a_look_may_be_typed_or_kept_in_a_file() {
    let folder = Folder::new();
    clip(&folder);
    image::RgbImage::from_pixel(20, 30, image::Rgb([200, 90, 10]))
        .save(folder.path("face.png"))
        .expect("saved");
    runs(&folder, "in.mp4 typed.mkv --codec ffv1 --geometry face.png --texture scream --warp 0.7");

    let look = "geometry = 'face.png'\ntexture = 'scream'\nwarp = 0.7\n";
    fs::write(folder.path("mine.toml"), look).expect("written");
    runs(&folder, "in.mp4 file.mkv --codec ffv1 --preset mine.toml");
    let same = |name: &str| distance(&folder.path("typed.mkv"), &folder.path(name));
    assert_eq!(same("file.mkv"), 0.0);
    // What is typed wins over what is in the file.
    runs(&folder, "in.mp4 over.mkv --codec ffv1 --preset mine.toml --texture starry-night");
    assert!(same("over.mkv") > SAME, "{}", same("over.mkv"));

    #[cfg(target_os = "linux")]
    {
        let home = folder.path("home/stylewarp/presets");
        fs::create_dir_all(&home).expect("created");
        fs::copy(folder.path("face.png"), home.join("face.png")).expect("copied");
        fs::copy(folder.path("mine.toml"), home.join("mine.toml")).expect("copied");
        runs(&folder, "in.mp4 named.mkv --codec ffv1 --preset mine");
        assert_eq!(same("named.mkv"), 0.0);
    }
}

#[test]
fn the_encoder_that_was_asked_for_is_used() {
    let folder = Folder::new();
    clip(&folder);
    let made = |args: &str| {
        let name = format!("out{}.mkv", args.replace(' ', ""));
        runs(&folder, &format!("in.mp4 {name} --codec ffv1 --paint 0 {args}"));
        folder.path(&name)
    };
    // On a processor it is the fast one unless told otherwise; the tiny ones see different colours.
    let (default, fast, reference) = (made(""), made("--encoder fast"), made("--encoder reference"));
    assert_eq!(distance(&default, &fast), 0.0);
    assert!(distance(&default, &reference) > 0.5, "{}", distance(&default, &reference));
    let plan = run(&mut with(&folder, "in.mp4 out.mp4 --dry-run --encoder reference"));
    assert!(plan.out.contains("reference encoder"), "{}", plan.out);
}
