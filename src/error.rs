//! What can go wrong: one enum, one variant per thing that the user can do something about.
//!
//! A variant's `Display` says what failed, its source says why. What to try, and the exit
//! code, are the programs' business (`app::report`). An error is handled once: passed on,
//! or shown, not both.

use std::error::Error as StdError;
use std::net::SocketAddr;
use std::path::PathBuf;

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
        source: Cause,
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
    /// The input is no film but names some.
    #[error("{} is a list of other files ({format})", path.display())]
    ListOfFiles {
        /// The file.
        path: PathBuf,
        /// FFmpeg's name of the format.
        format: String,
    },
    /// The pictures cannot be decoded without a key.
    #[error("{} is encrypted", path.display())]
    Encrypted {
        /// The file.
        path: PathBuf,
    },
    /// A moving picture of a kind that FFmpeg cannot decode.
    #[error("{} is an animated WebP, which this FFmpeg cannot decode", path.display())]
    AnimatedWebP {
        /// The file.
        path: PathBuf,
    },
    /// Overwriting was not asked for.
    #[error("{} exists already", path.display())]
    OutputExists {
        /// The file.
        path: PathBuf,
    },
    /// A recording never replaces anything.
    #[error("{} exists already", path.display())]
    RecordingExists {
        /// The file.
        path: PathBuf,
    },
    /// Another run is at the same output.
    #[error("another run is writing {}", path.display())]
    OutputBusy {
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
    /// A plan of parts cannot be understood, or was changed after it was written.
    #[error("the plan {} cannot be used", path.display())]
    PlanInvalid {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: Cause,
    },
    /// A plan of parts was made for something else.
    #[error("the plan {} is for {what}", path.display())]
    PlanMismatch {
        /// The file.
        path: PathBuf,
        /// Another film, look, version, other networks.
        what: &'static str,
        /// What was planned.
        expected: String,
        /// What was found.
        found: String,
    },
    /// No part was named.
    #[error("no part of the {parts} is named")]
    NoPart {
        /// Parts of the plan.
        parts: usize,
    },
    /// Parts of a film are not there yet.
    #[error("{} of {parts} parts are missing from {}: {}", missing.len(), folder.display(), numbers(missing))]
    PartsMissing {
        /// Where they should be.
        folder: PathBuf,
        /// Their numbers.
        missing: Vec<usize>,
        /// Parts of the plan.
        parts: usize,
    },
    /// A part of a film is not what the plan says.
    #[error("the part {} cannot be used", path.display())]
    PartInvalid {
        /// Its file.
        path: PathBuf,
        /// Why.
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
    /// Standard input is not what can be read from a pipe.
    #[error("standard input is not YUV4MPEG2 of 8 bits")]
    Y4m {
        /// What it is, or FFmpeg's reason.
        source: Cause,
    },
    /// Pictures would be written to where people read.
    #[error("pictures are not written to a terminal")]
    Terminal,
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
    /// A caller's picture is not laid out as it was said to be.
    #[error("a picture in memory has {found} where {expected} is needed")]
    FrameLayout {
        /// What was needed.
        expected: String,
        /// What there was.
        found: String,
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
    /// A picture cannot be resized.
    #[error("cannot resize a picture of {from} to {to}")]
    Resize {
        /// Its size.
        from: String,
        /// The size wanted.
        to: String,
        /// The reason.
        source: Cause,
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
        source: Cause,
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
    Signal {
        /// The system's reason.
        source: Cause,
    },
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
    /// What went wrong and why, on one line each: `who: what`, then `because: why`.
    pub fn explained(&self, who: &str) -> String {
        match self.because() {
            Some(reason) => format!("{who}: {self}\n  because: {reason}"),
            None => format!("{who}: {self}"),
        }
    }

    /// What went wrong and why, in one line.
    #[cfg(any(feature = "live", test))]
    pub(crate) fn in_a_line(&self) -> String {
        self.because().map_or_else(|| self.to_string(), |reason| format!("{self}: {reason}"))
    }

    /// The reasons behind it, from the nearest to the deepest.
    fn because(&self) -> Option<String> {
        if let Self::ModelMismatch { expected, found, .. } | Self::PlanMismatch { expected, found, .. } = self
        {
            return Some(format!("expected {expected}, found {found}"));
        }
        let mut said: Vec<String> = Vec::new();
        let mut cause = self.source();
        while let Some(error) = cause {
            // Many crates repeat their source in their own message.
            let line = error.to_string().trim().replace('\n', " ");
            if !line.is_empty() && !said.iter().any(|before| before.contains(&line)) {
                said.push(line);
            }
            cause = error.source();
        }
        (!said.is_empty()).then(|| said.join(": "))
    }

    /// Whether a reader went away from what is written to.
    pub fn is_broken_pipe(&self) -> bool {
        let mut cause = self.source();
        while let Some(error) = cause {
            let kind = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
            if kind == Some(std::io::ErrorKind::BrokenPipe) {
                return true;
            }
            cause = error.source();
        }
        false
    }

    /// Whether this only echoes another stage's failure.
    pub fn is_echo(&self) -> bool {
        matches!(self, Self::Disconnected)
    }
}

/// Numbers as schedulers take them: `3,7-12`.
fn numbers(of: &[usize]) -> String {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for &number in of {
        match runs.last_mut() {
            Some((_, end)) if *end + 1 == number => *end = number,
            _ => runs.push((number, number)),
        }
    }
    let run =
        |&(from, to): &(usize, usize)| if from == to { from.to_string() } else { format!("{from}-{to}") };
    runs.iter().map(run).collect::<Vec<_>>().join(",")
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
    fn numbers_are_said_as_schedulers_take_them() {
        assert_eq!(numbers(&[3, 7, 8, 9, 12]), "3,7-9,12");
        assert_eq!((numbers(&[0]), numbers(&[])), ("0".into(), String::new()));
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
}
