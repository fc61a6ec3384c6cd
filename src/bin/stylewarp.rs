//! `stylewarp`: everything but video files.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use stylewarp::app::bench;
use stylewarp::app::cli::{
    DistillArgs, JoinArgs, LiveArgs, LogArgs, LookArgs, QualityArgs, SetupArgs, SplitArgs, VideoArgs, color,
    fail, quiet_libraries,
};
use stylewarp::app::contact_sheet::{self, SheetKind};
use stylewarp::app::doctor::{self, Check};
use stylewarp::app::interrupt::on_signal;
use stylewarp::app::live_status::StatusLine;
use stylewarp::app::manual;
use stylewarp::app::parts;
use stylewarp::app::progress::StepBar;
use stylewarp::app::terminal::print;
use stylewarp::app::tuning;
use stylewarp::app::visualize::{Show, draw};
use stylewarp::engine::Engine;
use stylewarp::frame::Frame;
use stylewarp::jobs::still;
use stylewarp::live::capture::camera;
use stylewarp::live::session::{self, Outputs};
use stylewarp::look::Look;
use stylewarp::nn::models::Models;
use stylewarp::paint::style_spec;
use stylewarp::video::follow_lists;
use stylewarp::video::read::microphone;
use stylewarp::{Error, Result, image_file};

const LIVE_EXAMPLES: &str = "\
Examples:
  stylewarp live                                   the first camera, in a window
  stylewarp live --preset moon --mirror
  stylewarp live --loopback /dev/video10           OBS, Zoom and browsers see a camera
  stylewarp live --serve                           OBS: a browser source, with the address it prints
  stylewarp live --camera file:clip.mp4 --no-window --serve

Keys in the window: space freeze, arrows looks, / search, c compare, s snapshot, r record, m mirror, d dials,
f full screen, h help and all others. The window comes back in the look that it was left in.";

const SPLIT_HELP: &str = "\
A film that takes days is drawn by many machines that share a folder:
  stylewarp split film.mkv --parts 40 -o film.job            finds the cuts and writes film.job/plan.toml
  stylewarp-video --job film.job --part 7                    draws one part, on any machine, in any order
  stylewarp join film.job film.mp4                           the film, with its sound, subtitles and chapters

With --for slurm, kubernetes or parallel the folder also holds what the scheduler takes, with what it needs to
know: how many parts, cores, megabytes and minutes, three tries each, and the join when all are there.

Parts begin at cuts, where all memory of warp and paint begins anew: each is bit for bit what one machine makes.
A shot longer than a part is divided inside, and what comes before the seam is drawn again to warm up. Parts that
were drawn are left alone, so everything can be started again at any time, and twice at once. A film, look,
network or version other than the plan's is refused. Machines with other processors round otherwise: what differs
is seen at most at seams, which are cuts.";

/// Redraw the camera and pictures in an artist's hand, divide films, list looks, measure speed
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
    /// Redraw the camera: in a window, as a camera for OBS and Zoom, as a browser source
    #[command(after_help = LIVE_EXAMPLES)]
    Live(Box<LiveArgs>),
    /// Look whether everything is there, and say what to do about the rest
    Doctor {
        /// As JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        setup: SetupArgs,
    },
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
        #[arg(long, value_enum, value_name = "WHAT", conflicts_with = "quality")]
        show: Option<Show>,
        /// What shows through a transparent picture: a name, or #RRGGBB
        ///
        /// PNG, WebP and TIFF stay transparent; this is what the painter sees there.
        #[arg(long, value_name = "COLOR", value_parser = color, default_value = "black")]
        background: [u8; 3],
        #[command(flatten)]
        look: LookArgs,
        #[command(flatten)]
        quality: QualityArgs,
        #[command(flatten)]
        setup: SetupArgs,
    },
    /// List presets and textures, or draw them all on one sheet
    Presets {
        /// Sheet to draw
        #[arg(long, value_name = "IMAGE", requires = "on")]
        sheet: Option<PathBuf>,
        /// Picture to draw them on
        #[arg(long, value_name = "IMAGE", requires = "sheet")]
        on: Option<PathBuf>,
        /// What is on the sheet
        #[arg(long, value_enum, default_value_t)]
        of: SheetKind,
        /// Overwrite the sheet
        #[arg(short = 'y', long)]
        overwrite: bool,
        #[command(flatten)]
        setup: SetupArgs,
    },
    /// Divide a film into parts, for many machines to draw
    #[command(after_help = SPLIT_HELP)]
    Split(Box<SplitArgs>),
    /// Join the parts of a film that was divided, with its sound
    Join(JoinArgs),
    /// Tune a painter of your own to one painting: ten minutes, for the brushwork that `--texture painting.jpg` lacks
    ///
    /// Writes a preset and, next to it, the style, which is a texture for every other command. Both are renewed every half
    /// minute and can be used while it runs; Ctrl-C keeps what is there, and --resume goes on.
    Distill(DistillArgs),
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
        /// Another painting network to compare ours with: ONNX, one picture [1,3,H,W] and vectors
        #[arg(long, value_name = "FILE", conflicts_with = "clip")]
        against: Option<PathBuf>,
        /// A film to redraw end to end as well
        #[arg(long, value_name = "FILE", conflicts_with = "clip")]
        film: Option<PathBuf>,
        /// Text to write the table into, between the lines <!-- bench --> and <!-- /bench -->
        #[arg(long, value_name = "FILE", conflicts_with = "clip")]
        into: Option<PathBuf>,
        /// Look whose exemplar is used
        #[arg(long, default_value = stylewarp::look::DEFAULT)]
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
        shell: Shell,
        /// Program that is completed
        #[arg(value_enum, default_value_t)]
        program: Program,
    },
    /// Write the manual pages of both programs
    Manual {
        /// Folder to write them into
        folder: PathBuf,
        /// Overwrite those that are there
        #[arg(short = 'y', long)]
        overwrite: bool,
    },
}

/// The two programs.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Program {
    #[default]
    Stylewarp,
    StylewarpVideo,
}

#[expect(unsafe_code, reason = "the environment can be set safely here only")]
fn main() -> ExitCode {
    // SAFETY: nothing has started a thread yet.
    unsafe { quiet_libraries() };
    let cli = Cli::parse();
    let line = match &cli.command {
        Command::Live(args) if args.json => StatusLine::Json,
        Command::Live(args) if args.list || cli.log.quiet => StatusLine::Silent,
        Command::Live(args) if args.no_window => StatusLine::terminal(),
        Command::Live(_) => StatusLine::Events,
        _ => StatusLine::Silent,
    };
    cli.log.start(line.log_writer());
    match run(cli.command, cli.log.quiet, line) {
        Ok(code) => code,
        Err(error) => fail("stylewarp", &error),
    }
}

fn run(command: Command, quiet: bool, line: StatusLine) -> Result<ExitCode> {
    let done: Result<()> = match command {
        Command::Split(args) => {
            if args.divides_picture() {
                let told = "parts of a film cannot tell subject and background apart yet: leave out --paint-where, --warp-where and --backdrop, or draw the film in one run";
                Cli::command().error(clap::error::ErrorKind::ArgumentConflict, told).exit();
            }
            return parts::split_film(&args, quiet);
        }
        Command::Join(args) => return parts::join_film(&args, quiet),
        Command::Live(args) if args.list => {
            let mut text = String::new();
            for camera in camera::list()? {
                text += &format!("{} {}\n", camera.index, camera.name);
                if let Some(trouble) = &camera.trouble {
                    text += &format!("    cannot be used: {trouble}\n");
                }
                camera.formats.iter().for_each(|format| text += &format!("    {format}\n"));
            }
            microphone::names().iter().for_each(|name| text += &format!("microphone {name}\n"));
            print(&text)
        }
        Command::Live(args) => {
            if args.follow {
                follow_lists();
            }
            let outlets = Outputs {
                loopback: args.loopback.clone(),
                serve: args.serve_options(),
                record: args.record.clone(),
                duration: args.duration,
            };
            session::run(args.plan()?, &outlets, line, &on_signal()?)
        }
        Command::Doctor { json, setup } => {
            let checks = doctor::examine(&setup.setup());
            print(&match json {
                true => format!("{:#}\n", serde_json::json!(checks)),
                false => checks.iter().map(Check::text).collect(),
            })
        }
        Command::Still { input, output, overwrite, show, background, look, quality, setup } => {
            image_file::check_output(&input, &output, overwrite)?;
            let preset = look.resolve()?;
            let setup = setup.setup();
            let frame: Frame = match show {
                Some(_) => image_file::read_frame(&input)?,
                None => image_file::read_over(&input, background)?,
            };
            let drawn = match (show, &preset.geometry) {
                (None, _) => match quality.optimize_params(&preset, look.size) {
                    Some(params) => {
                        let bar = StepBar::new(quiet);
                        still::copy(frame, preset, params, &setup, |step| bar.step(step))?
                    }
                    None => Engine::new(&preset, look.size, frame.size.aspect(), &setup)?.stylize(frame)?,
                },
                (Some(_), None) => return Err(Error::NothingToShow),
                (Some(show), Some(exemplar)) => {
                    let mut engine = Engine::new(&preset, look.size, frame.size.aspect(), &setup)?;
                    draw(show, &engine.explain(frame)?, exemplar)
                }
            };
            image_file::write_over(&output, &drawn, background, overwrite)
        }
        Command::Presets { sheet: Some(sheet), on: Some(on), of, overwrite, setup } => {
            image_file::check_output(&on, &sheet, overwrite)?;
            let drawn = contact_sheet::draw(&image_file::read_frame(&on)?, of, &setup.setup(), |name| {
                tracing::info!("{name}")
            })?;
            image_file::write(&sheet, &drawn, overwrite)
        }
        Command::Presets { setup, .. } => {
            let mut text = String::new();
            for name in Look::names() {
                text += &format!("{name:<20} {}\n", Look::load(&name)?.description);
            }
            let names = style_spec::names(&Models::find(setup.models.as_deref())?);
            print(&format!("{text}\ntextures: {}\n", names.join(", ")))
        }
        Command::Distill(args) => return tuning::run(&args, quiet),
        Command::Bench { clip, seconds, against, film, into, preset, runs, json, setup } => {
            let (look, setup) = (Look::load(&preset)?, setup.setup());
            let (told, text) = match clip {
                Some(clip) => {
                    let steady = bench::jitter::run(&clip, seconds, &look, &setup)?;
                    (serde_json::json!(steady), steady.text())
                }
                None => {
                    let report = bench::run(&look, &setup, runs, [against.as_deref(), film.as_deref()])?;
                    if let Some(path) = into {
                        bench::readme::write(&report, &path)?;
                    }
                    (serde_json::json!(report), report.table())
                }
            };
            print(&if json { format!("{told:#}\n") } else { text })
        }
        Command::Completions { shell, program } => {
            let command = match program {
                Program::Stylewarp => Cli::command(),
                Program::StylewarpVideo => VideoArgs::command(),
            };
            print(&manual::completions(shell, command))
        }
        Command::Manual { folder, overwrite } => {
            for command in [Cli::command(), VideoArgs::command()] {
                manual::write(command, &folder, overwrite)?;
            }
            Ok(())
        }
    };
    done.map(|()| ExitCode::SUCCESS)
}
