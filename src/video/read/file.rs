//! A video file, frame by frame.
//!
//! Opening decodes the first frame, so that a source in hand has a picture to
//! give, and its size and colour are those of a real frame rather than of a
//! header. Frames come upright ([`crate::video::read::orient`]), in RGBA ([`crate::video::read::convert`]),
//! at their own times ([`crate::video::read::timestamps`]).
//!
//! # Clocks
//! Frame times count from the moment a player shows as 0:00. With a start given,
//! frames before it are decoded but not handed out, and the first one kept *is*
//! 0:00; [`VideoInfo::origin`] says by how much everything else in the file has
//! to move to stay in step. The end is exclusive.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use ffmpeg_next::frame;

use crate::cancel::CancelToken;
use crate::error::{Error, Result};
use crate::frame::{Frame, Size};
use crate::time::FrameTime;
use crate::video::libav;
use crate::video::read::convert::Converter;
use crate::video::read::decode::Decoder;
use crate::video::read::orient::Orientation;
use crate::video::read::probe;
use crate::video::read::probe::{nominal_rate, orientation, size_of};
use crate::video::read::timestamps::Clock;
use crate::video::read::{Source, VideoInfo};

/// How much of its stated length a video may lack without a word: a long last
/// frame, sound that outlasts it.
const EARLY: FrameTime = FrameTime::from_nanos(1_000_000_000);

/// The part of a video to take, on the clock a player shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Clip {
    /// From here; from the beginning if not given.
    pub start: Option<FrameTime>,
    /// For so long; to the end if not given.
    pub duration: Option<FrameTime>,
}

/// The frames of a file's video stream.
pub struct FileSource {
    decoder: Decoder,
    clock: Clock,
    converter: Converter,
    orientation: Orientation,
    stored_size: Size,
    info: VideoInfo,
    /// The frame decoded while opening.
    first: Option<(i64, frame::Video)>,
    /// Ticks of the stream at which the frames' clock is zero.
    origin: i64,
    /// Where to end, on the file's clock.
    end: Option<FrameTime>,
    /// Time of the last frame handed out.
    last: Option<FrameTime>,
    stop: CancelToken,
}

impl FileSource {
    /// Opens a file and decodes the first frame of `clip`.
    ///
    /// # Errors
    /// [`Error::Read`] and [`Error::IsDirectory`] where there is no such file,
    /// [`Error::Open`] where it is not media, [`Error::NoVideo`] where nothing in
    /// it moves, [`Error::NoFrames`] where nothing of that can be decoded,
    /// [`Error::OutOfRange`] where `clip` lies outside of it.
    pub fn open(path: &Path, clip: Clip, stop: CancelToken) -> Result<Self> {
        check_readable(path)?;
        if let Some(duration) = clip.duration.filter(|duration| *duration <= FrameTime::ZERO) {
            return Err(out_of_range("the duration", duration, "times above 0"));
        }
        let mut decoder = Decoder::open(path)?;
        let clock_start = libav::clock_start(decoder.input());
        let start = clip.start.map(|start| clock_start + start);
        if let Some(start) = start {
            decoder = decoder.seek(path, start)?;
        }
        let mut clock = Clock::new(decoder.time_base(), nominal_rate(&decoder.stream()));
        let Some((ticks, first)) = skip_to(&mut decoder, &mut clock, start)? else {
            return Err(match clip.start.filter(|_| clock.has_started()) {
                Some(start) => out_of_range("the start", start, "the length of the video"),
                None => libav::no_frames(path),
            });
        };
        let stored_size = size_of(&first)?;
        let orientation = orientation(&decoder.stream());
        let origin = if start.is_some() { ticks } else { clock_start.to_ticks(decoder.time_base()) };
        let info = probe::video(&decoder, &first, stored_size, clip, orientation, origin);
        Ok(Self {
            converter: Converter::new(stored_size, info.colour),
            end: clip.duration.map(|length| start.unwrap_or(clock_start) + length),
            first: Some((ticks, first)),
            decoder,
            clock,
            orientation,
            stored_size,
            info,
            origin,
            last: None,
            stop,
        })
    }

    /// The next frame before the end, in ticks of the stream.
    fn decode(&mut self) -> Result<Option<(i64, frame::Video)>> {
        let next = match self.first.take() {
            Some(first) => Some(first),
            None => self.decoder.next()?.map(|frame| (self.clock.tick(frame.timestamp()), frame)),
        };
        if next.is_none() {
            self.report_early_end();
        }
        let is_before = |ticks, end| FrameTime::from_ticks(ticks, self.info.time_base) < end;
        Ok(next.filter(|(ticks, _)| self.end.is_none_or(|end| is_before(*ticks, end))))
    }

    /// Warns, once, of a file that was cut short.
    fn report_early_end(&mut self) {
        if let (Some(last), Some(length)) = (self.last.take(), self.info.duration)
            && last + EARLY < length
        {
            tracing::warn!("the pictures end at {last}, though the input says it is {length} long");
        }
    }
}

impl Source for FileSource {
    fn info(&self) -> &VideoInfo {
        &self.info
    }

    fn next(&mut self) -> Result<Option<Frame>> {
        if self.stop.is_raised() {
            return Ok(None);
        }
        let Some((ticks, frame)) = self.decode()? else { return Ok(None) };
        let mut pixels = self.converter.run(frame)?;
        if !self.orientation.is_upright() {
            pixels = self.orientation.turn(&pixels, self.stored_size);
        }
        let time = FrameTime::from_ticks(ticks - self.origin, self.info.time_base);
        self.last = Some(time);
        Ok(Some(Frame { size: self.info.size, time, pixels }))
    }
}

/// Refuses what FFmpeg would misreport, or what could be read only once: sound
/// is copied from a second opening of the file.
fn check_readable(path: &Path) -> Result<()> {
    let unreadable = |source| Error::Read { path: path.into(), source };
    let about = fs::metadata(path).map_err(unreadable)?;
    if about.is_dir() {
        return Err(Error::IsDirectory { path: path.into() });
    }
    if !about.is_file() {
        return Err(unreadable(io::Error::new(ErrorKind::InvalidInput, "it is not a regular file")));
    }
    if about.len() == 0 {
        return Err(unreadable(io::Error::new(ErrorKind::UnexpectedEof, "it is empty")));
    }
    fs::File::open(path).map(drop).map_err(unreadable)
}

/// Decodes up to the first frame at or after `start`; its ticks.
fn skip_to(
    decoder: &mut Decoder,
    clock: &mut Clock,
    start: Option<FrameTime>,
) -> Result<Option<(i64, frame::Video)>> {
    let base = decoder.time_base();
    while let Some(frame) = decoder.next()? {
        let ticks = clock.tick(frame.timestamp());
        if start.is_none_or(|start| FrameTime::from_ticks(ticks, base) >= start) {
            return Ok(Some((ticks, frame)));
        }
    }
    Ok(None)
}

fn out_of_range(what: &'static str, value: FrameTime, range: &'static str) -> Error {
    Error::OutOfRange { what, value: value.to_string(), range }
}
