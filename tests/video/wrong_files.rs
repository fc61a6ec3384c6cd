//! Inputs that are no videos, or only the beginning of one.

use std::fs;

use crate::kit::{CODECS, Folder, clip, probe, refuses, run, times, with};

#[test]
fn what_is_no_video_is_refused() {
    let folder = Folder::new();
    clip(&folder);
    fs::create_dir(folder.path("folder")).expect("created");
    fs::write(folder.path("text.mp4"), "I am no video.").expect("written");
    fs::write(folder.path("empty.mp4"), "").expect("written");
    folder.ffmpeg("-f lavfi -i sine=duration=1 -c:a aac sound.mp4");
    for (input, words) in [
        ("missing.mp4", ["cannot read missing.mp4", "No such file", "check the name"]),
        ("folder", ["it is a directory", "", "name one file"]),
        ("text.mp4", ["cannot open text.mp4", "Invalid data", "ffprobe 'text.mp4'"]),
        ("empty.mp4", ["cannot read empty.mp4", "it is empty", "check the name"]),
        ("sound.mp4", ["sound.mp4 holds no video", "", "a file with a picture track"]),
    ] {
        refuses(&folder, &mut with(&folder, &format!("{input} out.mp4")), 1, words);
    }
}

#[test]
fn a_video_cut_short_plays_as_far_as_it_goes() {
    let folder = Folder::new();
    folder.ffmpeg(&format!(
        "-f lavfi -i testsrc2=size=320x240:rate=25:duration=4 -f lavfi -i sine=duration=4 {CODECS} \
         -movflags faststart whole.mp4"
    ));
    let bytes = fs::read(folder.path("whole.mp4")).expect("readable");
    fs::write(folder.path("in.mp4"), &bytes[..bytes.len() / 2]).expect("written");
    let run = run(&mut with(&folder, "in.mp4 out.mp4"));
    assert_eq!(run.code, Some(0), "{}", run.said);
    assert!(run.said.contains("the pictures end at"), "{}", run.said);
    let frames = times(&folder.path("out.mp4")).len();
    assert!((10..90).contains(&frames), "{frames} frames");
    let decoded = probe(
        &folder.path("out.mp4"),
        "-count_frames -select_streams v:0 -show_entries stream=nb_read_frames",
    );
    assert_eq!(decoded["streams"][0]["nb_read_frames"], frames.to_string());
}

#[test]
fn a_video_that_lost_its_index_is_refused() {
    let folder = Folder::new();
    clip(&folder);
    let bytes = fs::read(folder.path("in.mp4")).expect("readable");
    fs::write(folder.path("in.mp4"), &bytes[..bytes.len() / 2]).expect("written");
    let words = ["cannot open in.mp4", "Invalid data", "ffprobe 'in.mp4'"];
    refuses(&folder, &mut with(&folder, "in.mp4 out.mp4"), 1, words);
}

#[test]
fn a_part_that_is_not_there_is_usage() {
    let folder = Folder::new();
    clip(&folder);
    let late = ["the start is 1:39.000", "", "within the times at which there is a picture"];
    refuses(&folder, &mut with(&folder, "in.mp4 out.mp4 --start 99"), 2, late);
    let nothing = ["the duration is", "", "above 0"];
    refuses(&folder, &mut with(&folder, "in.mp4 out.mp4 --duration 0"), 2, nothing);
}
