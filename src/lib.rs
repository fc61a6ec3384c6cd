//! stylewarp

pub mod colour;
pub mod error;
pub mod frame;
mod media;
pub mod sink;
pub mod source;
pub mod stop;
pub mod time;

pub use error::{Error, Result};
