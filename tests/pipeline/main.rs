//! The threads and channels between a source and a sink, with tiny networks: the
//! same pictures as without threads, the true cause of a failure, a bound on
//! what is under way, and an end on request.
//!
//! Source and sink are doubles; no video file is touched.

mod doubles;
mod failures;
mod flow;
mod looks;
#[path = "../common/networks.rs"]
mod networks;
mod parts;
