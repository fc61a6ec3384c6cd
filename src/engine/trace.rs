//! What an engine did with a picture, and why.

use crate::engine::{AnalyzedFrame, Engine};
use crate::error::{Error, Result};
use crate::frame::Frame;
use crate::warp::field::WarpField;
use crate::warp::regularize::FieldSolver;
use crate::warp::similarity::Decomposition;

/// What an engine did with a picture, and why: for [`crate::app::visualize`].
#[derive(Debug, Clone)]
pub struct Trace {
    /// The picture.
    pub source: Frame,
    /// The picture, redrawn.
    pub result: Frame,
    /// What was matched, of every subject.
    pub subjects: Vec<Decomposition>,
    /// How it was bent.
    pub field: WarpField,
    /// How the one became the other.
    pub solver: FieldSolver,
}

impl Engine {
    /// As [`Self::stylize`], with its reasons.
    ///
    /// # Errors
    /// Returns an error if a stage fails, or the look does not warp.
    pub fn explain(&mut self, source: Frame) -> Result<Trace> {
        let Some((matcher, solver)) = &mut self.analyzer.warp else { return Err(Error::NothingToShow) };
        let subjects = solver.decompose(&matcher.run(&source)?);
        let field = solver.run(&subjects);
        let analyzed = AnalyzedFrame { frame: source.clone(), field: field.clone(), is_cut: false };
        let result = self.renderer.run(analyzed)?;
        self.analyzer.monitor.run(source.time, &subjects);
        self.analyzer.monitor.finish();
        Ok(Trace { source, result, subjects, field, solver: *solver })
    }
}
