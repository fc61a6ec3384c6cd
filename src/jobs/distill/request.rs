//! What is asked of a run.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::paint::tune::part::Part;

/// What a run has of the machine, and how its time is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// All of it; time is what a clock shows.
    First,
    /// One thread, and of that what others leave: a step counts for the second that it takes a core, however long it lasts.
    Last,
}

/// What is to be tuned, and for how long.
#[derive(Debug, Clone)]
pub struct DistillRequest {
    /// The painting.
    pub painting: PathBuf,
    /// The preset to write; the style gets its name, with another ending.
    pub output: PathBuf,
    /// Replaces what is there.
    pub overwrite: bool,
    /// Goes on from what is there.
    pub resume: bool,
    /// Photos to tune on, beside the program's own.
    pub on: Vec<PathBuf>,
    /// How long, over all runs that go on from each other.
    pub time: Duration,
    /// What it has of the machine.
    pub pace: Pace,
    /// The part of the painting to learn from; without it one is found.
    pub part: Option<Part>,
    /// A picture to renew together with the outputs: a photo as it is painted by now.
    pub preview: Option<PathBuf>,
}

impl DistillRequest {
    /// Where the style goes that the preset uses.
    pub(super) fn style_file(&self) -> PathBuf {
        style_of(&self.output)
    }
}

/// The style that goes with a preset that a run wrote.
pub fn style_of(preset: &Path) -> PathBuf {
    preset.with_extension("safetensors")
}
