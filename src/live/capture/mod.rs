//! Where a live session's pictures come from: a camera, a looped clip or a test pattern.
//!
//! In: the name of a camera as typed. Out: the latest frame, stamped by the session's clock.
//! A watchdog reads in a thread of its own, because a driver may never answer, and opens
//! the camera again when it was lost.

pub mod camera;
mod devices;
mod driver;
mod formats;
pub(crate) mod info;
#[cfg_attr(target_os = "linux", expect(dead_code, reason = "checked here, used on macOS and Windows"))]
mod nokhwa;
mod picture;
pub mod request;
mod shutter;
pub mod test_pattern;
#[cfg(target_os = "linux")]
mod v4l2;
pub(crate) mod watchdog;
