//! How far a run is: a bar for people, events for programs, or nothing.

use std::io::{self, Write as _};
use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};

use crate::error::Error;
use crate::frame::Frame;

/// Seconds between two `progress` events.
const EVERY: f64 = 1.0;

/// Reports of a run.
pub enum Progress {
    /// A bar on stderr; hidden where stderr is no terminal.
    Bar(ProgressBar),
    /// One JSON object a line on stdout: `start`, `progress` (at most one a
    /// second), then `done` or `error`. Fields are only ever added.
    Json(Pace),
    /// Nothing.
    Silent,
}

/// Counts frames against the clock.
pub struct Pace {
    began: Instant,
    said: f64,
    frame: u64,
    frames: Option<u64>,
}

impl Progress {
    /// A bar not yet drawn; log lines should go around it ([`BarWriter`]).
    pub fn bar() -> Self {
        Self::Bar(ProgressBar::hidden())
    }

    /// JSON lines.
    pub fn json() -> Self {
        Self::Json(Pace { began: Instant::now(), said: 0.0, frame: 0, frames: None })
    }

    /// The run begins; `plan` is what the `start` event says.
    pub fn start(&mut self, frames: Option<u64>, plan: Value) {
        match self {
            Self::Bar(bar) => {
                let (length, template) = match frames {
                    Some(_) => (frames, "{wide_bar} {pos}/{len}  {per_sec}  {eta} left"),
                    None => (None, "{spinner} {pos} frames  {per_sec}  {elapsed}"),
                };
                let style = ProgressStyle::with_template(template).expect("the templates above are valid");
                let fps = |state: &indicatif::ProgressState, out: &mut dyn std::fmt::Write| {
                    // Nothing can be done about a terminal that refuses text.
                    let _ = write!(out, "{:.1} fps", state.per_sec());
                };
                bar.set_style(style.with_key("per_sec", fps));
                length.inspect(|length| bar.set_length(*length));
                bar.set_draw_target(ProgressDrawTarget::stderr());
                bar.reset();
            }
            Self::Json(pace) => {
                pace.began = Instant::now();
                pace.frames = frames;
                event("start", plan);
            }
            Self::Silent => {}
        }
    }

    /// One more frame is done.
    pub fn frame(&mut self, frame: &Frame) {
        match self {
            Self::Bar(bar) => bar.inc(1),
            Self::Json(pace) => {
                pace.frame += 1;
                let secs = pace.began.elapsed().as_secs_f64();
                if secs - pace.said >= EVERY {
                    pace.said = secs;
                    let fps = pace.frame as f64 / secs;
                    let left = pace.frames.map(|all| all.saturating_sub(pace.frame) as f64 / fps);
                    event(
                        "progress",
                        json!({
                            "frame": pace.frame, "frames": pace.frames, "time": frame.time.as_secs_f64(),
                            "fps": fps, "left": left,
                        }),
                    );
                }
            }
            Self::Silent => {}
        }
    }

    /// The run ended well; `interrupted` if the user cut it short.
    pub fn done(&mut self, frames: u64, interrupted: bool) {
        match self {
            Self::Bar(bar) => bar.finish_and_clear(),
            Self::Json(pace) => event(
                "done",
                json!({ "frames": frames, "seconds": pace.began.elapsed().as_secs_f64(), "interrupted": interrupted }),
            ),
            Self::Silent => {}
        }
    }

    /// The run failed.
    pub fn failed(&mut self, error: &Error) {
        match self {
            Self::Bar(bar) => bar.finish_and_clear(),
            Self::Json(_) => {
                let because = std::error::Error::source(error).map(ToString::to_string);
                event(
                    "error",
                    json!({ "error": error.to_string(), "because": because, "try": error.hint() }),
                );
            }
            Self::Silent => {}
        }
    }

    /// A writer for log lines that does not tear the bar.
    pub fn log_writer(&self) -> BarWriter {
        BarWriter(match self {
            Self::Bar(bar) => Some(bar.clone()),
            _ => None,
        })
    }
}

/// Writes to stderr with the bar out of the way.
#[derive(Clone)]
pub struct BarWriter(Option<ProgressBar>);

impl io::Write for BarWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        match &self.0 {
            Some(bar) => bar.suspend(|| io::stderr().write_all(line)),
            None => io::stderr().write_all(line),
        }
        .map(|()| line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Writes one event; a reader that went away is not our failure.
fn event(kind: &str, mut fields: Value) {
    fields["event"] = kind.into();
    let _ = writeln!(io::stdout().lock(), "{fields}");
}
