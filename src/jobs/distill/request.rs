//! What is asked of a run.

use std::path::PathBuf;
use std::time::Duration;

use crate::paint::tune::part::Part;

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
    /// The part of the painting to learn from; without it one is found.
    pub part: Option<Part>,
    /// A picture to renew together with the outputs: a photo as it is painted by now.
    pub preview: Option<PathBuf>,
}

impl DistillRequest {
    /// Where the style goes that the preset uses.
    pub(super) fn style_file(&self) -> PathBuf {
        self.output.with_extension("safetensors")
    }
}
