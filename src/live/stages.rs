//! The two working stages of a session: one finds how frames are to be bent, at its own rate, the other bends and
//! paints the latest.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::cancel::CancelToken;
use crate::engine::{AnalyzedFrame, Analyzer, RenderParams, Renderer};
use crate::error::Result;
use crate::frame::Frame;
use crate::live::broadcast::{Broadcast, FramePair};
use crate::live::clock::LiveClock;
use crate::live::controls::{ControlState, Controls};
use crate::live::field_handoff::{FieldInterpolator, LatestField, TimedField};
use crate::live::latest::{Received, Receiver, Sender};
use crate::live::rate_control::RateController;
use crate::live::recorder::Recorder;
use crate::live::stats::Stats;
use crate::live::still_frame::{StillFrame, mirrored};
use crate::look::Look;
use crate::paint::composite::BlendParams;
use crate::paint::painter::{PaintParams, Painter};
use crate::paint::subject::{Backdrop, Regions};
use crate::time::{FrameRate, FrameTime};

/// How long a stage waits before it looks whether it should end.
const PATIENCE: Duration = Duration::from_millis(100);
/// Seconds after which a recording gets the picture that stands still once more.
const STILL: f64 = 0.5;

/// What every stage has.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) controls: Arc<Controls>,
    pub(super) stats: Arc<Stats>,
    pub(super) clock: LiveClock,
    pub(super) stop: CancelToken,
}

/// Finds fields, at its own rate.
pub(super) struct AnalyzeStage {
    pub(super) analyzer: Analyzer,
    pub(super) frames: Receiver<Arc<Frame>>,
    pub(super) shapes: Receiver<Arc<Look>>,
    pub(super) newest: LatestField,
}

impl AnalyzeStage {
    pub(super) fn run(mut self, shared: &Shared) -> Result<()> {
        while !shared.stop.is_raised() {
            if let Some(look) = self.shapes.now()
                && let Some(exemplar) = &look.geometry
            {
                self.analyzer.set_exemplar(exemplar)?;
            }
            let frame = match self.frames.take(PATIENCE) {
                Received::Item(frame) => frame,
                Received::Nothing => continue,
                Received::Closed => break,
            };
            let state = shared.controls.state();
            self.analyzer.set_params(if state.original { 0.0 } else { state.warp }, state.align);
            self.analyzer.set_focus(state.focus);
            let field = self.analyzer.follow(&frame)?;
            self.newest.send(TimedField { time: frame.time, field });
            shared.stats.analysed(shared.clock.now());
        }
        Ok(())
    }
}

/// Bends and paints the latest frame.
pub(super) struct RenderStage {
    pub(super) renderer: Renderer,
    pub(super) carry: FieldInterpolator,
    pub(super) still: StillFrame,
    /// Time of the last frame shown, or recorded.
    pub(super) shown: FrameTime,
    pub(super) rate: RateController,
    /// Rates of other cameras that are looked at.
    pub(super) rates: Receiver<FrameRate>,
    pub(super) frames: Receiver<Arc<Frame>>,
    /// Where the analysis gets what it looks at.
    pub(super) looks: Sender<Arc<Frame>>,
    pub(super) painters: Receiver<Painter>,
    pub(super) newest: LatestField,
    /// The colour and the picture that can show behind the subject.
    pub(super) backdrop: Backdrop,
    pub(super) outs: Broadcast,
    pub(super) recorder: Arc<Recorder>,
    /// What was last offered to it, and when.
    pub(super) recorded: Option<(Arc<Frame>, FrameTime)>,
    pub(super) window: bool,
}

impl RenderStage {
    pub(super) fn run(mut self, shared: &Shared) -> Result<()> {
        while !shared.stop.is_raised() {
            // Where nothing comes in time, it is looked whether the picture stands still.
            let patience =
                PATIENCE.min(Duration::try_from_secs_f64(self.rate.interval()).unwrap_or(PATIENCE));
            let received = self.frames.take(patience);
            let (state, now) = (shared.controls.state(), shared.clock.now());
            if let Some(rate) = self.rates.now() {
                self.rate.set_rate(rate);
            }
            let frame = match received {
                // What is older than the still picture that is shown came late.
                Received::Item(frame) if frame.time > self.shown && self.rate.wants(frame.time) => {
                    self.still.put(&frame, &state, now);
                    frame
                }
                Received::Closed => break,
                Received::Item(_) => continue,
                Received::Nothing => {
                    let analyzed = self.newest.get().map(|field| field.time);
                    match self.still.again(&state, analyzed, now) {
                        Some(frame) => frame,
                        None => {
                            self.record_still(now);
                            continue;
                        }
                    }
                }
            };
            let original = match state.mirror {
                true => Arc::new(mirrored(Frame::clone(&frame))),
                false => frame,
            };
            self.render(original, &state, shared)?;
        }
        Ok(())
    }

    /// Draws a frame and hands it on.
    fn render(&mut self, original: Arc<Frame>, state: &ControlState, shared: &Shared) -> Result<()> {
        let began = Instant::now();
        self.looks.send(original.clone());
        let lines = original.size.width.min(original.size.height);
        let painted_at = self.set_params(state, lines);
        let field = self.carry.run(&original, self.newest.get());
        let frame = Frame::clone(&original);
        let finished = Arc::new(self.renderer.run(AnalyzedFrame { frame, field, is_cut: false })?);
        shared.controls.notices.show("mask", self.renderer.notice());
        let now = shared.clock.now();
        self.recorder.offer(&finished);
        self.recorded = Some((finished.clone(), now));
        let taken = finished.time;
        self.shown = taken;
        self.outs.send(FramePair { original, finished });
        shared.stats.finished(now, painted_at, self.frames.replaced());
        if !self.window {
            shared.stats.displayed(now, taken);
        }
        if self.rate.spent(now, began.elapsed().as_secs_f64()) {
            tracing::debug!("paints at {:?} lines from now on", self.rate.lines(lines));
        }
        Ok(())
    }

    /// A recording goes on while the picture stands still.
    fn record_still(&mut self, now: FrameTime) {
        if let Some((frame, offered)) = &mut self.recorded
            && (now - *offered).as_secs_f64() > STILL
            && self.recorder.path().is_some()
        {
            // What is older comes too late for the file.
            (*offered, self.shown) = (now, now);
            self.recorder.offer(&Arc::new(Frame { time: now, ..Frame::clone(frame) }));
        }
    }

    /// Sets everything for the next frame; the lines it is painted at.
    fn set_params(&mut self, state: &ControlState, lines: u32) -> u32 {
        if let Some(painter) = self.painters.now() {
            self.renderer.change_painter(painter);
        }
        self.renderer.set_regions(Regions {
            paint: state.paint_where,
            warp: state.warp_where,
            backdrop: Backdrop { kind: state.backdrop, ..self.backdrop.clone() },
        });
        let painted_at = self.rate.lines(lines);
        self.renderer.set_params(RenderParams {
            blend: BlendParams {
                strength: if state.original { 0.0 } else { state.paint },
                colors: state.colors,
            },
            paint: PaintParams { stroke: state.stroke_size, lines: painted_at, relief: state.relief },
            steadiness: state.steady,
        });
        painted_at.unwrap_or(lines).min(lines)
    }
}

impl Drop for RenderStage {
    /// However it ends, whoever listens is told.
    fn drop(&mut self) {
        self.outs.close();
    }
}
