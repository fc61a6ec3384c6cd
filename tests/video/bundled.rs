//! The README's command: the bundled clip, the real networks.

use std::path::PathBuf;

use crate::kit::{Folder, distance, packets, program, run, stream_times, times, video};

fn bunny() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/bunny.mp4")
}

/// Redraws the bundled clip with the committed networks.
fn redraw(folder: &Folder, output: &str, args: &str) {
    let models = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("models");
    let mut command = program(folder);
    command.arg(bunny()).arg(output).args(args.split_whitespace()).args(["--device", "cpu", "--quiet"]);
    let run = run(command.env("STYLEWARP_MODELS", models));
    assert_eq!((run.code, &*run.said), (Some(0), ""), "{args}");
}

#[test]
fn the_whole_clip_keeps_its_frames_times_sound_and_tags() {
    let folder = Folder::new();
    redraw(&folder, "out.mp4", "");
    let (input, out) = (bunny(), folder.path("out.mp4"));
    assert_eq!(times(&out), times(&input));
    assert_eq!(times(&out).len(), 75);
    assert_eq!(packets(&out, "a:0"), packets(&input, "a:0"));
    assert_eq!(stream_times(&out, "a:0"), stream_times(&input, "a:0"));
    let properties = "codec_name,width,height,r_frame_rate,color_space,color_range";
    assert_eq!(video(&out, properties), video(&input, properties));
}

#[test]
fn warp_and_paint_both_show() {
    let folder = Folder::new();
    let look = |name: &str, strengths: &str| {
        redraw(&folder, name, &format!("--duration 0.12 --crf 4 {strengths}"));
        folder.path(name)
    };
    let plain = look("plain.mp4", "--warp 0 --paint 0");
    let bent = look("bent.mp4", "--paint 0");
    let painted = look("painted.mp4", "--warp 0");
    let both = look("both.mp4", "");
    let far = |a, b| distance(a, b);
    assert!(far(&plain, &bent) > 8.0, "warped: {}", far(&plain, &bent));
    assert!(far(&plain, &painted) > 20.0, "painted: {}", far(&plain, &painted));
    assert!(far(&both, &painted) > 8.0, "warped and painted: {}", far(&both, &painted));
    // Control: the same twice is the same.
    assert_eq!(far(&plain, &look("again.mp4", "--warp 0 --paint 0")), 0.0);
}
