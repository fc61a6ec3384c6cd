//! One run of `stylewarp live`: opens what was asked for, in an order in which
//! nothing is begun in vain, shows it, and ends everything in the opposite one.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;

use super::output::window;
use super::status::StatusReporter;
use super::{LiveConfig, LiveSession};
use crate::cancel::CancelToken;
use crate::error::{Result, first_cause};
use crate::live::clock::LiveClock;
use crate::live::latest::channel;
use crate::live::output::http::{self, ServeOptions};
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
    /// Where the window's snapshots and recordings go.
    pub folder: PathBuf,
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
    let (mut puts, mut takes) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let (put, take) = channel();
        puts.push(put);
        takes.push(take);
    }
    let [for_window, for_loopback, for_page] =
        takes.try_into().unwrap_or_else(|_| unreachable!("three slots"));
    let live = LiveSession::start(plan, puts, stop.clone())?;
    let opened = open(&live, outlets, listener, for_loopback, for_page, &line, stop);
    let reporting = report(&live, outlets.duration, line, stop.clone());
    let shown = match (&opened, has_window) {
        (Ok(_), true) => window::show(&live, for_window, outlets.folder.clone(), stop),
        (Ok(_), false) => {
            drop(for_window);
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
    let opened = opened.map(|threads| threads.join());
    first_cause([opened, shown, ended]).map(drop)
}

#[derive(Default)]
struct OpenOutputs {
    server: Option<http::Server>,
    #[cfg(target_os = "linux")]
    loopback: Option<std::thread::JoinHandle<()>>,
}

impl OpenOutputs {
    fn join(self) {
        if let Some(server) = self.server {
            server.join();
        }
        #[cfg(target_os = "linux")]
        if let Some(loopback) = self.loopback
            && loopback.join().is_err()
        {
            tracing::warn!("the virtual camera's thread broke down; this is a bug");
        }
    }
}

fn open(
    live: &LiveSession,
    outlets: &Outputs,
    listener: Option<std::net::TcpListener>,
    for_loopback: crate::live::latest::Receiver<super::FramePair>,
    for_page: crate::live::latest::Receiver<super::FramePair>,
    line: &impl StatusReporter,
    stop: &CancelToken,
) -> Result<OpenOutputs> {
    let mut opened = OpenOutputs::default();
    if let Some(path) = &outlets.loopback {
        #[cfg(target_os = "linux")]
        {
            let camera = crate::live::output::v4l2::VirtualCamera::open(path, live.info.size)?;
            opened.loopback = Some(camera.start(for_loopback, live.controls.clone(), stop.clone())?);
        }
        #[cfg(not(target_os = "linux"))]
        {
            drop(for_loopback);
            let source = "only Linux has virtual cameras that programs can write to; \
                          use --serve and OBS's browser source, then OBS's own virtual camera";
            return Err(crate::live::error::LiveError::VirtualCamera {
                path: path.clone(),
                source: source.into(),
            }
            .into());
        }
    }
    if let Some(output) = outlets.recording() {
        live.recorder.start(&output, &recorded(&live.info))?;
    }
    if let (Some(options), Some(listener)) = (outlets.serve, listener) {
        let server = http::start(listener, options, live, for_page, stop)?;
        line.event(
            "serving",
            &json!({
                "address": server.address, "page": server.page, "source": format!("{}source", server.page),
            }),
        );
        opened.server = Some(server);
    }
    line.event(
        "start",
        &json!({
            "size": live.info.size.to_string(), "fps": live.info.rate.to_string(), "devices": live.devices,
        }),
    );
    Ok(opened)
}

/// A thread that tells every second how it goes, and ends the session in time.
fn report(
    live: &LiveSession,
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
                line.show(&stats.read(clock.now()), controls.notice().as_deref());
            }
        }
    })
}
