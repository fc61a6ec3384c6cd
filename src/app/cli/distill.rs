//! `stylewarp distill`, as typed.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::app::cli::SetupArgs;
use crate::jobs::distill::{DistillRequest, Pace};
use crate::paint::tune::part::Part;

/// What is tuned, and for how long.
#[derive(Debug, Args)]
pub struct DistillArgs {
    /// The painting
    pub painting: PathBuf,
    /// Preset to write
    #[arg(short, long, value_name = "FILE.toml")]
    pub output: PathBuf,
    /// Overwrite what is there
    #[arg(short = 'y', long)]
    pub overwrite: bool,
    /// Go on with what is there
    ///
    /// With the rest of the minutes if it was interrupted, else with as many more.
    #[arg(long, conflicts_with = "overwrite")]
    pub resume: bool,
    /// How long it is tuned, 0.1 to 600
    #[arg(long, default_value_t = 10.0, value_parser = minutes)]
    pub minutes: f64,
    /// Part of the painting to learn from, in pixels; without it the part that carries the brushwork is found
    ///
    /// Strokes come out about as large, beside a picture, as they are beside this part's shorter side.
    #[arg(long, value_name = "X,Y,W,H")]
    pub crop: Option<Part>,
    /// Photos of the kind that will be painted, beside the program's own
    #[arg(long, value_name = "IMAGE", num_args = 1..)]
    pub on: Vec<PathBuf>,
    /// Picture to renew every half minute: the first photo, as it is painted by now
    #[arg(long, value_name = "IMAGE")]
    pub preview: Option<PathBuf>,
    #[command(flatten)]
    #[expect(missing_docs, reason = "as everywhere")]
    pub setup: SetupArgs,
}

impl DistillArgs {
    /// For [`crate::jobs::distill::run`].
    pub fn request(&self) -> DistillRequest {
        DistillRequest {
            painting: self.painting.clone(),
            output: self.output.clone(),
            overwrite: self.overwrite,
            resume: self.resume,
            on: self.on.clone(),
            time: Duration::try_from_secs_f64(60.0 * self.minutes).unwrap_or_default(),
            pace: Pace::First,
            part: self.crop,
            preview: self.preview.clone(),
        }
    }
}

fn minutes(text: &str) -> Result<f64, String> {
    let minutes: f64 = text.parse().map_err(|_| "not a number of minutes".to_owned())?;
    if (0.1..=600.0).contains(&minutes) { Ok(minutes) } else { Err("outside 0.1 to 600 minutes".into()) }
}
