//! Where finished frames go while a session runs: a window, a page, a virtual camera.
//!
//! Each takes the latest frame and never makes the others wait.

pub mod http;
pub mod open;
pub mod v4l2;
pub mod window;
