//! The graphics card, through wgpu.
//!
//! In: a shader of `shaders/`, a picture, tables and parameters. Out: a picture of the
//! same kind. [`adapter`] opens the card, `compute` runs one compute shader over a picture.
//! This room does not know what a shader draws; the processor's twin of every shader
//! stands with the stage that uses both.

pub mod adapter;
pub(crate) mod compute;
