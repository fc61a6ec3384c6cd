//! The two working stages, put together from a look.
//!
//! ```text
//! Analyse  Warper -> Lookahead -> Aligner    frame        -> frame + field
//! Render   Remap  -> Tracker -> Painter -> Steady -> Finish   frame, field -> frame
//! ```
//!
//! Live, the past is all there is ([`OneEuroSmoother`] in place of [`LookaheadSmoother`]), and both
//! stages can be turned while they run.
//!
//! A stage whose strength is 0 is not loaded: with neither, frames pass untouched
//! and no network is opened.

use std::path::PathBuf;

use image::RgbImage;

use crate::error::{Error, Result};
use crate::frame::Frame;
use crate::gpu::adapter::Gpu;
use crate::look::Look;
use crate::nn::models::Models;
use crate::nn::runtime::{Device, Runtime};
use crate::paint::composite::{BlendParams, Compositor};
use crate::paint::crossfade::Crossfade;
use crate::paint::flow::FlowEstimator;
use crate::paint::painter::{PaintParams, Painter};
use crate::paint::stabilize::TemporalStabilizer;
use crate::time::FrameTime;
use crate::warp::features::EncoderChoice;
use crate::warp::field::WarpField;
use crate::warp::grid::FOUND;
use crate::warp::matcher::Matcher;
use crate::warp::regularize::{Align, FieldSolver};
use crate::warp::remap::Remap;
use crate::warp::similarity::Decomposition;
use crate::warp::smoothing::{LookaheadSmoother, OneEuroSmoother};

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

/// A frame that knows how it will be bent.
#[derive(Debug)]
pub struct AnalyzedFrame {
    /// The frame, untouched.
    pub frame: Frame,
    /// Its warp.
    pub field: WarpField,
}

/// Both stages.
pub struct Engine {
    /// Finds each frame's field.
    pub analyse: Analyzer,
    /// Bends and paints.
    pub render: Renderer,
    /// What runs on what, for people.
    pub devices: String,
}

impl Engine {
    /// Loads what the look needs. `frame_aspect` is the frame's width over
    /// height as shown; `lines` as in [`PaintParams::lines`].
    ///
    /// # Errors
    /// Where a network, the style or the device cannot be had.
    pub fn new(look: &Look, lines: Option<u32>, frame_aspect: f32, setup: &EngineConfig) -> Result<Self> {
        let exemplar = look.geometry.as_ref().filter(|_| look.warp > 0.0);
        let texture = look.texture.as_ref().filter(|_| look.paint > 0.0);
        if exemplar.is_none() && texture.is_none() {
            let render = Renderer { remap: Remap::new(None)?, paint: None, steadiness: 0.0 };
            return Ok(Self { analyse: Analyzer::default(), render, devices: "nothing to do".into() });
        }
        let models = Models::find(setup.models.as_deref())?;
        let runtime = Runtime::load(setup.device)?;
        let mut analyse = Analyzer::default();
        if let Some(exemplar) = exemplar {
            let warper = Matcher::new(&models, &runtime, setup.encoder, exemplar, frame_aspect)?;
            let aligner = FieldSolver {
                align: look.align,
                strength: look.warp,
                exemplar_aspect: warper.exemplar_aspect(),
                frame_aspect,
            };
            analyse.warp = Some((warper, aligner));
        }
        let gpu = if setup.device == Device::Cpu { None } else { Gpu::real() };
        let paint = match texture {
            Some(texture) => {
                let painter = Painter::new(&models, &runtime, texture.style(&models, &runtime)?)?;
                let params = PaintParams { stroke: look.stroke_size, lines };
                let mix = BlendParams { strength: look.paint, colors: look.colors };
                let (tracker, steady) = (FlowEstimator::default(), TemporalStabilizer::default());
                Some(Paint {
                    tracker,
                    painter: Crossfade::new(painter),
                    params,
                    steady,
                    finish: Compositor::new(gpu.clone())?,
                    mix,
                })
            }
            None => None,
        };
        let remap = Remap::new(gpu)?;
        let network = runtime.device();
        let encoder = if exemplar.is_some() { setup.encoder.description(network) } else { "no encoder" };
        let devices = format!("networks on {} ({encoder}), warp on {}", network.name(), remap.device());
        Ok(Self { analyse, render: Renderer { remap, paint, steadiness: look.steady }, devices })
    }

    /// One picture by itself, without a past or a future.
    ///
    /// # Errors
    /// Where a stage fails.
    pub fn stylize(&mut self, frame: Frame) -> Result<Frame> {
        let mut done = None;
        let Self { analyse, render, .. } = self;
        let mut ready = |analysed| {
            done = Some(render.run(analysed)?);
            Ok(())
        };
        analyse.push(frame, &mut ready)?;
        analyse.finish(&mut ready)?;
        done.ok_or(Error::Stage { name: "analyse" })
    }

    /// As [`Self::stylize`], with its reasons.
    ///
    /// # Errors
    /// Where a stage fails, or the look does not warp.
    pub fn explain(&mut self, source: Frame) -> Result<Trace> {
        let Some((warper, aligner)) = &mut self.analyse.warp else { return Err(Error::NothingToShow) };
        let posed = aligner.decompose(&warper.run(&source)?);
        let field = aligner.run(&posed);
        let result = self.render.run(AnalyzedFrame { frame: source.clone(), field: field.clone() })?;
        self.analyse.doubt.run(source.time, &posed);
        self.analyse.doubt.finish();
        Ok(Trace { source, result, posed, field, aligner: *aligner })
    }
}

/// What an engine did with a picture, and why: for [`crate::app::visualize`].
#[derive(Debug, Clone)]
pub struct Trace {
    /// The picture.
    pub source: Frame,
    /// The picture, redrawn.
    pub result: Frame,
    /// What was matched.
    pub posed: Decomposition,
    /// How it was bent.
    pub field: WarpField,
    /// How the one became the other.
    pub aligner: FieldSolver,
}

/// Finds each frame's field; holds frames back while it looks ahead.
#[derive(Default)]
pub struct Analyzer {
    warp: Option<(Matcher, FieldSolver)>,
    smoother: LookaheadSmoother<Frame>,
    causal: OneEuroSmoother,
    doubt: MatchMonitor,
}

impl Analyzer {
    /// Takes the next frame; calls `ready` for each one whose field is known.
    ///
    /// # Errors
    /// Where a network fails, or whatever `ready` returns.
    pub fn push(&mut self, frame: Frame, ready: &mut impl FnMut(AnalyzedFrame) -> Result<()>) -> Result<()> {
        let Some((warper, aligner)) = &mut self.warp else {
            return ready(AnalyzedFrame { frame, field: WarpField::identity(1, 1) });
        };
        let found = warper.run(&frame)?;
        let posed = aligner.decompose(&found);
        self.doubt.run(frame.time, &posed);
        self.smoother.push(frame.time, posed, found.scene, frame, |frame, found| {
            ready(AnalyzedFrame { frame, field: aligner.run(&found) })
        })
    }

    /// The field of a live frame, of which no future is known.
    ///
    /// # Errors
    /// Where a network fails.
    pub fn follow(&mut self, frame: &Frame) -> Result<WarpField> {
        let Some((warper, aligner)) = self.warp.as_mut().filter(|(_, aligner)| aligner.strength > 0.0) else {
            return Ok(WarpField::identity(1, 1));
        };
        let aspect = frame.size.aspect();
        if aspect != aligner.frame_aspect {
            aligner.frame_aspect = aspect;
            warper.set_frame_aspect(aspect);
        }
        let found = warper.run(frame)?;
        let posed = aligner.decompose(&found);
        self.doubt.run(frame.time, &posed);
        Ok(aligner.run(&self.causal.run(frame.time, posed, found.scene)))
    }

    /// Warps by so much from now on; 0 rests.
    pub fn turn(&mut self, strength: f32, align: Align) {
        if let Some((_, aligner)) = &mut self.warp {
            (aligner.strength, aligner.align) = (strength, align);
        }
    }

    /// Takes the shapes of another exemplar from now on.
    ///
    /// # Errors
    /// Where ONNX Runtime fails.
    pub fn set_exemplar(&mut self, exemplar: &RgbImage) -> Result<()> {
        if let Some((warper, aligner)) = &mut self.warp {
            warper.set_exemplar(exemplar)?;
            aligner.exemplar_aspect = warper.exemplar_aspect();
            (self.causal, self.doubt) = (OneEuroSmoother::default(), MatchMonitor::default());
        }
        Ok(())
    }

    /// Lets go of the frames held back.
    ///
    /// # Errors
    /// Whatever `ready` returns.
    pub fn finish(&mut self, ready: &mut impl FnMut(AnalyzedFrame) -> Result<()>) -> Result<()> {
        let Some((_, aligner)) = &self.warp else { return Ok(()) };
        self.doubt.finish();
        self.smoother.finish(|frame, found| ready(AnalyzedFrame { frame, field: aligner.run(&found) }))
    }
}

/// Says so, once, if the exemplar is not found for the whole first second: one
/// black frame is no reason, a page of text is.
#[derive(Default)]
struct MatchMonitor {
    first: Option<FrameTime>,
    settled: bool,
}

impl MatchMonitor {
    const PATIENCE: f64 = 1.0;

    fn run(&mut self, time: FrameTime, posed: &Decomposition) {
        let first = *self.first.get_or_insert(time);
        self.settled |= posed.found() >= FOUND;
        if (time - first).as_secs_f64() >= Self::PATIENCE {
            self.finish();
        }
    }

    fn finish(&mut self) {
        if !std::mem::replace(&mut self.settled, true) && self.first.is_some() {
            tracing::warn!(
                "shapes stay as they are, because the geometry exemplar matches nothing in the picture; \
                 try an exemplar that shows the same kind of thing, large, on a quiet ground \
                 (`stylewarp still --show all` shows what was matched)"
            );
        }
    }
}

/// Bends and paints.
pub struct Renderer {
    remap: Remap,
    paint: Option<Paint>,
    steadiness: f32,
}

struct Paint {
    tracker: FlowEstimator,
    painter: Crossfade,
    params: PaintParams,
    steady: TemporalStabilizer,
    finish: Compositor,
    mix: BlendParams,
}

/// What can be changed of the brushwork from one frame to the next.
#[derive(Debug, Clone, Copy)]
pub struct RenderParams {
    /// How the painting is put on the frame.
    pub mix: BlendParams,
    /// Size of the strokes, 0.5..=2.
    pub stroke: f32,
    /// How still it holds, 0..=1.
    pub steadiness: f32,
    /// As in [`PaintParams::lines`].
    pub lines: Option<u32>,
}

impl Renderer {
    /// Paints so from now on.
    pub fn turn(&mut self, touch: RenderParams) {
        self.steadiness = touch.steadiness;
        if let Some(paint) = &mut self.paint {
            paint.mix = touch.mix;
            paint.params = PaintParams { stroke: touch.stroke, lines: touch.lines };
        }
    }

    /// Paints with another painter from now on; for a moment both can be seen.
    pub fn change_painter(&mut self, painter: Painter) {
        if let Some(paint) = &mut self.paint {
            paint.painter.change(painter);
        }
    }

    /// The frame, redrawn.
    ///
    /// # Errors
    /// Where the GPU or a network fails.
    pub fn run(&mut self, AnalyzedFrame { frame, field }: AnalyzedFrame) -> Result<Frame> {
        let warped = self.remap.run(frame, &field)?;
        match self.paint.as_mut().filter(|paint| paint.mix.strength > 0.0) {
            Some(paint) => {
                let motion = paint.tracker.run(&warped);
                let mut painting = paint.painter.run(&warped, paint.params, motion.as_ref())?;
                if self.steadiness > 0.0 {
                    paint.steady.run(&warped, &mut painting, motion.as_ref(), self.steadiness);
                }
                paint.finish.run(warped, painting, paint.mix)
            }
            None => Ok(warped),
        }
    }
}
