//! Films and pictures from strangers: lists of other files, bombs, what is locked.

use std::ffi::OsStr;
use std::fs;
use std::net::TcpListener;
use std::os::unix::ffi::OsStrExt as _;
use std::process::Command;

use crate::kit::{Folder, clip, program, refuses, run, runs, stream_times, times, with};

#[test]
fn lists_of_other_files_are_refused_unless_they_may_be_followed() {
    let folder = Folder::new();
    clip(&folder);
    folder.ffmpeg("-i in.mp4 -c copy -f hls -hls_time 1 hls.m3u8");
    fs::write(folder.path("concat.txt"), "ffconcat version 1.0\nfile in.mp4\n").expect("written");
    folder.ffmpeg("-i in.mp4 -map 0:v -c copy -f dash -seg_duration 1 dash.mpd");
    let session = "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 9 RTP/AVP 96\n";
    fs::write(folder.path("session.sdp"), session).expect("written");
    for (list, name, format) in [
        ("hls.m3u8", "a.mp4", "hls"),
        ("dash.mpd", "b.mp4", "dash"),
        ("concat.txt", "c.mp4", "concat"),
        ("session.sdp", "d.mp4", "sdp"),
    ] {
        fs::copy(folder.path(list), folder.path(name)).expect("copied");
        for list in [list, name] {
            let what = format!("{list} is a list of other files ({format})");
            refuses(&folder, &mut with(&folder, &format!("{list} out.mp4")), 1, [&what, "", "--follow"]);
        }
    }
    for list in ["hls.m3u8", "concat.txt"] {
        runs(&folder, &format!("{list} {list}.mp4 --follow --warp 0 --paint 0"));
        assert_eq!(times(&folder.path(&format!("{list}.mp4"))).len(), 25, "{list}");
    }
}

#[test]
fn a_list_whose_clock_starts_late_begins_at_zero() {
    let folder = Folder::new();
    clip(&folder);
    folder.ffmpeg(
        "-i in.mp4 -c copy -output_ts_offset 3600 -f hls -hls_time 1 -hls_playlist_type vod late.m3u8",
    );
    assert!(times(&folder.path("late0.ts"))[0] > 3_599_000_000, "a clock that starts late");
    let apart = |name: &str| stream_times(&folder.path(name), "a:0")[0] - times(&folder.path(name))[0];
    runs(&folder, "late.m3u8 whole.mp4 --follow --warp 0 --paint 0");
    let whole = times(&folder.path("whole.mp4"));
    assert!(whole.len() == 25 && (0..60_000).contains(&whole[0]), "{whole:?}");
    assert!((apart("whole.mp4") - apart("late0.ts")).abs() <= 2_000, "in step");
    runs(&folder, "late.m3u8 part.mp4 --follow --start 0.4 --duration 0.4 --warp 0 --paint 0");
    let part = times(&folder.path("part.mp4"));
    assert!((10..=11).contains(&part.len()) && part[0] < 40_000, "{part:?}");
}

#[test]
fn nothing_is_fetched_from_a_network() {
    let folder = Folder::new();
    let server = TcpListener::bind("127.0.0.1:0").expect("a free port");
    server.set_nonblocking(true).expect("set");
    let address = server.local_addr().expect("it has one");
    let playlist =
        |part: &str| format!("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{part}\n#EXT-X-ENDLIST\n");
    fs::write(folder.path("list.m3u8"), playlist(&format!("http://{address}/part.ts"))).expect("written");
    let reached = || server.accept().is_ok();
    for args in ["list.m3u8 out.mp4", "list.m3u8 out.mp4 --follow"] {
        assert_ne!(run(&mut with(&folder, args)).code, Some(0), "{args}");
        assert!(!reached(), "{args}");
    }
    assert_eq!(folder.list(), ["list.m3u8"]);
    // FFmpeg goes there where it may.
    let mut player = Command::new("ffprobe")
        .args(["-v", "quiet", "-protocol_whitelist", "file,http,tcp"])
        .arg(folder.path("list.m3u8"))
        .spawn()
        .expect("starts");
    let came = (0..100).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(50));
        reached()
    });
    let _ = player.kill();
    let _ = player.wait();
    assert!(came, "the control reaches the server");
}

#[test]
fn a_picture_whose_name_is_a_pattern_is_that_picture() {
    let folder = Folder::new();
    for name in ["s001.png", "s002.png", "s003.png", "s%03d.png"] {
        folder.clip("made.png", "testsrc=size=64x64", "-frames:v 1");
        fs::rename(folder.path("made.png"), folder.path(name)).expect("renamed");
    }
    runs(&folder, "s%03d.png one.mkv --warp 0 --paint 0 --codec ffv1");
    assert_eq!(times(&folder.path("one.mkv")).len(), 1);
}

#[test]
fn films_that_cannot_be_decoded_are_told_why() {
    let folder = Folder::new();
    clip(&folder);
    folder.ffmpeg(
        "-i in.mp4 -c copy -encryption_scheme cenc-aes-ctr -encryption_key 76a6c65c5ea762046bd749a2e632ccbb \
         -encryption_kid a7e61c373e219033c21091fa607bf3b8 locked.mp4",
    );
    folder.ffmpeg("-i in.mp4 -frames:v 5 -c:v libwebp_anim moving.webp");
    let locked = ["locked.mp4 is encrypted", "", "without protection"];
    refuses(&folder, &mut with(&folder, "locked.mp4 out.mp4 --quiet"), 1, locked);
    let moving = ["moving.webp is an animated WebP", "", "magick 'moving.webp'"];
    refuses(&folder, &mut with(&folder, "moving.webp out.mp4 --quiet"), 1, moving);
}

/// A PNG that says it is so large, and ends there.
fn bomb(side: u32) -> Vec<u8> {
    let chunk = |name: &[u8; 4], data: &[u8]| -> Vec<u8> {
        let named = [name, data].concat();
        let crc = !named.iter().fold(!0u32, |crc, byte| {
            (0..8)
                .fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
        });
        [&(data.len() as u32).to_be_bytes()[..], &named, &crc.to_be_bytes()].concat()
    };
    let header = [&side.to_be_bytes()[..], &side.to_be_bytes(), &[16, 6, 0, 0, 0]].concat();
    // An empty stream of zlib.
    let data = [0x78, 0x9c, 0x03, 0x00, 0x00, 0x00, 0x00, 0x01];
    [&b"\x89PNG\r\n\x1a\n"[..], &chunk(b"IHDR", &header), &chunk(b"IDAT", &data), &chunk(b"IEND", &[])]
        .concat()
}

#[test]
fn pictures_are_refused_by_their_header() {
    let folder = Folder::new();
    clip(&folder);
    fs::write(folder.path("wide.png"), bomb(17_000)).expect("written");
    fs::write(folder.path("deep.png"), bomb(16_000)).expect("written");
    // Half a gigabyte of addresses would do for the program, and not for one such picture.
    let limited = |program: &str, args: &str| {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("ulimit -v 1500000; exec {program} {args}")]);
        command.current_dir(folder.path("")).env("STYLEWARP_MODELS", crate::networks::tiny());
        run(&mut command)
    };
    let still = env!("CARGO_BIN_EXE_stylewarp");
    let film = env!("CARGO_BIN_EXE_stylewarp-video");
    folder.clip("in.png", "testsrc=size=64x64", "-frames:v 1");
    for args in ["still wide.png out.png", "still in.png out.png --geometry wide.png"] {
        let run = limited(still, args);
        assert_eq!(run.code, Some(2), "{args}: {}", run.said);
        assert!(run.said.contains("17000x17000, outside 1 to 16384"), "{args}: {}", run.said);
    }
    let run = limited(still, "still deep.png out.png");
    assert_eq!(run.code, Some(1), "{}", run.said);
    assert!(run.said.contains("because") && run.said.contains("a smaller copy of it"), "{}", run.said);
    let run = limited(film, "wide.png out.mp4");
    assert_eq!(run.code, Some(1), "{}", run.said);
    assert!(run.said.contains("its pictures are too large"), "{}", run.said);
    let run = limited(film, "deep.png out.mp4");
    assert_eq!(run.code, Some(1), "{}", run.said);
    assert!(run.said.contains("a smaller copy of the input"), "{}", run.said);
}

#[test]
fn names_that_are_no_text_are_names_and_escaped_for_scripts() {
    let folder = Folder::new();
    clip(&folder);
    let (input, output) = (OsStr::from_bytes(b"caf\xe9.mp4"), OsStr::from_bytes(b"th\xe9.mp4"));
    let path = |name: &OsStr| folder.path("").join(name);
    fs::rename(folder.path("in.mp4"), path(input)).expect("renamed");
    let mut command = program(&folder);
    command.args([input, output]).args("--device cpu --warp 0 --paint 0 --json".split(' '));
    let run = run(&mut command);
    assert_eq!((run.code, &*run.said), (Some(0), ""));
    let start: serde_json::Value =
        serde_json::from_str(run.out.lines().next().expect("a line")).expect("JSON");
    assert_eq!((&start["input"], &start["output"]), (&r"caf\xE9.mp4".into(), &r"th\xE9.mp4".into()));
    assert_eq!(times(&path(output)), times(&path(input)));

    let long = format!("{}.mp4", "n".repeat(251));
    fs::rename(path(output), path(input)).expect("renamed");
    let mut command = program(&folder);
    command.arg(input).arg(&long).args("--device cpu --warp 0 --paint 0 --quiet".split(' '));
    assert_eq!(crate::kit::run(&mut command).code, Some(0));
    assert_eq!(times(&folder.path(&long)).len(), 25);
    assert_eq!(folder.list().len(), 2);
}

#[test]
fn a_name_that_is_too_long_is_refused_at_once() {
    let folder = Folder::new();
    clip(&folder);
    let long = format!("{}.mp4", "n".repeat(252));
    let words = ["cannot write nnn", "too long", "check the folder"];
    refuses(&folder, with(&folder, "in.mp4").arg(long), 1, words);
}
