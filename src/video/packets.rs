//! A media file, packet by packet, on one clock.
//!
//! Pictures and sound are read by two readers of one file. Both go through here, so that both
//! find the same breaks in the file's clock at the same packets and mend them alike
//! ([`crate::video::timeline`]).

use std::collections::VecDeque;
use std::path::Path;

use ffmpeg::codec::Id;
use ffmpeg::format::context::Input;
use ffmpeg::media::Type;
use ffmpeg::{Packet, Stream};
use ffmpeg_next as ffmpeg;

use crate::error::Result;
use crate::time::{FrameRate, FrameTime};
use crate::video::libav;
use crate::video::timeline::{Stamp, Timeline};

/// Formats with an index of the whole file: their clock is one, and they can be searched.
/// All others are streams that may have been cut and joined anywhere.
const INDEXED: [&str; 6] = ["mov", "matroska", "avi", "gif", "mxf", "asf"];

/// A longer gap in a stream is a clock that leaps.
const LONGEST_GAP: FrameTime = FrameTime::from_nanos(10_000_000_000);

/// The same where an index vouches for the times: a picture may be held for long.
const LONGEST_INDEXED_GAP: FrameTime = FrameTime::from_nanos(3_600_000_000_000);

/// Packets of one stream that are read ahead to judge a suspect one, and of all streams.
const LOOK_AHEAD: (usize, usize) = (16, 2000);

/// What sound may lead the pictures by without being heard: the priming of its codec, at most
/// AAC's 2112 samples at 44.1 kHz.
const PRIMING: FrameTime = FrameTime::from_nanos(50_000_000);

/// A packet of sound whose length is not told.
const SOUND_LENGTH: FrameTime = FrameTime::from_nanos(20_000_000);

/// An open file.
pub(crate) struct Packets {
    input: Input,
    timeline: Timeline,
    /// Read to judge others, not handed out yet.
    ahead: VecDeque<Packet>,
}

impl Packets {
    /// Opens an input that is known to be a readable file.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        Ok(Self::new(libav::open(path)?))
    }

    fn new(input: Input) -> Self {
        let lengths: Vec<_> = input.streams().map(|stream| usual_length(&input, &stream)).collect();
        let is_indexed = is_indexed(&input);
        let limit = if is_indexed { LONGEST_INDEXED_GAP } else { LONGEST_GAP };
        let pictures = libav::video_stream(&input);
        let timeline = Timeline::new(&lengths, pictures, limit, !is_indexed);
        Self { timeline, input, ahead: VecDeque::new() }
    }

    /// The file.
    pub(crate) fn input(&self) -> &Input {
        &self.input
    }

    /// Where the file's clock first breaks, on the clock of the packets.
    pub(crate) fn broken(&self) -> Option<FrameTime> {
        self.timeline.broken()
    }

    /// How far the packets read so far go.
    pub(crate) fn end(&self) -> Option<FrameTime> {
        self.timeline.end()
    }

    /// Whether a moment can be looked up: a clock that may break has to be read from its
    /// beginning.
    pub(crate) fn is_searchable(&self) -> bool {
        is_indexed(&self.input)
    }

    /// The moment of the file's clock that a player shows as 0:00: the start of the earliest
    /// stream, the priming of its codec aside.
    pub(crate) fn clock_start(&self) -> FrameTime {
        let video = libav::video_stream(&self.input);
        let is_heard = |stream: &Stream| {
            matches!(stream.parameters().medium(), Type::Audio | Type::Video)
                && !libav::is_cover(stream)
                && video.is_none_or(|video| libav::share_programme(&self.input, video, stream.index()))
        };
        let streams = || self.input.streams().filter(is_heard);
        let earliest = streams().filter_map(|stream| libav::start_of(&stream)).min().unwrap_or_default();
        if earliest <= FrameTime::ZERO && earliest >= FrameTime::ZERO - PRIMING {
            return FrameTime::ZERO;
        }
        let pictures = video.and_then(|video| libav::start_of(&self.input.stream(video)?));
        let is_primed = streams()
            .any(|stream| libav::start_of(&stream) == Some(earliest) && is_primed(stream.parameters().id()));
        pictures.filter(|start| is_primed && *start - earliest <= PRIMING).unwrap_or(earliest)
    }

    /// Goes to a point of the file at or before `time`.
    pub(crate) fn seek(&mut self, time: FrameTime) -> Result<(), ffmpeg::Error> {
        self.ahead.clear();
        libav::seek(&mut self.input, time)
    }

    /// The file's next packet, its times on one clock; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Packet>, ffmpeg::Error> {
        let read = match self.ahead.pop_front() {
            Some(packet) => Some(packet),
            None => libav::next_packet(&mut self.input)?,
        };
        let Some(mut packet) = read else { return Ok(None) };
        let stream = packet.stream();
        let Some(stamp) = self.stamp(&packet) else { return Ok(Some(packet)) };
        let ahead =
            if self.timeline.is_suspect(stream, stamp) { self.look_ahead(stream)? } else { Vec::new() };
        let shift = self.timeline.shift(stream, stamp, &ahead);
        if shift != FrameTime::ZERO
            && let Some(stream) = self.input.stream(stream)
        {
            let ticks = shift.to_ticks(libav::time_base(&stream));
            packet.set_pts(packet.pts().map(|pts| pts.saturating_add(ticks)));
            packet.set_dts(packet.dts().map(|dts| dts.saturating_add(ticks)));
        }
        Ok(Some(packet))
    }

    /// The times of what follows, until enough of one stream was seen.
    fn look_ahead(&mut self, stream: usize) -> Result<Vec<(usize, Stamp)>, ffmpeg::Error> {
        let mut seen = self.ahead.iter().filter(|packet| packet.stream() == stream).count();
        while seen < LOOK_AHEAD.0 && self.ahead.len() < LOOK_AHEAD.1 {
            let Some(packet) = libav::next_packet(&mut self.input)? else { break };
            seen += usize::from(packet.stream() == stream);
            self.ahead.push_back(packet);
        }
        Ok(self.ahead.iter().filter_map(|packet| Some((packet.stream(), self.stamp(packet)?))).collect())
    }

    fn stamp(&self, packet: &Packet) -> Option<Stamp> {
        let base = libav::time_base(&self.input.stream(packet.stream())?);
        let at = |ticks| FrameTime::from_ticks(ticks, base);
        let decoded = packet.dts().or(packet.pts()).map(at)?;
        let shown = packet.pts().map(at);
        let length = libav::length_of(packet.duration(), base);
        let is_dated = packet.dts().is_some();
        Some(Stamp { decoded, is_dated, shown, length, is_key: packet.is_key() })
    }
}

fn is_indexed(input: &Input) -> bool {
    INDEXED.iter().any(|name| input.format().name().split(',').any(|part| part == *name))
}

/// How long a packet of sound or of pictures usually lasts; `None` for all other streams, and
/// for those of other programmes, which have clocks of their own.
fn usual_length(input: &Input, stream: &Stream) -> Option<FrameTime> {
    let of_programme =
        libav::video_stream(input).is_none_or(|video| libav::share_programme(input, video, stream.index()));
    match stream.parameters().medium() {
        Type::Audio if of_programme => Some(SOUND_LENGTH),
        Type::Video if of_programme && !libav::is_cover(stream) => {
            let rate = libav::nominal_rate(stream);
            Some(FrameTime::from_ticks(1, FrameRate::frame_base(rate)))
        }
        _ => None,
    }
}

/// Whether a codec begins with sound that nobody is meant to hear.
fn is_primed(codec: Id) -> bool {
    matches!(codec, Id::AAC | Id::MP3 | Id::MP2 | Id::OPUS | Id::VORBIS | Id::AC3 | Id::EAC3)
}
