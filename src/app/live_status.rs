//! The status of a live session without a window: a line on the terminal, or JSON.

use std::io::{self, Write as _};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use crate::app::progress::BarWriter;
use crate::live::stats::StatsSnapshot;
use crate::live::status::StatusReporter;

/// Where it says so.
pub enum StatusLine {
    /// One line on the terminal, again and again.
    Terminal(ProgressBar),
    /// A JSON object a line, on stdout.
    Json,
    /// On stderr, and only what happens once: a window shows the numbers.
    Events,
    /// Nowhere.
    Silent,
}

impl StatusLine {
    /// A line on the terminal, if stderr is one.
    pub fn terminal() -> Self {
        let style = ProgressStyle::with_template("{spinner} {msg}").expect("a valid template");
        let bar = ProgressBar::new_spinner().with_style(style);
        bar.enable_steady_tick(Duration::from_millis(200));
        Self::Terminal(bar)
    }

    /// For log lines to go around it.
    pub fn log_writer(&self) -> BarWriter {
        BarWriter::around(match self {
            Self::Terminal(bar) => Some(bar.clone()),
            Self::Json | Self::Events | Self::Silent => None,
        })
    }
}

impl StatusReporter for StatusLine {
    fn show(&self, reading: &StatsSnapshot, notice: Option<&str>) {
        match self {
            Self::Terminal(bar) => bar.set_message(text(reading, notice)),
            Self::Json => {
                let mut fields = json!(reading);
                fields["notice"] = notice.into();
                fields["memory_mb"] = memory_mb().into();
                self.event("live", &fields);
            }
            Self::Events | Self::Silent => {}
        }
    }

    fn event(&self, kind: &str, fields: &Value) {
        // A reader that went away is not our failure.
        match (self, announcement(kind, fields)) {
            (Self::Json, _) => {
                let mut fields = fields.clone();
                fields["event"] = kind.into();
                let _ = writeln!(io::stdout().lock(), "{fields}");
            }
            (Self::Terminal(bar), Some(text)) => {
                let _ = bar.suspend(|| writeln!(io::stderr(), "{text}"));
            }
            (Self::Events, Some(text)) => {
                let _ = writeln!(io::stderr(), "{text}");
            }
            _ => {}
        }
    }
}

/// What people must be told of an event: the addresses of the pages, which nobody can guess.
fn announcement(kind: &str, fields: &Value) -> Option<String> {
    let address = |name: &str| fields[name].as_str();
    match (kind, address("page"), address("source")) {
        ("serving", Some(page), Some(source)) => {
            Some(format!("page with the dials:  {page}\nOBS's browser source: {source}"))
        }
        _ => None,
    }
}

impl Drop for StatusLine {
    fn drop(&mut self) {
        if let Self::Terminal(bar) = self {
            bar.finish_and_clear();
        }
    }
}

fn text(reading: &StatsSnapshot, notice: Option<&str>) -> String {
    let StatsSnapshot { fps, camera_fps, latency_ms, latency_p99_ms, dropped, lines, .. } = reading;
    match notice {
        Some(notice) => notice.to_owned(),
        None => format!(
            "{fps:.1} of {camera_fps:.1} frames/s, latency {latency_ms:.0} ms (99 %: {latency_p99_ms:.0}), \
             {dropped} left out, painted at {lines} lines"
        ),
    }
}

/// Memory that the program really holds, where the system tells.
fn memory_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: f64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some((kilobytes / 102.4).round() / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_takes_the_place_of_numbers() {
        let reading = StatsSnapshot { fps: 24.96, camera_fps: 30.0, dropped: 7, ..StatsSnapshot::default() };
        assert!(text(&reading, None).starts_with("25.0 of 30.0 frames/s"));
        assert_eq!(text(&reading, Some("unplugged")), "unplugged");
    }

    #[test]
    fn addresses_are_announced() {
        let fields = json!({ "page": "http://h/t/", "source": "http://h/t/source" });
        let told = announcement("serving", &fields).expect("told");
        assert!(told.contains("dials:  http://h/t/\n") && told.ends_with("http://h/t/source"));
        assert_eq!(announcement("start", &fields), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn memory_is_known() {
        assert!(memory_mb().is_some_and(|megabytes| megabytes > 1.0));
    }
}
