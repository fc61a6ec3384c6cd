//! First stage of rendering: bends a frame, and finds how it moved since the one before.

use crate::engine::{AnalyzedFrame, EngineConfig};
use crate::error::Result;
use crate::frame::Frame;
use crate::gpu::adapter::Gpu;
use crate::paint::flow::{FlowEstimator, OpticalFlow};
use crate::paint::subject::finder::SubjectFinder;
use crate::paint::subject::{Mask, Part, Regions};
use crate::time::FrameTime;
use crate::warp::field::WarpField;
use crate::warp::remap::{CpuRemap, Remap};

/// Side of the grid on which a warp is confined, as that of its field.
const SIDE: usize = 32;
/// Seconds in which the confines follow the mask, and without a frame after which they do so at once.
const MEMORY: f64 = 0.15;
const GAP: f64 = 0.5;

/// A frame that is bent.
#[derive(Debug)]
pub struct WarpedFrame {
    /// The frame.
    pub frame: Frame,
    /// Where the subject is, bent as the frame is; `None` if no part of the picture is treated apart.
    pub mask: Option<Mask>,
    /// How it moved since the frame before; `None` after a cut, or where nobody asks.
    pub motion: Option<OpticalFlow>,
    /// Whether nothing leads to it from the frame before.
    pub is_cut: bool,
}

/// Bends frames, where the regions say.
pub struct WarpStage {
    finder: SubjectFinder,
    confiner: Confiner,
    remap: Remap,
    /// Bends masks: they are too small to be worth a way to the GPU.
    masks: CpuRemap,
    flow: FlowEstimator,
    pub(super) regions: Regions,
    /// Whether the frames are painted: then their motion is needed.
    pub(super) is_painted: bool,
}

impl WarpStage {
    /// Loads no network before a mask is wanted.
    pub(super) fn new(gpu: Option<Gpu>, config: &EngineConfig, regions: Regions) -> Result<Self> {
        Ok(Self {
            finder: SubjectFinder::new(config.models.clone(), config.device),
            confiner: Confiner::default(),
            remap: Remap::new(gpu)?,
            masks: CpuRemap::default(),
            flow: FlowEstimator::default(),
            regions,
            is_painted: false,
        })
    }

    /// What frames are bent on, for people.
    pub(super) fn device(&self) -> String {
        self.remap.device()
    }

    /// Why what was asked for cannot be done, and what to do about it.
    pub(super) fn notice(&self) -> Option<&str> {
        self.finder.notice().filter(|_| self.regions.need_mask())
    }

    /// The frame, bent by its field.
    ///
    /// # Errors
    /// Returns an error if the GPU or the network that finds people fails.
    pub fn run(&mut self, AnalyzedFrame { frame, field, is_cut }: AnalyzedFrame) -> Result<WarpedFrame> {
        if is_cut {
            self.flow.forget();
            self.confiner = Confiner::default();
        }
        let (time, mask) = (frame.time, self.find(&frame, &field)?);
        let field = match &mask {
            Some(mask) => self.confiner.run(field, mask, self.regions.warp, time),
            None => field,
        };
        let frame = self.remap.run(frame, &field)?;
        let mask = mask.filter(|_| self.regions.divide_picture()).map(|mask| self.bent(mask, &field, time));
        let is_followed = self.is_painted || mask.is_some();
        let motion = if is_followed { self.flow.run(&frame) } else { None };
        Ok(WarpedFrame { frame, mask, motion, is_cut })
    }

    /// A frame that is bent already, by itself.
    pub(super) fn untouched(&mut self, frame: Frame) -> Result<WarpedFrame> {
        let mask = self.find(&frame, &WarpField::identity(1, 1))?;
        let mask = mask.filter(|_| self.regions.divide_picture());
        Ok(WarpedFrame { frame, mask, motion: None, is_cut: true })
    }

    /// Where the subject is in a frame that is still unbent; `None` if nobody needs or knows it.
    fn find(&mut self, frame: &Frame, field: &WarpField) -> Result<Option<Mask>> {
        let mask = if self.regions.need_mask() { self.finder.run(frame, field.subject())? } else { None };
        if mask.is_none() {
            self.confiner = Confiner::default();
        }
        Ok(mask)
    }

    /// The mask, bent as the frame is.
    fn bent(&mut self, mask: Mask, field: &WarpField, time: FrameTime) -> Mask {
        if field.is_identity() {
            return mask;
        }
        let picture = Frame { size: mask.size, time, pixels: mask.to_rgba() };
        let bent = Mask::from_rgba(mask.size, &self.masks.run(&picture, field).pixels);
        self.masks.reuse(picture);
        bent
    }
}

/// Keeps a warp to the subject or to the background, while a film goes on.
#[derive(Default)]
struct Confiner {
    /// Where a warp may act, at the frame before.
    before: Option<(FrameTime, Vec<f32>)>,
}

impl Confiner {
    /// The field where it may act.
    fn run(&mut self, field: WarpField, mask: &Mask, part: Part, time: FrameTime) -> WarpField {
        if part == Part::All || field.is_identity() {
            return field;
        }
        let mut grid = widened(&mask.blocks(SIDE, SIDE));
        if let Some((before, past)) = &self.before
            && (0.0..GAP).contains(&(time - *before).as_secs_f64())
        {
            let keep = (-(time - *before).as_secs_f64() / MEMORY).exp() as f32;
            grid.iter_mut().zip(past).for_each(|(now, past)| *now += (past - *now) * keep);
        }
        let [inside, outside] = part.shares();
        let confined = field.confined(|place| outside + (inside - outside) * bilinear(&grid, place));
        self.before = Some((time, grid));
        confined
    }
}

/// The largest of each cell and its neighbours, smoothed: a subject is bent with its outline.
fn widened(grid: &[f32]) -> Vec<f32> {
    let around = |values: &[f32], join: fn(&[f32]) -> f32| -> Vec<f32> {
        (0..SIDE * SIDE)
            .map(|k| {
                let near = |at: usize| at.saturating_sub(1)..=(at + 1).min(SIDE - 1);
                let cells: Vec<f32> = near(k / SIDE)
                    .flat_map(|row| near(k % SIDE).map(move |column| row * SIDE + column))
                    .map(|k| values[k])
                    .collect();
                join(&cells)
            })
            .collect()
    };
    let largest = around(grid, |cells| cells.iter().copied().fold(0.0, f32::max));
    around(&largest, |cells| cells.iter().sum::<f32>() / cells.len() as f32)
}

/// A grid's value at a place in fractions of the frame.
fn bilinear(grid: &[f32], place: [f32; 2]) -> f32 {
    let [x, y] = place.map(|v| (v * SIDE as f32 - 0.5).clamp(0.0, SIDE as f32 - 1.0));
    let (left, upper) = (x as usize, y as usize);
    let (right, lower) = ((left + 1).min(SIDE - 1), (upper + 1).min(SIDE - 1));
    let mix = |a: f32, b: f32, share: f32| a + (b - a) * share;
    let row = |row: usize| mix(grid[row * SIDE + left], grid[row * SIDE + right], x - left as f32);
    mix(row(upper), row(lower), y - upper as f32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Size;

    /// The subject fills the left half.
    fn half() -> Mask {
        let size = Size { width: 64, height: 32 };
        Mask { size, values: (0..size.pixels()).map(|k| if k % 64 < 32 { 1.0 } else { 0.0 }).collect() }
    }

    #[test]
    fn only_the_part_that_was_chosen_is_bent() {
        let field = || WarpField::new(SIDE, SIDE, vec![[0.01, 0.0]; SIDE * SIDE]).expect("finite");
        for (part, left, right) in [(Part::Subject, 0.01, 0.0), (Part::Background, 0.0, 0.01)] {
            let confined = Confiner::default().run(field(), &half(), part, FrameTime::ZERO);
            assert!((confined.sample([0.2, 0.5])[0] - left).abs() < 1e-4, "{part:?}");
            assert!((confined.sample([0.8, 0.5])[0] - right).abs() < 1e-4, "{part:?}");
        }
        assert_eq!(Confiner::default().run(field(), &half(), Part::All, FrameTime::ZERO), field());
    }

    #[test]
    fn a_mask_that_jumps_does_not_make_the_warp_jump() {
        let field = || WarpField::new(SIDE, SIDE, vec![[0.01, 0.0]; SIDE * SIDE]).expect("finite");
        let mut confiner = Confiner::default();
        let none = Mask { values: vec![0.0; half().values.len()], ..half() };
        let mut at = |mask: &Mask, millis: i64| {
            let time = FrameTime::from_nanos(millis * 1_000_000);
            confiner.run(field(), mask, Part::Subject, time).sample([0.2, 0.5])[0]
        };
        assert!((at(&half(), 0) - 0.01).abs() < 1e-4);
        let seen: Vec<_> = (1..40).map(|k| at(&none, 33 * k)).collect();
        assert!(
            seen[0] > 0.007 && seen.windows(2).all(|pair| pair[1] <= pair[0]) && seen[38] < 1e-4,
            "{seen:?}"
        );
    }
}
