//! What `stylewarp split` and `stylewarp join` take.

use std::path::PathBuf;

use clap::Args;

use crate::app::cli::{LookArgs, SetupArgs, choice, color};
use crate::app::cluster::Scheduler;
use crate::jobs::parts::Settings;
use crate::jobs::parts::join::JoinRequest;
use crate::jobs::parts::split::SplitRequest;
use crate::video::write::{Audio, Codec};

/// A film to be divided.
#[derive(Debug, Clone, Args)]
pub struct SplitArgs {
    /// Film to divide
    pub film: PathBuf,
    /// Folder to make, with the plan; parts will be drawn into it
    #[arg(short, long, value_name = "FOLDER")]
    pub output: PathBuf,
    /// Parts wanted
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub parts: u32,
    /// Draw a second of the film to measure it, and write what a scheduler takes into the folder
    #[arg(long = "for", value_enum, value_name = "SCHEDULER", help_heading = "Cluster")]
    pub scheduler: Option<Scheduler>,
    /// The film that the scheduler's last job joins [default: the folder's drawn.mp4, or .mov]
    #[arg(long, value_name = "FILE", requires = "scheduler", help_heading = "Cluster")]
    pub join: Option<PathBuf>,
    /// Container image with both programs, for Kubernetes
    #[arg(long, value_name = "NAME", default_value = "stylewarp", help_heading = "Cluster")]
    pub image: String,
    #[command(flatten)]
    pub(crate) look: LookArgs,
    /// Codec of the film
    #[arg(long, value_parser = choice::<Codec>(), default_value = "h264", help_heading = "File")]
    pub codec: Codec,
    /// Quality as the codec counts it: lower is better
    #[arg(long, value_name = "0..63", value_parser = clap::value_parser!(u8).range(0..=63), help_heading = "File")]
    pub crf: Option<u8>,
    /// What shows through transparent pictures: a name, or #RRGGBB
    #[arg(long, value_name = "COLOR", value_parser = color, default_value = "black", help_heading = "File")]
    pub background: [u8; 3],
    /// Take a film that is a list of other files (HLS, DASH, concat)
    #[arg(long, help_heading = "File")]
    pub follow: bool,
    #[command(flatten)]
    pub(crate) setup: SetupArgs,
}

impl SplitArgs {
    /// Whether subject and background are told apart, which parts cannot.
    pub fn divides_picture(&self) -> bool {
        self.look.divides_picture()
    }

    /// What was asked for.
    pub fn request(&self) -> SplitRequest {
        SplitRequest {
            film: self.film.clone(),
            job: self.output.clone(),
            parts: self.parts as usize,
            look: self.look.spec(),
            settings: Settings {
                size: self.look.size,
                device: self.setup.device.name().into(),
                encoder: self.setup.encoder.name().into(),
                codec: self.codec.name().into(),
                crf: self.crf,
                background: self.background,
                follow: self.follow,
            },
            models: self.setup.models.clone(),
        }
    }
}

/// A film to be joined.
#[derive(Debug, Clone, Args)]
pub struct JoinArgs {
    /// Folder of the job
    pub job: PathBuf,
    /// Film to write; its ending names the format
    pub output: PathBuf,
    /// Overwrite it
    #[arg(short = 'y', long)]
    pub overwrite: bool,
    /// Wait until all parts are there
    #[arg(long)]
    pub wait: bool,
    /// The film that was divided, if it lies elsewhere on this machine
    #[arg(long, value_name = "FILE")]
    pub film: Option<PathBuf>,
    /// What to do with the sound
    #[arg(long, value_parser = choice::<Audio>(), default_value = "auto")]
    pub audio: Audio,
}

impl JoinArgs {
    /// What was asked for.
    pub fn request(&self) -> JoinRequest {
        JoinRequest {
            job: self.job.clone(),
            output: self.output.clone(),
            overwrite: self.overwrite,
            audio: self.audio,
            film: self.film.clone(),
        }
    }
}
