//! Frames in, compressed packets out.
//!
//! The encoder counts in the source's own ticks, so a frame's time goes in and
//! comes out as the very number it had in the input file. The nominal rate is
//! told apart, for rate control and for players that want to know.

use ffmpeg::codec::{self, Context, threading};
use ffmpeg::error::EAGAIN;
use ffmpeg::format::context::Output;
use ffmpeg::{Dictionary, Packet, Rational, encoder};
use ffmpeg_next as ffmpeg;

use crate::error::{Error, Result};
use crate::frame::Frame;
use crate::threads;
use crate::time::{FrameTime, TimeBase};
use crate::video::colour::Colour;
use crate::video::error::VideoError;
use crate::video::read::VideoInfo;
use crate::video::write::codec::{Codec, EncoderSettings, Rate};
use crate::video::write::lengths::Lengths;
use crate::video::write::pixels::{Layout, PixelConverter};
use crate::video::write::stream;

/// An open encoder and the way to its kind of pictures.
pub(super) struct Encoder {
    codec: encoder::Video,
    converter: PixelConverter,
    base: TimeBase,
    lengths: Lengths,
}

impl Encoder {
    /// Opens the first of the codec's encoders that is there and willing; a prompt one gives
    /// every picture's packet before the next picture.
    pub(super) fn open(codec: Codec, crf: Option<u8>, info: &VideoInfo, prompt: bool) -> Result<Self> {
        let layout = codec.layout();
        let coded_size = layout.coded_size(info.size);
        if coded_size != info.size {
            tracing::info!("{} needs even sides: {} is padded to {coded_size}", codec.title(), info.size);
        }
        let colour = match layout {
            Layout::Yuv420 => info.colour,
            Layout::Yuv422Ten => info.colour.limited(),
            Layout::Rgb => info.colour.as_rgb(),
        };
        let mut refusal = None;
        for settings in codec.encoders() {
            match open_encoder(settings, crf, info, (layout, colour), prompt) {
                Ok(None) => {}
                Ok(Some(codec)) => {
                    tracing::debug!(encoder = settings.encoder, "encoding");
                    let converter = PixelConverter::new(layout, coded_size, colour);
                    return Ok(Self { codec, converter, base: info.time_base, lengths: Lengths::new(info) });
                }
                Err(reason) => {
                    tracing::debug!(encoder = settings.encoder, %reason, "the encoder is not willing");
                    refusal = refusal.or(Some(reason));
                }
            }
        }
        match refusal {
            Some(source) => {
                Err(VideoError::Ffmpeg { doing: "opening the encoder", source: Box::new(source) }.into())
            }
            None => Err(codec.missing().into()),
        }
    }

    /// Adds the stream that will take the packets; its number in the output.
    pub(super) fn add_stream(
        &mut self,
        output: &mut Output,
        info: &VideoInfo,
    ) -> Result<usize, ffmpeg::Error> {
        self.lengths.set_container(output.format().name());
        let mut stream = output.add_stream(self.codec.codec())?;
        stream.set_parameters(&self.codec);
        stream::set_up_video(&mut stream, info);
        let index = stream.index();
        stream::name_for_apple(output, index);
        Ok(index)
    }

    /// Takes a frame.
    pub(super) fn send(&mut self, frame: &Frame) -> Result<()> {
        let mut picture = self.converter.run(frame);
        picture.set_pts(Some(frame.time.to_ticks(self.base)));
        self.codec.send_frame(&picture).map_err(failed)
    }

    /// No more frames, the last one being shown from `last` until `end`: from
    /// here on [`Encoder::receive`] gives what is held back.
    pub(super) fn send_end(&mut self, last: FrameTime, end: FrameTime) -> Result<()> {
        self.lengths.set_last(last, end);
        self.codec.send_eof().map_err(failed)
    }

    /// The next packet, in the source's ticks; `None` until another frame is
    /// sent, or at the end.
    pub(super) fn receive(&mut self) -> Result<Option<Packet>> {
        loop {
            let mut packet = Packet::empty();
            match self.codec.receive_packet(&mut packet) {
                Ok(()) => {
                    if let Some(before) = self.lengths.push(packet) {
                        return Ok(Some(before));
                    }
                }
                Err(ffmpeg::Error::Other { errno: EAGAIN }) => return Ok(None),
                Err(ffmpeg::Error::Eof) => return Ok(self.lengths.finish()),
                Err(reason) => return Err(failed(reason)),
            }
        }
    }
}

fn failed(source: ffmpeg::Error) -> Error {
    VideoError::Ffmpeg { doing: "encoding", source: Box::new(source) }.into()
}

/// Opens one encoder; `None` where this FFmpeg does not have it.
fn open_encoder(
    settings: &EncoderSettings,
    crf: Option<u8>,
    info: &VideoInfo,
    (layout, colour): (Layout, Colour),
    prompt: bool,
) -> Result<Option<encoder::Video>, ffmpeg::Error> {
    let Some(found) = encoder::find_by_name(settings.encoder) else { return Ok(None) };
    let mut video = Context::new_with_codec(found).encoder().video()?;
    let coded_size = layout.coded_size(info.size);
    video.set_format(layout.format());
    video.set_width(coded_size.width);
    video.set_height(coded_size.height);
    video.set_time_base(info.time_base.parts());
    video.set_frame_rate(Some(info.rate.parts()));
    video.set_aspect_ratio(pixel_aspect(info));
    colour.tag(&mut video);
    video.set_threading(threading::Config {
        count: threads::count(),
        ..threading::Config::kind(threading::Type::Slice)
    });
    // All four containers keep the codec's header in their own.
    video.set_flags(codec::Flags::GLOBAL_HEADER);

    let prompt = if prompt { settings.prompt_options() } else { &[] };
    let mut options: Dictionary = settings.options.iter().chain(prompt).collect();
    match settings.rate {
        Rate::Crf(default) => options.set("crf", &crf.unwrap_or(default).to_string()),
        Rate::BitsPerPixel(bits) => {
            if crf.is_some() {
                tracing::warn!("{} knows no rate factor: it is ignored", settings.encoder);
            }
            video.set_bit_rate((info.size.pixels() as f64 * info.rate.as_f64() * bits) as usize);
        }
        Rate::Fixed => {}
    }
    video.open_with(options).map(Some)
}

fn pixel_aspect(info: &VideoInfo) -> Rational {
    let (num, den) = info.pixel_aspect;
    Rational(num as i32, den as i32)
}
