//! Properties of an output stream that the binding cannot set.
//!
//! All of the sink's `unsafe` is here: plain integers of a stream that nothing
//! else is looking at, written before the header.

use ffmpeg::codec::Id;
use ffmpeg::ffi::AVStream;
use ffmpeg::format::context::Output;
use ffmpeg::format::stream::Disposition;
use ffmpeg::{Rational, Stream, StreamMut, encoder};

use crate::video::write::metadata;
use ffmpeg_next as ffmpeg;

/// Four letters that name a codec inside MP4 and QuickTime.
pub(super) type CodecTag = [u8; 4];

/// HEVC by the name Apple's players know it by.
pub(super) const HVC1: CodecTag = *b"hvc1";

/// Adds a stream for `from`'s packets as they are; its number in the output.
pub(super) fn add_copy(output: &mut Output, from: &Stream) -> Result<usize, ffmpeg::Error> {
    let mut to = output.add_stream(encoder::find(Id::None))?;
    to.set_parameters(from.parameters());
    to.set_time_base(from.time_base());
    // Tags belong to the container they came in; zero lets the new one choose.
    set_codec_tag(&mut to, [0; 4]);
    set_disposition(&mut to, from.disposition());
    to.set_metadata(metadata::kept(&from.metadata()));
    Ok(to.index())
}

/// Sets the name of the codec inside the container.
pub(super) fn set_codec_tag(stream: &mut StreamMut, tag: CodecTag) {
    edit(stream, |stream| {
        #[expect(unsafe_code, reason = "no setter in the binding")]
        // SAFETY: FFmpeg allocates `codecpar` with the stream and frees it with
        // the stream, which is borrowed here.
        unsafe {
            (*stream.codecpar).codec_tag = u32::from_le_bytes(tag);
        }
    });
}

/// Sets what the stream is for: default, forced, commentary...
pub(super) fn set_disposition(stream: &mut StreamMut, disposition: Disposition) {
    edit(stream, |stream| stream.disposition = disposition.bits());
}

/// Sets the shape of a pixel where Matroska looks for it.
pub(super) fn set_pixel_aspect(stream: &mut StreamMut, aspect: Rational) {
    edit(stream, |stream| stream.sample_aspect_ratio = aspect.into());
}

fn edit(stream: &mut StreamMut, change: impl FnOnce(&mut AVStream)) {
    #[expect(unsafe_code, reason = "no setter in the binding")]
    // SAFETY: the pointer is that of a stream of an open output, valid as long
    // as the borrow of its context in `stream`, which is exclusive.
    let stream = unsafe { &mut *stream.as_mut_ptr() };
    change(stream);
}
