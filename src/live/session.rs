//! One run of `stylewarp live`: opens what was asked for, in an order in which
//! nothing is begun in vain, shows it, and ends everything in the opposite one.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::output::window;
use super::status::StatusReporter;
use super::{LiveConfig, LiveSession, SessionHandle};
use crate::cancel::CancelToken;
use crate::error::{Result, first_cause};
use crate::live::clock::LiveClock;
use crate::live::output::http::{self, ServeOptions};
use crate::live::output::open::OpenOutputs;
use crate::live::recorder::recorded;
use crate::time::FrameTime;
use crate::video::write::FileOutput;

/// Between two lines of numbers.
const EVERY: FrameTime = FrameTime::from_nanos(1_000_000_000);
/// How often the end is looked for.
const TICK: Duration = Duration::from_millis(50);

/// Where a session goes.
#[derive(Debug, Clone, Default)]
pub struct Outputs {
    /// A virtual camera.
    pub loopback: Option<PathBuf>,
    /// A page.
    pub serve: Option<ServeOptions>,
    /// A file.
    pub record: Option<PathBuf>,
    /// When to end.
    pub duration: Option<FrameTime>,
}

impl Outputs {
    /// What is recorded from the beginning.
    fn recording(&self) -> Option<FileOutput> {
        self.record.as_ref().map(FileOutput::new)
    }
}

/// Runs a session until it is stopped; `line` tells how it goes.
///
/// # Errors
/// Returns an error if something asked for cannot be had, or fails.
pub fn run(
    plan: LiveConfig,
    outlets: &Outputs,
    line: impl StatusReporter + 'static,
    stop: &CancelToken,
) -> Result<()> {
    // Before the camera's light goes on.
    outlets.recording().map(|output| output.check_recording()).transpose()?;
    let listener = outlets.serve.map(http::bind).transpose()?;
    let has_window = plan.window;
    let live = LiveSession::start(plan, stop.clone())?;
    let open = Arc::new(OpenOutputs::new(live.handle.clone()));
    let opened = begin(&live.handle, outlets, listener, &open, &line);
    let reporting = report(&live.handle, outlets.duration, line, stop.clone());
    let shown = match (&opened, has_window) {
        (Ok(()), true) => window::show(&live.handle, open.clone(), stop),
        (Ok(()), false) => {
            while !live.is_over() {
                std::thread::sleep(TICK);
            }
            Ok(())
        }
        (Err(_), _) => Ok(()),
    };
    stop.raise();
    if let Ok(reporting) = reporting {
        // It only prints.
        let _ = reporting.join();
    }
    let ended = live.end();
    open.close();
    first_cause([opened, shown, ended]).map(drop)
}

/// Opens everything that was asked for.
fn begin(
    live: &SessionHandle,
    outlets: &Outputs,
    listener: Option<std::net::TcpListener>,
    open: &OpenOutputs,
    line: &impl StatusReporter,
) -> Result<()> {
    if let Some(path) = &outlets.loopback {
        open.start_camera(path)?;
    }
    if let Some(output) = outlets.recording() {
        live.record(&output, &recorded(&live.info))?;
    }
    if let (Some(options), Some(listener)) = (outlets.serve, listener) {
        let (address, page) = open.serve(listener, options)?;
        line.event(
            "serving",
            &json!({ "address": address, "page": page, "source": format!("{page}source") }),
        );
    }
    line.event(
        "start",
        &json!({
            "size": live.info.size.to_string(), "fps": live.info.rate.to_string(), "devices": live.devices,
        }),
    );
    Ok(())
}

/// A thread that tells every second how it goes, and ends the session in time.
fn report(
    live: &SessionHandle,
    duration: Option<FrameTime>,
    line: impl StatusReporter + 'static,
    stop: CancelToken,
) -> std::io::Result<std::thread::JoinHandle<()>> {
    let (stats, controls, clock) = (live.stats.clone(), live.controls.clone(), live.clock);
    let began = LiveClock::new();
    std::thread::Builder::new().name("report".into()).spawn(move || {
        let mut next = EVERY;
        while !stop.is_raised() {
            std::thread::sleep(TICK);
            if duration.is_some_and(|duration| began.now() >= duration) {
                stop.raise();
            }
            if began.now() >= next || stop.is_raised() {
                next = next + EVERY;
                line.show(&stats.read(clock.now()), controls.notices.line().as_deref());
            }
        }
    })
}
