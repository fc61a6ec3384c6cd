//! Rotated video comes out upright, and says nothing of rotation any more.

use std::fs;
use std::path::{Path, PathBuf};

use stylewarp::cancel::CancelToken;
use stylewarp::video::read::{Clip, FileSource, Source};

use crate::kit::{Folder, Picture, copy, probe, video};

/// A 64x32 clip, green with a red corner at the top left as it is stored.
fn clip(folder: &Folder) -> PathBuf {
    folder.clip(
        "in.mp4",
        "color=green:size=64x32:rate=25:duration=0.2,drawbox=x=0:y=0:w=16:h=16:color=red:t=fill,setsar=4/3",
        "-c:v libx264 -preset superfast -pix_fmt yuv420p",
    )
}

/// The clip with the display matrix `a b c d` written over the one in its header.
fn turned(folder: &Folder, clip: &Path, [a, b, c, d]: [i32; 4]) -> PathBuf {
    let mut bytes = fs::read(clip).expect("readable");
    let header = bytes.windows(4).position(|name| name == b"tkhd").expect("a track header");
    // After the name: version and flags, times, number, length, layer, volume.
    let matrix = header + 44;
    let one = 1 << 16;
    let cells = [a * one, b * one, 0, c * one, d * one, 0, 0, 0, 1 << 30];
    for (cell, value) in bytes[matrix..matrix + 36].chunks_mut(4).zip(cells) {
        cell.copy_from_slice(&value.to_be_bytes());
    }
    let path = folder.path("turned.mp4");
    fs::write(&path, bytes).expect("written");
    path
}

/// Which corner is red: right or left, bottom or top.
fn red_corner(path: &Path, width: usize, height: usize) -> (bool, bool) {
    let picture = Picture::of(path, "bt601", "limited");
    assert_eq!((picture.width, picture.height), (width, height));
    let is_red = |x: usize, y: usize| picture.at(x, y)[0] > 180 && picture.at(x, y)[1] < 80;
    let corners = [(false, false), (true, false), (false, true), (true, true)];
    let found = corners.into_iter().filter(|(right, bottom)| {
        is_red(if *right { width - 4 } else { 3 }, if *bottom { height - 4 } else { 3 })
    });
    let found: Vec<_> = found.collect();
    assert_eq!(found.len(), 1, "one red corner: {found:?}");
    found[0]
}

#[test]
fn quarter_turns_and_mirrors_are_undone() {
    let folder = Folder::new();
    let upright = clip(&folder);
    for (matrix, [width, height], corner) in [
        ([1, 0, 0, 1], [64, 32], (false, false)),
        ([0, 1, -1, 0], [32, 64], (true, false)), // a quarter clockwise
        ([-1, 0, 0, -1], [64, 32], (true, true)),
        ([0, -1, 1, 0], [32, 64], (false, true)),
        ([-1, 0, 0, 1], [64, 32], (true, false)), // a front camera
        ([1, 0, 0, -1], [64, 32], (false, true)),
    ] {
        let input = turned(&folder, &upright, matrix);
        let out = folder.path(&format!("{matrix:?}.mp4"));
        copy(&input, &out).expect("copied");
        assert_eq!(red_corner(&out, width, height), corner, "{matrix:?}");
        // As ffmpeg turns it, where its version knows how: quarter turns.
        if matrix[0] == matrix[3] {
            assert_eq!(red_corner(&input, width, height), corner, "{matrix:?}");
        }
        let side_data = probe(&out, "-select_streams v:0 -show_entries stream_side_data");
        assert!(!side_data.to_string().contains("rotation"), "{side_data}");
        let aspect = if width > height { "4:3" } else { "3:4" };
        assert_eq!(video(&out, "sample_aspect_ratio"), [aspect]);
    }
}

#[test]
fn the_size_told_is_the_upright_one() {
    let folder = Folder::new();
    let input = turned(&folder, &clip(&folder), [0, 1, -1, 0]);
    let mut source = FileSource::open(&input, Clip::default(), CancelToken::new()).expect("a video");
    let size = source.info().size;
    assert_eq!((size.width, size.height, source.info().pixel_aspect), (32, 64, (3, 4)));
    let frame = source.next().expect("decoded").expect("a frame");
    assert_eq!((frame.size, frame.pixels.len()), (size, size.rgba_bytes()));
}
