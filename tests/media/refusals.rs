//! What cannot be read or must not be written, each refused by its own name.

use std::fs;
use std::path::Path;

use stylewarp::Error;
use stylewarp::cancel::CancelToken;
use stylewarp::video::error::VideoError;
use stylewarp::video::read::{Clip, FileSource, Source};
use stylewarp::video::write::{Codec, FileOutput};

use crate::kit::{Folder, copy, copy_part, log_of, output, probe, seconds};

fn clip(folder: &Folder, name: &str) -> std::path::PathBuf {
    folder.clip(
        name,
        "testsrc=size=64x48:rate=25:duration=1",
        "-c:v libx264 -preset superfast -pix_fmt yuv420p",
    )
}

fn refusal(path: &Path) -> Error {
    FileSource::open(path, Clip::default(), CancelToken::new()).err().expect("refused")
}

#[test]
fn inputs_that_are_no_video() {
    let folder = Folder::new();
    fs::write(folder.path("text.mp4"), "I am no video.").expect("written");
    fs::write(folder.path("empty.mp4"), "").expect("written");
    folder.ffmpeg("-f lavfi -i sine=duration=1 -c:a aac sound.mp4");
    folder.ffmpeg("-f lavfi -i testsrc=size=64x48 -frames:v 1 cover.png");
    folder.ffmpeg("-i sound.mp4 -i cover.png -map 0 -map 1 -c copy -disposition:v attached_pic cover.mp4");
    assert_eq!(probe(&folder.path("cover.mp4"), "-show_streams")["streams"][1]["codec_type"], "video");

    assert!(matches!(refusal(&folder.path("missing.mp4")), Error::Read { .. }));
    assert!(matches!(refusal(&folder.path("")).downcast_ref(), Some(VideoError::IsDirectory { .. })));
    assert!(matches!(refusal(&folder.path("empty.mp4")), Error::Read { .. }));
    assert!(matches!(refusal(&folder.path("text.mp4")).downcast_ref(), Some(VideoError::Open { .. })));
    assert!(matches!(refusal(&folder.path("sound.mp4")).downcast_ref(), Some(VideoError::NoVideo { .. })));
    assert!(matches!(refusal(&folder.path("cover.mp4")).downcast_ref(), Some(VideoError::NoVideo { .. })));
}

#[test]
fn a_video_without_a_single_picture() {
    let folder = Folder::new();
    let path = clip(&folder, "in.mkv");
    let mut bytes = fs::read(&path).expect("readable");
    // Headers stay; what follows the first cluster's mark becomes noise.
    let cluster = bytes.windows(4).position(|id| id == [0x1f, 0x43, 0xb6, 0x75]).expect("a cluster");
    for (n, byte) in bytes[cluster + 40..].iter_mut().enumerate() {
        *byte = (n * 151 % 251) as u8;
    }
    fs::write(&path, bytes).expect("written");
    assert!(
        matches!(refusal(&path).downcast_ref(), Some(VideoError::NoFrames { .. })),
        "{:?}",
        refusal(&path)
    );
}

#[test]
fn a_file_cut_short_gives_what_it_has() {
    let folder = Folder::new();
    folder.ffmpeg(
        "-f lavfi -i testsrc=size=320x240:rate=25:duration=4 -c:v libx264 -preset superfast -movflags faststart in.mp4",
    );
    let bytes = fs::read(folder.path("in.mp4")).expect("readable");
    fs::write(folder.path("cut.mp4"), &bytes[..bytes.len() / 2]).expect("written");
    let said = log_of(|| {
        let count = copy(&folder.path("cut.mp4"), &folder.path("out.mp4")).expect("copied");
        assert!((10..90).contains(&count), "{count} frames");
    });
    assert!(said.contains("the pictures end at"), "{said}");
    let silence = log_of(|| {
        copy(&folder.path("in.mp4"), &folder.path("whole.mp4")).expect("copied");
    });
    assert_eq!(silence, "");

    clip(&folder, "index_last.mp4");
    let bytes = fs::read(folder.path("index_last.mp4")).expect("readable");
    fs::write(folder.path("no_index.mp4"), &bytes[..bytes.len() / 2]).expect("written");
    assert!(matches!(refusal(&folder.path("no_index.mp4")).downcast_ref(), Some(VideoError::Open { .. })));
}

#[test]
fn damaged_packets_are_passed_over() {
    let folder = Folder::new();
    let path = clip(&folder, "in.ts");
    let mut bytes = fs::read(&path).expect("readable");
    let (middle, end) = (bytes.len() / 2, bytes.len() / 2 + 1500);
    bytes[middle..end].fill(0x55);
    fs::write(&path, bytes).expect("written");
    let mut source = FileSource::open(&path, Clip::default(), CancelToken::new()).expect("a video");
    let mut times = Vec::new();
    while let Some(frame) = source.next().expect("damage is no error") {
        times.push(frame.time);
    }
    assert!(times.len() > 10 && times.is_sorted_by(|a, b| a < b), "{times:?}");
}

#[test]
fn parts_that_are_not_there() {
    let folder = Folder::new();
    let input = clip(&folder, "in.mp4");
    let open = |clip| FileSource::open(&input, clip, CancelToken::new()).err();
    let late = Clip { start: seconds(9.0), duration: None };
    let nothing = Clip { start: None, duration: seconds(0.0) };
    assert!(matches!(open(late), Some(Error::OutOfRange { .. })));
    assert!(matches!(open(nothing), Some(Error::OutOfRange { .. })));
}

#[test]
fn outputs_that_would_do_harm() {
    let folder = Folder::new();
    let input = clip(&folder, "in.mp4");
    let refused = |output: &FileOutput| output.check(&input).expect_err("refused");
    let overwrite = |name: &str| FileOutput { overwrite: true, ..output(&folder.path(name)) };

    fs::write(folder.path("there.mp4"), "mine").expect("written");
    assert!(matches!(refused(&output(&folder.path("there.mp4"))), Error::OutputExists { .. }));
    overwrite("there.mp4").check(&input).expect("asked for");
    assert!(matches!(refused(&overwrite("in.mp4")), Error::OutputIsInput { .. }));
    assert!(matches!(refused(&overwrite("./in.mp4")), Error::OutputIsInput { .. }));
    fs::hard_link(&input, folder.path("link.mp4")).expect("linked");
    assert!(matches!(refused(&overwrite("link.mp4")), Error::OutputIsInput { .. }));
}

#[test]
fn outputs_that_cannot_be() {
    let folder = Folder::new();
    let input = clip(&folder, "in.mp4");
    let refused = |output: FileOutput| output.check(&input).expect_err("refused");
    fs::create_dir(folder.path("folder.mp4")).expect("created");

    assert!(matches!(refused(output(&folder.path("out.avi"))), Error::UnknownFormat { .. }));
    assert!(matches!(refused(output(&folder.path("out"))), Error::UnknownFormat { .. }));
    assert!(matches!(refused(output(&folder.path("missing/out.mp4"))), Error::Write { .. }));
    assert!(matches!(refused(output(&folder.path("in.mp4/out.mp4"))), Error::Write { .. }));
    assert!(matches!(refused(output(&folder.path("folder.mp4"))), Error::Write { .. }));
    let codec = |codec, name: &str| FileOutput { codec: Some(codec), ..output(&folder.path(name)) };
    assert!(matches!(refused(codec(Codec::H264, "out.webm")), Error::Write { .. }));
    assert!(matches!(refused(codec(Codec::Ffv1, "out.mp4")), Error::Write { .. }));
    let crf = FileOutput { crf: Some(60), ..output(&folder.path("out.mp4")) };
    assert!(matches!(refused(crf), Error::OutOfRange { .. }));
}

#[cfg(unix)]
#[test]
fn a_folder_that_may_not_be_written() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new();
    let input = clip(&folder, "in.mp4");
    let mut locked = folder.path("locked");
    fs::create_dir(&locked).expect("created");
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o555)).expect("locked");
    if fs::write(locked.join("probe"), "").is_ok() {
        // Permissions do not bind the superuser, but nobody makes a file in the kernel's own tree.
        locked = "/sys".into();
    }
    let error = copy(&input, &locked.join("out.mp4")).expect_err("refused");
    assert!(matches!(error, Error::Write { .. }), "{error}");
}

#[test]
fn checking_leaves_no_trace() {
    let folder = Folder::new();
    let input = clip(&folder, "in.mp4");
    output(&folder.path("out.mp4")).check(&input).expect("nothing against it");
    assert_eq!(folder.list(), ["in.mp4"]);
    let error = copy_part(&input, &output(&folder.path("in.mp4")), Clip::default(), 1);
    assert!(error.is_err());
    assert_eq!(folder.list(), ["in.mp4"]);
}
