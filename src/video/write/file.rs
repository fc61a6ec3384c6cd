//! A video file, under a name of its own until it is whole.
//!
//! Only [`Sink::finish`] gives it its name ([`crate::atomic_file`]): a sink dropped on the way
//! leaves nothing behind. A recording is another matter, since what it shows does not come
//! again: it is written in pieces that play without the rest, and when it cannot go on, the
//! pieces that are whole are kept.
//!
//! # Times
//! MP4 and QuickTime keep the source's ticks exactly. Matroska and WebM count in
//! milliseconds and round to them, as every program does that writes them; and
//! they know no time before 0, so where sound starts earlier (AAC's first packet
//! does, by 20 to 50 ms) FFmpeg moves everything later by as much.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::atomic_file;
use crate::atomic_file::AtomicFile;
use crate::error::{Cause, Error, Result};
use crate::frame::Frame;
use crate::time::FrameTime;
use crate::video::error::VideoError;
use crate::video::libav;
use crate::video::names::NameKind;
use crate::video::read::VideoInfo;
use crate::video::read::microphone::{Microphone, SoundPacket};
use crate::video::write::Sink;
use crate::video::write::codec::Codec;
use crate::video::write::container::Container;
use crate::video::write::encode::Encoder;
use crate::video::write::muxer::{Kind, Muxer};
use crate::video::write::streams::{Audio, Changed};

/// What file to write, and how.
#[derive(Debug, Clone)]
pub struct FileOutput {
    /// Its name; the extension chooses the container.
    pub path: PathBuf,
    /// Whether a file of that name may be replaced.
    pub overwrite: bool,
    /// How to store the pictures; what the container is known for if not given.
    pub codec: Option<Codec>,
    /// Constant rate factor: lower is better and larger. The codec's own default
    /// if not given.
    pub crf: Option<u8>,
    /// What to do with the input's sound.
    pub audio: Audio,
}

impl FileOutput {
    /// A new file, with what is usual for its format; the sound as in the input where that can be.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), overwrite: false, codec: None, crf: None, audio: Audio::default() }
    }

    /// Refuses what cannot work, and what would destroy something, without
    /// touching anything.
    ///
    /// # Errors
    /// [`Error::UnknownFormat`], [`Error::OutputExists`],
    /// [`Error::OutputIsInput`]; [`Error::OutOfRange`] for a rate factor the
    /// codec does not know; [`Error::Write`] where the folder is missing or the
    /// codec does not go into the container.
    pub fn check(&self, input: &Path) -> Result<()> {
        if same_file::is_same_file(input, &self.path).unwrap_or(false) {
            return Err(Error::OutputIsInput { path: self.path.clone() });
        }
        self.check_target()
    }

    /// As [`Self::check`], for what is no copy of a file.
    ///
    /// # Errors
    /// As [`Self::check`]; [`VideoError::RecordingExists`] where that has [`Error::OutputExists`].
    pub fn check_recording(&self) -> Result<()> {
        self.check_target().map_err(|error| match error {
            Error::OutputExists { path } => VideoError::RecordingExists { path }.into(),
            error => error,
        })
    }

    /// As [`Self::check`], for what has no input.
    fn check_target(&self) -> Result<()> {
        let container = Container::of(&self.path)?;
        let codec = self.codec(container);
        if !container.holds(codec) {
            let reason = format!("{container} cannot hold {}; .mkv can", codec.title());
            return Err(self.cannot_write(io::Error::new(ErrorKind::Unsupported, reason)));
        }
        codec.check_crf(self.crf)?;
        atomic_file::check(&self.path, self.overwrite)
    }

    fn codec(&self, container: Container) -> Codec {
        self.codec.unwrap_or(container.default_codec())
    }

    fn cannot_write(&self, source: impl Into<Cause>) -> Error {
        Error::Write { path: self.path.clone(), source: source.into() }
    }
}

/// A video file in the making.
pub struct FileSink {
    encoder: Encoder,
    muxer: Muxer,
    /// At the nominal rate.
    frame_length: FrameTime,
    last: Option<FrameTime>,
    /// When the last frame stops being shown, if that was said.
    end: Option<FrameTime>,
}

impl FileSink {
    /// Checks, opens the encoder, creates the hidden file and writes its header.
    /// Sound and the rest are taken from `input`, the file `info` is about; of a pipe or a sequence there is none.
    ///
    /// # Errors
    /// Those of [`FileOutput::check`]; [`VideoError::NoEncoder`]; [`Error::Write`];
    /// [`Error::OutputBusy`].
    pub fn create(output: &FileOutput, info: &VideoInfo, input: &Path) -> Result<Self> {
        output.check(input)?;
        match NameKind::of(input) {
            NameKind::File => Self::open(output, info, Kind::Film { input, audio: output.audio }),
            // It can be read only once, or holds nothing but pictures.
            NameKind::Pipe | NameKind::Sequence => Self::open(output, info, Kind::Pictures),
        }
    }

    /// As [`Self::create`], for pictures that come once and are no file's, with the sound of a microphone if one is
    /// given: in pieces of half a second, each of which plays if nothing follows.
    ///
    /// # Errors
    /// As [`Self::create`], and as [`FileOutput::check_recording`].
    pub fn record(output: &FileOutput, info: &VideoInfo, microphone: Option<&Microphone>) -> Result<Self> {
        output.check_recording()?;
        Self::open(output, info, Kind::Recording { microphone })
    }

    /// As [`Self::create`], for a stretch of a film: its pictures alone, their times counted from `from`, with a
    /// word about it. Others may be writing the same file: whoever is last gives it its name.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub fn part(output: &FileOutput, info: &VideoInfo, from: FrameTime, comment: String) -> Result<Self> {
        output.check_target()?;
        Self::open(output, info, Kind::Part { from: from.to_ticks(info.time_base), comment })
    }

    fn open(output: &FileOutput, info: &VideoInfo, kind: Kind<'_>) -> Result<Self> {
        libav::init();
        let container = Container::of(&output.path)?;
        let is_prompt = matches!(kind, Kind::Recording { .. });
        let mut encoder = Encoder::open(output.codec(container), output.crf, info, is_prompt)?;
        let file = match kind {
            Kind::Part { .. } => AtomicFile::create_shared(&output.path)?,
            _ => AtomicFile::create(&output.path, output.overwrite)?,
        };
        let muxer = Muxer::open(file, container, info, kind, |output| encoder.add_stream(output, info))?;
        let frame_length = FrameTime::from_ticks(1, info.rate.frame_base());
        Ok(Self { encoder, muxer, frame_length, last: None, end: None })
    }

    /// What of the input is not in the output as it was.
    pub fn changed(&self) -> &[Changed] {
        self.muxer.changed()
    }

    /// Writes the packets the encoder has ready.
    fn drain(&mut self) -> Result<()> {
        while let Some(packet) = self.encoder.receive()? {
            self.muxer.write(packet)?;
        }
        Ok(())
    }

    /// Writes what a recording's microphone heard at this time, on the frames' clock.
    ///
    /// # Errors
    /// As [`Sink::write`].
    pub fn hear(&mut self, sound: SoundPacket, time: FrameTime) -> Result<()> {
        self.muxer.hear(sound.at(time))
    }

    /// Ends a recording that cannot go on: what of it plays gets its name.
    ///
    /// # Errors
    /// Returns an error if there is nothing to be kept, or it cannot be renamed.
    #[cfg(feature = "live")]
    pub(crate) fn keep(self) -> Result<()> {
        self.muxer.keep()
    }
}

impl Sink for FileSink {
    fn write(&mut self, frame: Frame) -> Result<()> {
        self.encoder.send(&frame)?;
        self.drain()?;
        self.last = Some(frame.time);
        self.muxer.advance(frame.time)
    }

    fn last_until(&mut self, end: FrameTime) {
        self.end = Some(end);
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        let Some(last) = self.last else {
            tracing::warn!("not one frame was made: nothing is written");
            return Ok(());
        };
        let end = self.end.filter(|end| *end > last).unwrap_or(last + self.frame_length);
        let written = self.encoder.send_end(last, end).and_then(|()| self.drain());
        self.muxer.finish(written, last, end)
    }
}
