//! What reading and writing media files have in common.

use std::path::Path;
use std::sync::Once;

use ffmpeg::format::context::Input;
use ffmpeg::format::stream::Disposition;
use ffmpeg::{Packet, Rational, Stream, log, media};
use ffmpeg_next as ffmpeg;

use crate::error::{Error, Result};
use crate::time::{FrameTime, TimeBase};

/// FFmpeg's word for "no timestamp" where its binding hands out bare integers.
const NO_TIMESTAMP: i64 = i64::MIN;

/// Unreadable stretches in a row after which a file counts as cut off; demuxers
/// find their way back much sooner, or never.
const GIVE_UP_AFTER: u32 = 500;

/// Makes FFmpeg ready and decides how much it may say.
///
/// Its messages go to stderr past `tracing` and would tear the progress bar, and
/// most of what matters in them comes back as errors. So they show up with
/// `-vvv` only.
pub(crate) fn init() {
    static READY: Once = Once::new();
    READY.call_once(|| {
        ffmpeg::init().expect("registering FFmpeg's devices has no way to fail");
        let chatty = tracing::enabled!(tracing::Level::TRACE);
        log::set_level(if chatty { log::Level::Verbose } else { log::Level::Quiet });
    });
}

/// A file's name as FFmpeg takes it: `file:` in front keeps a name like
/// `12:30.mp4` from being read as a protocol.
pub(crate) fn url(path: &Path) -> std::io::Result<String> {
    match path.to_str() {
        Some(name) if !name.contains('\0') => Ok(format!("file:{name}")),
        _ => Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, "the name is not valid UTF-8")),
    }
}

/// Opens an input that is known to be a readable file.
pub(crate) fn open(path: &Path) -> Result<Input> {
    init();
    let url = url(path).map_err(|source| Error::Read { path: path.into(), source })?;
    ffmpeg::format::input(&url).map_err(|source| Error::Open { path: path.into(), source: Box::new(source) })
}

/// Index of the stream to redraw: the best one that is not cover art.
pub(crate) fn video_stream(input: &Input) -> Option<usize> {
    let is_film = |stream: &Stream| {
        stream.parameters().medium() == media::Type::Video
            && !stream.disposition().contains(Disposition::ATTACHED_PIC)
    };
    let best = input.streams().best(media::Type::Video).filter(is_film);
    best.or_else(|| input.streams().find(is_film)).map(|stream| stream.index())
}

/// A stream's ticks; microseconds where it names none.
pub(crate) fn time_base(stream: &Stream) -> TimeBase {
    let Rational(num, den) = stream.time_base();
    TimeBase::new(num, den).or(TimeBase::new(1, 1_000_000)).expect("a microsecond is positive")
}

/// The moment of the file's clock that a player shows as 0:00.
///
/// Files count from 0, give or take the priming of a sound codec, and their
/// times are kept as they are. A broadcast counts from wherever the day was:
/// its earliest stream is the start.
pub(crate) fn clock_start(input: &Input) -> FrameTime {
    if !matches!(input.format().name(), "mpegts" | "mpeg") {
        return FrameTime::ZERO;
    }
    let starts = input.streams().filter(|stream| stream.start_time() != NO_TIMESTAMP);
    starts
        .map(|stream| FrameTime::from_ticks(stream.start_time(), time_base(&stream)))
        .min()
        .unwrap_or_default()
}

/// Goes to a point of the file at or before `time`, on the file's own clock.
pub(crate) fn seek(input: &mut Input, time: FrameTime) -> Result<(), ffmpeg::Error> {
    let micros = time.as_nanos() / 1000;
    input.seek(micros, ..micros)
}

/// The file's next packet; `None` at the end.
///
/// Not the binding's iterator, which takes a failing disk for the end. A stretch
/// that cannot be read is passed over, unless it never ends: then the file is
/// cut off, and over.
pub(crate) fn next_packet(input: &mut Input) -> Result<Option<Packet>, ffmpeg::Error> {
    for _ in 0..GIVE_UP_AFTER {
        let mut packet = Packet::empty();
        match packet.read(input) {
            Ok(()) => return Ok(Some(packet)),
            Err(ffmpeg::Error::Eof) => return Ok(None),
            Err(ffmpeg::Error::InvalidData) => {
                tracing::debug!("passed over an unreadable stretch of the input")
            }
            Err(reason) => return Err(reason),
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colons_do_not_make_a_protocol() {
        assert_eq!(url(Path::new("12:30.mp4")).expect("plain name"), "file:12:30.mp4");
    }

    #[cfg(unix)]
    #[test]
    fn names_ffmpeg_cannot_take_are_refused() {
        use std::os::unix::ffi::OsStrExt as _;
        let name = std::ffi::OsStr::from_bytes(b"caf\xe9.mp4");
        assert!(url(Path::new(name)).is_err());
    }
}
