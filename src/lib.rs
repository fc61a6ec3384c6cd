//! stylewarp

pub mod error;
pub mod frame;
pub mod stop;
pub mod time;

pub use error::{Error, Result};
