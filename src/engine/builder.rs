//! Loads what a look needs: networks, the style, a GPU.

use std::path::PathBuf;

use crate::engine::{Analyzer, Engine, RenderParams, Renderer};
use crate::error::Result;
use crate::gpu::adapter::Gpu;
use crate::look::Look;
use crate::nn::device::Device;
use crate::nn::models::Models;
use crate::nn::runtime::Runtime;
use crate::paint::composite::BlendParams;
use crate::paint::painter::{PaintParams, Painter};
use crate::warp::features::EncoderChoice;
use crate::warp::matcher::Matcher;
use crate::warp::regularize::FieldSolver;

/// Where networks come from and what they run on.
#[derive(Debug, Clone, Default)]
pub struct EngineConfig {
    /// Folder of networks, if not the usual ones.
    pub models: Option<PathBuf>,
    /// Device for the networks; `Cpu` keeps the warp off the GPU as well.
    pub device: Device,
    /// What finds matches.
    pub encoder: EncoderChoice,
}

impl Engine {
    /// Loads what the look needs. `frame_aspect` is the frame's width over
    /// height as shown; `lines` as in [`PaintParams::lines`].
    ///
    /// # Errors
    /// Returns an error if a network, the style or the device cannot be had.
    pub fn new(look: &Look, lines: Option<u32>, frame_aspect: f32, config: &EngineConfig) -> Result<Self> {
        let exemplar = look.geometry.as_ref().filter(|_| look.warp > 0.0);
        let texture = look.texture.as_ref().filter(|_| look.paint > 0.0);
        if exemplar.is_none() && texture.is_none() {
            let renderer = Renderer::new(None, None, config, look.regions.clone())?;
            let analyzer = Analyzer::default();
            return Ok(Self { analyzer, renderer, devices: "nothing to do".into() });
        }
        let models = Models::find(config.models.as_deref())?;
        let runtime = Runtime::load(config.device)?;
        let analyzer = match exemplar {
            Some(exemplar) => {
                let mut matcher = Matcher::new(&models, &runtime, config.encoder, exemplar, frame_aspect)?;
                matcher.set_focus(look.focus);
                let solver = FieldSolver {
                    align: look.align,
                    strength: look.warp,
                    exemplar_aspect: matcher.exemplar_aspect(),
                    frame_aspect,
                };
                Analyzer::new(matcher, solver)
            }
            None => Analyzer::default(),
        };
        let paint = match texture {
            Some(texture) => {
                let painter = Painter::new(&models, &runtime, texture.style(&models, &runtime)?)?;
                let params = RenderParams {
                    blend: BlendParams { strength: look.paint, colors: look.colors },
                    paint: PaintParams { stroke: look.stroke_size, lines, relief: look.relief },
                    steadiness: look.steady,
                };
                Some((painter, params))
            }
            None => None,
        };
        let gpu = if config.device == Device::Cpu { None } else { Gpu::real() };
        let renderer = Renderer::new(gpu, paint, config, look.regions.clone())?;
        let network = runtime.device();
        let encoder = if exemplar.is_some() { config.encoder.description(network) } else { "no encoder" };
        let devices = format!("networks on {} ({encoder}), warp on {}", network.name(), renderer.device());
        Ok(Self { analyzer, renderer, devices })
    }
}
