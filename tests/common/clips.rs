//! Clips made on the spot by `ffmpeg`, and what `ffprobe` says of them: for all
//! tests of video files, so that none of them judges our writing by our reading.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

/// A folder that goes away with the test.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().expect("a temporary folder"))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs `ffmpeg` in the folder; the words of `args` are its arguments.
    pub(crate) fn ffmpeg(&self, args: &str) {
        run(Command::new("ffmpeg")
            .args("-v error -nostdin -y".split(' '))
            .args(args.split_whitespace())
            .current_dir(&self.0));
    }

    /// A clip made of an `lavfi` source.
    pub(crate) fn clip(&self, name: &str, source: &str, args: &str) -> PathBuf {
        self.ffmpeg(&format!("-f lavfi -i {source} {args} {name}"));
        self.path(name)
    }

    /// Names of the files in it.
    pub(crate) fn list(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).expect("the folder is there");
        let mut names: Vec<_> = entries
            .map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }
}

/// Runs a command that must succeed; its standard output.
pub(crate) fn run(command: &mut Command) -> Vec<u8> {
    let done = command.output().expect("ffmpeg and ffprobe are installed");
    assert!(done.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&done.stderr));
    done.stdout
}

/// What `ffprobe` says, as JSON; `what` are its arguments.
pub(crate) fn probe(path: &Path, what: &str) -> Value {
    let text = run(Command::new("ffprobe")
        .args("-v error -of json".split(' '))
        .args(what.split_whitespace())
        .arg(path));
    serde_json::from_slice(&text).expect("ffprobe writes JSON")
}

/// Properties of the video stream, named with commas between.
pub(crate) fn video(path: &Path, properties: &str) -> Vec<String> {
    let about = probe(path, &format!("-select_streams v:0 -show_entries stream={properties}"));
    let property = |name| match &about["streams"][0][name] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    properties.split(',').map(property).collect()
}

/// When the video's pictures are shown, in order: microseconds.
pub(crate) fn times(path: &Path) -> Vec<i64> {
    stream_times(path, "v:0")
}

/// The same of any stream's packets.
pub(crate) fn stream_times(path: &Path, stream: &str) -> Vec<i64> {
    let packets = probe(path, &format!("-select_streams {stream} -show_entries packet=pts_time"));
    let packets = packets["packets"].as_array().expect("a list").clone();
    let time =
        |packet: &Value| -> f64 { packet["pts_time"].as_str().expect("a time").parse().expect("a number") };
    let mut times: Vec<i64> = packets.iter().map(|packet| (time(packet) * 1e6).round() as i64).collect();
    times.sort_unstable();
    times
}

/// A fingerprint of each packet of a stream, `a:0` or the like: its bytes alone.
pub(crate) fn packets(path: &Path, stream: &str) -> Vec<String> {
    let packets = probe(path, &format!("-select_streams {stream} -show_packets -show_data_hash md5"));
    let packets = packets["packets"].as_array().expect("a list").clone();
    packets.iter().map(|packet| packet["data_hash"].as_str().expect("a hash").to_owned()).collect()
}
