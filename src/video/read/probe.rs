//! What a file says of its video, and what its first frame says better.

use ffmpeg::codec::packet::side_data;
use ffmpeg::{Rational, Stream, frame};
use ffmpeg_next as ffmpeg;

use crate::error::{Error, Result};
use crate::frame::Size;
use crate::time::{FrameRate, FrameTime};
use crate::video::colour::Colour;
use crate::video::libav::nominal_rate;
use crate::video::read::decode::Decoder;
use crate::video::read::filters::can_map_tones;
use crate::video::read::orient::Orientation;
use crate::video::read::{Clip, VideoInfo};

/// All that is told, given how the pictures are to be turned and which of the
/// stream's ticks is zero.
pub(super) fn video(
    decoder: &Decoder,
    first: &frame::Video,
    stored_size: Size,
    clip: Clip,
    orientation: Orientation,
    origin: i64,
) -> VideoInfo {
    let time_base = decoder.time_base();
    let rate = nominal_rate(&decoder.stream());
    let duration = length(decoder, clip);
    VideoInfo {
        size: orientation.turn_size(stored_size),
        rate,
        time_base,
        colour: shown_colour(Colour::of(first, stored_size)),
        pixel_aspect: orientation.turn_pair(pixel_aspect(first)),
        frames: frame_count(&decoder.stream(), clip, duration, rate),
        duration,
        origin: FrameTime::from_ticks(origin, time_base),
        clip,
    }
}

/// The colours in which pictures are handed out; says so where HDR stays as it is.
fn shown_colour(stored: Colour) -> Colour {
    match (stored.is_hdr(), can_map_tones()) {
        (false, _) => stored,
        (true, true) => {
            tracing::info!("the input is HDR: its light is mapped to that of a screen (BT.709)");
            Colour::screen()
        }
        (true, false) => {
            tracing::warn!("the input is HDR, and this FFmpeg has no zscale and tonemap: it will look flat");
            stored
        }
    }
}

/// The size as stored.
pub(super) fn size_of(frame: &frame::Video) -> Result<Size> {
    let (width, height) = (frame.width(), frame.height());
    let too_large = || Error::OutOfRange {
        what: "the size of the picture",
        value: format!("{width}x{height}"),
        range: "1 to 16384 pixels a side",
    };
    Size::new(width, height).ok_or_else(too_large)
}

/// From a picture's own display matrix, where it has one.
pub(super) fn own_orientation(frame: &frame::Video) -> Option<Orientation> {
    let matrix = frame.side_data(ffmpeg::frame::side_data::Type::DisplayMatrix)?;
    Orientation::from_display_matrix(matrix.data())
}

/// From the display matrix; from the `rotate` tag of old files.
pub(super) fn orientation(stream: &Stream) -> Orientation {
    let matrix = stream.side_data().find(|data| data.kind() == side_data::Type::DisplayMatrix);
    let from_matrix = matrix.and_then(|matrix| Orientation::from_display_matrix(matrix.data()));
    let from_tag = || stream.metadata().get("rotate")?.trim().parse().ok().map(Orientation::from_degrees);
    from_matrix.or_else(from_tag).unwrap_or_default()
}

/// The frame's, or the decoder's by way of it; square where unknown.
pub(super) fn pixel_aspect(frame: &frame::Video) -> (u32, u32) {
    let Rational(num, den) = frame.aspect_ratio();
    match (u32::try_from(num), u32::try_from(den)) {
        (Ok(num), Ok(den)) if num > 0 && den > 0 => (num, den),
        _ => (1, 1),
    }
}

/// Length of what will be handed out, where the file tells its own.
fn length(decoder: &Decoder, clip: Clip) -> Option<FrameTime> {
    let stream = decoder.stream();
    let of_stream = FrameTime::from_ticks(stream.duration().max(0), decoder.time_base());
    let of_file = FrameTime::from_nanos(decoder.input().duration().max(0).saturating_mul(1000));
    // These count from the zero of their clock, however late its first picture is.
    let zero = decoder.packets().clock_start();
    let counts_from_zero =
        ["matroska", "flv"].iter().any(|name| decoder.input().format().name().starts_with(name));
    let of_file = if counts_from_zero && of_file > zero { of_file - zero } else { of_file };
    let whole = [of_stream, of_file].into_iter().find(|length| *length > FrameTime::ZERO)?;
    let rest = (whole - clip.start.unwrap_or_default()).max(FrameTime::ZERO);
    Some(clip.duration.map_or(rest, |wanted| wanted.min(rest)))
}

/// How far the file has been read, by what its length counts: the pictures where their stream
/// tells its own length, else everything.
pub(super) fn reached(decoder: &Decoder, origin: FrameTime) -> FrameTime {
    let tells = decoder.stream().duration() > 0;
    let end = decoder.packets().end().filter(|_| !tells);
    end.map_or(FrameTime::ZERO, |end| end - origin)
}

/// As the container counts them; for a part, or where it does not, from length
/// and rate.
fn frame_count(stream: &Stream, clip: Clip, duration: Option<FrameTime>, rate: FrameRate) -> Option<u64> {
    let counted = u64::try_from(stream.frames()).ok().filter(|frames| *frames > 0);
    let estimate = || u64::try_from(duration?.to_ticks(rate.frame_base())).ok().map(|frames| frames.max(1));
    counted.filter(|_| clip == Clip::default()).or_else(estimate)
}
