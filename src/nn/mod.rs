//! Neural networks, run by ONNX Runtime.
//!
//! In: the name of a network and plain slices of `f32` with their shapes. Out: slices of
//! `f32`. [`models`] finds the files and checks each against the manifest, [`runtime`]
//! loads the library and chooses the device, [`network`] runs.
//! This room never sees a frame or a picture, and no type of the `ort` crate leaves it.

pub mod device;
pub mod error;
pub mod models;
pub mod network;
mod places;
pub mod runtime;
