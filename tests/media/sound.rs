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
    let moved = stream_times(&input, "a:0")[skipped] - stream_times(&out, "a:0")[0];
    assert!((moved - 500_000).abs() <= 1000, "moved with the pictures: {moved}");
    assert_eq!(times(&out)[0], 0);
    let (first, last) = (stream_times(&out, "a:0")[0], *stream_times(&out, "a:0").last().expect("sound"));
    assert!((0..30_000).contains(&first) && (930_000..1_000_000).contains(&last), "{first} to {last}");
}

/// Codec, channels and rate of each stream of sound.
fn sound(path: &Path) -> serde_json::Value {
    probe(path, "-select_streams a -show_entries stream=codec_name,channels,sample_rate")["streams"].clone()
}

/// How loud each tenth of a second is, as players play it from 0:00 on.
fn loudness(path: &Path) -> Vec<f64> {
    let mut command = std::process::Command::new("ffmpeg");
    command.args("-v error -nostdin -i".split(' ')).arg(path);
    let bytes = crate::clips::run(command.args("-map 0:a:0 -ac 1 -ar 8000 -f s16le -".split(' ')));
    let samples: Vec<f64> =
        bytes.chunks_exact(2).map(|pair| f64::from(i16::from_le_bytes([pair[0], pair[1]]))).collect();
    samples
        .chunks(800)
        .map(|tenth| (tenth.iter().map(|value| value * value).sum::<f64>() / tenth.len() as f64).sqrt())
        .collect()
}

#[test]
fn sound_that_a_container_cannot_hold_is_converted_and_that_is_said() {
    // Loud, then silent, then loud: what comes out must be in step.
    let beeps = "aevalsrc=sin(2*PI*440*t)*(lt(t\\,0.5)+gt(t\\,1.5)):duration=2:sample_rate=44100";
    for (codec, from, to, becomes) in [
        ("pcm_s16le", "mov", "mp4", "aac"),
        ("flac", "mkv", "mp4", "aac"),
        ("libopus", "mkv", "mov", "aac"),
        ("wmav2", "asf", "mov", "aac"),
        ("aac", "mp4", "webm", "opus"),
        ("pcm_s24le -ac 6", "mkv", "webm", "opus"),
    ] {
        let folder = Folder::new();
        folder.ffmpeg(&format!(
            "{VIDEO} -f lavfi -i {beeps} -map 0 -map 1 {X264} -c:a {codec} -metadata:s:a:0 language=fra in.{from}"
        ));
        let (input, out) = (folder.path(&format!("in.{from}")), folder.path(&format!("out.{to}")));
        let accepted = sound(&input);
        let said = log_of(|| {
            copy(&input, &out).expect("copied");
        });
        let found = sound(&out);
        if found == accepted {
            // A newer FFmpeg's container holds it after all.
            continue;
        }
        assert_eq!(found[0]["codec_name"], becomes, "{codec} to {to}");
        assert_eq!(found[0]["channels"], accepted[0]["channels"], "{codec} to {to}");
        assert!(said.contains("is converted to") && said.contains("WARN"), "{codec} to {to}: {said}");
        let heard = loudness(&out);
        assert!((19..=22).contains(&heard.len()), "{codec} to {to}: {} tenths", heard.len());
        for (tenth, loudness) in heard.iter().enumerate().take(19) {
            let expected = !(5..15).contains(&tenth);
            let near_edge = [4, 5, 14, 15].contains(&tenth);
            assert!(near_edge || (*loudness > 1000.0) == expected, "{codec} to {to}: {heard:?}");
        }
        let language = probe(&out, "-select_streams a -show_entries stream_tags=language");
        assert_eq!(language["streams"][0]["tags"]["language"], "fra", "{codec} to {to}");
    }
}

#[test]
fn converted_sound_of_a_part_is_that_of_the_part() {
    let folder = Folder::new();
    let beep = "aevalsrc=sin(2*PI*440*t)*(gt(t\\,0.8)*lt(t\\,1.2)):duration=2:sample_rate=44100";
    folder.ffmpeg(&format!("{VIDEO} -f lavfi -i {beep} {X264} -c:a pcm_s16le in.mov"));
    let clip = Clip { start: seconds(0.5), duration: seconds(1.0) };
    for name in ["out.mp4", "out.webm"] {
        let out = folder.path(name);
        copy_part(&folder.path("in.mov"), &output(&out), clip, u64::MAX).expect("copied");
        let heard = loudness(&out);
        assert!((10..=11).contains(&heard.len()), "{name}: {} tenths", heard.len());
        let loud: Vec<_> = (0..10).filter(|tenth| heard[*tenth] > 3000.0).collect();
        assert_eq!(loud, [3, 4, 5, 6], "{name}: {heard:?}");
    }
}

#[test]
fn sound_is_copied_or_left_out_as_asked() {
    use stylewarp::video::write::{Audio, FileOutput};
    let folder = Folder::new();
    folder.ffmpeg(&format!("{VIDEO} -f lavfi -i sine=duration=2 {X264} -c:a flac in.mkv"));
    folder.ffmpeg(&format!("{VIDEO} -f lavfi -i sine=duration=2 {X264} -c:a aac in.mp4"));
    let run = |input: &str, name: &str, audio| {
        let output = FileOutput { audio, ..output(&folder.path(name)) };
        copy_part(&folder.path(input), &output, Clip::default(), u64::MAX)
    };
    let refused = run("in.mkv", "refused.webm", Audio::Copy).expect_err("no FLAC in WebM");
    let why = refused.explained("test");
    assert!(why.contains("flac") && why.contains(".mkv"), "{why}");
    assert!(!folder.path("refused.webm").exists());
    for (input, name) in [("in.mkv", "same.mkv"), ("in.mp4", "same.mp4")] {
        for audio in [Audio::Copy, Audio::Auto] {
            let out = folder.path(name);
            let _ = std::fs::remove_file(&out);
            run(input, name, audio).expect("copied");
            assert_eq!(packets(&out, "a:0"), packets(&folder.path(input), "a:0"), "{name} {audio:?}");
        }
    }
    let said = log_of(|| {
        run("in.mp4", "silent.mp4", Audio::None).expect("copied");
    });
    assert_eq!(sound(&folder.path("silent.mp4")), json!([]));
    assert!(said.contains("left out"), "{said}");
}

/// The words of the subtitles and when they are shown, as SubRip.
fn subtitles(path: &Path) -> String {
    let mut command = std::process::Command::new("ffmpeg");
    command.args("-v error -nostdin -i".split(' ')).arg(path);
    let bytes = crate::clips::run(command.args("-map 0:s:0 -f srt -".split(' ')));
    String::from_utf8(bytes).expect("UTF-8").replace("\r\n", "\n")
}

#[test]
fn subtitles_are_rewritten_where_the_container_needs_it() {
    for (from, codec, to, becomes) in [
        ("mp4", "mov_text", "mkv", "subrip"),
        ("mkv", "srt", "mp4", "mov_text"),
        ("mkv", "ass", "mov", "mov_text"),
        ("mkv", "srt", "webm", "webvtt"),
    ] {
        let folder = Folder::new();
        rich_clip(&folder, &format!("in.{from}"), codec);
        let (input, out) = (folder.path(&format!("in.{from}")), folder.path(&format!("out.{to}")));
        let said = log_of(|| {
            copy(&input, &out).expect("copied");
        });
        let found = probe(&out, "-select_streams s -show_entries stream=codec_name:stream_tags=language");
        assert_eq!(found["streams"][0]["codec_name"], becomes, "{from} to {to}");
        // QuickTime knows German by its other code.
        let german = if to == "mov" { "ger" } else { "deu" };
        assert_eq!(found["streams"][0]["tags"]["language"], german, "{from} to {to}");
        assert!(said.contains(&format!("is converted to {becomes}")), "{from} to {to}: {said}");
        let text = subtitles(&out);
        for words in ["00:00:00,2", "--> 00:00:00,9", "Hello", "00:00:01,0", "--> 00:00:01,5", "Sea"] {
            assert!(text.contains(words), "{from} to {to}: {words:?} in {text}");
        }
    }
}

#[test]
fn subtitles_on_screen_at_the_cut_are_kept() {
    for (name, codec) in [("mp4", "mov_text"), ("mkv", "srt")] {
        let folder = Folder::new();
        rich_clip(&folder, &format!("in.{name}"), codec);
        let out = folder.path(&format!("out.{name}"));
        let clip = Clip { start: seconds(0.5), duration: seconds(0.8) };
        copy_part(&folder.path(&format!("in.{name}")), &output(&out), clip, u64::MAX).expect("copied");
        let text = subtitles(&out);
        for words in ["00:00:00,0", "--> 00:00:00,4", "Hello", "00:00:00,5", "--> 00:00:00,8", "Sea"] {
            assert!(text.contains(words), "{name}: {words:?} in {text}");
        }
    }
}

#[test]
fn covers_are_kept_or_named_and_so_are_further_videos() {
    let folder = Folder::new();
    folder.ffmpeg(&format!("{VIDEO} -f lavfi -i sine=duration=2 {X264} -c:a aac film.mp4"));
    folder.ffmpeg("-f lavfi -i color=red:size=40x40 -frames:v 1 cover.jpg");
    folder.ffmpeg("-i film.mp4 -i cover.jpg -map 0 -map 1 -c copy -disposition:v:1 attached_pic in.mp4");
    for (name, kept) in [("out.mp4", true), ("out.mkv", true), ("out.mov", false)] {
        let out = folder.path(name);
        let said = log_of(|| {
            copy(&folder.path("in.mp4"), &out).expect("copied");
        });
        let about = probe(&out, "-show_entries stream=codec_name,width:stream_disposition=attached_pic");
        let covers = about["streams"].as_array().expect("a list").iter();
        let covers = covers.filter(|stream| stream["disposition"]["attached_pic"] == 1).count();
        assert_eq!(covers, usize::from(kept), "{name}: {about}");
        assert_eq!(said.contains("cover"), !kept, "{name}: {said}");
    }
    folder.ffmpeg("-i film.mp4 -i film.mp4 -map 0 -map 1:v -c copy two.mkv");
    let said = log_of(|| {
        copy(&folder.path("two.mkv"), &folder.path("one.mkv")).expect("copied");
    });
    assert!(said.contains("stream 2 (video, h264) is left out"), "{said}");
}

#[test]
fn only_the_programme_of_the_pictures_is_taken() {
    let folder = Folder::new();
    folder.ffmpeg(&format!(
        "{VIDEO} -f lavfi -i sine=duration=2 -f lavfi -i testsrc=size=32x32:rate=25:duration=2 -f lavfi -i sine=220:duration=2 \
         -map 0 -map 1 -map 2 -map 3 {X264} -c:a mp2 -program st=0:st=1 -program st=2:st=3 in.ts"
    ));
    let said = log_of(|| {
        copy(&folder.path("in.ts"), &folder.path("out.mp4")).expect("copied");
    });
    assert_eq!(sound(&folder.path("out.mp4")).as_array().map(Vec::len), Some(1));
    assert_eq!(said.matches("another programme").count(), 2, "{said}");
}

#[test]
fn a_time_code_follows_the_start() {
    let folder = Folder::new();
    folder.ffmpeg(&format!("{VIDEO} {X264} -timecode 10:00:00:00 in.mov"));
    let clip = Clip { start: seconds(1.5), duration: None };
    for (name, clip, code) in
        [("whole.mov", Clip::default(), "10:00:00:00"), ("part.mov", clip, "10:00:01:12")]
    {
        let out = folder.path(name);
        copy_part(&folder.path("in.mov"), &output(&out), clip, u64::MAX).expect("copied");
        let about = probe(&out, "-select_streams v -show_entries stream_tags=timecode");
        assert_eq!(about["streams"][0]["tags"]["timecode"], code, "{name}");
    }
}
