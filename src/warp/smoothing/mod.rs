//! Temporal smoothing of flow fields.
//!
//! The network looks at each frame by itself, so its field trembles by several
//! pixels. What trembles is taken apart ([`crate::warp::similarity`]): the *pose*, where the
//! subject is, is nearly free of noise and must follow at once; the *residual*,
//! how it is shaped, carries the noise, changes slowly and moves along with the
//! pose. So the pose is smoothed lightly and the residual strongly: yesterday's
//! shape, advected by the content's motion.
//!
//! - [`LookaheadSmoother`], for files: Gaussian averages, by time and not by frame count,
//!   over the frames before *and* after; a symmetric window has no lag at all.
//! - [`OneEuroSmoother`], for live: knows the past only, filters by how fast things change.
//!
//! Cells count by their confidence, so a cell lost for a moment leans on the
//! moments when it was sure. A cut ends all memory; a flash does not, and what
//! was seen during it counts for nothing.

mod lookahead;
mod one_euro;

pub use lookahead::LookaheadSmoother;
pub use one_euro::OneEuroSmoother;

/// Weight of a cell of no confidence, so that sums are never empty.
const LEAST: f32 = 0.01;

#[cfg(test)]
mod tests;
