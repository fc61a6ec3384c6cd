//! Where a live session's pictures come from: a camera, a looped clip or a test pattern.
//!
//! In: the name of a camera as typed. Out: the latest frame, stamped by the session's clock.
//! A watchdog reads in a thread of its own, because a driver may never answer, and opens
//! the camera again when it was lost.

pub mod camera;
pub(crate) mod info;
pub mod request;
pub mod test_pattern;
pub(crate) mod watchdog;
