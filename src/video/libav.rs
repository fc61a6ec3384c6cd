//! What reading and writing media files have in common.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, Once, PoisonError};

use ffmpeg::codec::packet::side_data;
use ffmpeg::format::context::Input;
use ffmpeg::format::stream::Disposition;
use ffmpeg::{Packet, Rational, Stream, log, media};
use ffmpeg_next as ffmpeg;

use crate::error::{Error, Result};
use crate::frame::Size;
use crate::time::{FrameRate, FrameTime, TimeBase};
use crate::video::demuxer;
use crate::video::demuxer::Refusal;
use crate::video::error::VideoError;
use crate::video::names::{NameKind, Numbered};

/// Whether inputs may be lists of other files.
static FOLLOWS: AtomicBool = AtomicBool::new(false);

/// Frames a second of numbered sequences.
static SEQUENCE_RATE: Mutex<Option<FrameRate>> = Mutex::new(None);

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
        demuxer::limit_memory();
        let chatty = tracing::enabled!(tracing::Level::TRACE);
        log::set_level(if chatty { log::Level::Verbose } else { log::Level::Quiet });
    });
}

/// Lets inputs be lists of other files from now on, in the whole process, as FFmpeg's own
/// settings are.
pub(crate) fn follow_lists() {
    FOLLOWS.store(true, Ordering::Relaxed);
}

/// Gives numbered sequences so many frames a second from now on, in the whole process.
pub(crate) fn set_sequence_rate(rate: FrameRate) {
    *SEQUENCE_RATE.lock().unwrap_or_else(PoisonError::into_inner) = Some(rate);
}

/// Opens an input: a readable file, standard input, or a numbered sequence.
pub(crate) fn open(path: &Path) -> Result<Input> {
    init();
    let unreadable = |source| Error::Read { path: path.into(), source };
    let opened = match NameKind::of(path) {
        NameKind::File => {
            let url = demuxer::url(path).map_err(unreadable)?;
            demuxer::open(&url, FOLLOWS.load(Ordering::Relaxed))
        }
        NameKind::Pipe => demuxer::open_pipe(),
        NameKind::Sequence => {
            let missing =
                || io::Error::new(io::ErrorKind::NotFound, "there is no picture of that name and a number");
            let numbered = Numbered::of(path).ok_or_else(|| unreadable(missing()))?;
            let range = numbered.whole_range().map_err(unreadable)?;
            let (first, _) = range.ok_or_else(|| unreadable(missing()))?;
            let rate = *SEQUENCE_RATE.lock().unwrap_or_else(PoisonError::into_inner);
            let url = demuxer::url(path).map_err(unreadable)?;
            demuxer::open_sequence(&url, first, rate.or(FrameRate::new(25, 1)))
        }
    };
    let input = opened.map_err(|refusal| match refusal {
        Refusal::List(format) => VideoError::ListOfFiles { path: path.into(), format },
        Refusal::Failed(source) if NameKind::of(path) == NameKind::Pipe => {
            VideoError::Y4m { source: Box::new(source) }
        }
        Refusal::Failed(source) => VideoError::Open { path: path.into(), source: Box::new(source) },
    })?;
    let film = video_stream(&input).and_then(|index| input.stream(index));
    let [width, height] = film.map(|film| demuxer::stated_size(&film)).unwrap_or_default();
    if width.max(height) > Size::MAX_SIDE {
        return Err(Error::OutOfRange {
            what: "the size of the picture",
            value: format!("{width}x{height}"),
            range: "1 to 16384 pixels a side",
        });
    }
    Ok(input)
}

/// What is told of a file of which no picture can be decoded: that it is of a kind that FFmpeg knows but
/// cannot read, if that is the reason.
pub(crate) fn no_frames(path: &Path) -> VideoError {
    let path = path.to_owned();
    if is_animated_webp(&path) {
        return VideoError::AnimatedWebP { path };
    }
    VideoError::NoFrames { path }
}

/// By the flag of the file's extended header.
fn is_animated_webp(path: &Path) -> bool {
    let mut head = [0; 21];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut head));
    read.is_ok() && head.starts_with(b"RIFF") && head[8..16] == *b"WEBPVP8X" && head[20] & 2 != 0
}

/// Whether a packet lacks a key, by what the demuxer says of it.
pub(crate) fn is_encrypted(packet: &Packet) -> bool {
    packet.side_data().any(|data| data.kind() == side_data::Type::EncryptionInfo)
}

/// Index of the stream to redraw: the best one that is not cover art.
pub(crate) fn video_stream(input: &Input) -> Option<usize> {
    let is_film = |stream: &Stream| stream.parameters().medium() == media::Type::Video && !is_cover(stream);
    let best = input.streams().best(media::Type::Video).filter(is_film);
    best.or_else(|| input.streams().find(is_film)).map(|stream| stream.index())
}

/// A stream's ticks; microseconds where it names none.
pub(crate) fn time_base(stream: &Stream) -> TimeBase {
    let Rational(num, den) = stream.time_base();
    TimeBase::new(num, den).or(TimeBase::new(1, 1_000_000)).expect("a microsecond is positive")
}

/// A length in a stream's ticks; zero if it is none.
pub(crate) fn length_of(ticks: i64, base: TimeBase) -> FrameTime {
    FrameTime::from_ticks(ticks.max(0), base)
}

/// When a stream starts on the file's own clock, where that is known.
pub(crate) fn start_of(stream: &Stream) -> Option<FrameTime> {
    let start = Some(stream.start_time()).filter(|ticks| *ticks != NO_TIMESTAMP);
    start.map(|ticks| FrameTime::from_ticks(ticks, time_base(stream)))
}

/// Whether a stream is a still picture about the file, such as a record's cover.
pub(crate) fn is_cover(stream: &Stream) -> bool {
    stream.disposition().contains(Disposition::ATTACHED_PIC)
}

/// Whether two streams are of one programme; a file without programmes is one.
pub(crate) fn share_programme(input: &Input, one: usize, other: usize) -> bool {
    let programmes = |stream: usize| {
        #[expect(unsafe_code, reason = "the binding knows no programmes")]
        // SAFETY: the context is open as long as `input` is borrowed; FFmpeg keeps its array of
        // programmes, and each one's array of stream numbers, as long as it says they are.
        unsafe {
            let context = &*input.as_ptr();
            (0..context.nb_programs as usize)
                .filter(|n| {
                    let programme = &**context.programs.add(*n);
                    (0..programme.nb_stream_indexes as usize)
                        .any(|n| *programme.stream_index.add(n) as usize == stream)
                })
                .collect::<Vec<_>>()
        }
    };
    let (one, other) = (programmes(one), programmes(other));
    one.is_empty() || other.is_empty() || one.iter().any(|programme| other.contains(programme))
}

/// The average rate; a standard one where the stream names one within 2 % of
/// it, which containers with coarse ticks blur; 25 where nothing is known.
pub(crate) fn nominal_rate(stream: &Stream) -> FrameRate {
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
