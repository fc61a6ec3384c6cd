//! Whole runs: one input, one output, and everything between them.
//!
//! In: files, a look, an engine. Out: files. [`video`] redraws a film through threads and bounded channels, [`still`] optimises one picture, [`distill`]
//! tunes a style to one painting, [`parts`] divides a film among machines and joins it. It never talks to a terminal.

pub mod distill;
#[cfg(feature = "video")]
pub mod parts;
#[cfg(feature = "video")]
pub(crate) mod process;
pub mod still;
#[cfg(feature = "video")]
pub mod video;
