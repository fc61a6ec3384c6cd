//! How long each packet of pictures lasts.
//!
//! Without a length a container cannot tell how long the last picture lasts. Every packet gets that of the
//! nominal rate; the last one is kept back until it is known to be the last.

use ffmpeg_next::Packet;

use crate::time::{FrameTime, TimeBase};
use crate::video::read::VideoInfo;

/// Gives packets their lengths, in the order of decoding.
pub(super) struct Lengths {
    base: TimeBase,
    /// At the nominal rate.
    frame_length: FrameTime,
    /// Whether the container counts lengths in the order of decoding, as MP4 does.
    counts_by_decoding: bool,
    /// The last frame's time and end, once it is known to be the last.
    last: Option<(FrameTime, FrameTime)>,
    /// The first packet's times, shown and decoded.
    first: Option<(i64, i64)>,
    /// Kept back: the last packet has a length of its own.
    held: Option<Packet>,
}

impl Lengths {
    pub(super) fn new(info: &VideoInfo) -> Self {
        Self {
            base: info.time_base,
            frame_length: FrameTime::from_ticks(1, info.rate.frame_base()),
            counts_by_decoding: false,
            last: None,
            first: None,
            held: None,
        }
    }

    /// For a container of FFmpeg's name.
    pub(super) fn set_container(&mut self, name: &str) {
        self.counts_by_decoding = matches!(name, "mp4" | "mov");
    }

    /// The last frame is shown from `last` until `end`.
    pub(super) fn set_last(&mut self, last: FrameTime, end: FrameTime) {
        self.last = Some((last, end));
    }

    /// Takes a packet; the one before it.
    pub(super) fn push(&mut self, mut packet: Packet) -> Option<Packet> {
        packet.set_duration(self.length_of(&packet));
        self.first = self.first.or(packet.pts().zip(packet.dts()));
        self.held.replace(packet)
    }

    /// The last packet, once there is no more.
    pub(super) fn finish(&mut self) -> Option<Packet> {
        self.held.take().map(|mut packet| {
            packet.set_duration(self.length_of_last(&packet));
            packet
        })
    }

    fn length_of(&self, packet: &Packet) -> i64 {
        let is_at = |time: FrameTime| packet.pts() == Some(time.to_ticks(self.base));
        let last = self.last.filter(|(time, _)| is_at(*time));
        let length = last.map_or(self.frame_length, |(time, end)| end - time);
        length.to_ticks(self.base).max(1)
    }

    /// The length of the last packet, which need not hold the last picture: where lengths add
    /// up in the order of decoding, their sum must reach from the first picture to the end.
    fn length_of_last(&self, packet: &Packet) -> i64 {
        let lengths = (self.last, self.first, packet.dts());
        let (Some((_, end)), Some((shown, decoded)), Some(dts)) = lengths else {
            return self.length_of(packet);
        };
        if !self.counts_by_decoding {
            return self.length_of(packet);
        }
        // Of an uneven rate the first picture may be decoded long before it is shown; then the
        // last one's own length counts.
        let is_last_shown = self.last.is_some_and(|(time, _)| packet.pts() == Some(time.to_ticks(self.base)));
        let least = if is_last_shown { self.length_of(packet) } else { 1 };
        (end.to_ticks(self.base) - shown + decoded - dts).max(least)
    }
}
