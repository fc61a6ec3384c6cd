//! What the two programs share: the command line, messages, and tools for developers.
//!
//! In: arguments. Out: text for people, events for scripts, exit codes. Nothing below this room knows of it.

pub mod bench;
pub mod cli;
pub mod cluster;
pub mod contact_sheet;
pub mod doctor;
#[doc(hidden)]
pub mod fuzzing;
pub mod interrupt;
pub mod live_status;
pub mod manual;
pub mod parts;
pub mod progress;
pub mod report;
pub mod terminal;
mod tiles;
pub mod tuning;
pub mod visualize;
