//! How well a still is painted, and at what price.

use clap::{Args, ValueEnum};

use crate::painter::PainterChoice;
use crate::preset::Preset;
use crate::styler::{Recipe, Statistics};

/// How a still is painted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Quality {
    /// One pass of the small network, as video by default.
    Fast,
    /// One pass of the large network: broader, richer strokes.
    #[default]
    Fine,
    /// The paper's own optimisation, towards one painting: minutes.
    Best,
}

impl Quality {
    /// What paints, where a network does.
    pub fn painter(self) -> PainterChoice {
        match self {
            Self::Fast | Self::Best => PainterChoice::Fast,
            Self::Fine => PainterChoice::Fine,
        }
    }
}

/// Flags of the paper's own optimisation.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Quality")]
pub struct BestArgs {
    /// How it is painted; `best` takes minutes and needs a single painting as its texture
    #[arg(long, value_enum, default_value_t)]
    pub quality: Quality,
    /// Steps at every scale of --quality best
    #[arg(long, value_name = "N", default_value_t = 150, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub iterations: u32,
    /// Lines (of the shorter side) of its scales, coarse to fine
    #[arg(long, value_name = "LINES,...", value_delimiter = ',', default_values_t = [64, 128, 256, 512],
          value_parser = clap::value_parser!(u32).range(32..=2048))]
    pub scales: Vec<u32>,
    /// What of the painting is matched
    #[arg(long, value_enum, default_value_t)]
    pub statistics: Statistics,
    /// How much the painting weighs against the photo
    #[arg(long, value_name = "WEIGHT", default_value_t = 5.0, value_parser = style_weight)]
    pub style_weight: f32,
}

impl BestArgs {
    /// For [`crate::styler::Styler`]. `lines` are the finest scale, if given.
    pub fn recipe(&self, look: &Preset, lines: Option<u32>) -> Recipe {
        let mut scales = self.scales.clone();
        if let Some(lines) = lines {
            scales.retain(|scale| *scale < lines);
            scales.push(lines);
        }
        Recipe {
            scales,
            iterations: self.iterations,
            style: self.style_weight,
            statistics: self.statistics,
            stroke: look.stroke_size,
        }
    }
}

fn style_weight(text: &str) -> Result<f32, String> {
    let value: f32 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.0..=1000.0).contains(&value) { Ok(value) } else { Err("outside 0 to 1000".into()) }
}
