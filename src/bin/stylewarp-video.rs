//! `stylewarp-video in.mp4 out.mp4`: redraws a video file, sound and timing kept.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use serde_json::json;
use stylewarp::Result;
use stylewarp::app::cli::{LogArgs, LookArgs, SetupArgs, choice, fail, quiet_libraries, seconds};
use stylewarp::app::interrupt::on_signal;
use stylewarp::app::progress::Progress;
use stylewarp::app::terminal::{path_text, print};
use stylewarp::engine::Engine;
use stylewarp::jobs::video::run_file;
use stylewarp::look::Look;
use stylewarp::paint::composite::Colors;
use stylewarp::time::FrameTime;
use stylewarp::video::colour;
use stylewarp::video::error::VideoError;
use stylewarp::video::follow_lists;
use stylewarp::video::read::{Clip, FileSource, Source as _, VideoInfo};
use stylewarp::video::write::{Audio, Codec, FileOutput, FileSink};

const EXAMPLES: &str = "\
Examples:
  stylewarp-video in.mp4 out.mp4
  stylewarp-video in.mp4 out.mp4 --preset moon --warp 1.3
  stylewarp-video in.mkv out.mkv --geometry face.jpg --texture scream --start 1:20 --duration 10

Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted (Ctrl-C once: what is done is kept and plays).";

/// Redraw a video in an artist's hand, shapes and brushwork; sound and timing are kept
#[derive(Parser)]
#[command(name = "stylewarp-video", version, after_help = EXAMPLES, arg_required_else_help = true, max_term_width = 98)]
struct Cli {
    /// Video to redraw
    input: PathBuf,
    /// Video to write; its ending names the format
    output: PathBuf,
    /// Overwrite the output
    #[arg(short = 'y', long)]
    overwrite: bool,
    /// Print what would be done, as JSON, and write nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    look: LookArgs,
    /// Take an input that is a list of other files (HLS, DASH, concat)
    ///
    /// Whoever made such a list chooses what is read, so it is refused without this. Nothing is ever fetched from a
    /// network.
    #[arg(long, help_heading = "File")]
    follow: bool,
    /// Begin here: seconds, or [h:]m:s
    #[arg(long, value_name = "TIME", value_parser = seconds, help_heading = "File")]
    start: Option<FrameTime>,
    /// Stop after this long
    #[arg(long, value_name = "TIME", value_parser = seconds, help_heading = "File")]
    duration: Option<FrameTime>,
    /// Codec; by default what suits the format (H.264 for mp4)
    #[arg(long, value_parser = choice::<Codec>(), help_heading = "File")]
    codec: Option<Codec>,
    /// Quality as the codec counts it: lower is better
    #[arg(long, value_name = "0..63", value_parser = clap::value_parser!(u8).range(0..=63), help_heading = "File")]
    crf: Option<u8>,
    /// What to do with the sound
    #[arg(long, value_parser = choice::<Audio>(), default_value = "auto", help_heading = "File")]
    audio: Audio,
    /// What shows through transparent pictures: a name, or #RRGGBB
    #[arg(long, value_name = "COLOR", value_parser = background, default_value = "black", help_heading = "File")]
    background: [u8; 3],
    #[command(flatten)]
    setup: SetupArgs,
    #[command(flatten)]
    log: LogArgs,
    /// Report as JSON, one event a line, on stdout
    #[arg(long, help_heading = "Messages")]
    json: bool,
}

#[expect(unsafe_code, reason = "the environment can be set safely here only")]
fn main() -> ExitCode {
    // SAFETY: nothing has started a thread yet.
    unsafe { quiet_libraries() };
    let cli = Cli::parse();
    let mut progress = match (cli.json, cli.log.quiet) {
        (true, _) => Progress::json(),
        (_, true) => Progress::silent(),
        _ => Progress::bar(),
    };
    cli.log.start(progress.log_writer());
    run(&cli, &mut progress).unwrap_or_else(|error| {
        progress.failed(&error);
        fail("stylewarp-video", &error)
    })
}

fn run(cli: &Cli, progress: &mut Progress) -> Result<ExitCode> {
    let stop = on_signal()?;
    if cli.follow {
        follow_lists();
    }
    let output = FileOutput {
        path: cli.output.clone(),
        overwrite: cli.overwrite,
        codec: cli.codec,
        crf: cli.crf,
        audio: cli.audio,
    };
    let clip = Clip { start: cli.start, duration: cli.duration };
    output.check(&cli.input)?;
    let look = cli.look.resolve()?;
    let source = FileSource::open(&cli.input, clip, stop.clone())?.with_background(cli.background);
    let info = source.info().clone();
    let setup = cli.setup.setup();
    let engine = Engine::new(&look, cli.look.size, info.display_aspect(), &setup)?;
    let plan = plan(cli, &look, &info, &engine);
    if cli.dry_run {
        print(&format!("{plan:#}\n"))?;
        return Ok(ExitCode::SUCCESS);
    }
    let sink = FileSink::create(&output, &info, &cli.input)?;
    progress.start(info.frames, plan);
    sink.changed().iter().for_each(|changed| progress.changed(changed));
    let frames = run_file(source, sink, engine, |frame| progress.frame(frame))?;
    if frames == 0 && !stop.is_raised() {
        return Err(VideoError::NoFrames { path: cli.input.clone() }.into());
    }
    progress.done(&cli.output, stop.is_raised());
    Ok(if stop.is_raised() { ExitCode::from(130) } else { ExitCode::SUCCESS })
}

fn background(text: &str) -> Result<[u8; 3], String> {
    colour::named(text).ok_or_else(|| "not a colour such as white or #102030".to_owned())
}

/// What will be done, for `--dry-run` and the `start` event.
fn plan(cli: &Cli, look: &Look, info: &VideoInfo, engine: &Engine) -> serde_json::Value {
    json!({
        "input": path_text(&cli.input), "output": path_text(&cli.output),
        "size": info.size.to_string(), "fps": info.rate.to_string(), "frames": info.frames,
        "duration": info.duration.map(FrameTime::as_secs_f64),
        "preset": look.name, "geometry": look.geometry.is_some(), "texture": look.texture.as_ref().map(|texture| texture.text()),
        "warp": look.warp, "paint": look.paint, "paint_lines": cli.look.size,
        "stroke_size": look.stroke_size, "keeps_colors": look.colors == Colors::Keep,
        "devices": engine.devices,
    })
}
