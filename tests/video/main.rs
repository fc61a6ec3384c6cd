//! The program itself, as people start it: `stylewarp-video in.mp4 out.mp4`.
//!
//! It runs on clips made on the spot by `ffmpeg`, with the tiny networks of
//! `tests/data`, and `ffprobe` judges what it wrote. Every comparison of
//! pictures has a control that shows what the same number is for another pair.

mod bundled;
#[path = "../common/clips.rs"]
mod clips;
mod command;
#[cfg(unix)]
mod controls;
mod divided;
mod events;
#[cfg(unix)]
mod interruption;
mod kit;
mod looks;
#[path = "../common/networks.rs"]
mod networks;
mod outputs;
mod pipes;
#[cfg(unix)]
mod strangers;
#[cfg(unix)]
mod survival;
mod wrong_files;
mod wrong_looks;
mod wrong_machine;
