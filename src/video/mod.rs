//! Video files, read and written through FFmpeg.
//!
//! In: the path of a file. Out: upright RGBA frames with their own times ([`read`]), and
//! from such frames a new file with the sound, subtitles and titles of the old one
//! ([`write`](mod@write)). [`colour`] says how RGB is made from what files store; `libav` is
//! what both sides need of FFmpeg.
//! This room never changes what a picture shows, and knows nothing of cameras.

pub mod colour;
pub(crate) mod libav;
pub mod read;
pub mod write;
