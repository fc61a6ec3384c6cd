//! Video files, read and written through FFmpeg.
//!
//! In: the path of a file. Out: upright RGBA frames with their own times ([`read`]), and
//! from such frames a new file with the sound, subtitles and titles of the old one
//! ([`write`](mod@write)). [`colour`] says how RGB is made from what files store; `libav` is
//! what both sides need of FFmpeg, and `packets` reads a file for both, on one clock that
//! `timeline` keeps whole.
//! This room never changes what a picture shows, and knows nothing of cameras.

pub mod colour;
pub(crate) mod libav;
mod packets;
pub mod read;
mod timeline;
pub mod write;
