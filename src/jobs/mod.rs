//! Whole runs: one input, one output, and everything between them.
//!
//! [`video`] redraws a film through threads and bounded channels, [`still`] optimises one picture, [`distill`]
//! tunes a style to one painting. A job knows files and the engine; it never talks to a terminal.

pub mod distill;
pub mod still;
pub mod video;
