//! Ways to start the program, and to look at what it did.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

pub(crate) use crate::clips::{Folder, packets, probe, stream_times, times, video};
use crate::networks;

/// Cheap to encode, with sound.
pub(crate) const CODECS: &str = "-c:v libx264 -preset superfast -pix_fmt yuv420p -c:a aac -shortest";

/// A clip of one second, 25 frames, with sound.
pub(crate) fn clip(folder: &Folder) {
    folder.ffmpeg(&format!(
        "-f lavfi -i testsrc2=size=96x64:rate=25:duration=1 -f lavfi -i sine=duration=1 {CODECS} in.mp4"
    ));
}

/// The program in a folder, on the tiny networks, with a user who has nothing.
pub(crate) fn program(folder: &Folder) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stylewarp-video"));
    command.current_dir(folder.path("")).env("STYLEWARP_MODELS", networks::tiny());
    for home in ["XDG_CONFIG_HOME", "XDG_DATA_HOME"] {
        command.env(home, folder.path("home"));
    }
    for noise in ["STYLEWARP_LOG", "RUST_BACKTRACE"] {
        command.env_remove(noise);
    }
    command
}

/// The program on the processor; the words of `args` are its arguments.
pub(crate) fn with(folder: &Folder, args: &str) -> Command {
    let mut command = program(folder);
    command.args(args.split_whitespace()).args(["--device", "cpu"]);
    command
}

/// What became of a run.
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) said: String,
}

/// Runs to the end, whatever that is.
pub(crate) fn run(command: &mut Command) -> Run {
    let Output { status, stdout, stderr } = command.output().expect("the program starts");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    let run = Run { code: status.code(), out: text(stdout), said: text(stderr) };
    assert!(!run.said.contains("panicked"), "{}", run.said);
    run
}

/// Runs to a good end, quietly.
pub(crate) fn runs(folder: &Folder, args: &str) {
    let run = run(with(folder, args).arg("--quiet"));
    assert_eq!((run.code, &*run.out, &*run.said), (Some(0), "", ""), "{args}");
}

/// Every file of a folder.
fn contents(folder: &Folder) -> BTreeMap<String, Option<Vec<u8>>> {
    let read = |name: String| (name.clone(), std::fs::read(folder.path(&name)).ok());
    folder.list().into_iter().map(read).collect()
}

/// The program refuses with this code and in these words (what, because, try;
/// no second line is wanted where `because` is empty), and leaves all as it was.
pub(crate) fn refuses(folder: &Folder, command: &mut Command, code: i32, words: [&str; 3]) {
    let before = contents(folder);
    let run = run(command);
    let said = &run.said;
    assert_eq!((run.code, &*run.out), (Some(code), ""), "{command:?}\n{said}");
    let lines: Vec<_> = said.lines().collect();
    let wanted: Vec<_> = ["stylewarp-video: ", "  because: ", "  try: "]
        .into_iter()
        .zip(words)
        .filter(|(_, words)| !words.is_empty())
        .collect();
    assert_eq!(lines.len(), wanted.len(), "{command:?}\n{said}");
    for (line, (mark, words)) in lines.iter().zip(wanted) {
        assert!(line.starts_with(mark) && line.contains(words), "{words:?} is not in:\n{said}");
    }
    assert!(contents(folder) == before, "{command:?} left {:?}", folder.list());
}

/// Every pixel of a video, in RGB.
fn pixels(path: &Path) -> Vec<u8> {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-nostdin", "-i"]).arg(path);
    crate::clips::run(command.args("-vsync passthrough -f rawvideo -pix_fmt rgb24 -".split(' ')))
}

/// The mean difference of two videos' pixels, 0 to 255.
pub(crate) fn distance(a: &Path, b: &Path) -> f64 {
    let (a, b) = (pixels(a), pixels(b));
    assert_eq!(a.len(), b.len(), "as many frames of the same size");
    let sum: u64 = a.iter().zip(&b).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    sum as f64 / a.len() as f64
}
