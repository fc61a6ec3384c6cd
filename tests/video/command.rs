//! The command everybody types, and the options around it.

use std::fs;

use crate::kit::{Folder, clip, distance, packets, probe, program, run, runs, stream_times, times, video};
use crate::networks;

#[test]
fn in_and_out_is_all_it_takes() {
    let folder = Folder::new();
    // Uneven times, and a B-frame here and there.
    folder.ffmpeg(
        "-f lavfi -i testsrc2=size=96x64:rate=30000/1001:duration=1.5 -f lavfi -i sine=duration=1.5 \
         -vf select=not(mod(n\\,3))+not(mod(n\\,7)) -vsync vfr -c:v libx264 -preset superfast -bf 2 \
         -pix_fmt yuv420p -c:a aac in.mp4",
    );
    let run = run(program(&folder).args(["in.mp4", "out.mp4"]));
    assert_eq!((run.code, &*run.out), (Some(0), ""), "{}", run.said);
    assert_eq!(folder.list(), ["in.mp4", "out.mp4"]);

    let (input, out) = (folder.path("in.mp4"), folder.path("out.mp4"));
    let told = format!("out.mp4: {} frames in ", times(&input).len());
    assert!(run.said.lines().last().is_some_and(|line| line.starts_with(&told)), "{}", run.said);
    assert_eq!(times(&out), times(&input));
    assert!(times(&out).len() > 15, "{} frames", times(&out).len());
    assert_eq!(packets(&out, "a:0"), packets(&input, "a:0"));
    assert_eq!(stream_times(&out, "a:0"), stream_times(&input, "a:0"));
    let properties = "codec_name,width,height,pix_fmt";
    assert_eq!(video(&out, properties), video(&input, properties));
    assert!(distance(&out, &input) > 30.0, "the look shows: {}", distance(&out, &input));
}

#[test]
fn another_clip_would_be_noticed() {
    let folder = Folder::new();
    clip(&folder);
    folder.ffmpeg("-i in.mp4 -vf setpts=PTS*1.1 -af volume=0.5 -c:v libx264 -c:a aac other.mp4");
    let (input, other) = (folder.path("in.mp4"), folder.path("other.mp4"));
    assert_ne!(times(&input), times(&other));
    assert_ne!(packets(&input, "a:0"), packets(&other, "a:0"));
}

#[test]
fn a_dry_run_tells_the_plan_and_writes_nothing() {
    let folder = Folder::new();
    clip(&folder);
    let run = run(program(&folder).args(["in.mp4", "out.mp4", "--dry-run", "--device", "cpu"]));
    assert_eq!((run.code, &*run.said), (Some(0), ""));
    assert_eq!(folder.list(), ["in.mp4"]);
    let plan: serde_json::Value = serde_json::from_str(&run.out).expect("JSON");
    let told = ["input", "output", "size", "fps", "frames", "preset", "texture"].map(|key| plan[key].clone());
    let wanted = serde_json::json!(["in.mp4", "out.mp4", "96x64", "25", 25, "modigliani", "starry-night"]);
    assert_eq!(serde_json::json!(told), wanted);
    assert!(plan["devices"].as_str().is_some_and(|devices| devices.contains("cpu")), "{plan}");
}

#[test]
fn a_part_is_cut_out_with_its_sound() {
    let folder = Folder::new();
    clip(&folder);
    runs(&folder, "in.mp4 out.mp4 --start 0.4 --duration 0:00.4");
    let out = folder.path("out.mp4");
    assert_eq!(times(&out), (0..10).map(|n| n * 40_000).collect::<Vec<_>>());
    let sound = stream_times(&out, "a:0");
    assert!(sound.first().is_some_and(|first| first.abs() < 30_000), "{sound:?}");
    assert!(sound.last().is_some_and(|last| (330_000..400_000).contains(last)), "{sound:?}");
}

#[test]
fn other_containers_and_codecs() {
    let folder = Folder::new();
    clip(&folder);
    runs(&folder, "in.mp4 out.mkv --codec ffv1");
    assert_eq!(video(&folder.path("out.mkv"), "codec_name"), ["ffv1"]);
    assert_eq!(times(&folder.path("out.mkv")).len(), 25);
    runs(&folder, "in.mp4 rough.mp4 --crf 45");
    runs(&folder, "in.mp4 fine.mp4 --crf 5");
    let size = |name| fs::metadata(folder.path(name)).expect("written").len();
    assert!(size("rough.mp4") * 2 < size("fine.mp4"), "{} {}", size("rough.mp4"), size("fine.mp4"));
}

#[test]
fn networks_may_be_named() {
    let folder = Folder::new();
    clip(&folder);
    let models = networks::tiny();
    let mut command = program(&folder);
    command.env("STYLEWARP_MODELS", "no/such/folder").args("in.mp4 out.mp4 --device cpu --models".split(' '));
    assert_eq!(run(command.arg(models)).code, Some(0));
    let frames = probe(
        &folder.path("out.mp4"),
        "-count_frames -select_streams v:0 -show_entries stream=nb_read_frames",
    );
    assert_eq!(frames["streams"][0]["nb_read_frames"], "25");
}

#[test]
fn help_and_version_are_answers_and_not_failures() {
    let folder = Folder::new();
    for (args, code) in [(&["--help"][..], 0), (&["--version"], 0), (&[], 2), (&["in.mp4"], 2)] {
        let run = run(program(&folder).args(args));
        assert_eq!(run.code, Some(code), "{args:?}");
        let (text, silence) = if code == 0 { (run.out, run.said) } else { (run.said, run.out) };
        assert!(text.contains("stylewarp-video") && silence.is_empty(), "{args:?}: {text}");
    }
}

#[test]
fn values_out_of_range_are_usage() {
    let folder = Folder::new();
    clip(&folder);
    for option in ["--warp=2.1", "--paint=-0.1", "--size=3", "--crf=64", "--start=1:x", "--device=abacus"] {
        let run = run(program(&folder).args(["in.mp4", "out.mp4", option]));
        let name = option.split_once('=').expect("has a value").0;
        assert!(run.code == Some(2) && run.said.contains(name), "{option}: {:?} {}", run.code, run.said);
        assert_eq!(folder.list(), ["in.mp4"]);
    }
}
