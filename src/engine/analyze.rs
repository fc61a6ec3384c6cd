//! Finds how each frame is to be bent.

use image::RgbImage;

use crate::engine::waiting::WaitingFrame;
use crate::error::Result;
use crate::frame::Frame;
use crate::scene_change::ChangeDetector;
use crate::time::FrameTime;
use crate::warp::field::WarpField;
use crate::warp::grid::FOUND;
use crate::warp::keyframes::KeyframeSelector;
use crate::warp::matcher::Matcher;
use crate::warp::regularize::{Align, FieldSolver};
use crate::warp::search::Focus;
use crate::warp::similarity::Decomposition;
use crate::warp::smoothing::{LookaheadSmoother, OneEuroSmoother};

/// A frame that knows how it will be bent.
#[derive(Debug)]
pub struct AnalyzedFrame {
    /// The frame, untouched.
    pub frame: Frame,
    /// Its warp.
    pub field: WarpField,
    /// Whether nothing leads to it from the frame before: all that is remembered is forgotten.
    pub is_cut: bool,
}

/// Finds each frame's field; holds frames back while it looks ahead.
#[derive(Default)]
pub struct Analyzer {
    pub(super) warp: Option<(Matcher, FieldSolver)>,
    changes: ChangeDetector,
    keyframes: KeyframeSelector,
    /// Frames that wait, and whether each is a cut.
    smoother: LookaheadSmoother<(WaitingFrame, bool)>,
    /// One a subject.
    causal: Vec<OneEuroSmoother>,
    pub(super) monitor: MatchMonitor,
}

impl Analyzer {
    /// Finds matches with one and makes fields of them with the other.
    pub(crate) fn new(matcher: Matcher, solver: FieldSolver) -> Self {
        Self { warp: Some((matcher, solver)), ..Self::default() }
    }

    /// Takes the next frame, at which the networks look if it is a keyframe ([`crate::warp::keyframes`]); calls `ready` for
    /// each one whose field is known.
    ///
    /// # Errors
    /// Returns an error if a network fails, or whatever `ready` returns.
    pub fn push(&mut self, frame: Frame, ready: &mut impl FnMut(AnalyzedFrame) -> Result<()>) -> Result<()> {
        let change = self.changes.run(&frame);
        let is_cut = change.cut_from.is_some();
        let Some((matcher, solver)) = &mut self.warp else {
            return ready(AnalyzedFrame { frame, field: WarpField::identity(1, 1), is_cut });
        };
        let mut solved = |(frame, is_cut): (WaitingFrame, bool), found: Vec<Decomposition>| {
            ready(AnalyzedFrame { frame: frame.into_frame(), field: solver.run(&found), is_cut })
        };
        let time = frame.time;
        if !self.keyframes.run(time, change.difference, matcher.is_unsettled(time)) {
            return self.smoother.carry(time, (WaitingFrame::new(frame), is_cut), solved);
        }
        let found = matcher.run_after(&frame, Some(change))?;
        let subjects = solver.decompose(&found);
        self.monitor.run(time, &subjects);
        let waiting = (WaitingFrame::new(frame), is_cut);
        self.smoother.push(time, subjects, found.scene, waiting, &mut solved)
    }

    /// The field of a live frame, of which no future is known.
    ///
    /// # Errors
    /// Returns an error if a network fails.
    pub fn follow(&mut self, frame: &Frame) -> Result<WarpField> {
        let Some((matcher, solver)) = self.warp.as_mut().filter(|(_, solver)| solver.strength > 0.0) else {
            return Ok(WarpField::identity(1, 1));
        };
        let aspect = frame.size.aspect();
        if aspect != solver.frame_aspect {
            solver.frame_aspect = aspect;
            matcher.set_frame_aspect(aspect);
        }
        let found = matcher.run(frame)?;
        let subjects = solver.decompose(&found);
        self.monitor.run(frame.time, &subjects);
        self.causal.resize_with(subjects.len(), OneEuroSmoother::default);
        let smoothed: Vec<_> = self
            .causal
            .iter_mut()
            .zip(subjects)
            .map(|(smoother, subject)| smoother.run(frame.time, subject, found.scene))
            .collect();
        Ok(solver.run(&smoothed))
    }

    /// Warps by so much from now on; 0 rests.
    pub fn set_params(&mut self, strength: f32, align: Align) {
        if let Some((_, solver)) = &mut self.warp {
            (solver.strength, solver.align) = (strength, align);
        }
    }

    /// Bends other subjects from now on; frames that wait are not affected.
    pub fn set_focus(&mut self, focus: Focus) {
        if let Some((matcher, _)) = &mut self.warp {
            matcher.set_focus(focus);
        }
    }

    /// Takes the shapes of another exemplar from now on.
    ///
    /// # Errors
    /// Returns an error if ONNX Runtime fails.
    pub fn set_exemplar(&mut self, exemplar: &RgbImage) -> Result<()> {
        if let Some((matcher, solver)) = &mut self.warp {
            matcher.set_exemplar(exemplar)?;
            solver.exemplar_aspect = matcher.exemplar_aspect();
            (self.causal, self.monitor) = (Vec::new(), MatchMonitor::default());
        }
        Ok(())
    }

    /// Lets go of the frames held back.
    ///
    /// # Errors
    /// Whatever `ready` returns.
    pub fn finish(&mut self, ready: &mut impl FnMut(AnalyzedFrame) -> Result<()>) -> Result<()> {
        (self.changes, self.keyframes) = Default::default();
        let Some((_, solver)) = &self.warp else { return Ok(()) };
        self.monitor.finish();
        self.smoother.finish(|(frame, is_cut), found| {
            ready(AnalyzedFrame { frame: frame.into_frame(), field: solver.run(&found), is_cut })
        })
    }
}

/// Says so, once, if the exemplar is not found for the whole first second: one
/// black frame is no reason, a page of text is.
#[derive(Default)]
pub(super) struct MatchMonitor {
    first: Option<FrameTime>,
    settled: bool,
}

impl MatchMonitor {
    const PATIENCE: f64 = 1.0;

    pub(super) fn run(&mut self, time: FrameTime, subjects: &[Decomposition]) {
        let first = *self.first.get_or_insert(time);
        self.settled |= subjects.iter().any(|subject| subject.found() >= FOUND);
        if (time - first).as_secs_f64() >= Self::PATIENCE {
            self.finish();
        }
    }

    pub(super) fn finish(&mut self) {
        if !std::mem::replace(&mut self.settled, true) && self.first.is_some() {
            tracing::warn!(
                "shapes stay as they are, because the geometry exemplar matches nothing in the picture; \
                 try an exemplar that shows the same kind of thing, large, on a quiet ground \
                 (`stylewarp still --show all` shows what was matched)"
            );
        }
    }
}
