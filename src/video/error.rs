//! What a film can fail at.

use std::path::PathBuf;

use crate::error::{Cause, Error};

/// What can go wrong with a film, read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VideoError {
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
    /// A recording never replaces anything.
    #[error("{} exists already", path.display())]
    RecordingExists {
        /// The file.
        path: PathBuf,
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
    /// The file of a part of a film is not that part.
    #[error("the part {} cannot be used", path.display())]
    PartInvalid {
        /// Its file.
        path: PathBuf,
        /// Why.
        source: Cause,
    },
    /// A microphone cannot be listened to.
    #[error("cannot listen to the microphone {name}")]
    Microphone {
        /// As typed.
        name: String,
        /// What the sound systems say.
        source: Cause,
        /// What there is.
        available: Vec<String>,
    },
    /// This FFmpeg lacks the encoder.
    #[error("this FFmpeg build has no encoder for {codec}")]
    NoEncoder {
        /// What was asked for.
        codec: String,
        /// What there is.
        available: Vec<String>,
    },
    /// FFmpeg failed in the middle.
    #[error("FFmpeg failed while {doing}")]
    Ffmpeg {
        /// The step.
        doing: &'static str,
        /// Its reason.
        source: Cause,
    },
}

impl From<VideoError> for Error {
    fn from(error: VideoError) -> Self {
        Self::Other(Box::new(error))
    }
}
