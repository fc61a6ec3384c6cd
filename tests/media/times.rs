//! Every picture at its own moment.

use stylewarp::cancel::CancelToken;
use stylewarp::video::read::{Clip, FileSource, Source};

use crate::kit::{
    Folder, Picture, copy, copy_part, log_of, output, probe, seconds, stream_times, times, video,
};

/// Cheap to encode, B-frames and all.
const X264: &str = "-c:v libx264 -preset superfast -bf 3 -pix_fmt yuv420p";

#[test]
fn ntsc_rate_is_kept_to_the_tick() {
    let folder = Folder::new();
    let input = folder.clip("in.mp4", "testsrc=size=64x48:rate=30000/1001:duration=3", X264);
    let out = folder.path("out.mp4");
    assert_eq!(copy(&input, &out).expect("copied"), 90);
    assert_eq!(times(&out), times(&input));
    let properties = "r_frame_rate,avg_frame_rate,nb_frames,duration";
    assert_eq!(video(&out, properties), video(&input, properties));
}

#[test]
fn variable_rate_stays_variable() {
    let folder = Folder::new();
    let keep_some = "-vf select=not(mod(n\\,3))+not(mod(n\\,7)) -vsync vfr";
    let input =
        folder.clip("in.mp4", "testsrc=size=64x48:rate=25:duration=4", &format!("{keep_some} {X264}"));
    let out = folder.path("out.mp4");
    let count = copy(&input, &out).expect("copied");
    let (before, after) = (times(&input), times(&out));
    assert_eq!((count as usize, &after), (before.len(), &before));
    let steps: std::collections::BTreeSet<i64> = after.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(steps.len() > 1, "the clip has a variable rate: {steps:?}");
}

#[test]
fn milliseconds_of_matroska_survive_in_mp4() {
    let folder = Folder::new();
    let input = folder.clip("in.mkv", "testsrc=size=64x48:rate=24000/1001:duration=2", X264);
    let (out, back) = (folder.path("out.mp4"), folder.path("back.mkv"));
    copy(&input, &out).expect("copied");
    assert_eq!(times(&out), times(&input));
    assert_eq!(video(&out, "r_frame_rate"), ["24000/1001"]);
    copy(&out, &back).expect("copied back");
    assert_eq!(times(&back), times(&input));
}

#[test]
fn other_times_would_be_noticed() {
    let folder = Folder::new();
    let input = folder.clip("in.mp4", "testsrc=size=64x48:rate=30000/1001:duration=1", X264);
    let other = folder.clip("other.mp4", "testsrc=size=64x48:rate=30:duration=1", X264);
    assert_ne!(times(&input), times(&other));
}

#[test]
fn a_stream_without_times_gets_them_from_its_rate() {
    let folder = Folder::new();
    let input = folder.clip("in.h264", "testsrc=size=64x48:rate=25:duration=1", X264);
    let out = folder.path("out.mp4");
    assert_eq!(copy(&input, &out).expect("copied"), 25);
    assert_eq!(times(&out), (0..25).map(|n| n * 40_000).collect::<Vec<_>>());
}

#[test]
fn a_broadcast_starts_at_zero_with_its_sound_in_step() {
    let folder = Folder::new();
    folder.ffmpeg(&format!(
        "-f lavfi -i testsrc=size=64x48:rate=25:duration=1 -f lavfi -i sine=duration=1 {X264} -c:a aac in.ts"
    ));
    let (input, out) = (folder.path("in.ts"), folder.path("out.mp4"));
    copy(&input, &out).expect("copied");
    let offset = |path| stream_times(path, "a:0")[0] - times(path)[0];
    let (before, after) = (times(&input), times(&out));
    assert!(
        before[0] > 1_000_000 && (0..50_000).contains(&after[0]),
        "a clock that starts anywhere, made to start"
    );
    // Within a tick of 1/90000 s.
    let moved = before[0] - after[0];
    assert!(before.iter().zip(&after).all(|(a, b)| (a - b - moved).abs() <= 12), "{before:?} {after:?}");
    assert!((offset(&out) - offset(&input)).abs() <= 24);
}

/// Frame `n` of this clip has brightness `n`, doubled.
const COUNTER: &str = "color=black:size=64x48:rate=25:duration=4,format=gray,geq=lum=2*N";

#[test]
fn a_part_starts_at_zero_with_the_right_picture() {
    let folder = Folder::new();
    let input =
        folder.clip("in.mp4", COUNTER, "-c:v libx264 -preset superfast -crf 1 -g 40 -pix_fmt yuv420p");
    // From 2.01 s on, the picture of 2 s is still on screen for 30 ms.
    for (start, duration, first, count, begins) in
        [(1.0, Some(1.0), 25, 25, 0), (2.01, None, 50, 50, 10_000), (0.0, Some(0.5), 0, 13, 0)]
    {
        let clip = Clip { start: seconds(start), duration: duration.and_then(seconds) };
        let out = folder.path(&format!("from{start}.mp4"));
        assert_eq!(copy_part(&input, &output(&out), clip, u64::MAX).expect("copied"), count, "from {start}");
        let expected: Vec<_> = (0..count as i64).map(|n| (n * 40_000 - begins).max(0)).collect();
        assert_eq!(times(&out), expected);
        let brightness = |path| Picture::of(path, "bt601", "limited").at(32, 24)[0];
        assert!(brightness(&out).abs_diff(2 * first) <= 2, "from {start}: picture {}", brightness(&out) / 2);
    }
}

/// Seconds that a video's pictures take, the last one's length included.
fn length(path: &std::path::Path) -> f64 {
    let about = probe(path, "-select_streams v:0 -show_entries stream=duration:stream_tags:format=duration");
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    let told = text(&about["streams"][0]["duration"]).or(text(&about["format"]["duration"]));
    told.expect("a duration").parse().expect("a number")
}

#[test]
fn a_part_of_a_variable_rate_opens_with_what_is_on_screen() {
    let folder = Folder::new();
    // The picture of 2 s is held until 6 s.
    let held =
        "-vf select='lte(n,50)+gte(n,150)' -vsync vfr -c:v libx264 -preset superfast -crf 1 -pix_fmt yuv420p";
    let source = "color=black:size=64x48:rate=25:duration=8,format=gray,geq=lum=N";
    folder.ffmpeg(&format!(
        "-f lavfi -i {source} -f lavfi -i aevalsrc=t/10:duration=8 {held} -c:a pcm_s16le in.mkv"
    ));
    let input = folder.path("in.mkv");
    for (start, length_wanted, count, after) in [(3.0, 4.0, 26, Some(3_000_000)), (2.5, 2.0, 1, None)] {
        let out = folder.path(&format!("from{start}.mov"));
        let clip = Clip { start: seconds(start), duration: seconds(length_wanted) };
        assert_eq!(copy_part(&input, &output(&out), clip, u64::MAX).expect("copied"), count, "from {start}");
        let found = times(&out);
        assert_eq!((found[0], found.get(1).copied()), (0, after), "from {start}");
        assert!((length(&out) - length_wanted).abs() < 0.002, "from {start}: {}", length(&out));
        let brightness = Picture::of(&out, "bt601", "limited").at(32, 24)[0];
        assert!(brightness.abs_diff(50) <= 2, "from {start}: picture {brightness}");
        // The sound's value is its time.
        let heard = samples(&out);
        let time = |sample: i16| f64::from(sample) / 3276.8;
        let (first, last) = (time(heard[0]), time(*heard.last().expect("sound")));
        assert!((first - start).abs() < 0.005, "from {start}: sound of {first}");
        let ends = start + length_wanted;
        assert!(last > ends - 0.005 && last < ends + 0.03, "from {start}: sound until {last}");
    }
}

/// A file's sound as players play it.
fn samples(path: &std::path::Path) -> Vec<i16> {
    let mut command = std::process::Command::new("ffmpeg");
    command.args("-v error -nostdin -i".split(' ')).arg(path);
    let bytes = crate::clips::run(command.args("-map 0:a:0 -f s16le -".split(' ')));
    bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect()
}

#[test]
fn a_part_may_begin_before_the_first_picture() {
    let folder = Folder::new();
    folder.ffmpeg(&format!(
        "-f lavfi -i sine=duration=4 -f lavfi -i testsrc=size=64x48:rate=25:duration=2 -vf setpts=PTS+2/TB -vsync vfr {X264} -c:a aac in.mp4"
    ));
    let (input, out) = (folder.path("in.mp4"), folder.path("out.mp4"));
    let clip = Clip { start: seconds(1.0), duration: seconds(2.0) };
    assert_eq!(copy_part(&input, &output(&out), clip, u64::MAX).expect("copied"), 25);
    assert!((times(&out)[0] - 1_000_000).abs() < 2_000, "{:?}", times(&out));
    assert!(stream_times(&out, "a:0")[0] < 10_000, "the sound begins with the part");

    for (start, duration) in [(Some(0.5), 1.0), (None, 1.0), (Some(4.5), 1.0)] {
        let clip = Clip { start: start.and_then(seconds), duration: seconds(duration) };
        let refused = FileSource::open(&input, clip, CancelToken::new()).err();
        assert!(matches!(refused, Some(stylewarp::Error::OutOfRange { .. })), "{start:?}: {refused:?}");
    }
}

#[test]
fn the_last_picture_keeps_its_own_length() {
    let folder = Folder::new();
    let source = "testsrc=size=64x48:rate=10:duration=1";
    let gif = folder.clip("in.gif", source, "-final_delay 300");
    let mp4 = folder.path("in.mp4");
    let said = log_of(|| {
        copy(&gif, &mp4).expect("copied");
        for (from, to) in
            [(&gif, "a.webm"), (&mp4, "b.mp4"), (&mp4, "c.mkv"), (&folder.path("a.webm"), "d.mp4")]
        {
            let out = folder.path(to);
            assert_eq!(copy(from, &out).expect("copied"), 10, "{to}");
            assert!((length(&out) - 3.9).abs() < 0.01, "{to}: {}", length(&out));
        }
    });
    assert!((length(&mp4) - 3.9).abs() < 0.001, "{}", length(&mp4));
    assert_eq!(said, "", "no false alarm");
}

#[test]
fn the_number_of_pictures_is_told_before_the_first() {
    let folder = Folder::new();
    let input = folder.clip("in.mp4", "testsrc=size=64x48:rate=25:duration=4", X264);
    let unindexed = folder.path("in.mkv");
    folder.ffmpeg("-i in.mp4 -c copy in.mkv");
    let told = |path, clip| {
        let source = FileSource::open(path, clip, CancelToken::new()).expect("a video");
        (source.info().frames, source.info().duration)
    };
    let part = Clip { start: seconds(3.0), duration: seconds(5.0) };
    assert_eq!(told(&input, Clip::default()), (Some(100), seconds(4.0)));
    assert_eq!(told(&unindexed, Clip::default()), (Some(100), seconds(4.0)));
    assert_eq!(told(&input, part), (Some(25), seconds(1.0)));
}

#[test]
fn an_interrupted_run_is_a_whole_file() {
    let folder = Folder::new();
    let input = folder.clip("in.mp4", "testsrc=size=64x48:rate=25:duration=4", X264);
    let out = folder.path("out.mp4");
    assert_eq!(copy_part(&input, &output(&out), Clip::default(), 10).expect("copied"), 10);
    assert_eq!(times(&out), (0..10).map(|n| n * 40_000).collect::<Vec<_>>());
    let decoded = probe(&out, "-count_frames -select_streams v:0 -show_entries stream=nb_read_frames");
    assert_eq!(decoded["streams"][0]["nb_read_frames"], "10");
}
