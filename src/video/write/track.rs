//! One stream of the output beside the video, and how its packets are made.

use ffmpeg::format::context::Output;
use ffmpeg::media::Type;
use ffmpeg::{Packet, Rational, Stream};
use ffmpeg_next as ffmpeg;

use crate::time::{FrameTime, TimeBase};
use crate::video::libav;
use crate::video::write::sound::Transcoder;
use crate::video::write::stream;
use crate::video::write::streams::Fate;
use crate::video::write::subtitles::Rewriter;

/// Sound before the start that decoders need to be in full swing there.
const PREROLL: FrameTime = FrameTime::from_nanos(500_000_000);

/// Priming of a codec, heard by nobody: it may lie before 0:00 in any container.
const PRIMING: FrameTime = FrameTime::from_nanos(100_000_000);

/// From a stream of the input to one of the output.
pub(super) struct Track {
    to: usize,
    way: Way,
    kind: Type,
    /// What the input's packets count in.
    base: TimeBase,
    /// What the output's packets count in, before the muxer has its say.
    made_in: Rational,
    last_dts: Option<i64>,
    /// Where its copied packets end.
    end: Option<FrameTime>,
}

enum Way {
    Copy,
    Sound(Box<Transcoder>),
    Subtitles(Box<Rewriter>),
}

/// Where a part of a film begins and ends, on the frames' clock.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cut {
    /// Whether nothing before 0:00 is wanted.
    pub(super) start: bool,
    /// Whether packets that reach over 0:00 can be cut there by players.
    pub(super) cuts_at_zero: bool,
    /// Nothing from here on is wanted.
    pub(super) end: Option<FrameTime>,
    /// Whether the clock of the input broke, so that packets may overlap.
    pub(super) is_mended: bool,
}

impl Track {
    /// Adds what becomes of a stream to the output, whose header is not written yet; `None` for
    /// what has no packets to pass on.
    pub(super) fn add(
        from: &Stream,
        fate: &Fate,
        output: &mut Output,
    ) -> Result<Option<Self>, ffmpeg::Error> {
        let (to, way, made_in) = match fate {
            Fate::Copied => (stream::add_copy(output, from)?, Way::Copy, from.time_base()),
            Fate::Encoded(encoder) => {
                let transcoder = Transcoder::open(from, encoder)?;
                let made_in = Rational::from(transcoder.time_base());
                (transcoder.add_stream(output)?, Way::Sound(Box::new(transcoder)), made_in)
            }
            Fate::Rewritten(encoder) => {
                let rewriter = Rewriter::open(from, encoder)?;
                (rewriter.add_stream(output)?, Way::Subtitles(Box::new(rewriter)), from.time_base())
            }
            Fate::Cover | Fate::LeftOut(_) | Fate::Elsewhere => return Ok(None),
        };
        let is_quicktime = stream::is_quicktime(output);
        if let (Fate::Encoded(_) | Fate::Rewritten(_), Some(mut to)) = (fate, output.stream_mut(to)) {
            stream::copy_words(&mut to, from, is_quicktime);
        }
        let (kind, base) = (from.parameters().medium(), libav::time_base(from));
        Ok(Some(Self { to, way, kind, base, made_in, last_dts: None, end: None }))
    }

    /// Adds the sound of a device, stored by this encoder.
    pub(super) fn live(from: &Stream, encoder: &str, output: &mut Output) -> Result<Self, ffmpeg::Error> {
        let transcoder = Transcoder::live(from, encoder)?;
        let (made_in, kind) = (Rational::from(transcoder.time_base()), Type::Audio);
        let (to, base) = (transcoder.add_stream(output)?, libav::time_base(from));
        Ok(Self { to, way: Way::Sound(Box::new(transcoder)), kind, base, made_in, last_dts: None, end: None })
    }

    /// Takes a packet of the input, its times on the frames' clock.
    pub(super) fn push(
        &mut self,
        mut packet: Packet,
        cut: Cut,
        output: &mut Output,
    ) -> Result<(), ffmpeg::Error> {
        if !self.crop(&mut packet, cut) {
            return Ok(());
        }
        match &mut self.way {
            Way::Copy => self.write(packet, output),
            Way::Sound(transcoder) => {
                if let Some(end) = cut.end {
                    transcoder.end_at(end);
                }
                let made = transcoder.push(&packet)?;
                made.into_iter().try_for_each(|packet| self.write(packet, output))
            }
            Way::Subtitles(rewriter) => match rewriter.run(&packet) {
                Some(packet) => self.write(packet, output),
                None => Ok(()),
            },
        }
    }

    /// Writes what is held back; sound ends at `end` if that is given.
    pub(super) fn finish(mut self, end: Option<FrameTime>, output: &mut Output) -> Result<(), ffmpeg::Error> {
        let Way::Sound(mut transcoder) = std::mem::replace(&mut self.way, Way::Copy) else { return Ok(()) };
        if let Some(end) = end {
            transcoder.end_at(end);
        }
        transcoder.finish()?.into_iter().try_for_each(|packet| self.write(packet, output))
    }

    /// Whether a packet is wanted; what reaches over a cut is shortened where that can be.
    fn crop(&mut self, packet: &mut Packet, cut: Cut) -> bool {
        let Some(ticks) = packet.pts().or(packet.dts()) else {
            tracing::debug!(stream = packet.stream(), "left out a packet without a time");
            return false;
        };
        let start = FrameTime::from_ticks(ticks, self.base);
        let length = libav::length_of(packet.duration(), self.base);
        if cut.end.is_some_and(|end| start >= end) {
            return false;
        }
        match (&self.way, self.kind) {
            (_, Type::Subtitle) => {
                let end = cut.end.map_or(start + length, |end| end.min(start + length));
                if start < FrameTime::ZERO && end <= FrameTime::ZERO {
                    return false;
                }
                let start = start.max(FrameTime::ZERO);
                if length > FrameTime::ZERO {
                    packet.set_duration((end - start).to_ticks(self.base));
                }
                packet.set_pts(Some(start.to_ticks(self.base)));
                packet.set_dts(packet.pts());
                true
            }
            (Way::Sound(_), _) => !cut.start || start + length > FrameTime::ZERO - PREROLL,
            _ => {
                let end = start + length;
                // What a player cuts may begin a packet early: its codec leans on the one before.
                let early =
                    if cut.cuts_at_zero { start + length + length } else { start + FrameTime::from_nanos(1) };
                let is_wanted =
                    if cut.start { early > FrameTime::ZERO } else { end > FrameTime::ZERO - PRIMING };
                let half = FrameTime::from_nanos(length.as_nanos() / 2);
                let overlaps = cut.is_mended && self.end.is_some_and(|last| start + half < last);
                self.end = self.end.max(Some(end));
                is_wanted && !overlaps
            }
        }
    }

    fn write(&mut self, mut packet: Packet, output: &mut Output) -> Result<(), ffmpeg::Error> {
        let Some(to) = output.stream(self.to) else { return Ok(()) };
        let ticks = packet.pts().or(packet.dts());
        packet.set_pts(ticks);
        packet.set_dts(packet.dts().or(ticks));
        packet.rescale_ts(self.made_in, to.time_base());
        // Muxers refuse times that do not advance; damaged files have them.
        let earliest = self.last_dts.map_or(i64::MIN, |last| last + 1);
        let dts = packet.dts().map_or(earliest, |dts| dts.max(earliest));
        packet.set_dts(Some(dts));
        packet.set_pts(packet.pts().map(|pts| pts.max(dts)));
        self.last_dts = Some(dts);
        packet.set_stream(self.to);
        packet.set_position(-1);
        packet.write_interleaved(output)
    }
}
