//! A video file, written next to its name and renamed when it is whole.
//!
//! Everything goes into `NAME.part`. Only [`Sink::finish`] gives it its name, in
//! one step: whatever happens before that, a file that was there stays as it
//! was, and a sink dropped on the way removes its part.
//!
//! # Times
//! MP4 and QuickTime keep the source's ticks exactly. Matroska and WebM count in
//! milliseconds and round to them, as every program does that writes them; and
//! they know no time before 0, so where sound starts earlier (AAC's first packet
//! does, by 20 to 50 ms) FFmpeg moves everything later by as much.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use ffmpeg::format::context::Output;
use ffmpeg_next as ffmpeg;

use crate::error::{Cause, Error, Result};
use crate::frame::Frame;
use crate::time::FrameTime;
use crate::video::libav;
use crate::video::read::VideoInfo;
use crate::video::write::Sink;
use crate::video::write::codec::Codec;
use crate::video::write::container::Container;
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
    /// Refuses what cannot work, and what would destroy something, without
    /// touching anything.
    ///
    /// # Errors
    /// [`Error::UnknownFormat`], [`Error::OutputExists`],
    /// [`Error::OutputIsInput`]; [`Error::OutOfRange`] for a rate factor the
    /// codec does not know; [`Error::Write`] where the folder is missing or the
    /// codec does not go into the container.
    pub fn check(&self, input: &Path) -> Result<()> {
        let is_input = |path: &Path| same_file::is_same_file(input, path).unwrap_or(false);
        if is_input(&self.path) || is_input(&part_of(&self.path)) {
            return Err(Error::OutputIsInput { path: self.path.clone() });
        }
        self.check_target()
    }

    /// As [`Self::check`], for what is no copy of a file.
    fn check_target(&self) -> Result<()> {
        let container = Container::of(&self.path)?;
        let codec = self.codec(container);
        if !container.holds(codec) {
            let reason = format!("{container} cannot hold {codec}; .mkv can");
            return Err(self.cannot_write(io::Error::new(ErrorKind::Unsupported, reason)));
        }
        codec.check_crf(self.crf)?;

        match fs::metadata(&self.path) {
            Ok(about) if !about.is_file() => {
                return Err(
                    self.cannot_write(io::Error::new(ErrorKind::AlreadyExists, "it is not a regular file"))
                );
            }
            Ok(_) if !self.overwrite => return Err(Error::OutputExists { path: self.path.clone() }),
            Ok(_) | Err(_) => {}
        }
        let folder = folder_of(&self.path);
        match fs::metadata(folder) {
            Ok(about) if !about.is_dir() => {
                let reason = format!("{} is not a folder", folder.display());
                Err(self.cannot_write(io::Error::new(ErrorKind::NotADirectory, reason)))
            }
            Ok(_) => Ok(()),
            Err(reason) => {
                let reason = io::Error::new(reason.kind(), format!("folder {}: {reason}", folder.display()));
                Err(self.cannot_write(reason))
            }
        }
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
    // Before `part`: fields drop in this order, and a file is closed before it
    // is removed.
    output: Output,
    part: Part,
    /// Number of the video stream in the output.
    video: usize,
    info: VideoInfo,
    last: Option<FrameTime>,
    /// When the last frame stops being shown, if that was said.
    end: Option<FrameTime>,
}

impl FileSink {
    /// Checks, opens the encoder, creates the part file and writes its header.
    /// Sound and the rest are taken from `input`, the file `info` is about.
    ///
    /// # Errors
    /// Those of [`FileOutput::check`]; [`Error::NoEncoder`]; [`Error::Write`].
    pub fn create(output: &FileOutput, info: &VideoInfo, input: &Path) -> Result<Self> {
        output.check(input)?;
        Self::open(output, info, Some(input))
    }

    /// As [`Self::create`], for pictures that are no file's: without sound.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub fn record(output: &FileOutput, info: &VideoInfo) -> Result<Self> {
        output.check_target()?;
        Self::open(output, info, None)
    }

    fn open(output: &FileOutput, info: &VideoInfo, input: Option<&Path>) -> Result<Self> {
        libav::init();
        let container = Container::of(&output.path)?;
        let mut encoder = Encoder::open(output.codec(container), output.crf, info)?;

        let part = Part::create(&output.path).map_err(|reason| output.cannot_write(reason))?;
        let url = libav::url(&part.path).map_err(|reason| output.cannot_write(reason))?;
        let mut file = ffmpeg::format::output_as(&url, container.muxer())
            .map_err(|reason| output.cannot_write(reason))?;
        let video = encoder.add_stream(&mut file, info).map_err(|reason| output.cannot_write(reason))?;
        let copier = input
            .map(|input| Copier::open(input, info, container, output.audio, &mut file))
            .transpose()
            .map_err(|reason| output.cannot_write(reason))?;
        if let Some(copier) = &copier {
            passthrough::copy_titles(copier.input(), info, &mut file, video);
        }
        file.write_header_with(container.header_options(info.time_base))
            .map_err(|reason| output.cannot_write(reason))?;
        Ok(Self { encoder, copier, output: file, part, video, info: info.clone(), last: None, end: None })
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
            packet.write_interleaved(&mut self.output).map_err(|reason| self.part.cannot_write(reason))?;
        }
        Ok(())
    }
}

impl Sink for FileSink {
    fn write(&mut self, frame: Frame) -> Result<()> {
        self.encoder.send(&frame)?;
        self.drain()?;
        self.last = Some(frame.time);
        match &mut self.copier {
            Some(copier) => {
                copier.advance(&mut self.output, frame.time).map_err(|reason| self.part.cannot_write(reason))
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
        self.encoder.send_end(last, end)?;
        self.drain()?;
        // In this order for the same reason as the fields.
        let Self { part, mut output, copier, .. } = *self;
        copier
            .map_or(Ok(()), |copier| copier.finish(&mut output, last, end))
            .and_then(|()| output.write_trailer())
            .map_err(|reason| part.cannot_write(reason))?;
        drop(output);
        part.rename()
    }
}

/// The file while it is being written; removed unless renamed.
struct Part {
    path: PathBuf,
    target: PathBuf,
}

impl Part {
    /// Next to what `path` really is: a link stays a link, to the new file.
    fn create(path: &Path) -> io::Result<Self> {
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.into());
        let path = part_of(&target);
        fs::File::create(&path)?;
        Ok(Self { path, target })
    }

    fn rename(self) -> Result<()> {
        fs::rename(&self.path, &self.target).map_err(|reason| self.cannot_write(reason))
    }

    fn cannot_write(&self, source: impl Into<Cause>) -> Error {
        Error::Write { path: self.target.clone(), source: source.into() }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // Gone already if it was renamed.
        if let Err(reason) = fs::remove_file(&self.path)
            && reason.kind() != ErrorKind::NotFound
        {
            tracing::warn!(path = %self.path.display(), %reason, "could not remove what was written so far");
        }
    }
}

fn part_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
