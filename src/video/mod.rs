//! Video files, read and written through FFmpeg.
//!
//! In: the path of a file. Out: upright RGBA frames with their own times ([`read`]), and
//! from such frames a new file with the sound, subtitles and titles of the old one
//! ([`write`](mod@write)). [`colour`] says how RGB is made from what files store; `libav` is
//! what both sides need of FFmpeg, and `packets` reads a file for both, on one clock that
//! `timeline` keeps whole. [`names`] tells a file from a pipe and from a numbered sequence.
//! This room never changes what a picture shows, and knows nothing of cameras.

pub mod colour;
mod demuxer;
pub mod error;
pub(crate) mod libav;
pub mod names;
mod packets;
pub mod read;
mod timeline;
pub mod write;

use crate::time::FrameRate;

/// Gives numbered sequences of pictures so many frames a second from now on, in the whole process; 25 unless set.
pub fn set_sequence_rate(rate: FrameRate) {
    libav::set_sequence_rate(rate);
}

/// Lets inputs be lists of other files (HLS, DASH, concat) from now on, in the whole process. What
/// they name is opened if it is a file; nothing is fetched from a network. Without it such inputs
/// are refused, since whoever made one chooses what is read.
pub fn follow_lists() {
    libav::follow_lists();
}
