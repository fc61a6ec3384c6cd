//! `stylewarp live`, the program itself, without a camera: the test card and
//! looped clips stand in for one, and its clock tells what was shown when.
//!
//! What needs a screen or a browser is ignored by default; `./setup.sh --tests`
//! installs both, and `cargo test --test live -- --ignored` runs it.

mod browser;
#[expect(dead_code, reason = "other tests use the rest")]
#[path = "../common/clips.rs"]
mod clips;
mod connections;
#[cfg(target_os = "linux")]
mod drag;
mod kit;
#[expect(dead_code, reason = "other tests use the rest")]
#[path = "../common/networks.rs"]
mod networks;
mod page;
#[cfg(unix)]
mod recordings;
mod refusals;
mod screen;
mod session;
#[cfg(unix)]
mod sound;
mod tuning;
mod window;
