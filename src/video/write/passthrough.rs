//! Sound and subtitles, packet by packet, as they are.
//!
//! The input is opened a second time and its other streams are copied without
//! being decoded: not a bit of the sound changes. Packets are read as the video
//! advances and no further, so memory stays small however long the file is, and
//! the output is interleaved as the input was.
//!
//! What is copied: all sound, all subtitles, attached fonts, titles, languages
//! and chapters. Left out: cover art, further video streams, data streams, and
//! any codec that the output's container cannot hold, with a warning.
//!
//! # Where it ends
//! If the video was written to its end, everything is copied, sound that goes on
//! after the last picture included. If the input holds more video than was
//! written (a run interrupted, or asked for a part), everything ends with the
//! last picture. At the other end, packets before [`VideoInfo::origin`] are left
//! out if there is one. Cuts fall between packets, some 20 ms of sound each.

use std::path::Path;

use ffmpeg::format::context::{Input, Output};
use ffmpeg::media::Type;
use ffmpeg::{Packet, Stream};
use ffmpeg_next as ffmpeg;

use crate::error::Result;
use crate::time::FrameTime;
use crate::video::libav;
use crate::video::read::VideoInfo;
use crate::video::write::container::Container;
use crate::video::write::{metadata, stream};

/// How far from one another streams of the same moment may lie in a file.
const INTERLEAVING: FrameTime = FrameTime::from_nanos(2_000_000_000);

/// The rest of the input, on its way to the output.
pub(super) struct Copier {
    input: Input,
    /// The input's video stream, which is not copied but tells how far it goes.
    video: Option<usize>,
    /// Where the packets of each of the input's streams go.
    routes: Vec<Option<Route>>,
    origin: FrameTime,
    /// Read, but later than the video so far.
    waiting: Option<Packet>,
}

/// From a stream of the input to one of the output.
#[derive(Debug, Clone, Copy)]
struct Route {
    to: usize,
    last_dts: Option<i64>,
}

impl Copier {
    /// Opens the input and adds its streams to the output, whose header is not
    /// written yet.
    pub(super) fn open(
        path: &Path,
        info: &VideoInfo,
        container: Container,
        output: &mut Output,
    ) -> Result<Self> {
        let (input, waiting) = open_near(path, info.origin)?;
        let mut routes = Vec::new();
        for stream in input.streams() {
            let to =
                if is_wanted(&stream, container) { stream::add_copy(output, &stream).ok() } else { None };
            routes.push(to.map(|to| Route { to, last_dts: None }));
        }
        Ok(Self { video: libav::video_stream(&input), input, routes, origin: info.origin, waiting })
    }

    /// The input, for its titles.
    pub(super) fn input(&self) -> &Input {
        &self.input
    }

    /// Copies what is to be heard and read up to the moment `until`.
    pub(super) fn advance(&mut self, output: &mut Output, until: FrameTime) -> Result<(), ffmpeg::Error> {
        while let Some(packet) = self.next() {
            if self.time(&packet).is_some_and(|time| time > until) {
                self.waiting = Some(packet);
                break;
            }
            self.write(packet, output)?;
        }
        Ok(())
    }

    /// Copies the rest, given the time of the last picture and its end.
    pub(super) fn finish(
        mut self,
        output: &mut Output,
        last: FrameTime,
        end: FrameTime,
    ) -> Result<(), ffmpeg::Error> {
        let mut after_the_end = Vec::new();
        let mut video_goes_on = false;
        while let Some(packet) = self.next() {
            let time = self.time(&packet).unwrap_or(end);
            video_goes_on |= Some(packet.stream()) == self.video && time > last && !is_hidden(&packet);
            if time < end {
                self.write(packet, output)?;
            } else if !video_goes_on {
                after_the_end.push(packet);
            } else if time > end + INTERLEAVING {
                break;
            }
        }
        if !video_goes_on {
            for packet in after_the_end {
                self.write(packet, output)?;
            }
        }
        // Muxers take chapters until the end, and only now is it known where
        // that is.
        metadata::copy_chapters(&self.input, output, self.origin, video_goes_on.then_some(end))
    }

    /// The next packet. An input that cannot be read on is the source's to
    /// report, which reads the same file.
    fn next(&mut self) -> Option<Packet> {
        self.waiting.take().or_else(|| libav::next_packet(&mut self.input).ok().flatten())
    }

    /// When a packet is due, on the frames' clock.
    fn time(&self, packet: &Packet) -> Option<FrameTime> {
        let base = libav::time_base(&self.input.stream(packet.stream())?);
        Some(FrameTime::from_ticks(packet.pts().or(packet.dts())?, base) - self.origin)
    }

    fn write(&mut self, mut packet: Packet, output: &mut Output) -> Result<(), ffmpeg::Error> {
        let Some(stream) = self.input.stream(packet.stream()) else { return Ok(()) };
        let Some(Some(route)) = self.routes.get_mut(packet.stream()) else { return Ok(()) };
        let base = libav::time_base(&stream);
        let origin = self.origin.to_ticks(base);
        let Some(ticks) = packet.pts().or(packet.dts()) else {
            tracing::debug!(stream = packet.stream(), "left out a packet without a time");
            return Ok(());
        };
        if self.origin != FrameTime::ZERO && ticks < origin {
            return Ok(());
        }
        let Some(to) = output.stream(route.to) else { return Ok(()) };
        packet.set_pts(Some(ticks - origin));
        packet.set_dts(Some(packet.dts().unwrap_or(ticks) - origin));
        packet.rescale_ts(stream.time_base(), to.time_base());
        // Muxers refuse times that do not advance; damaged files have them.
        let earliest = route.last_dts.map_or(i64::MIN, |last| last + 1);
        let dts = packet.dts().map_or(earliest, |dts| dts.max(earliest));
        packet.set_dts(Some(dts));
        packet.set_pts(packet.pts().map(|pts| pts.max(dts)));
        route.last_dts = Some(dts);
        packet.set_stream(route.to);
        packet.set_position(-1);
        packet.write_interleaved(output)
    }
}

/// Opens a file some way before `origin`, or at its beginning where it cannot be
/// searched; with a packet if one was read to find out.
fn open_near(path: &Path, origin: FrameTime) -> Result<(Input, Option<Packet>)> {
    let mut input = libav::open(path)?;
    let nearby = origin - INTERLEAVING;
    if nearby <= libav::clock_start(&input) {
        return Ok((input, None));
    }
    if libav::seek(&mut input, nearby).is_ok()
        && let Ok(Some(packet)) = libav::next_packet(&mut input)
        && let Some(stream) = input.stream(packet.stream())
        && packet.pts().is_some_and(|ticks| FrameTime::from_ticks(ticks, libav::time_base(&stream)) <= origin)
    {
        return Ok((input, Some(packet)));
    }
    Ok((libav::open(path)?, None))
}

/// Whether a stream is to be copied; says so where it should be but cannot.
fn is_wanted(stream: &Stream, container: Container) -> bool {
    let parameters = stream.parameters();
    let kind = match parameters.medium() {
        Type::Audio => "sound",
        Type::Subtitle => "subtitles",
        Type::Attachment => "attachment",
        Type::Video | Type::Data | Type::Unknown => return false,
    };
    let is_accepted = container.accepts(stream);
    if !is_accepted {
        let codec = parameters.id().name();
        let number = stream.index();
        match container {
            Container::Matroska => {
                tracing::warn!("{container} cannot hold stream {number} ({kind}, {codec}): left out")
            }
            _ => tracing::warn!(
                "{container} cannot hold stream {number} ({kind}, {codec}): left out; an .mkv output would keep it"
            ),
        }
    }
    is_accepted
}

/// Whether a packet of video only serves to decode others.
fn is_hidden(packet: &Packet) -> bool {
    packet.flags().bits() & ffmpeg::ffi::AV_PKT_FLAG_DISCARD != 0
}

/// Copies the words about the whole, and those about the video stream.
pub(super) fn copy_titles(input: &Input, output: &mut Output, video: usize) {
    output.set_metadata(metadata::kept(&input.metadata()));
    let of_video = libav::video_stream(input).and_then(|index| input.stream(index));
    if let (Some(from), Some(mut to)) = (of_video, output.stream_mut(video)) {
        to.set_metadata(metadata::kept(&from.metadata()));
        stream::set_disposition(&mut to, from.disposition());
    }
}
