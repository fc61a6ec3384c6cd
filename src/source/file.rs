//! A video file, frame by frame.
//!
//! Opening decodes the first frame, so that a source in hand has a picture to
//! give, and its size and colour are those of a real frame rather than of a
//! header. Frames come upright ([`super::orient`]), in RGBA ([`super::convert`]),
//! at their own times ([`super::clock`]).
//!
//! # Clocks
//! Frame times count from the moment a player shows as 0:00. With a start given,
//! frames before it are decoded but not handed out, and the first one kept *is*
//! 0:00; [`VideoInfo::origin`] says by how much everything else in the file has
//! to move to stay in step. The end is exclusive.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use ffmpeg::codec::packet::side_data;
use ffmpeg::{Rational, Stream, frame};
use ffmpeg_next as ffmpeg;

use super::clock::Clock;
use super::convert::Converter;
use super::decode::Decoder;
use super::orient::Orientation;
use super::{Source, VideoInfo};
use crate::colour::Colour;
use crate::error::{Error, Result};
use crate::frame::{Frame, Size};
use crate::media;
use crate::stop::Stop;
use crate::time::{FrameRate, FrameTime};

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
    stop: Stop,
}

impl FileSource {
    /// Opens a file and decodes the first frame of `clip`.
    ///
    /// # Errors
    /// [`Error::Read`] and [`Error::IsDirectory`] where there is no such file,
    /// [`Error::Open`] where it is not media, [`Error::NoVideo`] where nothing in
    /// it moves, [`Error::NoFrames`] where nothing of that can be decoded,
    /// [`Error::OutOfRange`] where `clip` lies outside of it.
    pub fn open(path: &Path, clip: Clip, stop: Stop) -> Result<Self> {
        check_readable(path)?;
        if let Some(duration) = clip.duration.filter(|duration| *duration <= FrameTime::ZERO) {
            return Err(out_of_range("the duration", duration, "times above 0"));
        }
        let mut decoder = Decoder::open(path)?;
        let clock_start = media::clock_start(decoder.input());
        let start = clip.start.map(|start| clock_start + start);
        if let Some(start) = start {
            decoder = decoder.seek(path, start)?;
        }
        let mut clock = Clock::new(decoder.time_base(), nominal_rate(&decoder.stream()));
        let Some((ticks, first)) = skip_to(&mut decoder, &mut clock, start)? else {
            return Err(match clip.start.filter(|_| clock.has_started()) {
                Some(start) => out_of_range("the start", start, "the length of the video"),
                None => Error::NoFrames { path: path.into() },
            });
        };
        let stored_size = size_of(&first)?;
        let orientation = orientation(&decoder.stream());
        let origin = if start.is_some() { ticks } else { clock_start.to_ticks(decoder.time_base()) };
        let info = describe(&decoder, &first, clip, orientation, origin)?;
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
            stop,
        })
    }

    /// The next frame before the end, in ticks of the stream.
    fn decode(&mut self) -> Result<Option<(i64, frame::Video)>> {
        let next = match self.first.take() {
            Some(first) => Some(first),
            None => self.decoder.next()?.map(|frame| (self.clock.tick(frame.timestamp()), frame)),
        };
        let is_before = |ticks, end| FrameTime::from_ticks(ticks, self.info.time_base) < end;
        Ok(next.filter(|(ticks, _)| self.end.is_none_or(|end| is_before(*ticks, end))))
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

/// What the first frame and the headers tell.
fn describe(
    decoder: &Decoder,
    first: &frame::Video,
    clip: Clip,
    orientation: Orientation,
    origin: i64,
) -> Result<VideoInfo> {
    let stored_size = size_of(first)?;
    let time_base = decoder.time_base();
    let rate = nominal_rate(&decoder.stream());
    let duration = length(decoder, clip);
    Ok(VideoInfo {
        size: orientation.turn_size(stored_size),
        rate,
        time_base,
        colour: Colour::of(first, stored_size),
        pixel_aspect: orientation.turn_pair(pixel_aspect(first)),
        frames: frame_count(&decoder.stream(), clip, duration, rate),
        duration,
        origin: FrameTime::from_ticks(origin, time_base),
    })
}

fn out_of_range(what: &'static str, value: FrameTime, range: &'static str) -> Error {
    Error::OutOfRange { what, value: value.to_string(), range }
}

fn size_of(frame: &frame::Video) -> Result<Size> {
    let (width, height) = (frame.width(), frame.height());
    let too_large = || Error::OutOfRange {
        what: "the size of the picture",
        value: format!("{width}x{height}"),
        range: "1 to 16384 pixels a side",
    };
    Size::new(width, height).ok_or_else(too_large)
}

/// The average rate; a standard one where the stream names one within 2 % of
/// it, which containers with coarse ticks blur; 25 where nothing is known.
fn nominal_rate(stream: &Stream) -> FrameRate {
    let rate = |Rational(num, den)| FrameRate::new(num, den);
    let (average, standard) = (rate(stream.avg_frame_rate()), rate(stream.rate()));
    match (average, standard) {
        (Some(average), Some(standard)) if (standard.as_f64() / average.as_f64() - 1.0).abs() < 0.02 => {
            standard
        }
        (average, standard) => {
            average.or(standard).or(FrameRate::new(25, 1)).expect("25 frames a second are a rate")
        }
    }
}

/// From the display matrix; from the `rotate` tag of old files.
fn orientation(stream: &Stream) -> Orientation {
    let matrix = stream.side_data().find(|data| data.kind() == side_data::Type::DisplayMatrix);
    let from_matrix = matrix.and_then(|matrix| Orientation::from_display_matrix(matrix.data()));
    let from_tag = || stream.metadata().get("rotate")?.trim().parse().ok().map(Orientation::from_degrees);
    from_matrix.or_else(from_tag).unwrap_or_default()
}

/// The frame's, or the decoder's by way of it; square where unknown.
fn pixel_aspect(frame: &frame::Video) -> (u32, u32) {
    let Rational(num, den) = frame.aspect_ratio();
    match (u32::try_from(num), u32::try_from(den)) {
        (Ok(num), Ok(den)) if num > 0 && den > 0 => (num, den),
        _ => (1, 1),
    }
}

/// Length of what will be handed out, where the file tells its own.
fn length(decoder: &Decoder, clip: Clip) -> Option<FrameTime> {
    let stream = decoder.stream();
    let of_stream = FrameTime::from_ticks(stream.duration().max(0), decoder.time_base());
    let of_file = FrameTime::from_nanos(decoder.input().duration().max(0).saturating_mul(1000));
    let whole = [of_stream, of_file].into_iter().find(|length| *length > FrameTime::ZERO)?;
    let rest = (whole - clip.start.unwrap_or_default()).max(FrameTime::ZERO);
    Some(clip.duration.map_or(rest, |wanted| wanted.min(rest)))
}

/// As the container counts them; for a part, or where it does not, from length
/// and rate.
fn frame_count(stream: &Stream, clip: Clip, duration: Option<FrameTime>, rate: FrameRate) -> Option<u64> {
    let counted = u64::try_from(stream.frames()).ok().filter(|frames| *frames > 0);
    let estimate = || u64::try_from(duration?.to_ticks(rate.frame_base())).ok().map(|frames| frames.max(1));
    counted.filter(|_| clip == Clip::default()).or_else(estimate)
}
