//! Video files in and out, without the networks: what comes out must be what
//! went in.
//!
//! Clips are made on the spot by the `ffmpeg` program and judged by `ffprobe` and
//! `ffmpeg` again, so that our own reading is never the judge of our own
//! writing. Every comparison has a negative control: a test that shows it two
//! different things and wants to hear so.

#[path = "../common/clips.rs"]
mod clips;
mod clocks;
mod kit;
mod marks;
mod parts;
mod pictures;
mod refusals;
mod sound;
mod times;
mod turns;
