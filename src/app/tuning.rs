//! `stylewarp distill`, told to people: what it learns from, how far it is, and what came of it.

use std::process::ExitCode;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::app::cli::DistillArgs;
use crate::app::interrupt::on_signal;
use crate::app::terminal::say;
use crate::error::Result;
use crate::jobs::distill::{self, DistillEvent};

/// Tunes, and tells about it unless it is to be quiet. Interrupted, the exit code is 130.
///
/// # Errors
/// As [`distill::run`], or if Ctrl-C cannot be caught.
pub fn run(args: &DistillArgs, quiet: bool) -> Result<ExitCode> {
    let stop = on_signal()?;
    let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let style = ProgressStyle::with_template("{wide_bar} {msg}").expect("the template is valid");
    let bar = ProgressBar::with_draw_target(None, target).with_style(style);
    let (painting, output) = (args.painting.display(), args.output.display());
    let mut reached = Duration::ZERO;
    let last = distill::run(&args.request(), &args.setup.setup(), &stop, |event| match event {
        DistillEvent::Part(part) if !quiet => {
            bar.suspend(|| say(&format!("{painting}: learns from {part} (--crop takes another part)")));
        }
        DistillEvent::Part(_) => {}
        DistillEvent::Step { step, used, time } => {
            reached = used;
            bar.set_length(time.as_secs());
            bar.set_position(used.as_secs());
            let left = clock(time.saturating_sub(used));
            bar.set_message(format!("step {}, objective {:.1}  {left} left", step.steps, step.objective));
        }
        DistillEvent::Saved => {}
        DistillEvent::NotSaved(error) => bar.suspend(|| tracing::warn!("{}", error.explained("not saved"))),
    });
    bar.finish_and_clear();
    let last = last?;
    if !quiet {
        say(&match last {
            Some(step) => {
                let how = if stop.is_raised() { ", interrupted: --resume goes on" } else { "" };
                let (steps, objective) = (step.steps, step.objective);
                format!("{output}: {steps} steps in {}, objective {objective:.1}{how}", clock(reached))
            }
            None if stop.is_raised() => format!("{output}: interrupted before anything was tuned or written"),
            None => format!("{output}: its time is used up; more --minutes go on"),
        });
    }
    Ok(if stop.is_raised() { ExitCode::from(130) } else { ExitCode::SUCCESS })
}

/// Minutes and seconds.
fn clock(time: Duration) -> String {
    format!("{}:{:02}", time.as_secs() / 60, time.as_secs() % 60)
}
