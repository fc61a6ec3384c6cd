//! Warping: a frame takes over the shapes of the exemplar.
//!
//! In: frames, and one exemplar picture. Out: for every frame a smooth field that says from
//! where each pixel is taken, and the frame bent by it. In order: [`features`] of what
//! [`roi`] shows of the [`keyframes`], [`shots`] tells cuts, [`search`] says whom to follow, [`matcher`] finds
//! correspondences on the [`grid`],
//! [`similarity`] splits them into place and shape, [`smoothing`] calms them,
//! [`regularize`] makes a [`field`] without folds, [`remap`] applies it.
//! This room never changes a colour, and knows nothing of painting.

pub mod features;
pub mod field;
pub mod grid;
pub mod keyframes;
pub mod matcher;
pub mod regularize;
pub mod remap;
pub mod roi;
pub mod search;
pub mod shots;
pub mod similarity;
pub mod smoothing;
mod tracker;
