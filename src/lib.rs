//! stylewarp

pub mod align;
pub mod bench;
pub mod cli;
pub mod device;
pub mod engine;
pub mod error;
pub mod field;
pub mod frame;
pub mod gpu;
pub mod model;
pub mod painter;
pub mod preset;
pub mod progress;
pub mod remap;
pub mod smooth;
pub mod still;
pub mod stop;
pub mod time;
pub mod warper;

pub use error::{Error, Result};
