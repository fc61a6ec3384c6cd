//! Clocks that do not run through, and clocks that do not begin at 0.

use std::fs;
use std::path::{Path, PathBuf};

use stylewarp::video::read::Clip;

use crate::kit::{Folder, copy, copy_part, log_of, output, packets, probe, seconds, stream_times, times};

const X264: &str = "-c:v libx264 -preset superfast -bf 2 -pix_fmt yuv420p -g 12";

/// One second of pictures and sound.
fn second(folder: &Folder, name: &str, codecs: &str) -> PathBuf {
    folder.ffmpeg(&format!(
        "-f lavfi -i testsrc=size=64x48:rate=25:duration=1 -f lavfi -i sine=duration=1 {codecs} {name}"
    ));
    folder.path(name)
}

/// Copies to MP4; the times of its pictures, and of its sound.
fn copied(folder: &Folder, input: &Path) -> (Vec<i64>, Vec<i64>) {
    let out = folder.path("out.mp4");
    let _ = fs::remove_file(&out);
    copy(input, &out).expect("copied");
    (times(&out), stream_times(&out, "a:0"))
}

/// Steps between times, in milliseconds.
fn steps(times: &[i64]) -> Vec<i64> {
    times.windows(2).map(|pair| (pair[1] - pair[0] + 500) / 1000).collect()
}

fn assert_even(times: &[i64], step: i64, slack: i64, what: &str) {
    let uneven = steps(times).into_iter().any(|found| (found - step).abs() > slack);
    assert!(!uneven, "{what}: {:?}", steps(times));
}

#[test]
fn joined_recordings_go_on_with_their_sound() {
    let mpeg2 = |b_frames: u8| format!("-c:v mpeg2video -bf {b_frames} -pix_fmt yuv420p -g 12 -c:a ac3");
    for (name, codecs, sound_step) in [
        ("ts", format!("{X264} -c:a mp2"), 26),
        // Most of its pictures do not say when they are shown.
        ("vob", mpeg2(0), 35),
        ("vob", mpeg2(2), 35),
    ] {
        let folder = Folder::new();
        let part = second(&folder, &format!("part.{name}"), &codecs);
        let input = folder.path(&format!("in.{name}"));
        let bytes = fs::read(&part).expect("readable");
        fs::write(&input, [&*bytes, &*bytes, &*bytes].concat()).expect("written");
        let said = log_of(|| {
            let (pictures, sound) = copied(&folder, &input);
            assert!((73..=75).contains(&pictures.len()), "{name}: {}", pictures.len());
            assert_even(&pictures, 40, 1, name);
            // The parts' sound is not as long as their pictures, to a packet.
            assert_even(&sound, sound_step, sound_step + 1, name);
            assert!((2_900_000..3_050_000).contains(sound.last().expect("sound")), "{name}: {sound:?}");
        });
        assert_eq!(said.matches("clock jumps").count(), 1, "{name}: {said}");
        let sound = packets(&folder.path("out.mp4"), "a:0");
        assert!(packets(&part, "a:0").len() * 3 - sound.len() <= 3, "{name}: whole, but for the seams");
    }
}

/// Changes the times of an FLV file's tags: the kind (9 is video), the number among its kind, and
/// the time in milliseconds go in, the new time comes out.
fn restamp(path: &Path, stamp: impl Fn(u8, usize, u32) -> u32) {
    let mut bytes = fs::read(path).expect("readable");
    let (mut at, mut counts) = (13, [0; 256]);
    while at + 11 <= bytes.len() {
        let size = u32::from_be_bytes([0, bytes[at + 1], bytes[at + 2], bytes[at + 3]]) as usize;
        let kind = bytes[at];
        let [high, a, b, c] = [bytes[at + 7], bytes[at + 4], bytes[at + 5], bytes[at + 6]];
        let number = &mut counts[usize::from(kind)];
        let [high, a, b, c] = stamp(kind, *number, u32::from_be_bytes([high, a, b, c])).to_be_bytes();
        *number += 1;
        bytes[at + 4..at + 8].copy_from_slice(&[a, b, c, high]);
        at += 11 + size + 4;
    }
    fs::write(path, bytes).expect("written");
}

const HOURS: u32 = 5 * 3_600_000;

#[test]
fn a_clock_that_leaps_restarts_or_hiccups_goes_on() {
    let flv = |folder: &Folder| second(folder, "in.flv", &format!("{X264} -c:a aac"));
    let folder = Folder::new();
    let (whole, whole_sound) = copied(&folder, &flv(&folder));
    assert_even(&whole, 40, 1, "as it was");
    // Tag 0 of each kind is the codec's header.
    let leap = |_: u8, _: usize, time: u32| if time >= 480 { time + HOURS } else { time };
    let restart = |_: u8, _: usize, time: u32| if time >= 480 { time - 480 } else { time };
    let far = |kind: u8, n: usize, time: u32| if (kind, n) == (9, 14) { time + HOURS } else { time };
    let near = |kind: u8, n: usize, time: u32| if (kind, n) == (9, 14) { time + 6_000 } else { time };
    type Stamp = dyn Fn(u8, usize, u32) -> u32;
    let changes: [(&str, &Stamp); 4] =
        [("leap", &leap), ("restart", &restart), ("far", &far), ("near", &near)];
    for (what, change) in changes {
        let input = flv(&folder);
        restamp(&input, change);
        let mut found = Default::default();
        let said = log_of(|| found = copied(&folder, &input));
        let (pictures, sound) = found;
        assert_eq!(said.matches("clock jumps").count(), 1, "{what}: {said}");
        assert_even(&pictures, 40, 2, what);
        assert_eq!(pictures.len(), whole.len(), "{what}");
        let drift =
            |found: &[i64], whole: &[i64]| (found.last().unwrap_or(&0) - whole.last().unwrap_or(&0)).abs();
        assert!(
            drift(&pictures, &whole) < 3_000 && drift(&sound, &whole_sound) < 50_000,
            "{what}: {sound:?}"
        );
    }
}

#[test]
fn a_gap_of_some_seconds_stays() {
    let folder = Folder::new();
    let input = second(&folder, "in.flv", &format!("{X264} -c:a aac"));
    restamp(&input, |_, _, time| if time >= 480 { time + 5_000 } else { time });
    let said = log_of(|| {
        let (pictures, sound) = copied(&folder, &input);
        assert_eq!(steps(&pictures).iter().filter(|step| **step > 4_000).count(), 1, "{pictures:?}");
        assert!(
            *pictures.last().expect("a picture") > 5_900_000 && *sound.last().expect("sound") > 5_900_000
        );
    });
    assert_eq!(said, "");
}

/// Moves the clock of an MP4 file's fragments, whose first track counts in 12,800ths and whose second in 44,100ths.
fn move_fragments(path: &Path, secs: u32) {
    let mut bytes = fs::read(path).expect("readable");
    let heads: Vec<_> = (0..bytes.len() - 4).filter(|at| bytes[*at..].starts_with(b"tfhd")).collect();
    assert!(heads.len() > 2, "fragments of both tracks");
    for head in heads {
        let ticks = if bytes[head + 11] == 1 { 12_800 } else { 44_100 } * secs;
        let time = (head..).find(|at| bytes[*at..].starts_with(b"tfdt")).expect("a time");
        // Of 8 bytes in version 1, else of 4.
        let low = time + if bytes[time + 4] == 1 { 12 } else { 8 };
        let place: &mut [u8; 4] = (&mut bytes[low..low + 4]).try_into().expect("4 bytes");
        *place = (u32::from_be_bytes(*place) + ticks).to_be_bytes();
    }
    fs::write(path, bytes).expect("written");
}

/// A second of film whose clock starts at an hour is copied from 0:00 on, in step, and cut there.
fn is_copied_from_zero(folder: &Folder, input: &Path, name: &str) {
    assert!(times(input)[0] > 3_599_000_000, "{name}: a clock that starts late");
    let (pictures, sound) = copied(folder, input);
    assert_eq!(pictures.len(), 25, "{name}");
    assert!(
        (0..60_000).contains(&pictures[0]) && (-60_000..60_000).contains(&sound[0]),
        "{name}: {pictures:?}"
    );
    let apart = |path: &Path| stream_times(path, "a:0")[0] - times(path)[0];
    let (before, after) = (apart(input), apart(&folder.path("out.mp4")));
    assert!((before - after).abs() <= 2_000, "{name}: in step, {before} and {after}");

    let part = folder.path("part.mp4");
    let clip = Clip { start: seconds(0.4), duration: seconds(0.4) };
    let count = copy_part(input, &output(&part), clip, u64::MAX).expect("a part");
    assert!((10..=11).contains(&count), "{name}: {count} pictures");
    let length = probe(&part, "-show_entries format=duration")["format"]["duration"].clone();
    let length: f64 = length.as_str().expect("a time").parse().expect("a number");
    assert!((0.36..0.46).contains(&length), "{name}: {length}");
}

#[test]
fn the_earliest_stream_is_zero_in_every_format() {
    for (name, codecs) in [
        ("flv", format!("{X264} -c:a aac")),
        ("mkv", format!("{X264} -c:a aac")),
        ("webm", "-c:v libvpx -c:a libopus".to_owned()),
        ("ts", format!("{X264} -c:a aac")),
        // In fragments, with a list of edits.
        ("mp4", format!("{X264} -c:a aac -movflags frag_keyframe+delay_moov+default_base_moof")),
    ] {
        let folder = Folder::new();
        let input = second(&folder, &format!("in.{name}"), &format!("{codecs} -output_ts_offset 3600"));
        is_copied_from_zero(&folder, &input, name);
    }
}

#[test]
fn the_first_fragment_of_a_broadcast_is_zero() {
    let folder = Folder::new();
    let fragments = "-c:a aac -ar 44100 -movflags frag_keyframe+empty_moov+default_base_moof";
    let input = second(&folder, "in.mp4", &format!("{X264} -bf 0 {fragments}"));
    move_fragments(&input, 3600);
    is_copied_from_zero(&folder, &input, "fragments");
}
