//! What can go wrong, said so that a person knows what to do next.
//!
//! One enum, one variant per thing *the user can do something about*. Every
//! error reads in three lines, written by [`Error::report`]:
//!
//! ```text
//! stylewarp-video: cannot open clip.mp4
//!   because: Invalid data found when processing input
//!   try: ffprobe clip.mp4, to see whether any program can read it
//! ```
//!
//! The first line is the variant's `Display`, the second its source, the third
//! its [`Error::hint`]. An error is handled once: passed on, or shown, not both.

use std::error::Error as StdError;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Any cause, kept whole so that nothing of its chain is lost.
pub type Cause = Box<dyn StdError + Send + Sync + 'static>;

/// Everything that can stop stylewarp.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The input does not exist, or may not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The input is a directory.
    #[error("cannot read {}: it is a directory, not a video", path.display())]
    IsDirectory {
        /// The directory.
        path: PathBuf,
    },
    /// FFmpeg does not recognise the input.
    #[error("cannot open {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// FFmpeg's reason.
        source: ffmpeg_next::Error,
    },
    /// The input holds sound or text only.
    #[error("{} holds no video", path.display())]
    NoVideo {
        /// The file.
        path: PathBuf,
    },
    /// The input opens, but no picture comes out of it.
    #[error("no frame of {} can be decoded", path.display())]
    NoFrames {
        /// The file.
        path: PathBuf,
    },
    /// Overwriting was not asked for.
    #[error("{} exists already", path.display())]
    OutputExists {
        /// The file.
        path: PathBuf,
    },
    /// Input and output are one file.
    #[error("{} is both input and output", path.display())]
    OutputIsInput {
        /// The file.
        path: PathBuf,
    },
    /// No container goes by the output's extension.
    #[error("no video format is known by the name of {}", path.display())]
    UnknownFormat {
        /// The file.
        path: PathBuf,
    },
    /// The output cannot be created or written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The reason: full disk, permission...
        source: Cause,
    },
    /// This FFmpeg lacks the encoder.
    #[error("this FFmpeg build has no encoder for {codec}")]
    NoEncoder {
        /// What was asked for.
        codec: String,
        /// What there is.
        available: Vec<String>,
    },
    /// A network or style file is not where it is looked for.
    #[error("the file {name} of the networks is missing")]
    ModelMissing {
        /// File name.
        name: String,
        /// Folders looked in, in order.
        searched: Vec<PathBuf>,
    },
    /// A network's file is there but is not what the manifest says.
    #[error("{} is not the network it should be", path.display())]
    ModelMismatch {
        /// The file.
        path: PathBuf,
        /// What the manifest says.
        expected: String,
        /// What was found.
        found: String,
    },
    /// ONNX Runtime's shared library cannot be used.
    #[error("cannot load ONNX Runtime")]
    Runtime {
        /// The loader's reason.
        source: Cause,
    },
    /// The user named a device that cannot be had.
    #[error("device {device} is not available")]
    Device {
        /// Its name on the command line.
        device: String,
        /// Why not.
        source: Cause,
    },
    /// No preset of this name.
    #[error("there is no preset called {name}")]
    PresetMissing {
        /// The name.
        name: String,
        /// Those there are.
        available: Vec<String>,
    },
    /// The preset cannot be understood.
    #[error("preset {} is broken", path.display())]
    PresetInvalid {
        /// The file, or the embedded preset's name.
        path: PathBuf,
        /// Where and why.
        source: Cause,
    },
    /// No texture of this name.
    #[error("there is no texture called {name}")]
    TextureMissing {
        /// The name.
        name: String,
        /// Those there are.
        available: Vec<String>,
    },
    /// A style file holds something else.
    #[error("{} is not a style", path.display())]
    StyleInvalid {
        /// The file, or the mixture.
        path: PathBuf,
        /// What it holds.
        source: Cause,
    },
    /// A preset is written into something else.
    #[error("{} is no name for a preset", path.display())]
    NotAPreset {
        /// The file.
        path: PathBuf,
    },
    /// Only one painting can be copied stroke by stroke.
    #[error("no single painting is named by the texture {text}")]
    NoPainting {
        /// The texture.
        text: String,
    },
    /// A picture cannot be read.
    #[error("cannot read the picture {}", path.display())]
    Picture {
        /// The file.
        path: PathBuf,
        /// The decoder's reason.
        source: image::ImageError,
    },
    /// A picture has too little to it.
    #[error("the picture {} is too small: {width}x{height}", path.display())]
    PictureTooSmall {
        /// The file.
        path: PathBuf,
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
    },
    /// A value on the command line or in a preset is out of range.
    #[error("{what} is {value}, outside {range}")]
    OutOfRange {
        /// Name of the value.
        what: &'static str,
        /// The value.
        value: String,
        /// The range, as read aloud.
        range: &'static str,
    },
    /// No GPU can be used for the shaders.
    #[error("no GPU can run the shaders")]
    NoGpu {
        /// wgpu's reason.
        source: Cause,
    },
    /// The GPU went away in the middle.
    #[error("the GPU stopped while {doing}")]
    DeviceLost {
        /// The step.
        doing: &'static str,
        /// wgpu's reason.
        source: Cause,
    },
    /// FFmpeg failed in the middle.
    #[error("FFmpeg failed while {doing}")]
    Ffmpeg {
        /// The step.
        doing: &'static str,
        /// Its reason.
        source: ffmpeg_next::Error,
    },
    /// ONNX Runtime failed in the middle.
    #[error("ONNX Runtime failed while {doing}")]
    Ort {
        /// The step.
        doing: String,
        /// Its reason.
        source: Cause,
    },
    /// `--show` of a look that does not warp.
    #[error("there is no warp to show")]
    NothingToShow,
    /// A camera cannot be used.
    #[error("cannot use the camera {name}")]
    Camera {
        /// As typed, or as the system calls it.
        name: String,
        /// The driver's reason: busy, forbidden, unplugged...
        source: Cause,
    },
    /// No camera of this name.
    #[error("there is no camera {name}")]
    CameraMissing {
        /// As typed.
        name: String,
        /// Those there are.
        available: Vec<String>,
    },
    /// A camera opens but shows nothing.
    #[error("the camera {name} gives no picture")]
    CameraStalled {
        /// As typed.
        name: String,
    },
    /// The virtual camera cannot be written to.
    #[error("cannot be a camera at {}", path.display())]
    Loopback {
        /// The device.
        path: PathBuf,
        /// The reason.
        source: Cause,
    },
    /// The page cannot be served.
    #[error("cannot serve at {address}")]
    Serve {
        /// Where.
        address: SocketAddr,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Other machines would see the camera.
    #[error("{address} can be reached from other machines, by anyone")]
    NotLoopback {
        /// Where.
        address: SocketAddr,
    },
    /// No window can be opened.
    #[error("no window can be opened")]
    Window {
        /// The reason.
        source: Cause,
    },
    /// Ctrl-C cannot be caught.
    #[error("the handler for interruption cannot be installed")]
    Signal(#[from] ctrlc::Error),
    /// A thread could not be started or ended in a panic.
    #[error("the {name} stage stopped unexpectedly")]
    Stage {
        /// Thread name.
        name: &'static str,
    },
    /// A neighbouring stage ended first; never shown if any other error exists.
    #[error("a stage's neighbour went away")]
    Disconnected,
}

impl Error {
    /// What the user can try, if we know something better than "try again".
    pub fn hint(&self) -> Option<String> {
        let shown = |path: &Path| path.display().to_string();
        Some(match self {
            Self::Read { .. } => "check the name and the permissions".into(),
            Self::IsDirectory { .. } => "name one file; loop over a folder in the shell".into(),
            Self::Open { path, .. } => {
                format!("ffprobe '{}', to see whether FFmpeg can read it at all", shown(path))
            }
            Self::NoVideo { .. } => "a file with a picture track; sound alone cannot be redrawn".into(),
            Self::NoFrames { .. } => "download or export the file again; it seems cut short".into(),
            Self::OutputExists { .. } => "-y to overwrite it, or another name".into(),
            Self::OutputIsInput { .. } => "another name for the output".into(),
            Self::UnknownFormat { .. } => "a name that ends in .mp4, .mkv, .mov or .webm".into(),
            Self::Write { .. } => "check the folder, its permissions and the space left".into(),
            Self::NoEncoder { available, .. } => format!("--codec with one of: {}", available.join(", ")),
            Self::ModelMissing { searched, .. } => format!(
                "--models FOLDER, or put it into one of: {}",
                searched.iter().map(|p| shown(p)).collect::<Vec<_>>().join(", ")
            ),
            Self::ModelMismatch { .. } => "fetch the models folder again, whole: git checkout models".into(),
            Self::Runtime { .. } => {
                "./setup.sh, or set ORT_DYLIB_PATH to ONNX Runtime 1.24 or newer (libonnxruntime)".into()
            }
            Self::Device { .. } => "--device auto, or --device cpu".into(),
            Self::PresetMissing { available, .. } | Self::TextureMissing { available, .. } => {
                format!("one of: {}", available.join(", "))
            }
            Self::PresetInvalid { .. } => "compare it with the presets folder's files".into(),
            Self::StyleInvalid { .. } => "a file that `stylewarp distill` of this version wrote".into(),
            Self::NotAPreset { .. } => "a name that ends in .toml".into(),
            Self::NoPainting { .. } => "one texture of the program's own, or one picture file".into(),
            Self::Picture { source: image::ImageError::Limits(_), .. } => "a smaller copy of it".into(),
            Self::Picture { .. } => "a JPEG, PNG, WebP, BMP or TIFF picture".into(),
            Self::PictureTooSmall { .. } => "a picture of at least 16x16 pixels".into(),
            Self::NothingToShow => "--geometry IMAGE or a preset, and a --warp above 0".into(),
            Self::NoGpu { .. } => "--device cpu".into(),
            Self::DeviceLost { .. } => "--device cpu, or a smaller --size".into(),
            Self::Stage { .. } => "run again with -vv and report what it prints; this is a bug".into(),
            Self::OutOfRange { what, range, .. } => format!("{what} within {range}"),
            Self::Ffmpeg { .. } => "run again with -vvv, to see all that FFmpeg has to say".into(),
            Self::Ort { .. } => "--device cpu; if that fails too, report it: this is a bug".into(),
            Self::Camera { source, .. } => camera_hint(&source.to_string()).into(),
            Self::CameraMissing { available, .. } if available.is_empty() => {
                "plug one in; or --camera test, or --camera file:clip.mp4".into()
            }
            Self::CameraMissing { available, .. } => {
                format!("--camera with one of: {}", available.join(", "))
            }
            Self::CameraStalled { .. } => "unplug it and plug it in again; another --camera".into(),
            Self::Loopback { .. } => "stylewarp doctor, which says how to make a virtual camera here".into(),
            Self::Serve { .. } => "another port; 0 takes one that is free".into(),
            Self::NotLoopback { .. } => {
                "127.0.0.1 instead; or, if everyone in the network may watch and steer, --serve-insecure"
                    .into()
            }
            Self::Window { .. } => "--no-window, with --serve or --loopback".into(),
            Self::Signal(_) | Self::Disconnected => return None,
        })
    }

    /// Exit code of the programs: 2 for what the user typed, 1 for the rest.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::OutputExists { .. }
            | Self::OutputIsInput { .. }
            | Self::UnknownFormat { .. }
            | Self::PresetMissing { .. }
            | Self::TextureMissing { .. }
            | Self::NothingToShow
            | Self::NoPainting { .. }
            | Self::NotAPreset { .. }
            | Self::CameraMissing { .. }
            | Self::NotLoopback { .. }
            | Self::OutOfRange { .. } => 2,
            _ => 1,
        }
    }

    /// The lines shown on stderr: what, because, try.
    pub fn report(&self, program: &str) -> String {
        let mut text = format!("{program}: {self}");
        if let Self::ModelMismatch { expected, found, .. } = self {
            text += &format!("\n  because: expected {expected}, found {found}");
        }
        let mut cause = self.source();
        let mut said = Vec::new();
        while let Some(error) = cause {
            // Many crates repeat their source in their own message.
            let line = error.to_string().trim().replace('\n', " ");
            if !line.is_empty() && !said.iter().any(|before: &String| before.contains(&line)) {
                said.push(line);
            }
            cause = error.source();
        }
        if !said.is_empty() {
            text += &format!("\n  because: {}", said.join(": "));
        }
        if let Some(hint) = self.hint() {
            text += &format!("\n  try: {hint}");
        }
        text
    }

    /// Whether this only echoes another stage's failure.
    pub fn is_echo(&self) -> bool {
        matches!(self, Self::Disconnected)
    }
}

/// What helps against a camera driver's reason.
fn camera_hint(reason: &str) -> &'static str {
    let reason = reason.to_lowercase();
    match () {
        () if reason.contains("busy") => "close the other program that uses it",
        () if reason.contains("permission") || reason.contains("denied") => {
            "let this program use cameras: on Linux `sudo usermod -aG video $USER` and a new login, \
             on macOS System Settings, Privacy, Camera"
        }
        () => "stylewarp live --list, to see what cameras there are; unplug it and plug it in again",
    }
}

/// The cause rather than its echo: when one stage dies the others fail with
/// [`Error::Disconnected`], which must never hide the real reason.
pub fn first_cause<T>(results: impl IntoIterator<Item = Result<T>>) -> Result<Vec<T>> {
    let mut values = Vec::new();
    let mut failure: Option<Error> = None;
    for result in results {
        match result {
            Ok(value) => values.push(value),
            Err(error) if failure.as_ref().is_none_or(Error::is_echo) => failure = Some(error),
            Err(_) => {}
        }
    }
    failure.map_or(Ok(values), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_what_because_and_try() {
        let error = Error::Read { path: "a.mp4".into(), source: std::io::Error::other("gone") };
        assert_eq!(
            error.report("stylewarp-video"),
            "stylewarp-video: cannot read a.mp4\n  because: gone\n  try: check the name and the permissions"
        );
    }

    #[test]
    fn the_cause_wins_over_its_echo_wherever_it_stands() {
        let cause = || Err::<(), _>(Error::NoFrames { path: "a.mp4".into() });
        let echo = || Err::<(), _>(Error::Disconnected);
        for results in [vec![echo(), cause()], vec![cause(), echo()], vec![Ok(()), cause(), echo()]] {
            assert!(matches!(first_cause(results), Err(Error::NoFrames { .. })));
        }
        assert!(matches!(first_cause([echo()]), Err(Error::Disconnected)));
        assert_eq!(first_cause([Ok(1), Ok(2)]).expect("no failure"), [1, 2]);
    }

    #[test]
    fn usage_and_failure_have_their_own_codes() {
        assert_eq!(Error::OutputExists { path: "a".into() }.exit_code(), 2);
        assert_eq!(Error::Disconnected.exit_code(), 1);
    }
}
