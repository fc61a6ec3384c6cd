//! Redraws video in an artist's hand: it takes over the *shapes* of one picture
//! (the geometry exemplar) and the *brushwork* of another (the texture exemplar).
//! The video form of "Learning to Warp for Style Transfer" (Liu, Yang and Hall,
//! CVPR 2021): `output = paint(warp(frame, geometry), texture)`.
//!
//! Frames flow one way through small structs, each with one verb:
//!
//! ```text
//!  decode ---frames---> analyze ---analyzed---> render ---finished---> encode
//!  video::read          warp::matcher           warp::remap            video::write
//!                       warp::smoothing         paint::flow
//!                       warp::regularize        paint::painter
//!                                               paint::stabilize
//!                                               paint::composite
//! ```
//!
//! The rooms, from the ground up; imports only run downwards (`tests/structure.rs`):
//!
//! | room | what it is for |
//! |---|---|
//! | [`error`], [`names`], [`time`], [`cancel`], [`threads`], [`frame`] | words that every room knows |
//! | `atomic_file` | the one way to write a file |
//! | [`image_file`], [`assets`], [`scene_change`] | pictures: files, what the program carries, cuts at a glance |
//! | [`nn`], [`gpu`], [`video`] | ONNX Runtime; wgpu; films in and out |
//! | [`warp`], [`paint`] | shapes; brushwork; neither knows of the other |
//! | [`look`] | what is wanted |
//! | [`engine`] | both stages, from a look: the library's door |
//! | [`jobs`] | one run from file to file |
//! | [`live`] | a session with a camera |
//! | [`app`] | what the two programs share |
//!
//! Cargo features, all on by default: `video` (films, through FFmpeg), `gpu` (wgpu), `live` (cameras, the window and the page;
//! needs the two before), `cli` (the programs; needs all). With `default-features = false` there are pictures and raw frames.
//!
//! ONNX Runtime is opened at run time. Unless the environment has `ORT_DISABLE_TELEMETRY=1` when it is, it writes
//! a device id into the user's cache folder and reports its use; the programs set it, a library cannot.
//!
//! ```no_run
//! use stylewarp::engine::{Engine, EngineConfig};
//! use stylewarp::{image_file, look::Look};
//!
//! # fn main() -> stylewarp::Result<()> {
//! let look = Look::load("modigliani")?;
//! let photo = image_file::read_frame("photo.jpg".as_ref())?;
//! let mut engine = Engine::new(&look, None, photo.size.aspect(), &EngineConfig::default())?;
//! image_file::write("drawn.png".as_ref(), &engine.stylize(photo)?, false)
//! # }
//! ```

#[cfg(feature = "cli")]
pub mod app;
pub mod assets;
mod atomic_file;
pub mod cancel;
pub mod engine;
pub mod error;
pub mod frame;
pub mod gpu;
pub mod image_file;
pub mod jobs;
#[cfg(feature = "live")]
pub mod live;
pub mod look;
pub mod names;
pub mod nn;
pub mod paint;
pub mod scene_change;
pub mod threads;
pub mod time;
#[cfg(feature = "video")]
pub mod video;
pub mod warp;

pub use error::{Error, Result};
