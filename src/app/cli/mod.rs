//! The command line both programs share, and what it means to the core.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{ArgAction, Args, ColorChoice};

use crate::app::progress::BarWriter;
use crate::app::report::{exit_code, report};
use crate::app::terminal::say;
use crate::engine::EngineConfig;
use crate::error::{Error, Result};
use crate::look::{Look, LookSpec};
use crate::nn::device::Device;
use crate::paint::composite::Colors;
use crate::paint::style_spec::StyleSpec;
use crate::paint::subject::Part;
use crate::threads;
use crate::time::FrameTime;
use crate::video::colour;
use crate::warp::features::EncoderChoice;
use crate::warp::regularize::Align;
use crate::warp::search::Focus;

mod backdrop;
mod distill;
mod live;
mod quality;
mod split;
mod values;
mod video;

pub use backdrop::BackdropChoice;
pub use distill::DistillArgs;
pub use live::LiveArgs;
pub use quality::{Quality, QualityArgs};
pub use split::{JoinArgs, SplitArgs};
pub use values::{Choice, choice};
pub use video::VideoArgs;

/// What the picture becomes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Look")]
pub struct LookArgs {
    /// Look to use: a name from `stylewarp presets`, or a TOML file
    ///
    /// Without it, and without --geometry and --texture, the preset `modigliani` is used; with one of those,
    /// only what they name is changed.
    #[arg(short, long, value_name = "NAME|FILE")]
    pub preset: Option<String>,
    /// Picture whose shapes are taken over
    #[arg(short, long, value_name = "IMAGE")]
    pub geometry: Option<PathBuf>,
    /// Brushwork: a name from `stylewarp presets`, a painting, or a mixture
    ///
    /// Any picture file will do. A mixture is written `scream:0.7,painting.jpg:0.3`. What `stylewarp distill`
    /// wrote is a texture too.
    #[arg(short, long, value_name = "NAME|IMAGE|MIXTURE")]
    pub texture: Option<StyleSpec>,
    /// Strength of the warp, 0 to 2
    #[arg(short, long, value_name = "0..2", value_parser = strength::<2>, allow_negative_numbers = true)]
    pub warp: Option<f32>,
    /// Strength of the painting, 0 to 1
    #[arg(long, value_name = "0..1", value_parser = strength::<1>, allow_negative_numbers = true)]
    pub paint: Option<f32>,
    /// Whose colours: the painting's, or the picture's own
    #[arg(long, value_parser = choice::<Colors>())]
    pub colors: Option<Colors>,
    /// Size of the strokes, 0.5 to 2; 1 as in the painting
    #[arg(long, value_name = "0.5..2", value_parser = stroke_size, allow_negative_numbers = true)]
    pub stroke_size: Option<f32>,
    /// How still a video's brushwork holds, 0 to 1; 0 paints every frame anew
    #[arg(long, value_name = "0..1", value_parser = strength::<1>, allow_negative_numbers = true)]
    pub steady: Option<f32>,
    /// How thick the paint lies, 0 (flat) to 1 (as thick as the painting's; prints are flat)
    #[arg(long, value_name = "0..1", value_parser = strength::<1>, allow_negative_numbers = true)]
    pub relief: Option<f32>,
    /// Whose place and pose the output takes
    #[arg(long, value_parser = choice::<Align>())]
    pub align: Option<Align>,
    /// Which of several people, or whatever the exemplar shows, are bent
    ///
    /// Whoever has the focus keeps it until out of sight.
    #[arg(long, value_parser = choice::<Focus>())]
    pub focus: Option<Focus>,
    /// What is painted
    ///
    /// The subject is people; without any, what the geometry exemplar was found in, where shapes are taken over.
    #[arg(long, value_name = "PART", value_parser = choice::<Part>())]
    pub paint_where: Option<Part>,
    /// What is bent
    #[arg(long, value_name = "PART", value_parser = choice::<Part>())]
    pub warp_where: Option<Part>,
    /// What shows behind the subject: `keep`, `blur`, `clear`, `green`, a colour or #RRGGBB, or a picture file
    ///
    /// A colour or a picture is neither painted nor bent. `clear` is transparent in OBS's browser source and in PNG, WebP
    /// and TIFF pictures, and black elsewhere.
    #[arg(long, value_name = "keep|blur|clear|COLOR|IMAGE")]
    pub backdrop: Option<BackdropChoice>,
    /// Lines to paint at (of the shorter side)
    ///
    /// Frames with more lines are painted smaller and enlarged along their own edges: faster, and with broader
    /// strokes. By default every frame is painted at its own size, up to 1080 lines.
    #[arg(short, long, value_name = "LINES", value_parser = clap::value_parser!(u32).range(64..=2160))]
    pub size: Option<u32>,
}

impl LookArgs {
    /// The preset with what was typed laid over it.
    ///
    /// # Errors
    /// Returns an error if the preset or the exemplar cannot be read.
    pub fn resolve(&self) -> Result<Look> {
        self.resolve_over(&LookSpec::default())
    }

    /// The same over another look, which counts where nothing was typed.
    ///
    /// # Errors
    /// As [`Self::resolve`].
    pub(crate) fn resolve_over(&self, below: &LookSpec) -> Result<Look> {
        let mut look = self.spec().over(below).resolve()?;
        look.focus = self.focus.unwrap_or(look.focus);
        look.regions.paint = self.paint_where.unwrap_or(look.regions.paint);
        look.regions.warp = self.warp_where.unwrap_or(look.regions.warp);
        if let Some(backdrop) = &self.backdrop {
            look.regions.backdrop = backdrop.load()?;
        }
        Ok(look)
    }

    /// Whether subject and background are told apart.
    pub fn divides_picture(&self) -> bool {
        self.paint_where.is_some() || self.warp_where.is_some() || self.backdrop.is_some()
    }

    /// What was typed.
    pub fn spec(&self) -> LookSpec {
        LookSpec {
            preset: self.preset.clone(),
            geometry: self.geometry.clone(),
            texture: self.texture.as_ref().map(|texture| texture.text().to_owned()),
            warp: self.warp,
            paint: self.paint,
            colors: self.colors,
            stroke_size: self.stroke_size,
            steady: self.steady,
            relief: self.relief,
            align: self.align,
        }
    }
}

/// What it runs on.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Machine")]
pub struct SetupArgs {
    /// What the networks run on
    #[arg(short, long, value_parser = choice::<Device>(), default_value_t)]
    pub device: Device,
    /// What finds matches: `fast` is right for a CPU, `reference` a little better
    #[arg(long, value_parser = choice::<EncoderChoice>(), default_value_t)]
    pub encoder: EncoderChoice,
    /// Folder of networks
    ///
    /// By default: $STYLEWARP_MODELS, or `models` beside the program, in its `lib/stylewarp` or in the user's data folder.
    #[arg(long, value_name = "FOLDER")]
    pub models: Option<PathBuf>,
    /// Threads that compute at once, for pixels, networks and codecs; all cores by default
    #[arg(long, value_name = "N")]
    pub threads: Option<NonZeroUsize>,
}

impl SetupArgs {
    /// For [`crate::engine::Engine::new`]; what the process may use is limited from here on.
    pub fn setup(&self) -> EngineConfig {
        if let Some(count) = self.threads {
            threads::limit(count);
        }
        EngineConfig { models: self.models.clone(), device: self.device, encoder: self.encoder }
    }
}

/// What is said while it runs.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Messages")]
pub struct LogArgs {
    /// Say more: -v what is done, -vv details, -vvv everything
    #[arg(short, long, global = true, action = ArgAction::Count, conflicts_with = "quiet")]
    pub verbose: u8,
    /// Say nothing but errors
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Colour in messages
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: ColorChoice,
}

impl LogArgs {
    /// Sends log lines to stderr, around the progress bar.
    pub fn start(&self, writer: BarWriter) {
        use std::io::IsTerminal as _;
        use tracing_subscriber::filter::EnvFilter;
        let level = match (self.quiet, self.verbose) {
            (true, _) => "error",
            (_, 0) => "warn",
            (_, 1) => "stylewarp=info,warn",
            (_, 2) => "stylewarp=debug,info",
            _ => "trace",
        };
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let colour = match self.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => std::io::stderr().is_terminal() && !plain,
        };
        tracing_subscriber::fmt()
            .with_env_filter(
                EnvFilter::try_from_env("STYLEWARP_LOG").unwrap_or_else(|_| EnvFilter::new(level)),
            )
            .with_ansi(colour)
            .with_target(false)
            .without_time()
            .with_writer(move || writer.clone())
            .init();
    }
}

/// A number from 0 to `MOST`.
fn strength<const MOST: u8>(text: &str) -> Result<f32, String> {
    let value: f32 = text.parse().map_err(|_| "not a number".to_owned())?;
    let range = 0.0..=f32::from(MOST);
    if range.contains(&value) { Ok(value) } else { Err(format!("outside 0 to {MOST}")) }
}

fn stroke_size(text: &str) -> Result<f32, String> {
    let value: f32 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.5..=2.0).contains(&value) { Ok(value) } else { Err("outside 0.5 to 2".into()) }
}

/// A time as typed: seconds, or `[h:]m:s`.
///
/// # Errors
/// Returns an error if it is neither, negative or beyond a thousand hours.
pub fn seconds(text: &str) -> Result<FrameTime, String> {
    let mut secs = 0.0;
    for part in text.split(':') {
        let value: f64 = part.parse().map_err(|_| "not a time such as 12.5 or 1:02:03".to_owned())?;
        secs = secs * 60.0 + value;
    }
    if (0.0..3.6e6).contains(&secs) { Ok(FrameTime::from_secs_f64(secs)) } else { Err("out of range".into()) }
}

/// A colour as typed: a name, or `#RRGGBB`.
///
/// # Errors
/// Returns an error if it is neither.
pub fn color(text: &str) -> Result<[u8; 3], String> {
    colour::named(text).ok_or_else(|| "not a colour such as white or #102030".to_owned())
}

/// Tells libraries that look at the environment to keep to their work, unless
/// the user has set them up otherwise: ONNX Runtime would write a device id into
/// the cache folder and report its use (its own switch in the API does not stop
/// that), Mesa's device selection would complain where no desktop runs, SVT-AV1
/// would print its settings past FFmpeg's log.
///
/// # Safety
/// No other thread may be running: call it first in `main`.
#[expect(unsafe_code, reason = "the environment is the only way to reach these libraries")]
pub unsafe fn quiet_libraries() {
    for (name, value) in [("ORT_DISABLE_TELEMETRY", "1"), ("NODEVICE_SELECT", "1"), ("SVT_LOG", "0")] {
        if std::env::var_os(name).is_none() {
            // SAFETY: the caller vouches for there being one thread.
            unsafe { std::env::set_var(name, value) };
        }
    }
}

/// Says what went wrong and gives the exit code.
pub fn fail(program: &str, error: &Error) -> ExitCode {
    say(&report(error, program));
    ExitCode::from(exit_code(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_strengths_as_typed() {
        assert_eq!(seconds("1:02:03.5").map(FrameTime::as_nanos), Ok(3_723_500_000_000));
        assert_eq!(seconds("12.5").map(FrameTime::as_nanos), Ok(12_500_000_000));
        assert!(seconds("1:x").is_err() && seconds("-1").is_err() && seconds("nan").is_err());
        assert_eq!(strength::<2>("1.5"), Ok(1.5));
        assert!(
            strength::<2>("2.1").is_err() && strength::<1>("nan").is_err() && strength::<1>("-0.1").is_err()
        );
    }
}
