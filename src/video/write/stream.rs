//! Properties of an output stream that the binding cannot set.
//!
//! All of the sink's `unsafe` is here: plain integers of a stream that nothing
//! else is looking at, written before the header.

use ffmpeg::codec::{Id, Parameters};
use ffmpeg::ffi::{self, AVStream};
use ffmpeg::format::context::Output;
use ffmpeg::format::stream::Disposition;
use ffmpeg::media::Type;
use ffmpeg::{Packet, Rational, Stream, StreamMut, encoder};

use ffmpeg_next as ffmpeg;

use crate::video::read::VideoInfo;
use crate::video::write::metadata;

/// Four letters that name a codec inside MP4 and QuickTime.
pub(super) type CodecTag = [u8; 4];

/// HEVC by the name Apple's players know it by.
const HVC1: CodecTag = *b"hvc1";

/// Gives the pictures the name that Apple's players look for, where it is not FFmpeg's own choice.
pub(super) fn name_for_apple(output: &mut Output, video: usize) {
    let is_mp4_like = matches!(output.format().name(), "mp4" | "mov");
    if let Some(mut stream) = output.stream_mut(video)
        && is_mp4_like
        && stream.parameters().id() == Id::HEVC
    {
        set_codec_tag(&mut stream, HVC1);
    }
}

/// Takes back what a demuxer found out about pictures and no encoder tells: the order of fields, the place of
/// chroma. What is joined says as much as what was encoded at once.
pub(super) fn forget_probing(stream: &mut StreamMut) {
    edit(stream, |stream| {
        #[expect(unsafe_code, reason = "no setter in the binding")]
        // SAFETY: as in `set_codec_tag`.
        unsafe {
            (*stream.codecpar).field_order = ffi::AVFieldOrder::AV_FIELD_UNKNOWN;
            (*stream.codecpar).chroma_location = ffi::AVChromaLocation::AVCHROMA_LOC_UNSPECIFIED;
        }
    });
}

/// Says what the stream of pictures counts in, how fast it is and how its pixels are shaped.
pub(super) fn set_up_video(stream: &mut StreamMut, info: &VideoInfo) {
    stream.set_time_base(info.time_base.parts());
    stream.set_avg_frame_rate(info.rate.parts());
    let (num, den) = info.pixel_aspect;
    set_pixel_aspect(stream, Rational(num as i32, den as i32));
}

/// The header of a codec.
pub(super) fn extradata(parameters: &Parameters) -> Vec<u8> {
    #[expect(unsafe_code, reason = "no getter in the binding")]
    // SAFETY: FFmpeg keeps so many bytes with the parameters, which are borrowed here; they are copied.
    unsafe {
        let parameters = &*parameters.as_ptr();
        match usize::try_from(parameters.extradata_size) {
            Ok(size) if size > 0 && !parameters.extradata.is_null() => {
                std::slice::from_raw_parts(parameters.extradata, size).to_vec()
            }
            _ => Vec::new(),
        }
    }
}

/// Adds a stream for `from`'s packets as they are; its number in the output.
pub(super) fn add_copy(output: &mut Output, from: &Stream) -> Result<usize, ffmpeg::Error> {
    let is_quicktime = is_quicktime(output);
    let mut to = output.add_stream(encoder::find(Id::None))?;
    to.set_parameters(from.parameters());
    to.set_time_base(from.time_base());
    // Tags belong to the container they came in; zero lets the new one choose.
    set_codec_tag(&mut to, [0; 4]);
    copy_words(&mut to, from, is_quicktime);
    Ok(to.index())
}

/// Copies what is said of a stream: its title and language, and what it is for.
pub(super) fn copy_words(to: &mut StreamMut, from: &Stream, is_quicktime: bool) {
    set_disposition(to, from.disposition());
    let mut words = metadata::kept(&from.metadata());
    if is_quicktime {
        metadata::for_quicktime(&mut words);
    }
    to.set_metadata(words);
}

/// Whether the output is QuickTime, which has names of its own for languages.
pub(super) fn is_quicktime(output: &Output) -> bool {
    output.format().name() == "mov"
}

/// The name of the codec inside the container it came in.
pub(super) fn codec_tag(stream: &Stream) -> CodecTag {
    let parameters = stream.parameters();
    #[expect(unsafe_code, reason = "no getter in the binding")]
    // SAFETY: the parameters belong to the stream, which is borrowed here.
    let tag = unsafe { (*parameters.as_ptr()).codec_tag };
    tag.to_le_bytes()
}

/// The picture about the film that a stream holds instead of packets.
pub(super) fn cover(stream: &Stream) -> Option<Packet> {
    #[expect(unsafe_code, reason = "no getter in the binding")]
    // SAFETY: FFmpeg keeps the packet with the stream, which is borrowed here; its bytes are
    // copied before the borrow ends.
    let bytes = unsafe {
        let packet = &(*stream.as_ptr()).attached_pic;
        if packet.data.is_null() {
            return None;
        }
        std::slice::from_raw_parts(packet.data, usize::try_from(packet.size).ok()?)
    };
    Some(Packet::copy(bytes))
}

/// Adds a picture about the film the way Matroska keeps it: as an attached file.
pub(super) fn add_attachment(
    output: &mut Output,
    from: &Stream,
    picture: &[u8],
) -> Result<(), ffmpeg::Error> {
    let png = from.parameters().id() == Id::PNG;
    let mut to = output.add_stream(encoder::find(Id::None))?;
    let mut parameters = Parameters::new();
    parameters.set_medium(Type::Attachment);
    parameters.set_id(from.parameters().id());
    set_extradata(&mut parameters, picture)?;
    to.set_parameters(parameters);
    let mut words = metadata::kept(&from.metadata());
    let (name, kind) = if png { ("cover.png", "image/png") } else { ("cover.jpg", "image/jpeg") };
    words.set("filename", from.metadata().get("filename").unwrap_or(name));
    words.set("mimetype", kind);
    to.set_metadata(words);
    Ok(())
}

fn set_extradata(parameters: &mut Parameters, bytes: &[u8]) -> Result<(), ffmpeg::Error> {
    let size = i32::try_from(bytes.len()).map_err(|_| ffmpeg::Error::InvalidData)?;
    #[expect(unsafe_code, reason = "no setter in the binding")]
    // SAFETY: FFmpeg's own allocator gives room for the bytes and for the zeros that it wants
    // after them; the parameters own it from here on and had none before.
    unsafe {
        let room = ffi::av_mallocz(bytes.len() + ffi::AV_INPUT_BUFFER_PADDING_SIZE as usize).cast::<u8>();
        if room.is_null() {
            return Err(ffmpeg::Error::Other { errno: ffmpeg::error::ENOMEM });
        }
        std::ptr::copy_nonoverlapping(bytes.as_ptr(), room, bytes.len());
        let parameters = &mut *parameters.as_mut_ptr();
        parameters.extradata = room;
        parameters.extradata_size = size;
    }
    Ok(())
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
fn set_pixel_aspect(stream: &mut StreamMut, aspect: Rational) {
    edit(stream, |stream| stream.sample_aspect_ratio = aspect.into());
}

fn edit(stream: &mut StreamMut, change: impl FnOnce(&mut AVStream)) {
    #[expect(unsafe_code, reason = "no setter in the binding")]
    // SAFETY: the pointer is that of a stream of an open output, valid as long
    // as the borrow of its context in `stream`, which is exclusive.
    let stream = unsafe { &mut *stream.as_mut_ptr() };
    change(stream);
}
