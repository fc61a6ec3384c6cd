//! What is looked at while a video file is opened: whether it can be read, and the first picture of the part wanted.

use std::collections::VecDeque;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use ffmpeg_next::Stream;
use ffmpeg_next::format::Pixel;

use crate::error::{Error, Result};
use crate::time::FrameTime;
use crate::video::error::VideoError;
use crate::video::libav::nominal_rate;
use crate::video::names::NameKind;
use crate::video::read::decode::{Decoded, Decoder};
use crate::video::read::isobmff;
use crate::video::read::matroska;
use crate::video::read::timestamps::Clock;

/// Where the pictures end by the word of a file that is all there.
pub(super) fn end_of_track(path: &Path, stream: &Stream) -> Option<FrameTime> {
    if isobmff::is_whole(path) {
        return isobmff::end_of_track(stream);
    }
    matroska::end_of_track(stream).filter(|_| matroska::is_whole(path))
}

/// Refuses what FFmpeg would misreport, or what could be read only once: sound
/// is copied from a second opening of the file.
pub(super) fn check_readable(path: &Path) -> Result<()> {
    if NameKind::of(path) != NameKind::File {
        return Ok(());
    }
    let unreadable = |source| Error::Read { path: path.into(), source };
    let about = fs::metadata(path).map_err(unreadable)?;
    if about.is_dir() {
        return Err(VideoError::IsDirectory { path: path.into() }.into());
    }
    if !about.is_file() {
        return Err(unreadable(io::Error::new(ErrorKind::InvalidInput, "it is not a regular file")));
    }
    if about.len() == 0 {
        return Err(unreadable(io::Error::new(ErrorKind::UnexpectedEof, "it is empty")));
    }
    fs::File::open(path).map(drop).map_err(unreadable)
}

/// Whether a sample is a byte, of those that YUV4MPEG2 can hold.
pub(super) fn is_of_bytes(format: Pixel) -> bool {
    use Pixel::{GRAY8, YUV411P, YUV420P, YUV422P, YUV444P, YUVJ420P, YUVJ422P, YUVJ444P};
    matches!(format, GRAY8 | YUV411P | YUV420P | YUV422P | YUV444P | YUVJ420P | YUVJ422P | YUVJ444P)
}

/// The next picture, at a time after the one before.
pub(super) fn decode(decoder: &mut Decoder, clock: &mut Clock) -> Result<Option<Decoded>> {
    let decoded = decoder.next()?.map(|frame| Decoded {
        ticks: clock.tick(frame.timestamp()),
        length: Some(frame.packet().duration).filter(|length| *length > 0),
        frame,
    });
    Ok(decoded)
}

/// The picture on screen at `start` and, if it was there before, the one that follows; nothing
/// if the last picture has gone by then.
pub(super) fn shown_at(decoder: &mut Decoder, clock: &mut Clock, start: i64) -> Result<VecDeque<Decoded>> {
    let mut on_screen: Option<Decoded> = None;
    while let Some(decoded) = decode(decoder, clock)? {
        let is_later = decoded.ticks > start;
        if is_later {
            return Ok(on_screen.into_iter().chain([decoded]).collect());
        }
        on_screen = Some(decoded);
    }
    let usual = FrameTime::from_ticks(1, nominal_rate(&decoder.stream()).frame_base());
    let usual = usual.to_ticks(decoder.time_base());
    let lasts = |last: &Decoded| last.ticks.saturating_add(last.length.unwrap_or(usual)) > start;
    Ok(on_screen.filter(lasts).into_iter().collect())
}

pub(super) fn out_of_range(what: &'static str, value: FrameTime, range: &'static str) -> Error {
    Error::OutOfRange { what, value: value.to_string(), range }
}
