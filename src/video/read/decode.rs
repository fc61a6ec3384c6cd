//! Packets in, decoded pictures out.
//!
//! What cannot be decoded is passed over: a player would do the same. A damaged
//! packet costs its picture and is counted; an index that points behind the end
//! of a cut-off file ends the stream. Only a failing disk or network, or memory
//! running out, is an error.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use ffmpeg::codec::{Context, Id, threading};
use ffmpeg::error::EAGAIN;
use ffmpeg::format::context::Input;
use ffmpeg::{Packet, Stream, decoder, frame};
use ffmpeg_next as ffmpeg;

use crate::error::Result;
use crate::threads;
use crate::time::{FrameTime, TimeBase};
use crate::video::error::VideoError;
use crate::video::libav;
use crate::video::packets::Packets;

/// How far before the wanted time to look for a keyframe. Some containers index
/// by decoding time, which B-frames put ahead of the time shown.
const SEEK_MARGIN: FrameTime = FrameTime::from_nanos(200_000_000);

/// Bytes of packets that are held to begin with a keyframe where nothing can be searched.
const MOST_HELD: usize = 256 << 20;

/// A decoded picture, and when it is shown.
pub(super) struct Decoded {
    /// In ticks of the stream.
    pub(super) ticks: i64,
    /// For how many ticks, where that is told.
    pub(super) length: Option<i64>,
    pub(super) frame: frame::Video,
}

/// The decoded pictures of a file's video stream, in the order they are shown.
pub(super) struct Decoder {
    path: PathBuf,
    packets: Packets,
    stream: usize,
    codec: decoder::Video,
    /// Read while looking for the start, not decoded yet.
    queue: VecDeque<Packet>,
    /// Decoded while seeking, not handed out yet.
    held: Option<frame::Video>,
    is_draining: bool,
    has_told_break: bool,
    damaged: u64,
}

impl Decoder {
    /// Opens a readable file at its first frame.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let packets = Packets::open(path)?;
        let stream =
            libav::video_stream(packets.input()).ok_or_else(|| VideoError::NoVideo { path: path.into() })?;
        let codec = open_codec(packets.input(), stream)
            .map_err(|source| VideoError::Open { path: path.into(), source: Box::new(source) })?;
        Ok(Self {
            path: path.into(),
            packets,
            stream,
            codec,
            queue: VecDeque::new(),
            held: None,
            is_draining: false,
            has_told_break: false,
            damaged: 0,
        })
    }

    /// Moves to some frame at or before `start`, on the file's clock, if there is one: from a
    /// keyframe where seeking lands before it, else from the beginning.
    pub(super) fn seek(mut self, path: &Path, start: FrameTime) -> Result<Self> {
        if !self.packets.is_searchable() {
            self.skip_to_key(start - SEEK_MARGIN)?;
            return Ok(self);
        }
        if let Err(reason) = self.packets.seek(start - SEEK_MARGIN) {
            tracing::debug!(%reason, "the input cannot be searched; decoding from its beginning");
            return Self::open(path);
        }
        let start = start.to_ticks(self.time_base());
        let landed = self.next()?;
        if landed.as_ref().and_then(|frame| frame.timestamp()).is_none_or(|ticks| ticks > start) {
            tracing::debug!("searching the input overshot; decoding from its beginning");
            return Self::open(path);
        }
        self.held = landed;
        Ok(self)
    }

    /// Reads on to the last keyframe at or before `start`, decoding nothing on the way.
    fn skip_to_key(&mut self, start: FrameTime) -> Result<()> {
        let start = start.to_ticks(self.time_base());
        let mut held = 0;
        while held < MOST_HELD
            && let Some(packet) = self.read_on()?
        {
            let time = packet.pts().or(packet.dts());
            if packet.is_key() && time.is_some_and(|ticks| ticks <= start) {
                self.queue.clear();
                held = 0;
            }
            held += packet.size();
            let is_beyond = time.is_some_and(|ticks| ticks > start);
            self.queue.push_back(packet);
            if is_beyond {
                break;
            }
        }
        Ok(())
    }

    /// The file.
    pub(super) fn packets(&self) -> &Packets {
        &self.packets
    }

    /// The file, as FFmpeg knows it.
    pub(super) fn input(&self) -> &Input {
        self.packets.input()
    }

    /// The stream decoded.
    pub(super) fn stream(&self) -> Stream<'_> {
        self.input().stream(self.stream).expect("found when the file was opened")
    }

    /// What the frames' timestamps count in.
    pub(super) fn time_base(&self) -> TimeBase {
        libav::time_base(&self.stream())
    }

    /// The next picture that can be decoded.
    pub(super) fn next(&mut self) -> Result<Option<frame::Video>> {
        if let Some(held) = self.held.take() {
            return Ok(Some(held));
        }
        let mut frame = frame::Video::empty();
        loop {
            match self.codec.receive_frame(&mut frame) {
                Ok(()) => return Ok(Some(frame)),
                Err(ffmpeg::Error::Other { errno: EAGAIN }) => self.feed()?,
                Err(ffmpeg::Error::Eof) => return Ok(None),
                Err(reason) => self.pass_over(reason)?,
            }
        }
    }

    /// Gives the codec its next packet, or word that there is none.
    fn feed(&mut self) -> Result<()> {
        let sent = match self.read()? {
            Some(packet) => self.codec.send_packet(&packet),
            None if self.is_draining => Err(ffmpeg::Error::Eof),
            None => {
                self.is_draining = true;
                self.codec.send_eof()
            }
        };
        sent.or_else(|reason| self.pass_over(reason))
    }

    /// The stream's next packet; `None` at the end.
    fn read(&mut self) -> Result<Option<Packet>> {
        match self.queue.pop_front() {
            Some(packet) => Ok(Some(packet)),
            None => self.read_on(),
        }
    }

    fn read_on(&mut self) -> Result<Option<Packet>> {
        loop {
            let packet = self.packets.next().map_err(|source| VideoError::Ffmpeg {
                doing: "reading the input",
                source: Box::new(source),
            })?;
            self.tell_break();
            match packet {
                Some(packet) if packet.stream() != self.stream => {}
                // Decoded without its key it would be noise, and now and then a picture of noise.
                Some(packet) if libav::is_encrypted(&packet) => {
                    return Err(VideoError::Encrypted { path: self.path.clone() }.into());
                }
                packet => return Ok(packet),
            }
        }
    }

    /// Says, once, that the file's clock does not run through.
    fn tell_break(&mut self) {
        if let (false, Some(at)) = (self.has_told_break, self.packets.broken()) {
            self.has_told_break = true;
            let at = at - self.packets.clock_start();
            tracing::warn!(
                "the input's clock jumps at {at}: what follows goes on from there, and so after any further jump"
            );
        }
    }

    /// Counts what the codec could make nothing of.
    fn pass_over(&mut self, reason: ffmpeg::Error) -> Result<()> {
        if reason == (ffmpeg::Error::Other { errno: ffmpeg::error::ENOMEM }) {
            return Err(VideoError::Ffmpeg { doing: "decoding", source: Box::new(reason) }.into());
        }
        self.damaged += 1;
        tracing::debug!(%reason, "passed over a damaged packet");
        Ok(())
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        match self.damaged {
            0 => {}
            1 => tracing::warn!("1 damaged packet of the input was passed over"),
            count => tracing::warn!("{count} damaged packets of the input were passed over"),
        }
    }
}

fn open_codec(input: &Input, stream: usize) -> Result<decoder::Video, ffmpeg::Error> {
    let stream = input.stream(stream).ok_or(ffmpeg::Error::StreamNotFound)?;
    let mut context = Context::from_parameters(stream.parameters())?;
    // One frame per core: the only kind of threading that all big codecs know.
    context.set_threading(threading::Config {
        count: threads::count(),
        ..threading::Config::kind(threading::Type::Frame)
    });
    let mut codec = context.decoder();
    codec.set_packet_time_base(stream.time_base());
    // FFmpeg's own decoder of VP9 does not know which parts are transparent.
    let alpha = stream.metadata().get("alpha_mode") == Some("1");
    match decoder::find_by_name("libvpx-vp9").filter(|_| alpha && stream.parameters().id() == Id::VP9) {
        Some(with_alpha) => codec.open_as(with_alpha)?.video(),
        None => codec.video(),
    }
}
