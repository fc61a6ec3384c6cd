//! `stylewarp split` and `stylewarp join`, as people see them.

use std::cell::RefCell;
use std::process::ExitCode;
use std::time::Duration;

use crate::app::cli::{JoinArgs, SplitArgs};
use crate::app::cluster::{self, Submission};
use crate::app::interrupt::on_signal;
use crate::app::progress::Progress;
use crate::app::terminal::say;
use crate::error::Result;
use crate::jobs::parts::join::{join, missing};
use crate::jobs::parts::render::PartRequest;
use crate::jobs::parts::split::split;
use crate::jobs::parts::{Plan, trial};
use crate::video::follow_lists;
use crate::video::read::VideoInfo;

/// Between two looks for the parts that a join waits for.
const PAUSE: Duration = Duration::from_secs(2);

/// Divides a film, and writes what a scheduler takes.
///
/// # Errors
/// Those of [`split`], of measuring and of writing.
pub fn split_film(args: &SplitArgs, quiet: bool) -> Result<ExitCode> {
    let stop = on_signal()?;
    if args.follow {
        follow_lists();
    }
    let request = args.request();
    let progress = RefCell::new(if quiet { Progress::silent() } else { Progress::bar() });
    let opened = |info: &VideoInfo| progress.borrow_mut().start(info.frames, serde_json::Value::Null);
    let made = split(&request, &stop, opened, |frame| progress.borrow_mut().frame(frame));
    drop(progress);
    let Some(plan) = made? else { return Ok(ExitCode::from(130)) };
    let (parts, exact) = (plan.parts(), plan.parts().iter().filter(|part| part.exact).count());
    if !quiet {
        let frames = plan.frames();
        let (count, job) = (parts.len(), args.output.display());
        say(&format!(
            "{job}: {frames} frames in {count} parts, {exact} of them bit for bit as one run makes them"
        ));
    }
    if let Some(scheduler) = args.scheduler {
        let job = args.output.clone();
        let models = request.models.clone();
        let usage = trial::measure(&PartRequest { job, number: 0, film: None, models }, &stop)?;
        let submission = Submission {
            job: &args.output,
            output: args.join.as_deref(),
            film: &args.film,
            image: &args.image,
            usage,
        };
        let path = cluster::write(scheduler, &plan, &submission)?;
        if !quiet {
            say(&format!("{}: {usage}", path.display()));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Joins a film.
///
/// # Errors
/// Those of [`join`].
pub fn join_film(args: &JoinArgs, quiet: bool) -> Result<ExitCode> {
    let stop = on_signal()?;
    let plan = Plan::read(&args.job)?;
    if plan.settings().follow {
        follow_lists();
    }
    while args.wait && !missing(&args.job, &plan).is_empty() {
        if stop.is_raised() {
            return Ok(ExitCode::from(130));
        }
        std::thread::sleep(PAUSE);
    }
    let frames =
        join(&args.request(), |_| {}, |part| tracing::info!("{part} of {} parts", plan.parts().len()))?;
    if !quiet {
        say(&format!("{}: {frames} frames in {} parts", args.output.display(), plan.parts().len()));
    }
    Ok(ExitCode::SUCCESS)
}
