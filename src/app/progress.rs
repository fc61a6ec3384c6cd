//! How far a run is: a bar for people, events for programs, or nothing.

use std::io::{self, Write as _};
use std::path::Path;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};

use crate::app::report::hint;
use crate::app::terminal::say;
use crate::error::Error;
use crate::frame::Frame;
use crate::paint::optimize::Step;
use crate::time::FrameTime;
use crate::video::write::Changed;

/// Seconds between two `progress` events.
const EVERY: f64 = 1.0;

/// How a run is reported.
pub enum ProgressOutput {
    /// A bar on stderr, hidden where stderr is no terminal, and a closing line.
    Bar(ProgressBar),
    /// One JSON object a line on stdout: `start`, `converted` or `left_out` for each stream
    /// that is not handed on as it was, `progress` (at most one a second), then `done` or
    /// `error`. Fields are only ever added.
    Json,
    /// Nothing.
    Silent,
}

/// Counts frames against the clock, and reports.
pub struct Progress {
    report: ProgressOutput,
    began: Instant,
    said: f64,
    frame: u64,
    frames: Option<u64>,
    reached: FrameTime,
}

impl Progress {
    /// A bar; log lines should go around it ([`Progress::log_writer`]).
    pub fn bar() -> Self {
        Self::new(ProgressOutput::Bar(ProgressBar::hidden()))
    }

    /// JSON lines.
    pub fn json() -> Self {
        Self::new(ProgressOutput::Json)
    }

    /// Nothing.
    pub fn silent() -> Self {
        Self::new(ProgressOutput::Silent)
    }

    fn new(report: ProgressOutput) -> Self {
        let reached = FrameTime::ZERO;
        Self { report, began: Instant::now(), said: 0.0, frame: 0, frames: None, reached }
    }

    /// The run begins; `plan` is what the `start` event says.
    pub fn start(&mut self, frames: Option<u64>, plan: Value) {
        self.began = Instant::now();
        self.frames = frames;
        match &self.report {
            ProgressOutput::Bar(bar) => show(bar, frames),
            ProgressOutput::Json => event("start", plan),
            ProgressOutput::Silent => {}
        }
    }

    /// A stream of the input is not in the output as it was; people read it in the log.
    pub fn changed(&self, changed: &Changed) {
        if let ProgressOutput::Json = self.report {
            let Changed { stream, kind, codec, into, because } = changed;
            let event_kind = if into.is_some() { "converted" } else { "left_out" };
            let fields =
                json!({ "stream": stream, "kind": kind, "codec": codec, "into": into, "because": because });
            event(event_kind, fields);
        }
    }

    /// One more frame is done.
    pub fn frame(&mut self, frame: &Frame) {
        self.frame += 1;
        self.reached = frame.time;
        match &self.report {
            ProgressOutput::Bar(bar) => bar.inc(1),
            ProgressOutput::Json => {
                let secs = self.began.elapsed().as_secs_f64();
                if secs - self.said >= EVERY {
                    self.said = secs;
                    let fps = self.frame as f64 / secs;
                    let left = self.frames.map(|all| all.saturating_sub(self.frame) as f64 / fps);
                    event(
                        "progress",
                        json!({
                            "frame": self.frame, "frames": self.frames, "time": frame.time.as_secs_f64(),
                            "fps": fps, "left": left,
                        }),
                    );
                }
            }
            ProgressOutput::Silent => {}
        }
    }

    /// The run ended well; `interrupted` if the user cut it short.
    pub fn done(&mut self, output: &Path, interrupted: bool) {
        let (frames, secs) = (self.frame, self.began.elapsed().as_secs_f64());
        match &self.report {
            ProgressOutput::Bar(bar) => {
                bar.finish_and_clear();
                let until =
                    if interrupted { format!(", interrupted at {}", self.reached) } else { String::new() };
                say(&format!("{}: {frames} frames in {secs:.1} s{until}", output.display()));
            }
            ProgressOutput::Json => {
                event("done", json!({ "frames": frames, "seconds": secs, "interrupted": interrupted }));
            }
            ProgressOutput::Silent => {}
        }
    }

    /// The run failed.
    pub fn failed(&mut self, error: &Error) {
        match &self.report {
            ProgressOutput::Bar(bar) => bar.finish_and_clear(),
            ProgressOutput::Json => {
                let because = std::error::Error::source(error).map(ToString::to_string);
                event("error", json!({ "error": error.to_string(), "because": because, "try": hint(error) }));
            }
            ProgressOutput::Silent => {}
        }
    }

    /// A writer for log lines that does not tear the bar.
    pub fn log_writer(&self) -> BarWriter {
        BarWriter(match &self.report {
            ProgressOutput::Bar(bar) => Some(bar.clone()),
            _ => None,
        })
    }
}

/// Draws the bar, or a counter where the length is not known.
fn show(bar: &ProgressBar, frames: Option<u64>) {
    let template = match frames {
        Some(_) => "{wide_bar} {pos}/{len}  {rate}  {eta} left",
        None => "{spinner} {pos} frames  {rate}  {elapsed}",
    };
    let rate = |state: &indicatif::ProgressState, out: &mut dyn std::fmt::Write| {
        // Nothing can be done about a terminal that refuses text.
        let _ = write!(out, "{:.1} fps", state.per_sec());
    };
    let style = ProgressStyle::with_template(template).expect("the templates above are valid");
    bar.set_style(style.with_key("rate", rate));
    if let Some(frames) = frames {
        bar.set_length(frames);
    }
    bar.set_draw_target(ProgressDrawTarget::stderr());
    bar.reset();
}

/// The bar of an optimisation, with its objective.
pub struct StepBar(ProgressBar);

impl StepBar {
    /// Hidden where stderr is no terminal, or nothing is to be said.
    pub fn new(quiet: bool) -> Self {
        let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let style = ProgressStyle::with_template("{wide_bar} {pos}/{len}  {msg}  {eta} left");
        let bar = ProgressBar::with_draw_target(None, target);
        Self(bar.with_style(style.expect("the template above is valid")))
    }

    /// One more step is done.
    pub fn step(&self, step: Step) {
        self.0.set_length(step.steps);
        self.0.set_message(format!("{} lines, objective {:.2}", step.lines, step.objective));
        self.0.set_position(step.done);
    }
}

impl Drop for StepBar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// Writes to stderr with the bar out of the way.
#[derive(Clone)]
pub struct BarWriter(Option<ProgressBar>);

impl BarWriter {
    /// Around a bar, if there is one.
    pub fn around(bar: Option<ProgressBar>) -> Self {
        Self(bar)
    }
}

impl io::Write for BarWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        // Of a stderr that is full nothing is said: there is nowhere to say it.
        let _ = match &self.0 {
            Some(bar) => bar.suspend(|| io::stderr().write_all(line)),
            None => io::stderr().write_all(line),
        };
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let _ = io::stderr().flush();
        Ok(())
    }
}

/// Writes one event; a reader that went away is not our failure.
fn event(kind: &str, mut fields: Value) {
    fields["event"] = kind.into();
    let _ = writeln!(io::stdout().lock(), "{fields}");
}
