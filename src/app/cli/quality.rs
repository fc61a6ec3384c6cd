//! How well a still is painted, and at what price.

use clap::{Args, ValueEnum};

use crate::app::cli::choice;
use crate::look::Look;
use crate::paint::optimize::{OptimizeParams, Statistics};

/// Steps at every scale where Gram matrices are matched: they need more.
const GRAM_STEPS: u32 = 150;

/// How a still is painted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Quality {
    /// One pass of the painter, as video.
    #[default]
    Fast,
    /// What the painter made, optimised towards one painting: some minutes.
    Better,
    /// The photo, optimised coarse to fine towards one painting: many minutes.
    Best,
}

/// How a still is painted, and the flags of the optimisation.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Quality")]
pub struct QualityArgs {
    /// How it is painted; `better` and `best` take minutes and need a single painting as their texture
    #[arg(long, value_enum, default_value_t)]
    pub quality: Quality,
    /// Steps at every scale [default: 60 for better, 80 for best; 150 with `--statistics gram`]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub iterations: Option<u32>,
    /// Lines (of the shorter side) of the scales, coarse to fine [default: 512; 64,128,256,512 for best]
    #[arg(long, value_name = "LINES,...", value_delimiter = ',',
          value_parser = clap::value_parser!(u32).range(32..=2048))]
    pub scales: Option<Vec<u32>>,
    /// What of the painting is matched
    #[arg(long, value_parser = choice::<Statistics>(), default_value_t)]
    pub statistics: Statistics,
    /// How much the painting weighs against the photo, with `--statistics gram`
    #[arg(long, value_name = "WEIGHT", default_value_t = 5.0, value_parser = style_weight)]
    pub style_weight: f32,
}

impl QualityArgs {
    /// For [`crate::paint::optimize::StyleOptimizer`], where it is to optimise. `lines` are the finest scale, if given.
    pub fn optimize_params(&self, look: &Look, lines: Option<u32>) -> Option<OptimizeParams> {
        let usual = match self.quality {
            Quality::Fast => return None,
            Quality::Better => OptimizeParams::improving(),
            Quality::Best => OptimizeParams::default(),
        };
        let usual_steps = match self.statistics {
            Statistics::Neighbours => usual.iterations,
            Statistics::Gram => GRAM_STEPS,
        };
        let mut scales = self.scales.clone().unwrap_or(usual.scales);
        if let Some(lines) = lines {
            scales.retain(|scale| *scale < lines);
            scales.push(lines);
        }
        Some(OptimizeParams {
            begin: usual.begin,
            scales,
            iterations: self.iterations.unwrap_or(usual_steps),
            style: self.style_weight,
            statistics: self.statistics,
            stroke: look.stroke_size,
        })
    }
}

fn style_weight(text: &str) -> Result<f32, String> {
    let value: f32 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.0..=1000.0).contains(&value) { Ok(value) } else { Err("outside 0 to 1000".into()) }
}
