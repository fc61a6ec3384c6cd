//! Joins the parts of a film: their packets are written one part after the other as they are, beside the
//! film's own sound, subtitles and titles.
//!
//! A part begins with a key picture and leans on nothing before, so nothing is encoded again. What a part's
//! container cannot know, how long the film's last picture lasts, is told here anew, as [`FileSink`] does it.
//!
//! [`FileSink`]: crate::video::write::FileSink

use std::path::{Path, PathBuf};

use ffmpeg::codec::Parameters;
use ffmpeg::format::context::Input;
use ffmpeg::{Packet, encoder};
use ffmpeg_next as ffmpeg;

use crate::atomic_file::AtomicFile;
use crate::error::{Cause, Error, Result};
use crate::time::FrameTime;
use crate::video::error::VideoError;
use crate::video::libav;
use crate::video::read::VideoInfo;
use crate::video::write::container::Container;
use crate::video::write::lengths::Lengths;
use crate::video::write::muxer::{Kind, Muxer};
use crate::video::write::{Changed, Codec, FileOutput, stream};

/// A part as the plan has it.
#[derive(Debug, Clone)]
pub struct JoinPart {
    /// Its file.
    pub path: PathBuf,
    /// When its first picture is shown, on the film's clock.
    pub from: FrameTime,
    /// When the next part begins.
    pub until: Option<FrameTime>,
    /// How many pictures it has.
    pub frames: u64,
    /// What its file says of itself.
    pub comment: String,
}

/// What a part is stored in while it waits for the others: keeps ticks and B-frames exactly.
pub(crate) fn part_extension(codec: Codec) -> &'static str {
    if Container::Mp4.holds(codec) { "mp4" } else { "mov" }
}

/// A film in the making, of its parts.
pub struct FilmJoiner<'a> {
    parts: &'a [JoinPart],
    info: &'a VideoInfo,
    muxer: Muxer,
    lengths: Lengths,
    /// Of the first part, which all must share.
    parameters: Parameters,
    last_dts: Option<i64>,
}

impl<'a> FilmJoiner<'a> {
    /// Looks at every part's header, creates the hidden file and writes its header. Sound and the rest are taken
    /// from `input`, the film `info` is about.
    ///
    /// # Errors
    /// Those of [`FileOutput::check`]; [`VideoError::PartInvalid`] for the first part that is another's or cannot be
    /// read; [`Error::Write`].
    pub fn create(
        output: &FileOutput,
        info: &'a VideoInfo,
        input: &Path,
        parts: &'a [JoinPart],
    ) -> Result<Self> {
        output.check(input)?;
        let container = Container::of(&output.path)?;
        let mut first = None;
        for part in parts {
            let opened = open(part)?;
            first.get_or_insert((opened, &part.path));
        }
        let Some((first, path)) = first else { return Err(Error::Stage { name: "join" }) };
        let parameters = film_of(&first, path)?;
        let file = AtomicFile::create(&output.path, output.overwrite)?;
        let mut lengths = Lengths::new(info);
        let kind = Kind::Film { input, audio: output.audio };
        let muxer = Muxer::open(file, container, info, kind, |muxer| {
            lengths.set_container(muxer.format().name());
            let mut stream = muxer.add_stream(encoder::find(ffmpeg::codec::Id::None))?;
            stream.set_parameters(parameters.clone());
            stream::forget_probing(&mut stream);
            stream::set_codec_tag(&mut stream, [0; 4]);
            stream::set_up_video(&mut stream, info);
            let index = stream.index();
            stream::name_for_apple(muxer, index);
            Ok(index)
        })?;
        Ok(Self { parts, info, muxer, lengths, parameters, last_dts: None })
    }

    /// What of the input is not in the output as it was.
    pub fn changed(&self) -> &[Changed] {
        self.muxer.changed()
    }

    /// Writes all parts, and gives the film its name; its last picture is shown from `last` until `end`.
    /// `joined` hears of every part that is done.
    ///
    /// # Errors
    /// [`VideoError::PartInvalid`] for a part that is not what the plan says; [`Error::Write`].
    pub fn run(mut self, last: FrameTime, end: FrameTime, mut joined: impl FnMut(&JoinPart)) -> Result<()> {
        self.lengths.set_last(last, end);
        for part in self.parts {
            self.add(part)?;
            joined(part);
        }
        let written = match self.lengths.finish() {
            Some(packet) => self.muxer.write(packet),
            None => Ok(()),
        };
        self.muxer.finish(written, last, end)
    }

    fn add(&mut self, part: &JoinPart) -> Result<()> {
        let invalid =
            |source: Cause| Error::from(VideoError::PartInvalid { path: part.path.clone(), source });
        let mut input = open(part)?;
        if !alike(&film_of(&input, &part.path)?, &self.parameters) {
            let reason = "its pictures are stored in another way than the first part's: another version of the \
                          encoder made it";
            return Err(invalid(reason.into()));
        }
        let base = self.info.time_base;
        let (from, until) = (part.from.to_ticks(base), part.until.map(|until| until.to_ticks(base)));
        let mut count = 0;
        while let Some(mut packet) = libav::next_packet(&mut input).map_err(|error| invalid(error.into()))? {
            let Some(stream) = input.stream(packet.stream()) else { continue };
            packet.rescale_ts(stream.time_base(), base.parts());
            let (Some(pts), Some(dts)) = (packet.pts(), packet.dts()) else {
                return Err(invalid("a picture of it has no time".into()));
            };
            let (shown, is_key) = (pts.saturating_add(from), packet.is_key());
            let is_first = count == 0;
            if is_first != (shown == from)
                || (is_first && !is_key)
                || until.is_some_and(|until| shown >= until)
            {
                return Err(invalid(
                    format!("picture {count} of it is shown at another time than the plan says").into(),
                ));
            }
            // Where pictures come unevenly, a part's first may be decoded before the last of the part before.
            let earliest = self.last_dts.map_or(i64::MIN, |last| last + 1);
            let decoded = dts.saturating_add(from).max(earliest);
            self.last_dts = Some(decoded);
            packet.set_pts(Some(shown));
            packet.set_dts(Some(decoded.min(shown)));
            self.write(packet, FrameTime::from_ticks(shown, base))?;
            count += 1;
        }
        if count != part.frames {
            return Err(invalid(format!("it holds {count} pictures of {}", part.frames).into()));
        }
        Ok(())
    }

    fn write(&mut self, packet: Packet, time: FrameTime) -> Result<()> {
        if let Some(before) = self.lengths.push(packet) {
            self.muxer.write(before)?;
        }
        self.muxer.advance(time)
    }
}

/// Whether a file that is there is this part, whole as far as its header tells.
///
/// # Errors
/// [`VideoError::PartInvalid`] if it is another part, or none.
pub(crate) fn check_part(part: &JoinPart) -> Result<()> {
    let input = open(part)?;
    let found = libav::video_stream(&input).and_then(|index| input.stream(index)).map(|film| film.frames());
    if found != i64::try_from(part.frames).ok() {
        let reason = format!("it holds {} pictures of {}", found.unwrap_or_default(), part.frames);
        return Err(VideoError::PartInvalid { path: part.path.clone(), source: reason.into() }.into());
    }
    Ok(())
}

/// Opens a part's file, if it is this part.
fn open(part: &JoinPart) -> Result<Input> {
    let invalid = |source: Cause| Error::from(VideoError::PartInvalid { path: part.path.clone(), source });
    let input = libav::open(&part.path).map_err(|error| invalid(Box::new(error)))?;
    match input.metadata().get("comment") {
        Some(comment) if comment == part.comment => {}
        Some(other) => return Err(invalid(format!("it is {other}; wanted is {}", part.comment).into())),
        None => return Err(invalid("it was not made by `stylewarp-video --job`".into())),
    }
    Ok(input)
}

fn film_of(input: &Input, path: &Path) -> Result<Parameters> {
    let film = libav::video_stream(input).and_then(|index| input.stream(index));
    film.map(|film| film.parameters()).ok_or_else(|| VideoError::NoVideo { path: path.into() }.into())
}

/// Whether a decoder that was set up for the one takes the other.
fn alike(a: &Parameters, b: &Parameters) -> bool {
    a.id() == b.id() && stream::extradata(a) == stream::extradata(b)
}
