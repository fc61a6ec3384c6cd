//! Redraws video in an artist's hand: it takes over the *shapes* of one picture
//! (the geometry exemplar) and the *brushwork* of another (the texture exemplar).
//! The video form of "Learning to Warp for Style Transfer" (Liu, Yang and Hall,
//! CVPR 2021): `output = paint(warp(frame, geometry), texture)`.
//!
//! Frames flow one way through small structs, each with one verb:
//!
//! ```text
//!  decode ---frames---> analyse ---analysed---> render ---finished---> encode
//!  source::FileSource   warper::Warper          remap::Remap           sink::FileSink
//!                       smooth::Lookahead       motion::Tracker
//!                       align::Aligner          painter::Painter
//!                                               steady::Steady
//!                                               finish::Finish
//! ```
//!
//! A single picture can be painted the paper's own way instead: [`styler::StyleOptimizer`]
//! optimises it. What is painted with comes from a [`texture::StyleSpec`]: the name of
//! one of the program's own styles, any painting ([`style_encoder`]), or what
//! [`distill`] made of one.
//!
//! [`pipeline`] holds the threads and channels, [`engine`] puts the two middle
//! stages together from a [`preset`], and everything else is one of the structs
//! or the types that pass between them: [`frame::Frame`], [`warper::Correspondence`],
//! [`pose::Decomposition`], [`field::WarpField`], [`time::FrameTime`].
//!
//! ```no_run
//! use stylewarp::engine::{Engine, Setup};
//! use stylewarp::{image_file, look::Preset};
//!
//! # fn main() -> stylewarp::Result<()> {
//! let look = Preset::load("modigliani")?;
//! let photo = image_file::read_frame("photo.jpg".as_ref())?;
//! let mut engine = Engine::new(&look, None, photo.size.aspect(), &Setup::default())?;
//! image_file::write("drawn.png".as_ref(), &engine.stylize(photo)?)
//! # }
//! ```

pub mod app;
pub mod assets;
pub mod cancel;
pub mod engine;
pub mod error;
pub mod frame;
pub mod gpu;
pub mod image_file;
pub mod jobs;
pub mod live;
pub mod look;
pub mod names;
pub mod nn;
pub mod paint;
pub mod resize;
pub mod time;
pub mod video;
pub mod warp;

pub use error::{Error, Result};
