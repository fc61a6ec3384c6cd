//! Nothing has the output's name until it is whole.

use std::fs;
use std::path::Path;

use stylewarp::app::report::report;
use stylewarp::cancel::CancelToken;
use stylewarp::video::read::{Clip, FileSource, Source};
use stylewarp::video::write::{FileOutput, FileSink, Sink};

use crate::kit::{Folder, copy, output, times};

fn clip(folder: &Folder) -> std::path::PathBuf {
    let source = "testsrc2=size=320x240:rate=25:duration=2";
    folder.clip("in.mp4", source, "-c:v libx264 -preset superfast -pix_fmt yuv420p")
}

/// A file that must stay, with leave to replace it.
fn old_file(folder: &Folder) -> FileOutput {
    fs::write(folder.path("out.mp4"), "old").expect("written");
    FileOutput { overwrite: true, ..output(&folder.path("out.mp4")) }
}

fn open(input: &Path, output: &FileOutput) -> (FileSource, Box<FileSink>) {
    let source = FileSource::open(input, Clip::default(), CancelToken::new()).expect("a video");
    let sink = FileSink::create(output, source.info(), input).expect("created");
    (source, Box::new(sink))
}

#[test]
fn the_old_file_stays_until_the_new_one_is_whole() {
    let folder = Folder::new();
    let input = clip(&folder);
    let output = old_file(&folder);
    let (mut source, mut sink) = open(&input, &output);
    while let Some(frame) = source.next().expect("decoded") {
        sink.write(frame).expect("encoded");
        assert_eq!(fs::read(&output.path).expect("there"), b"old");
    }
    let [hidden, rest @ ..] = &folder.list()[..] else { panic!("an empty folder") };
    assert!(hidden.starts_with(".out.mp4.") && hidden.ends_with(".stylewarp-part"), "{hidden}");
    assert_eq!(rest, ["in.mp4", "out.mp4"]);
    sink.finish().expect("finished");
    assert_eq!(folder.list(), ["in.mp4", "out.mp4"]);
    assert_eq!(times(&output.path), times(&input));
}

#[test]
fn a_run_that_fails_leaves_everything_as_it_was() {
    let folder = Folder::new();
    let input = clip(&folder);
    let output = old_file(&folder);
    let (mut source, mut sink) = open(&input, &output);
    sink.write(source.next().expect("decoded").expect("a frame")).expect("encoded");
    drop(sink);
    assert_eq!(folder.list(), ["in.mp4", "out.mp4"]);
    assert_eq!(fs::read(&output.path).expect("there"), b"old");
}

#[test]
fn a_run_without_a_frame_writes_nothing() {
    let folder = Folder::new();
    let input = clip(&folder);
    let output = old_file(&folder);
    let (_, sink) = open(&input, &output);
    sink.finish().expect("nothing is not an error");
    assert_eq!(folder.list(), ["in.mp4", "out.mp4"]);
    assert_eq!(fs::read(&output.path).expect("there"), b"old");
}

#[cfg(unix)]
#[test]
fn a_link_stays_a_link_to_the_new_file() {
    let folder = Folder::new();
    let input = clip(&folder);
    fs::create_dir(folder.path("elsewhere")).expect("created");
    fs::write(folder.path("elsewhere/real.mp4"), "old").expect("written");
    std::os::unix::fs::symlink("elsewhere/real.mp4", folder.path("out.mp4")).expect("linked");
    let output = FileOutput { overwrite: true, ..output(&folder.path("out.mp4")) };
    let (mut source, mut sink) = open(&input, &output);
    sink.write(source.next().expect("decoded").expect("a frame")).expect("encoded");
    sink.finish().expect("finished");
    assert!(fs::symlink_metadata(&output.path).expect("there").is_symlink());
    assert_eq!(times(&folder.path("elsewhere/real.mp4")).len(), 1);
}

/// Runs the test below in a process that may write small files only: to FFmpeg
/// that is a disk that fills up, with another number.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_as_such_and_leaves_everything_as_it_was() {
    let folder = Folder::new();
    let input = clip(&folder);
    let output = old_file(&folder);
    let tests = std::env::current_exe().expect("these tests");
    // The shell ignores the signal that would kill the process, and so does it.
    let script =
        "trap '' XFSZ; ulimit -f 16; exec \"$0\" --exact parts::writes_until_full --ignored --nocapture";
    let done = std::process::Command::new("sh")
        .args(["-c", script])
        .arg(tests)
        .env("MEDIA_TEST_INPUT", &input)
        .env("MEDIA_TEST_OUTPUT", &output.path)
        .output()
        .expect("a shell");
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(said.contains("cannot write") && said.contains("File too large"), "{said}");
    assert_eq!(folder.list(), ["in.mp4", "out.mp4"]);
    assert_eq!(fs::read(&output.path).expect("there"), b"old");
}

#[test]
#[ignore = "run by the test of the full disk"]
fn writes_until_full() {
    let path = |name| std::path::PathBuf::from(std::env::var_os(name).expect("set by the other test"));
    let (input, output) = (path("MEDIA_TEST_INPUT"), output(&path("MEDIA_TEST_OUTPUT")));
    let (mut source, mut sink) = open(&input, &FileOutput { overwrite: true, crf: Some(1), ..output });
    let mut run = || -> stylewarp::Result<()> {
        while let Some(frame) = source.next()? {
            sink.write(frame)?;
        }
        Ok(())
    };
    let result = run().and_then(|()| sink.finish());
    println!("{}", report(&result.expect_err("there is no room"), "test"));
}

#[cfg(unix)]
#[test]
fn names_with_colons_and_spaces_are_names() {
    let folder = Folder::new();
    let input = clip(&folder);
    let odd = folder.path("12:30 é.mp4");
    fs::rename(input, &odd).expect("renamed");
    let out = folder.path("12:31 %d é.mp4");
    assert_eq!(copy(&odd, &out).expect("copied"), 50);
    assert_eq!(times(&out), times(&odd));
}
