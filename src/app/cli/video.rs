//! The command line of `stylewarp-video`.

use std::path::PathBuf;

use clap::Parser;

use crate::app::cli::{LogArgs, LookArgs, SetupArgs, choice, color, seconds};
use crate::time::{FrameRate, FrameTime};
use crate::video::write::{Audio, Codec};

const EXAMPLES: &str = "\
Examples:
  stylewarp-video in.mp4 out.mp4
  stylewarp-video in.mp4 out.mp4 --preset moon --warp 1.3
  stylewarp-video in.mkv out.mkv --geometry face.jpg --texture scream --start 1:20 --duration 10
  ffmpeg -i in.mov -f yuv4mpegpipe - | stylewarp-video - - | ffmpeg -i - out.mov
  stylewarp-video plates/%05d.png drawn/%05d.png --rate 24
  stylewarp-video --job film.job --part 7             one part of a film that `stylewarp split` divided

Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted (Ctrl-C once: what is done is kept and plays).";

/// Redraw a video in an artist's hand, shapes and brushwork; sound and timing are kept
#[derive(Debug, Parser)]
#[command(name = "stylewarp-video", version, after_help = EXAMPLES, arg_required_else_help = true, max_term_width = 98)]
pub struct VideoArgs {
    /// Video to redraw; `-` for YUV4MPEG2 from a pipe, `frames/%05d.png` for numbered pictures
    #[arg(required_unless_present = "job")]
    pub input: Option<PathBuf>,
    /// Video to write, in the format that its ending names; `-` for YUV4MPEG2 to a pipe, `drawn/%05d.png`
    #[arg(required_unless_present = "job", conflicts_with = "job")]
    pub output: Option<PathBuf>,
    /// Overwrite the output
    #[arg(short = 'y', long)]
    pub overwrite: bool,
    /// Print what would be done, as JSON, and write nothing
    #[arg(long, conflicts_with = "job")]
    pub dry_run: bool,
    /// Draw one part of a film that `stylewarp split` divided, into its folder; a part that is there is left alone
    ///
    /// Look and settings are the plan's. An input is the film, if it lies elsewhere on this machine.
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["LookArgs", "start", "duration", "codec", "crf", "audio", "background", "follow", "device", "encoder"], help_heading = "Parts")]
    pub job: Option<PathBuf>,
    /// Which part, from 0 [default: $SLURM_ARRAY_TASK_ID or $JOB_COMPLETION_INDEX]
    #[arg(long, value_name = "N", requires = "job", help_heading = "Parts")]
    pub part: Option<usize>,
    /// What it becomes.
    #[command(flatten)]
    pub look: LookArgs,
    /// Take an input that is a list of other files (HLS, DASH, concat)
    ///
    /// Whoever made such a list chooses what is read, so it is refused without this. Nothing is ever fetched from a
    /// network.
    #[arg(long, help_heading = "File")]
    pub follow: bool,
    /// Where to begin.
    #[arg(long, help = "Begin here: seconds, or [h:]m:s", value_name = "TIME", value_parser = seconds, help_heading = "File")]
    pub start: Option<FrameTime>,
    /// Stop after this long
    #[arg(long, value_name = "TIME", value_parser = seconds, help_heading = "File")]
    pub duration: Option<FrameTime>,
    /// Frames a second of numbered pictures [default: 25]
    #[arg(long, value_name = "RATE", help_heading = "File")]
    pub rate: Option<FrameRate>,
    /// Codec; by default what suits the format (H.264 for mp4)
    #[arg(long, value_parser = choice::<Codec>(), help_heading = "File")]
    pub codec: Option<Codec>,
    /// Quality as the codec counts it: lower is better
    #[arg(long, value_name = "0..63", value_parser = clap::value_parser!(u8).range(0..=63), help_heading = "File")]
    pub crf: Option<u8>,
    /// What to do with the sound
    #[arg(long, value_parser = choice::<Audio>(), default_value = "auto", help_heading = "File")]
    pub audio: Audio,
    /// What shows through transparent pictures: a name, or #RRGGBB
    #[arg(long, value_name = "COLOR", value_parser = color, default_value = "black", help_heading = "File")]
    pub background: [u8; 3],
    /// What it runs on.
    #[command(flatten)]
    pub setup: SetupArgs,
    /// What is said.
    #[command(flatten)]
    pub log: LogArgs,
    /// Report as JSON, one event a line, on stdout
    #[arg(long, help_heading = "Messages")]
    pub json: bool,
}
