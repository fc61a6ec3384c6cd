//! Everything but the pictures, bit by bit.

use std::path::Path;

use serde_json::json;
use stylewarp::video::read::Clip;

use crate::kit::{Folder, copy, copy_part, log_of, output, packets, probe, seconds, stream_times, times};

const VIDEO: &str = "-f lavfi -i testsrc=size=64x48:rate=25:duration=2";
const X264: &str = "-c:v libx264 -preset superfast -pix_fmt yuv420p";

/// Two languages, subtitles, chapters and a title.
fn rich_clip(folder: &Folder, name: &str, subtitle_codec: &str) {
    let words = [
        ("words.srt", "1\n00:00:00,200 --> 00:00:00,900\nHello\n\n2\n00:00:01,000 --> 00:00:01,500\nSea\n"),
        (
            "chapters.txt",
            ";FFMETADATA1\ntitle=Waves\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=800\ntitle=One\n\
             [CHAPTER]\nTIMEBASE=1/1000\nSTART=800\nEND=2000\ntitle=Two\n",
        ),
    ];
    for (file, text) in words {
        std::fs::write(folder.path(file), text).expect("written");
    }
    folder.ffmpeg(&format!(
        "{VIDEO} -f lavfi -i sine=duration=2 -f lavfi -i sine=frequency=880:duration=2 -i words.srt -i chapters.txt \
         -map 0 -map 1 -map 2 -map 3 -map_metadata 4 -map_chapters 4 {X264} -c:a aac -c:s {subtitle_codec} \
         -metadata:s:a:0 language=eng -metadata:s:a:1 language=fra -metadata:s:s:0 language=deu \
         -disposition:a:0 0 -disposition:a:1 default {name}"
    ));
}

/// What is said about the streams, the chapters and the whole.
fn words(path: &Path) -> serde_json::Value {
    let about = probe(path, "-show_streams -show_chapters -show_format");
    let list = |key: &str| about[key].as_array().expect("a list").clone();
    let streams: Vec<_> = list("streams")
        .iter()
        .filter(|stream| stream["codec_type"] != "video" && stream["codec_type"] != "data")
        .map(|stream| {
            json!([stream["codec_name"], stream["tags"]["language"], stream["disposition"]["default"]])
        })
        .collect();
    let chapters: Vec<_> = list("chapters")
        .iter()
        .map(|chapter| json!([chapter["start_time"], chapter["end_time"], chapter["tags"]["title"]]))
        .collect();
    json!({ "streams": streams, "chapters": chapters, "title": about["format"]["tags"]["title"] })
}

#[test]
fn all_tracks_titles_and_chapters_come_through() {
    for (name, subtitle_codec) in [("mp4", "mov_text"), ("mkv", "srt")] {
        let folder = Folder::new();
        rich_clip(&folder, &format!("in.{name}"), subtitle_codec);
        let (input, out) = (folder.path(&format!("in.{name}")), folder.path(&format!("out.{name}")));
        copy(&input, &out).expect("copied");
        for stream in ["a:0", "a:1", "s:0"] {
            assert!(!packets(&input, stream).is_empty(), "{name} {stream}: nothing to compare");
            assert_eq!(packets(&out, stream), packets(&input, stream), "{name} {stream}");
            assert_eq!(stream_times(&out, stream), stream_times(&input, stream), "{name} {stream}");
        }
        assert_ne!(packets(&out, "a:0"), packets(&input, "a:1"), "other sound would be noticed");
        assert_eq!(words(&out), words(&input), "{name}");
        assert_eq!(words(&out)["chapters"].as_array().map(Vec::len), Some(2), "{name}");
    }
}

#[test]
fn chapters_end_where_an_interrupted_video_does() {
    for (name, subtitle_codec) in [("mp4", "mov_text"), ("mkv", "srt")] {
        let folder = Folder::new();
        rich_clip(&folder, &format!("in.{name}"), subtitle_codec);
        let (input, out) = (folder.path(&format!("in.{name}")), folder.path(&format!("out.{name}")));
        copy_part(&input, &output(&out), Clip::default(), 25).expect("copied");
        let chapters = words(&out)["chapters"].clone();
        assert_eq!(chapters[0], words(&input)["chapters"][0], "{name}");
        let end: f64 = chapters[1][1].as_str().expect("a time").parse().expect("a number");
        assert!((end - 1.0).abs() < 0.06, "{name}: {chapters}");
        let length = probe(&out, "-show_entries format=duration")["format"]["duration"].clone();
        let length: f64 = length.as_str().expect("a time").parse().expect("a number");
        assert!(length < 1.1, "{name}: {length}");
    }
}

#[test]
fn sound_may_outlast_the_pictures() {
    let folder = Folder::new();
    folder.ffmpeg(&format!("{VIDEO} -f lavfi -i sine=duration=3 {X264} -c:a aac in.mp4"));
    let (input, out) = (folder.path("in.mp4"), folder.path("out.mp4"));
    copy(&input, &out).expect("copied");
    assert_eq!(packets(&out, "a:0"), packets(&input, "a:0"));
    assert!(stream_times(&out, "a:0").last() > Some(&2_900_000));
}

#[test]
fn sound_ends_where_an_interrupted_video_does() {
    let folder = Folder::new();
    folder.ffmpeg(&format!("{VIDEO} -f lavfi -i sine=duration=2 {X264} -c:a aac in.mp4"));
    let (input, out) = (folder.path("in.mp4"), folder.path("out.mp4"));
    copy_part(&input, &output(&out), Clip::default(), 25).expect("copied");
    let last = *stream_times(&out, "a:0").last().expect("sound");
    assert!((960_000..1_000_000).contains(&last), "{last}");
    assert!(packets(&input, "a:0").starts_with(&packets(&out, "a:0")), "what is there is as it was");
}

#[test]
fn a_part_takes_its_own_sound() {
    let folder = Folder::new();
    // PCM: a packet's bytes tell its moment.
    folder.ffmpeg(&format!("{VIDEO} -f lavfi -i aevalsrc=t:duration=2 {X264} -c:a pcm_s16le -g 10 in.mkv"));
    let (input, out) = (folder.path("in.mkv"), folder.path("out.mkv"));
    let clip = Clip { start: seconds(0.5), duration: seconds(1.0) };
    copy_part(&input, &output(&out), clip, u64::MAX).expect("copied");

    let (before, after) = (packets(&input, "a:0"), packets(&out, "a:0"));
    let skipped = before.iter().position(|packet| *packet == after[0]).expect("a packet of the input");
    assert_eq!(before[skipped..skipped + after.len()], after, "a stretch of the input, whole");
    // The first picture at or after 0.5 s is number 13, at 0.52 s: now 0.
    let moved = stream_times(&input, "a:0")[skipped] - stream_times(&out, "a:0")[0];
    assert!((moved - 520_000).abs() <= 1000, "moved with the pictures: {moved}");
    assert_eq!(times(&out)[0], 0);
    let (first, last) = (stream_times(&out, "a:0")[0], *stream_times(&out, "a:0").last().expect("sound"));
    assert!((0..30_000).contains(&first) && (930_000..1_000_000).contains(&last), "{first} to {last}");
}

#[test]
fn what_a_container_cannot_hold_is_left_out_with_a_word() {
    for (codec, container, told) in [("libopus", "mov", "opus"), ("pcm_s16le", "webm", "pcm_s16le")] {
        let folder = Folder::new();
        folder
            .ffmpeg(&format!("{VIDEO} -f lavfi -i sine=duration=2 -map 0 -map 1 {X264} -c:a {codec} in.mkv"));
        let (input, out) = (folder.path("in.mkv"), folder.path(&format!("out.{container}")));
        let said = log_of(|| {
            copy(&input, &out).expect("copied");
        });
        assert!(said.contains(told) && said.contains(".mkv") && said.contains("WARN"), "{said}");
        assert_eq!(times(&out).len(), 50, "{container}");
        let sound = probe(&out, "-select_streams a -show_entries stream=index");
        assert_eq!(sound["streams"], json!([]), "{container}");
    }
}
