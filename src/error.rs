//! What can go wrong: one variant per thing that the user can do something about.
//!
//! [`Error`] has what several rooms share. What only one kind of part can fail at, that part's
//! room says: [`nn`](crate::nn::error), [`gpu`](crate::gpu), [`video`](crate::video), [`live`](crate::live) and
//! [`jobs::parts`](crate::jobs::parts) have enums of their own, which travel in [`Error::Other`] and are found by [`Error::downcast_ref`].
//!
//! A variant's `Display` says what failed, its source says why. What to try, and the exit
//! code, are the programs' business (`app::report`). An error is handled once: passed on,
//! or shown, not both.

use std::error::Error as StdError;
use std::path::PathBuf;

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Any cause, kept whole so that nothing of its chain is lost.
pub type Cause = Box<dyn StdError + Send + Sync + 'static>;

/// Everything that can stop stylewarp: its own reasons, and those of its parts.
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
    /// Overwriting was not asked for.
    #[error("{} exists already", path.display())]
    OutputExists {
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
    /// There is nothing to learn from a picture.
    #[error("there is no brushwork in {}", path.display())]
    NoBrushwork {
        /// The file.
        path: PathBuf,
        /// What was looked at.
        source: Difference,
    },
    /// A tuning is to go on with another painting than it began with.
    #[error("{} was tuned to another painting, or to another part of it", path.display())]
    OtherPainting {
        /// The style.
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
    /// `--show` of a look that does not warp.
    #[error("there is no warp to show")]
    NothingToShow,
    /// A thread could not be started or ended in a panic.
    #[error("the {name} stage stopped unexpectedly")]
    Stage {
        /// Thread name.
        name: &'static str,
    },
    /// A neighbouring stage ended first; never shown if any other error exists.
    #[error("a stage's neighbour went away")]
    Disconnected,
    /// A failure of one kind of part, in the words of its room: see [`Error::downcast_ref`].
    #[error(transparent)]
    Other(Cause),
}

impl Error {
    /// The failure of one kind of part, if it is that: a `NetworkError`, `GpuError`, `VideoError`,
    /// `LiveError` or `PartsError`.
    pub fn downcast_ref<E: StdError + 'static>(&self) -> Option<&E> {
        match self {
            Self::Other(error) => error.downcast_ref(),
            _ => None,
        }
    }

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

/// What something should be, and what it is.
#[derive(Debug, thiserror::Error)]
#[error("expected {expected}, found {found}")]
pub struct Difference {
    pub(crate) expected: String,
    pub(crate) found: String,
}

impl Difference {
    /// In words.
    pub(crate) fn new(expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self { expected: expected.into(), found: found.into() }
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
    fn the_cause_wins_over_its_echo_wherever_it_stands() {
        let cause = || Err::<(), _>(Error::NothingToShow);
        let echo = || Err::<(), _>(Error::Disconnected);
        for results in [vec![echo(), cause()], vec![cause(), echo()], vec![Ok(()), cause(), echo()]] {
            assert!(matches!(first_cause(results), Err(Error::NothingToShow)));
        }
        assert!(matches!(first_cause([echo()]), Err(Error::Disconnected)));
        assert_eq!(first_cause([Ok(1), Ok(2)]).expect("no failure"), [1, 2]);
    }
}
