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

use ffmpeg::format::context::{Output, StreamIo};
use ffmpeg_next as ffmpeg;

use crate::atomic_file;
use crate::atomic_file::AtomicFile;
use crate::error::{Cause, Error, Result};
use crate::frame::Frame;
use crate::time::FrameTime;
use crate::video::error::VideoError;
use crate::video::libav;
use crate::video::read::VideoInfo;
use crate::video::write::Sink;
use crate::video::write::codec::Codec;
use crate::video::write::container::Container;
use crate::video::write::defragment::defragment;
use crate::video::write::encode::Encoder;
use crate::video::write::passthrough;
use crate::video::write::passthrough::Copier;
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

    fn check_target(&self) -> Result<()> {
        let container = Container::of(&self.path)?;
        let codec = self.codec(container);
        if !container.holds(codec) {
            let reason = format!("{container} cannot hold {codec}; .mkv can");
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
    copier: Option<Copier>,
    // Before `file`: fields drop in this order, and a file is closed before it
    // is removed.
    output: Output,
    file: AtomicFile,
    container: Container,
    /// Of a recording: so many bytes of it play, whatever comes.
    playable: Option<u64>,
    /// Number of the video stream in the output.
    video: usize,
    info: VideoInfo,
    last: Option<FrameTime>,
    /// When the last frame stops being shown, if that was said.
    end: Option<FrameTime>,
}

impl FileSink {
    /// Checks, opens the encoder, creates the hidden file and writes its header.
    /// Sound and the rest are taken from `input`, the file `info` is about.
    ///
    /// # Errors
    /// Those of [`FileOutput::check`]; [`VideoError::NoEncoder`]; [`Error::Write`];
    /// [`Error::OutputBusy`].
    pub fn create(output: &FileOutput, info: &VideoInfo, input: &Path) -> Result<Self> {
        output.check(input)?;
        Self::open(output, info, Some(input))
    }

    /// As [`Self::create`], for pictures that come once and are no file's: without sound, in
    /// pieces of half a second, each of which plays if nothing follows.
    ///
    /// # Errors
    /// As [`Self::create`], and as [`FileOutput::check_recording`].
    pub fn record(output: &FileOutput, info: &VideoInfo) -> Result<Self> {
        output.check_recording()?;
        Self::open(output, info, None)
    }

    fn open(output: &FileOutput, info: &VideoInfo, input: Option<&Path>) -> Result<Self> {
        libav::init();
        let container = Container::of(&output.path)?;
        let is_recording = input.is_none();
        let mut encoder = Encoder::open(output.codec(container), output.crf, info, is_recording)?;

        let file = AtomicFile::create(&output.path, output.overwrite)?;
        let handle = file.file().try_clone().map_err(|reason| file.cannot_write(reason))?;
        let mut muxer = StreamIo::from_write_seek(handle)
            .and_then(|stream| ffmpeg::format::output_to_stream(stream, None, Some(container.muxer())))
            .map_err(|reason| file.cannot_write(reason))?;
        let video = encoder.add_stream(&mut muxer, info).map_err(|reason| file.cannot_write(reason))?;
        let copier = input
            .map(|input| Copier::open(input, info, container, output.audio, &mut muxer))
            .transpose()
            .map_err(|reason| file.cannot_write(reason))?;
        if let Some(copier) = &copier {
            passthrough::copy_titles(copier.input(), info, &mut muxer, video);
        }
        let mut options = container.header_options(info.time_base);
        if is_recording {
            container.in_pieces(&mut options);
        }
        muxer.write_header_with(options).map_err(|reason| file.cannot_write(reason))?;
        let playable = is_recording.then_some(0);
        let info = info.clone();
        let output = muxer;
        Ok(Self { encoder, copier, output, file, container, playable, video, info, last: None, end: None })
    }

    /// What of the input is not in the output as it was.
    pub fn changed(&self) -> &[Changed] {
        self.copier.as_ref().map_or(&[], Copier::changed)
    }

    /// Writes the packets the encoder has ready.
    fn drain(&mut self) -> Result<()> {
        while let Some(mut packet) = self.encoder.receive()? {
            let stream = self.output.stream(self.video).expect("added when the file was created");
            packet.rescale_ts(self.info.time_base.parts(), stream.time_base());
            packet.set_stream(self.video);
            packet.set_position(-1);
            packet.write_interleaved(&mut self.output).map_err(|reason| self.file.cannot_write(reason))?;
            if let Some(playable) = &mut self.playable {
                // What there is of a piece is written at once, and nothing of the next.
                *playable = self.file.file().metadata().map_or(*playable, |about| about.len());
            }
        }
        Ok(())
    }

    /// Ends a recording that cannot go on: what of it plays gets its name.
    ///
    /// # Errors
    /// Returns an error if there is nothing to be kept, or it cannot be renamed.
    #[cfg(feature = "live")]
    pub(crate) fn keep(self) -> Result<()> {
        let Self { file, output, playable, copier, .. } = self;
        drop((copier, output));
        keep(file, playable)
    }
}

/// Gives a recording its name, of one piece if there is room for that.
fn finish_recording(fragments: AtomicFile, container: Container, info: &VideoInfo) -> Result<()> {
    match defragment(&fragments, container, info.time_base) {
        Ok(whole) => whole.commit(),
        Err(error) => {
            tracing::warn!("the recording stays in pieces, which play, but are searched badly: {error}");
            fragments.commit()
        }
    }
}

/// Cuts off what does not play, and gives the rest its name.
fn keep(file: AtomicFile, playable: Option<u64>) -> Result<()> {
    let Some(length) = playable.filter(|length| *length > 0) else {
        return Err(file.cannot_write("nothing of it plays"));
    };
    if let Err(reason) = file.file().set_len(length) {
        tracing::debug!(%reason, "what does not play is not cut off");
    }
    file.salvage()
}

impl Sink for FileSink {
    fn write(&mut self, frame: Frame) -> Result<()> {
        self.encoder.send(&frame)?;
        self.drain()?;
        self.last = Some(frame.time);
        match &mut self.copier {
            Some(copier) => {
                copier.advance(&mut self.output, frame.time).map_err(|reason| self.file.cannot_write(reason))
            }
            None => Ok(()),
        }
    }

    fn last_until(&mut self, end: FrameTime) {
        self.end = Some(end);
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        let Some(last) = self.last else {
            tracing::warn!("not one frame was made: nothing is written");
            return Ok(());
        };
        let next = last + FrameTime::from_ticks(1, self.info.rate.frame_base());
        let end = self.end.filter(|end| *end > last).unwrap_or(next);
        let drained = self.encoder.send_end(last, end).and_then(|()| self.drain());
        // In this order for the same reason as the fields.
        let Self { file, container, mut output, copier, playable, info, .. } = *self;
        let written = drained.and_then(|()| {
            copier
                .map_or(Ok(()), |copier| copier.finish(&mut output, last, end))
                .and_then(|()| output.write_trailer())
                .map_err(|reason| file.cannot_write(reason))
        });
        drop(output);
        match written {
            Ok(()) if playable.is_some() && container.has_one_index() => {
                finish_recording(file, container, &info)
            }
            Ok(()) => file.commit(),
            // What failed is told, and the recording kept as far as it goes.
            Err(failed) if playable.is_some() => keep(file, playable).and(Err(failed)),
            Err(failed) => Err(failed),
        }
    }
}
