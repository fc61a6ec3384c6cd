//! Packets in, decoded pictures out.
//!
//! What cannot be decoded is passed over: a player would do the same. A damaged
//! packet costs its picture and is counted; an index that points behind the end
//! of a cut-off file ends the stream. Only a failing disk or network, or memory
//! running out, is an error.

use std::path::Path;

use ffmpeg::codec::{Context, decoder, threading};
use ffmpeg::error::EAGAIN;
use ffmpeg::format::context::Input;
use ffmpeg::{Packet, Stream, frame};
use ffmpeg_next as ffmpeg;

use crate::error::{Error, Result};
use crate::time::{FrameTime, TimeBase};
use crate::video::libav;

/// How far before the wanted time to look for a keyframe. Some containers index
/// by decoding time, which B-frames put ahead of the time shown.
const SEEK_MARGIN: FrameTime = FrameTime::from_nanos(200_000_000);

/// The decoded pictures of a file's video stream, in the order they are shown.
pub(super) struct Decoder {
    input: Input,
    stream: usize,
    codec: decoder::Video,
    /// Decoded while seeking, not handed out yet.
    held: Option<frame::Video>,
    is_draining: bool,
    damaged: u64,
}

impl Decoder {
    /// Opens a readable file at its first frame.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let input = libav::open(path)?;
        let stream = libav::video_stream(&input).ok_or_else(|| Error::NoVideo { path: path.into() })?;
        let codec = open_codec(&input, stream).map_err(|source| Error::Open { path: path.into(), source })?;
        Ok(Self { input, stream, codec, held: None, is_draining: false, damaged: 0 })
    }

    /// Moves to some frame at or before `start`, on the file's clock: from a
    /// keyframe where seeking lands before it, else from the beginning.
    pub(super) fn seek(mut self, path: &Path, start: FrameTime) -> Result<Self> {
        if let Err(reason) = libav::seek(&mut self.input, start - SEEK_MARGIN) {
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

    /// The file.
    pub(super) fn input(&self) -> &Input {
        &self.input
    }

    /// The stream decoded.
    pub(super) fn stream(&self) -> Stream<'_> {
        self.input.stream(self.stream).expect("found when the file was opened")
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
        loop {
            match libav::next_packet(&mut self.input) {
                Ok(Some(packet)) if packet.stream() != self.stream => {}
                Ok(packet) => return Ok(packet),
                Err(source) => return Err(Error::Ffmpeg { doing: "reading the input", source }),
            }
        }
    }

    /// Counts what the codec could make nothing of.
    fn pass_over(&mut self, reason: ffmpeg::Error) -> Result<()> {
        if reason == (ffmpeg::Error::Other { errno: ffmpeg::error::ENOMEM }) {
            return Err(Error::Ffmpeg { doing: "decoding", source: reason });
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
    context.set_threading(threading::Config::kind(threading::Type::Frame));
    let mut codec = context.decoder();
    codec.set_packet_time_base(stream.time_base());
    codec.video()
}
