//! `stylewarp`: everything but video files.

#![expect(clippy::print_stdout, reason = "what was asked for goes to stdout")]

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};
use stylewarp::bench;
use stylewarp::cli::{LogArgs, LookArgs, SetupArgs, fail, quiet_libraries};
use stylewarp::engine::Engine;
use stylewarp::frame::Frame;
use stylewarp::model::{Models, style_codes};
use stylewarp::preset::Preset;
use stylewarp::progress::Progress;
use stylewarp::show::{Show, draw};
use stylewarp::{Error, Result, still};

/// Redraw pictures in an artist's hand, list looks, measure speed
#[derive(Parser)]
#[command(version, arg_required_else_help = true, max_term_width = 98)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    log: LogArgs,
}

#[derive(Subcommand)]
enum Command {
    /// Redraw one picture
    Still {
        /// Picture to redraw
        input: PathBuf,
        /// Picture to write (PNG, JPEG, WebP, BMP or TIFF)
        output: PathBuf,
        /// Overwrite the output
        #[arg(short = 'y', long)]
        overwrite: bool,
        /// Show how it is bent, and why, instead
        #[arg(long, value_enum, value_name = "WHAT")]
        show: Option<Show>,
        #[command(flatten)]
        look: LookArgs,
        #[command(flatten)]
        setup: SetupArgs,
    },
    /// List presets and textures
    Presets {
        #[command(flatten)]
        setup: SetupArgs,
    },
    /// Measure every stage, and the networks against the machine's GEMM peak
    ///
    /// With --clip: how steady the warp is on that clip.
    Bench {
        /// Measure how the warp trembles on a clip instead
        #[arg(long)]
        clip: Option<PathBuf>,
        /// Seconds of the clip to look at
        #[arg(long, default_value_t = 4.0, requires = "clip")]
        seconds: f64,
        /// Look whose exemplar is used
        #[arg(long, default_value = stylewarp::preset::DEFAULT)]
        preset: String,
        /// Runs of each stage; the median is shown
        #[arg(long, default_value_t = 15)]
        runs: usize,
        /// As JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        setup: SetupArgs,
    },
    /// Print shell completions
    Completions {
        /// Shell to print them for
        shell: clap_complete::Shell,
    },
}

#[expect(unsafe_code, reason = "the environment can be set safely here only")]
fn main() -> ExitCode {
    // SAFETY: nothing has started a thread yet.
    unsafe { quiet_libraries() };
    let cli = Cli::parse();
    cli.log.start(&Progress::silent());
    match run(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail("stylewarp", &error),
    }
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::Still { input, output, overwrite, show, look, setup } => {
            still::check(&input, &output, overwrite)?;
            let preset = look.resolve()?;
            let frame: Frame = still::read(&input)?;
            let mut engine = Engine::new(&preset, look.size, frame.size.aspect(), &setup.setup())?;
            let drawn = match (show, &preset.geometry) {
                (None, _) => engine.stylize(frame)?,
                (Some(_), None) => return Err(Error::NothingToShow),
                (Some(show), Some(exemplar)) => draw(show, &engine.explain(frame)?, exemplar),
            };
            still::write(&output, &drawn)
        }
        Command::Presets { setup } => {
            for name in Preset::names() {
                println!("{name:<20} {}", Preset::load(&name)?.description);
            }
            let codes = style_codes(&Models::find(setup.models.as_deref())?)?;
            let names: Vec<_> = codes.into_iter().map(|(name, _)| name).collect();
            println!("\ntextures: {}", names.join(", "));
            Ok(())
        }
        Command::Bench { clip, seconds, preset, runs, json, setup } => {
            let (look, setup) = (Preset::load(&preset)?, setup.setup());
            let (told, text) = match clip {
                Some(clip) => {
                    let steady = bench::steady::run(&clip, seconds, &look, &setup)?;
                    (serde_json::json!(steady), steady.text())
                }
                None => {
                    let report = bench::run(&look, &setup, runs)?;
                    (serde_json::json!(report), report.table())
                }
            };
            if json {
                println!("{told:#}");
            } else {
                print!("{text}");
            }
            Ok(())
        }
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "stylewarp", &mut std::io::stdout());
            Ok(())
        }
    }
}
