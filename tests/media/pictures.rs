//! Colours and sizes: what was red stays red, and nothing is sheared.

use std::fs;
use std::path::PathBuf;

use stylewarp::cancel::CancelToken;
use stylewarp::video::error::VideoError;
use stylewarp::video::read::{Clip, FileSource, Source as _};
use stylewarp::video::write::{Codec, FileOutput};

use crate::kit::{Folder, Picture, copy, copy_part, log_of, output, probe, times, video};

/// The primary colours, their mixtures, and a few in between.
const BARS: [[u8; 3]; 8] = [
    [255, 0, 0],
    [0, 255, 0],
    [0, 0, 255],
    [255, 255, 0],
    [0, 255, 255],
    [255, 0, 255],
    [200, 120, 60],
    [40, 90, 160],
];

/// Side of a patch of the test card.
const PATCH: usize = 32;

/// Eight colour bars over a ramp of grey from black to white.
fn card(folder: &Folder) {
    let mut ppm = format!("P6 {} {} 255\n", 8 * PATCH, 2 * PATCH).into_bytes();
    for y in 0..2 * PATCH {
        for x in 0..8 * PATCH {
            let step = x / PATCH;
            ppm.extend(if y < PATCH { BARS[step] } else { [(step * 255 / 7) as u8; 3] });
        }
    }
    fs::write(folder.path("card.ppm"), ppm).expect("written");
}

/// The middles of the patches, where 4:2:0 has no edge to blur.
fn patches() -> Vec<(usize, usize)> {
    let middle = |n| n * PATCH + PATCH / 2;
    (0..16).map(|n| (middle(n % 8), middle(n / 8))).collect()
}

/// The card as a video of some format, matrix and range.
fn filmed_card(folder: &Folder, name: &str, format: &str, matrix: &str, range: &str, codec: &str) -> PathBuf {
    card(folder);
    let (tag, tv) =
        (if matrix == "bt601" { "smpte170m" } else { matrix }, if range == "full" { "pc" } else { "tv" });
    folder.ffmpeg(&format!(
        "-loop 1 -i card.ppm -frames:v 3 \
         -vf scale=out_color_matrix={matrix}:out_range={range}:flags=accurate_rnd+full_chroma_int,format={format} \
         -colorspace {tag} -color_range {tv} {codec} {name}"
    ));
    folder.path(name)
}

const X264: &str = "-c:v libx264 -preset superfast -crf 1";

/// With next to no loss in the encoder, so that what differs is ours.
fn fine(path: PathBuf) -> FileOutput {
    FileOutput { crf: Some(2), ..output(&path) }
}

#[test]
fn colours_survive_in_every_matrix_range_and_format() {
    for (format, matrix, range, tags) in [
        ("yuv420p", "bt601", "limited", ["smpte170m", "tv"]),
        ("yuv420p", "bt709", "limited", ["bt709", "tv"]),
        ("yuv420p", "bt709", "full", ["bt709", "pc"]),
        ("yuvj420p", "bt601", "full", ["smpte170m", "pc"]),
        ("yuv422p", "bt709", "limited", ["bt709", "tv"]),
        ("yuv444p", "bt601", "limited", ["smpte170m", "tv"]),
        ("yuv420p10le", "bt709", "limited", ["bt709", "tv"]),
        ("yuv422p10le", "bt709", "full", ["bt709", "pc"]),
    ] {
        let what = format!("{format} {matrix} {range}");
        let folder = Folder::new();
        let input = filmed_card(&folder, "in.mkv", format, matrix, range, X264);
        let out = folder.path("out.mp4");
        copy_part(&input, &fine(out.clone()), Clip::default(), u64::MAX).expect("copied");
        let (before, after) = (Picture::of(&input, matrix, range), Picture::of(&out, matrix, range));
        let distance = before.distance(&after, &patches());
        assert!(distance <= 2, "{what}: {distance}");
        assert_eq!(video(&out, "color_space,color_range"), tags, "{what}");
    }
}

#[test]
fn a_wrong_matrix_or_range_would_be_noticed() {
    let folder = Folder::new();
    let input = filmed_card(&folder, "in.mkv", "yuv420p", "bt709", "limited", X264);
    let right = Picture::of(&input, "bt709", "limited");
    assert!(right.distance(&Picture::of(&input, "bt601", "limited"), &patches()) > 10);
    assert!(right.distance(&Picture::of(&input, "bt709", "full"), &patches()) > 10);
}

#[test]
fn formats_without_a_matrix_become_tagged_video() {
    for (format, codec) in
        [("gbrp", "-c:v ffv1"), ("rgb24", "-c:v png"), ("bgra", "-c:v ffv1"), ("pal8", "-c:v png")]
    {
        let folder = Folder::new();
        card(&folder);
        folder.ffmpeg(&format!(
            "-loop 1 -i card.ppm -frames:v 3 -sws_dither none -pix_fmt {format} {codec} in.mkv"
        ));
        let out = folder.path("out.mp4");
        copy_part(&folder.path("in.mkv"), &fine(out.clone()), Clip::default(), u64::MAX).expect("copied");
        assert_eq!(video(&out, "color_space,color_range"), ["smpte170m", "tv"], "{format}");
        let before = Picture::of(&folder.path("in.mkv"), "auto", "auto");
        let distance = before.distance(&Picture::of(&out, "bt601", "limited"), &patches());
        assert!(distance <= 3, "{format}: {distance}");
    }
}

#[test]
fn untagged_video_is_tagged_as_players_guess() {
    for (size, tag) in [("640x360", "smpte170m"), ("1280x720", "bt709")] {
        let folder = Folder::new();
        let source = format!("color=red:size={size}:rate=25:duration=0.1");
        let input = folder.clip("in.mp4", &source, "-c:v libx264 -preset ultrafast -pix_fmt yuv420p");
        assert_eq!(video(&input, "color_space,color_range"), ["null", "null"]);
        let out = folder.path("out.mp4");
        copy(&input, &out).expect("copied");
        // What was unknown beyond that stays unknown.
        assert_eq!(video(&out, "color_space,color_range,color_primaries"), [tag, "tv", "null"]);
    }
}

#[test]
fn hdr_becomes_what_a_screen_shows() {
    let folder = Folder::new();
    for (transfer, name) in [("smpte2084", "pq.mp4"), ("arib-std-b67", "hlg.mp4")] {
        let tags =
            format!("-colorspace bt2020nc -color_primaries bt2020 -color_trc {transfer} -color_range tv");
        let source = "color=0xA0A060:size=64x48:rate=25:duration=0.2";
        let codec = "-c:v libx264 -preset superfast -crf 1 -pix_fmt yuv420p10le";
        let input = folder.clip(name, source, &format!("{codec} {tags}"));
        let out = folder.path(&format!("out_{name}"));
        copy_part(&input, &fine(out.clone()), Clip::default(), u64::MAX).expect("copied");
        let expected = ["bt709", "bt709", "bt709", "tv"];
        assert_eq!(video(&out, "color_space,color_primaries,color_transfer,color_range"), expected);
        // FFmpeg's own, by the same filters.
        let tones = "zscale=transfer=linear:npl=100,format=gbrpf32le,zscale=primaries=bt709,tonemap=hable:desat=0,\
                     zscale=transfer=bt709:matrix=bt709:range=tv,format=yuv420p";
        folder.ffmpeg(&format!("-i {name} -vf {tones} -c:v ffv1 -y mapped.mkv"));
        let (ours, theirs) = (
            Picture::of(&out, "bt709", "limited"),
            Picture::of(&folder.path("mapped.mkv"), "bt709", "limited"),
        );
        let flat = Picture::of(&input, "bt2020", "limited");
        assert!(
            ours.distance(&theirs, &[(20, 20)]) <= 5,
            "{name}: {:?}, {:?}",
            ours.at(20, 20),
            theirs.at(20, 20)
        );
        assert!(ours.distance(&flat, &[(20, 20)]) > 10, "{name}: as flat as before");
    }
}

#[test]
fn what_is_transparent_shows_the_background() {
    let folder = Folder::new();
    // Green hidden under nothing on the left, red that is there on the right.
    let hidden = "color=0x00FF00@0.0:size=32x48:rate=25:duration=0.2,format=rgba[l];\
                  color=red:size=32x48:rate=25:duration=0.2,format=rgba[r];[l][r]hstack";
    for (name, codec) in [
        ("in.mov", "-c:v png"),
        ("prores.mov", "-c:v prores_ks -profile:v 4444 -pix_fmt yuva444p10le"),
        ("in.webm", "-c:v libvpx-vp9 -pix_fmt yuva420p -crf 4 -b:v 0"),
    ] {
        let mut command = std::process::Command::new("ffmpeg");
        command.args("-v error -nostdin -y -filter_complex".split(' ')).arg(hidden);
        command.args(codec.split(' ')).arg(folder.path(name));
        crate::clips::run(&mut command);
        for (rgb, shown) in [([0, 0, 0], [0, 0, 0]), ([255, 255, 255], [255, 255, 255])] {
            let out = folder.path("out.mp4");
            let _ = fs::remove_file(&out);
            let source = FileSource::open(&folder.path(name), Clip::default(), CancelToken::new());
            let mut source = source.expect("a video").with_background(rgb);
            let frame = source.next().expect("decoded").expect("a frame");
            let at = |x: usize| frame.pixels[(24 * 64 + x) * 4..][..3].to_vec();
            let far =
                |found: &[u8], wanted: [u8; 3]| found.iter().zip(wanted).any(|(a, b)| a.abs_diff(b) > 12);
            assert!(!far(&at(8), shown), "{name}: {:?} over {rgb:?}", at(8));
            assert!(!far(&at(56), [255, 0, 0]), "{name}: {:?}", at(56));
        }
    }
}

#[test]
fn interlaced_pictures_lose_their_combs() {
    let folder = Folder::new();
    // A bar that moves between the fields.
    let source =
        "color=black:size=128x64:rate=50:duration=1,geq=lum=255*between(X\\,2*N\\,2*N+23):cb=128:cr=128";
    let weave = "tinterlace=interleave_top,fieldorder=tff";
    let input = folder.path("in.mpg");
    folder.ffmpeg(&format!(
        "-f lavfi -i {source},{weave} -c:v mpeg2video -flags +ildct+ilme -top 1 -q:v 1 in.mpg"
    ));
    let (plain, out) = (folder.path("plain.mkv"), folder.path("out.mkv"));
    folder.ffmpeg("-i in.mpg -c:v ffv1 plain.mkv");
    let count = copy_part(&input, &fine(out.clone()), Clip::default(), u64::MAX).expect("copied");
    assert_eq!(count as usize, times(&plain).len());
    // Rows that differ from both neighbours by much: combs.
    let combs = |path: &std::path::Path| {
        let picture = Picture::of_number(path, 10);
        let level = |x, y| i32::from(picture.at(x, y)[0]);
        let is_comb = |x: usize, y: usize| {
            let (up, here, down) = (level(x, y - 1), level(x, y), level(x, y + 1));
            (here - up).abs() > 80 && (here - down).abs() > 80
        };
        (0..128).flat_map(|x| (8..56).map(move |y| (x, y))).filter(|(x, y)| is_comb(*x, *y)).count()
    };
    assert!(combs(&plain) > 50, "the clip has combs: {}", combs(&plain));
    assert!(combs(&out) < combs(&plain) / 8, "{} of {}", combs(&out), combs(&plain));
}

#[test]
fn any_size_is_copied_without_shear() {
    for (width, height) in [(1, 1), (3, 5), (16, 16), (175, 143), (338, 2), (62, 33)] {
        let folder = Folder::new();
        // Left half red, right half blue, top row to bottom row.
        let source = format!(
            "color=blue:size={width}x{height}:rate=25:duration=0.2,\
             drawbox=x=0:y=0:w={}:h={height}:color=red:t=fill,format=yuv444p",
            width / 2
        );
        let input = folder.clip("in.mkv", &source, "-c:v ffv1");
        let out = folder.path("out.mp4");
        copy_part(&input, &fine(out.clone()), Clip::default(), u64::MAX).expect("copied");
        let even = |side: usize| side.next_multiple_of(2).to_string();
        assert_eq!(video(&out, "width,height"), [even(width), even(height)]);
        let (before, after) =
            (Picture::of(&input, "bt601", "limited"), Picture::of(&out, "bt601", "limited"));
        // Off the line between the halves, where chroma is shared.
        let columns = [0, width - 1].into_iter().filter(|x| x.abs_diff(width / 2) > 2 || width == 1);
        let points: Vec<_> = columns.flat_map(|x| (0..height).map(move |y| (x, y))).collect();
        if !points.is_empty() {
            let distance = before.distance(&after, &points);
            assert!(distance <= 12, "{width}x{height}: {distance}");
        }
        let corner = after.at(after.width - 1, after.height - 1);
        assert!(corner[2] > 200 || width == 1, "the edge is repeated, not black: {corner:?}");
    }
}

#[test]
fn every_codec_takes_a_small_odd_clip() {
    let folder = Folder::new();
    let input = filmed_card(&folder, "in.mkv", "yuv444p", "bt709", "full", "-c:v ffv1 -r 24000/1001");
    for (codec, name, tag) in [
        (Codec::Hevc, "hevc.mp4", "hvc1"),
        (Codec::Vp9, "vp9.webm", "[0][0][0][0]"),
        (Codec::Av1, "av1.mp4", "av01"),
        (Codec::ProRes, "prores.mov", "apch"),
        (Codec::Ffv1, "ffv1.mkv", "FFV1"),
    ] {
        let output = FileOutput { codec: Some(codec), ..output(&folder.path(name)) };
        match copy_part(&input, &output, Clip::default(), u64::MAX) {
            // A build of FFmpeg without the encoder has said so.
            Err(error) if matches!(error.downcast_ref(), Some(VideoError::NoEncoder { .. })) => continue,
            result => assert_eq!(result.expect("copied"), 3, "{codec}"),
        }
        assert_eq!(times(&output.path).len(), 3, "{codec}");
        assert_eq!(video(&output.path, "codec_tag_string"), [tag], "{codec}");
        let range = if codec == Codec::ProRes { "limited" } else { "full" };
        let (before, after) =
            (Picture::of(&input, "bt709", "full"), Picture::of(&output.path, "bt709", range));
        let distance = before.distance(&after, &patches());
        let allowed = if codec == Codec::Ffv1 { 1 } else { 10 };
        assert!(distance <= allowed, "{codec}: {distance}");
    }
}

#[test]
fn a_size_that_changes_on_the_way_is_fitted_into_the_first() {
    let folder = Folder::new();
    for (name, size) in [("a.h264", "96x48"), ("b.h264", "48x96")] {
        let source = format!("color=white:size={size}:rate=25:duration=0.4");
        folder.clip(name, &source, "-c:v libx264 -preset superfast -pix_fmt yuv420p");
    }
    let joined = [fs::read(folder.path("a.h264")), fs::read(folder.path("b.h264"))]
        .map(|part| part.expect("readable"));
    fs::write(folder.path("in.h264"), joined.concat()).expect("written");
    let out = folder.path("out.mp4");
    let said = log_of(|| {
        assert_eq!(copy(&folder.path("in.h264"), &out).expect("copied"), 20);
    });
    assert_eq!(said.matches("the pictures change from 96x48 to 48x96").count(), 1, "{said}");
    let frames = probe(&out, "-select_streams v:0 -show_entries frame=width,height");
    for frame in frames["frames"].as_array().expect("a list") {
        assert_eq!((&frame["width"], &frame["height"]), (&96.into(), &48.into()));
    }
    let (first, later) = (Picture::of(&out, "bt601", "limited"), Picture::of_number(&out, 15));
    assert!(first.at(4, 24)[0] > 240 && first.at(48, 24)[0] > 240);
    // 24 columns of 96 are the picture; bars beside it.
    let row: Vec<_> = [4, 30, 40, 48, 56, 66, 92].map(|x| later.at(x, 24)[0] > 128).into();
    assert_eq!(row, [false, false, true, true, true, false, false]);
}

#[test]
fn colours_that_change_on_the_way_are_read_by_their_own_tags() {
    let folder = Folder::new();
    // Pure red, stored once by each matrix and range.
    for (name, matrix, range) in [("a.h264", "bt470bg", "tv"), ("b.h264", "bt709", "pc")] {
        let source = format!(
            "color=red:size=64x48:rate=25:duration=0.4,scale=out_color_matrix={matrix}:out_range={range},format=yuv420p"
        );
        let codec = "-c:v libx264 -preset superfast -crf 1";
        folder.clip(name, &source, &format!("{codec} -colorspace {matrix} -color_range {range}"));
    }
    let joined = [fs::read(folder.path("a.h264")), fs::read(folder.path("b.h264"))]
        .map(|part| part.expect("readable"));
    fs::write(folder.path("in.h264"), joined.concat()).expect("written");
    let mut source =
        FileSource::open(&folder.path("in.h264"), Clip::default(), CancelToken::new()).expect("a video");
    let mut count = 0;
    while let Some(frame) = source.next().expect("decoded") {
        let [red, green, blue] = [0, 1, 2].map(|channel| frame.pixels[(24 * 64 + 32) * 4 + channel]);
        assert!(red > 245 && green < 10 && blue < 10, "picture {count}: {:?}", [red, green, blue]);
        count += 1;
    }
    assert_eq!(count, 20);
}
