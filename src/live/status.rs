//! What a session says of itself while it runs; who shows it is the program's business.

use serde_json::Value;

use crate::live::stats::StatsSnapshot;

/// Shows how a session goes.
pub trait StatusReporter: Send {
    /// The numbers of the last second, and a notice if there is one.
    fn show(&self, reading: &StatsSnapshot, notice: Option<&str>);

    /// Something that happened once.
    fn event(&self, kind: &str, fields: &Value);
}
