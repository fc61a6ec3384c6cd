//! stylewarp

pub mod error;
pub mod field;
pub mod frame;
pub mod gpu;
pub mod remap;
pub mod stop;
pub mod time;

pub use error::{Error, Result};
