//! Sound and subtitles, packet by packet.
//!
//! The input is opened a second time and its other streams are passed on: copied without
//! being decoded, so that not a bit of the sound changes, or stored anew where the output's
//! container cannot hold them ([`crate::video::write::streams`]). Packets are read as the
//! video advances and no further, so memory stays small however long the file is, and the
//! output is interleaved as the input was.
//!
//! # Where it begins and ends
//! A part's sound begins and ends with the part. MP4 and QuickTime begin with the packets that
//! reach into it, and tell players where to cut; the others with the first packet inside. If
//! the video was written to its end, everything is passed on, sound that goes on after the
//! last picture included. If a run was interrupted, everything ends with the last picture.
//! Copied sound ends between packets, some 20 ms each. A subtitle on screen at a cut is
//! shortened.

use std::path::Path;

use ffmpeg::Packet;
use ffmpeg::format::context::{Input, Output};
use ffmpeg::media::Type;
use ffmpeg_next as ffmpeg;

use crate::error::{Cause, Result};
use crate::time::FrameTime;
use crate::video::libav;
use crate::video::packets::Packets;
use crate::video::read::{Clip, VideoInfo};
use crate::video::write::container::Container;
use crate::video::write::streams::{self, Audio, Changed, Fate};
use crate::video::write::track::{Cut, Track};
use crate::video::write::{metadata, stream, timecode};

/// How far from one another streams of the same moment may lie in a file.
const INTERLEAVING: FrameTime = FrameTime::from_nanos(2_000_000_000);

/// How long a subtitle may have been on screen when a part begins.
const SUBTITLE_REACH: FrameTime = FrameTime::from_nanos(30_000_000_000);

/// The rest of the input, on its way to the output.
pub(super) struct Copier {
    packets: Packets,
    /// The input's video stream, which is not copied but tells how far it goes.
    video: Option<usize>,
    /// Where the packets of each of the input's streams go.
    tracks: Vec<Option<Track>>,
    /// Pictures about the film, to be written once the header is.
    covers: Vec<Packet>,
    changed: Vec<Changed>,
    origin: FrameTime,
    clip: Clip,
    container: Container,
    /// Read, but later than the video so far.
    waiting: Option<Packet>,
}

impl Copier {
    /// Opens the input and adds its streams to the output, whose header is not written yet.
    ///
    /// # Errors
    /// Returns an error if sound is to be copied that the container cannot hold, or if what
    /// should be stored anew cannot be.
    pub(super) fn open(
        path: &Path,
        info: &VideoInfo,
        container: Container,
        audio: Audio,
        output: &mut Output,
    ) -> Result<Self, Cause> {
        let (packets, waiting) = open_near(path, info)?;
        let video = libav::video_stream(packets.input());
        let (mut tracks, mut covers, mut changed) = (Vec::new(), Vec::new(), Vec::new());
        for from in packets.input().streams() {
            let fate = Fate::of(&from, packets.input(), video, container, audio)?;
            changed.extend(fate.changed(&from, container));
            if fate == Fate::Cover
                && let Some(picture) = stream::cover(&from)
            {
                covers.extend(add_cover(&from, picture, container, output)?);
            }
            tracks.push(Track::add(&from, &fate, output)?);
        }
        let film = video.and_then(|video| packets.input().stream(video));
        changed.extend(film.iter().flat_map(streams::lost_marks));
        changed.iter().for_each(|changed| tracing::warn!("{changed}"));
        let (origin, clip) = (info.origin, info.clip);
        Ok(Self { video, packets, tracks, covers, changed, origin, clip, container, waiting })
    }

    /// The input, for its titles.
    pub(super) fn input(&self) -> &Input {
        self.packets.input()
    }

    /// What is not in the output as it was.
    pub(super) fn changed(&self) -> &[Changed] {
        &self.changed
    }

    /// Passes on what is to be heard and read up to the moment `until`.
    pub(super) fn advance(&mut self, output: &mut Output, until: FrameTime) -> Result<(), ffmpeg::Error> {
        for cover in self.covers.drain(..) {
            cover.write_interleaved(output)?;
        }
        while let Some(packet) = self.next() {
            if self.read_at(&packet).is_some_and(|time| time > until) {
                self.waiting = Some(packet);
                break;
            }
            self.write(packet, self.clip.duration, output)?;
        }
        Ok(())
    }

    /// Passes on the rest, given the time of the last picture and its end.
    pub(super) fn finish(
        mut self,
        output: &mut Output,
        last: FrameTime,
        end: FrameTime,
    ) -> Result<(), ffmpeg::Error> {
        let part_end = self.clip.duration;
        let is_over = |time: FrameTime| part_end.is_some_and(|part_end| time >= part_end);
        let mut after_the_end = Vec::new();
        let mut video_goes_on = false;
        while let Some(packet) = self.next() {
            let time = self.time(&packet).unwrap_or(end);
            let is_picture = Some(packet.stream()) == self.video && !is_hidden(&packet);
            video_goes_on |= is_picture && time > last && !is_over(time);
            let read_at = self.read_at(&packet).unwrap_or(time);
            let is_far = |end: FrameTime| read_at > end + INTERLEAVING;
            if part_end.is_some_and(is_far) || (video_goes_on && is_far(end)) {
                break;
            }
            if time < end {
                self.write(packet, part_end, output)?;
            } else if !video_goes_on {
                after_the_end.push(packet);
            }
        }
        let end_of_all =
            if video_goes_on { Some(part_end.map_or(end, |part_end| part_end.min(end))) } else { part_end };
        for packet in after_the_end {
            self.write(packet, end_of_all, output)?;
        }
        for track in self.tracks.iter_mut().filter_map(Option::take) {
            track.finish(end_of_all, output)?;
        }
        // Muxers take chapters until the end, and only now is it known where
        // that is.
        metadata::copy_chapters(self.packets.input(), output, self.origin, end_of_all)
    }

    /// The next packet. An input that cannot be read on is the source's to
    /// report, which reads the same file.
    fn next(&mut self) -> Option<Packet> {
        self.waiting.take().or_else(|| self.packets.next().ok().flatten())
    }

    /// When a packet is due, on the frames' clock.
    fn time(&self, packet: &Packet) -> Option<FrameTime> {
        self.on_clock(packet, packet.pts().or(packet.dts())?)
    }

    /// By what time a file has come to a packet: pictures are read long before they are due if
    /// others between are held.
    fn read_at(&self, packet: &Packet) -> Option<FrameTime> {
        self.on_clock(packet, packet.dts().or(packet.pts())?)
    }

    fn on_clock(&self, packet: &Packet, ticks: i64) -> Option<FrameTime> {
        let base = libav::time_base(&self.packets.input().stream(packet.stream())?);
        Some(FrameTime::from_ticks(ticks, base) - self.origin)
    }

    fn write(
        &mut self,
        mut packet: Packet,
        end: Option<FrameTime>,
        output: &mut Output,
    ) -> Result<(), ffmpeg::Error> {
        let Some(stream) = self.packets.input().stream(packet.stream()) else { return Ok(()) };
        let origin = self.origin.to_ticks(libav::time_base(&stream));
        let Some(Some(track)) = self.tracks.get_mut(packet.stream()) else { return Ok(()) };
        packet.set_pts(packet.pts().map(|pts| pts.saturating_sub(origin)));
        packet.set_dts(packet.dts().map(|dts| dts.saturating_sub(origin)));
        let cut = Cut {
            start: self.clip.start.is_some(),
            cuts_at_zero: self.container.cuts_at_zero(),
            end,
            is_mended: self.packets.broken().is_some(),
        };
        track.push(packet, cut, output)
    }
}

/// Opens a file some way before a part of it, or at its beginning where it cannot be searched;
/// with a packet if one was read to find out.
fn open_near(path: &Path, info: &VideoInfo) -> Result<(Packets, Option<Packet>)> {
    let mut packets = Packets::open(path)?;
    let has_subtitles =
        packets.input().streams().any(|stream| stream.parameters().medium() == Type::Subtitle);
    let nearby = info.origin - if has_subtitles { SUBTITLE_REACH } else { INTERLEAVING };
    if info.clip.start.is_none() || !packets.is_searchable() || nearby <= packets.clock_start() {
        return Ok((packets, None));
    }
    if packets.seek(nearby).is_ok()
        && let Ok(Some(packet)) = packets.next()
        && let Some(stream) = packets.input().stream(packet.stream())
        && packet
            .pts()
            .is_some_and(|ticks| FrameTime::from_ticks(ticks, libav::time_base(&stream)) <= info.origin)
    {
        return Ok((packets, Some(packet)));
    }
    Ok((Packets::open(path)?, None))
}

/// Adds a picture about the film; its packet, where the container keeps it as one.
fn add_cover(
    from: &ffmpeg::Stream,
    mut picture: Packet,
    container: Container,
    output: &mut Output,
) -> Result<Option<Packet>, ffmpeg::Error> {
    if container == Container::Matroska {
        stream::add_attachment(output, from, picture.data().unwrap_or_default())?;
        return Ok(None);
    }
    picture.set_stream(stream::add_copy(output, from)?);
    picture.set_pts(Some(0));
    picture.set_dts(Some(0));
    Ok(Some(picture))
}

/// Whether a packet of video only serves to decode others.
fn is_hidden(packet: &Packet) -> bool {
    packet.flags().bits() & ffmpeg::ffi::AV_PKT_FLAG_DISCARD != 0
}

/// Copies the words about the whole, and those about the video stream; a time code counts on to
/// the beginning of the part.
pub(super) fn copy_titles(input: &Input, info: &VideoInfo, output: &mut Output, video: usize) {
    let moved = |tags: &ffmpeg::DictionaryRef| {
        let mut kept = metadata::kept(tags);
        let code = kept.get("timecode").zip(info.clip.start);
        if let Some(code) = code.and_then(|(code, start)| timecode::at(code, info.rate, start)) {
            kept.set("timecode", &code);
        }
        kept
    };
    output.set_metadata(moved(&input.metadata()));
    let of_video = libav::video_stream(input).and_then(|index| input.stream(index));
    if let (Some(from), Some(mut to)) = (of_video, output.stream_mut(video)) {
        to.set_metadata(moved(&from.metadata()));
        stream::set_disposition(&mut to, from.disposition());
    }
}
