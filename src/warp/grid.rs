//! The grid on which an exemplar is matched, and what is known on it.
//!
//! The exemplar is divided into 16x16 cells. Everything that passes between the
//! stages of the warp is one value a cell, row by row: features, matches,
//! confidences. This file holds those types and nothing that computes them.

use std::sync::Arc;

use crate::frame::pool::Buffer;

/// Side of the grid of cells.
pub const GRID: usize = 16;
/// Number of cells.
pub const CELLS: usize = GRID * GRID;
/// Sum of the cells' weights from which a subject counts as found: portraits
/// reach 90 to 150 of the 256, a page of print up to 23.
pub const FOUND: f32 = 24.0;

/// How a frame follows the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Transition {
    /// The scene goes on.
    #[default]
    None,
    /// Perhaps a new scene: unlike what was before.
    Cut,
    /// The same, told by the two pictures alone ([`crate::scene_change`]).
    HardCut,
    /// What was before the last break is back: that was a flash, not a cut.
    FlashEnd,
}

/// Features of a frame, shared between those who remember them.
pub type Features = Arc<Buffer<f32>>;

/// Which place of the frame matches each cell of the exemplar.
#[derive(Debug, Clone, PartialEq)]
pub struct Correspondence {
    /// Per cell, row by row: from the cell's centre to the matching place of
    /// the frame, both in fractions of their own pictures.
    pub displacement: Vec<[f32; 2]>,
    /// Per cell, 0..=1: how sure the network is.
    pub confidence: Vec<f32>,
}

impl Correspondence {
    /// No cell has a match.
    pub fn nothing() -> Self {
        Self { displacement: vec![[0.0; 2]; CELLS], confidence: vec![0.0; CELLS] }
    }
}

/// What was matched in a frame.
#[derive(Debug, Clone, PartialEq)]
pub struct FrameMatch {
    /// The subjects, always as many; one that is not there has no confidence.
    pub subjects: Vec<Correspondence>,
    /// How this frame follows the one before it.
    pub scene: Transition,
}

/// Centre of cell `k` of a square grid, in fractions.
pub(crate) fn centre(k: usize, side: usize) -> [f32; 2] {
    [((k % side) as f32 + 0.5) / side as f32, ((k / side) as f32 + 0.5) / side as f32]
}
