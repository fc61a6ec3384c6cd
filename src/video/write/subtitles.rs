//! Subtitles of letters, rewritten from one container's way to another's.
//!
//! FFmpeg's decoders bring every kind to one form, dialogue lines of ASS, from which its
//! encoders write: italics and line breaks survive, fonts and places where both sides know
//! them.

use ffmpeg::codec::Context;
use ffmpeg::format::context::Output;
use ffmpeg::{Packet, Rational, Stream, decoder, encoder, ffi};
use ffmpeg_next as ffmpeg;

/// The largest subtitle written, in bytes.
const LARGEST: usize = 1 << 16;

/// One stream of subtitles on its way.
pub(super) struct Rewriter {
    decoder: decoder::Subtitle,
    encoder: encoder::subtitle::Encoder,
    base: Rational,
}

impl Rewriter {
    /// Opens both codecs for a stream of the input.
    pub(super) fn open(stream: &Stream, encoder: &str) -> Result<Self, ffmpeg::Error> {
        let mut context = Context::from_parameters(stream.parameters())?.decoder();
        context.set_packet_time_base(stream.time_base());
        let mut decoder = context.subtitle()?;
        let codec = encoder::find_by_name(encoder).ok_or(ffmpeg::Error::EncoderNotFound)?;
        let mut encoder = Context::new_with_codec(codec).encoder().subtitle()?;
        encoder.set_time_base(stream.time_base());
        #[expect(unsafe_code, reason = "the binding does not know the header of styles")]
        // SAFETY: the decoder's header is as long as it says; the encoder gets a copy of its
        // own from FFmpeg's allocator, which it frees when it is closed.
        unsafe {
            let from = &*decoder.as_mut_ptr();
            let to = &mut *encoder.as_mut_ptr();
            if !from.subtitle_header.is_null() && from.subtitle_header_size > 0 {
                let size = from.subtitle_header_size as usize;
                let header = ffi::av_mallocz(size + 1).cast::<u8>();
                if header.is_null() {
                    return Err(ffmpeg::Error::Other { errno: ffmpeg::error::ENOMEM });
                }
                std::ptr::copy_nonoverlapping(from.subtitle_header, header, size);
                to.subtitle_header = header;
                to.subtitle_header_size = from.subtitle_header_size;
            }
        }
        Ok(Self { decoder, encoder: encoder.open()?, base: stream.time_base() })
    }

    /// Adds the stream that will take the packets; its number in the output.
    pub(super) fn add_stream(&self, output: &mut Output) -> Result<usize, ffmpeg::Error> {
        let mut stream = output.add_stream(self.encoder.codec())?;
        stream.set_parameters(&self.encoder);
        stream.set_time_base(self.base);
        Ok(stream.index())
    }

    /// The same subtitle in the new form, at the same time; `None` where nothing is shown.
    pub(super) fn run(&mut self, packet: &Packet) -> Option<Packet> {
        let mut shown = Shown(ffmpeg::Subtitle::new());
        match self.decoder.decode(packet, &mut shown.0) {
            Ok(true) if shown.0.rects().next().is_some() => {}
            Ok(_) => return None,
            Err(reason) => {
                tracing::debug!(%reason, "passed over a damaged subtitle");
                return None;
            }
        }
        // The packet carries the time; a display that starts later is none that text knows.
        shown.0.set_start(0);
        let mut room = vec![0; LARGEST];
        #[expect(unsafe_code, reason = "the binding does not tell how much was written")]
        // SAFETY: the encoder is open, the room as long as said, and the subtitle is one that
        // FFmpeg's decoder filled.
        let written = unsafe {
            ffi::avcodec_encode_subtitle(
                self.encoder.as_mut_ptr(),
                room.as_mut_ptr(),
                LARGEST as i32,
                shown.0.as_ptr(),
            )
        };
        let written = usize::try_from(written).ok().filter(|size| *size > 0)?;
        let mut rewritten = Packet::copy(&room[..written]);
        rewritten.set_pts(packet.pts());
        rewritten.set_dts(packet.pts());
        rewritten.set_duration(packet.duration());
        rewritten.set_flags(packet.flags());
        Some(rewritten)
    }
}

/// A decoded subtitle, freed at the end.
struct Shown(ffmpeg::Subtitle);

impl Drop for Shown {
    fn drop(&mut self) {
        #[expect(unsafe_code, reason = "the binding leaves it to the caller")]
        // SAFETY: FFmpeg filled it, or nobody did and it is all zeros, which is allowed.
        unsafe {
            ffi::avsubtitle_free(self.0.as_mut_ptr());
        }
    }
}
