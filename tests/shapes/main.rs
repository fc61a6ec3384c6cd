//! The committed networks on real pictures, the exemplars of the presets: what
//! they must find, what they must not find, and where a scene ends.

mod blanks;
mod encoders;
mod focus;
mod kit;
#[path = "../common/quality.rs"]
mod quality;
mod scenes;
mod shown;
