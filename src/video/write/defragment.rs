//! A finished recording as a file of one piece.
//!
//! While it is made, an MP4 or QuickTime recording is a row of fragments, so that it plays whatever ends it. Players
//! search such a file badly, and do not know how long it is; so when it has ended well, its packets are copied as they
//! are into a file with one index. Until that one is whole, the fragments stay.

use std::fs::File;
use std::io::Seek as _;

use ffmpeg::format::context::StreamIo;
use ffmpeg_next as ffmpeg;

use crate::atomic_file::AtomicFile;
use crate::error::Result;
use crate::time::TimeBase;
use crate::video::libav;
use crate::video::write::container::Container;
use crate::video::write::stream;

/// The recording `fragments` with one index, beside it and under no name yet.
///
/// # Errors
/// [`Error::Write`](crate::Error::Write) if it cannot be written, on a full disk for instance; what cannot be read is an
/// error too.
pub(super) fn defragment(fragments: &AtomicFile, container: Container, base: TimeBase) -> Result<AtomicFile> {
    let whole = fragments.another()?;
    // Through the handle: where a lock keeps every other reader out, it does not keep its owner out.
    let handles = fragments.file().try_clone().and_then(|mut read| {
        read.rewind()?;
        Ok((read, whole.file().try_clone()?))
    });
    let (read, write) = handles.map_err(|reason| whole.cannot_write(reason))?;
    copy(read, write, container, base).map_err(|reason| whole.cannot_write(reason))?;
    whole.file().sync_all().map_err(|reason| whole.cannot_write(reason))?;
    Ok(whole)
}

fn copy(read: File, write: File, container: Container, base: TimeBase) -> Result<(), ffmpeg::Error> {
    let mut input = ffmpeg::format::input_from_stream(StreamIo::from_read_seek(read)?, None, None)?;
    let stream = StreamIo::from_write_seek(write)?;
    let mut output = ffmpeg::format::output_to_stream(stream, None, Some(container.muxer()))?;
    for from in input.streams() {
        let number = stream::add_copy(&mut output, &from)?;
        let mut to = output.stream_mut(number).ok_or(ffmpeg::Error::StreamNotFound)?;
        // The container is the same: a codec keeps the name that it has there.
        stream::set_codec_tag(&mut to, stream::codec_tag(&from));
        to.set_avg_frame_rate(from.avg_frame_rate());
    }
    output.write_header_with(container.header_options(base)).map(drop)?;
    while let Some(mut packet) = libav::next_packet(&mut input)? {
        let number = packet.stream();
        let (Some(from), Some(to)) = (input.stream(number), output.stream(number)) else { continue };
        packet.rescale_ts(from.time_base(), to.time_base());
        packet.set_position(-1);
        packet.write_interleaved(&mut output)?;
    }
    output.write_trailer()
}
