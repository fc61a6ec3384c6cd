//! Subject and background while a film goes on: bends only one of them, and cuts the subject out for the compositor.

use crate::engine::EngineConfig;
use crate::error::Result;
use crate::frame::Frame;
use crate::paint::composite::Painting;
use crate::paint::flow::OpticalFlow;
use crate::paint::subject::backdrop::BackdropMaker;
use crate::paint::subject::finder::SubjectFinder;
use crate::paint::subject::steady::MaskStabilizer;
use crate::paint::subject::{Cutout, Mask, Part, Regions};
use crate::resize::Pixels;
use crate::time::FrameTime;
use crate::warp::field::WarpField;
use crate::warp::remap::Remap;

/// Side of the grid on which a warp is confined, as that of its field.
const SIDE: usize = 32;
/// Seconds in which the confines follow the mask, and without a frame after which they do so at once.
const MEMORY: f64 = 0.15;
const GAP: f64 = 0.5;

/// Tells the subject from the background.
pub(super) struct Cutter {
    finder: SubjectFinder,
    steady: MaskStabilizer,
    backdrop: BackdropMaker,
    /// Where a warp may act, at the frame before.
    confines: Option<(FrameTime, Vec<f32>)>,
    pub(super) regions: Regions,
}

impl Cutter {
    /// Loads nothing before a mask is wanted.
    pub(super) fn new(config: &EngineConfig, regions: Regions) -> Self {
        Self {
            finder: SubjectFinder::new(config.models.clone(), config.device),
            steady: MaskStabilizer::default(),
            backdrop: BackdropMaker::default(),
            confines: None,
            regions,
        }
    }

    /// Where the subject is in a frame that is still unbent; `None` if nobody needs or knows it.
    pub(super) fn find(&mut self, frame: &Frame, field: &WarpField) -> Result<Option<Mask>> {
        let mask = if self.regions.need_mask() { self.finder.run(frame, field.subject())? } else { None };
        if mask.is_none() {
            self.steady.reset();
            self.confines = None;
        }
        Ok(mask)
    }

    /// Begins anew: after a cut.
    pub(super) fn forget(&mut self) {
        self.steady.reset();
        self.confines = None;
    }

    /// Why what was asked for cannot be done, and what to do about it.
    pub(super) fn notice(&self) -> Option<&str> {
        self.finder.notice().filter(|_| self.regions.need_mask())
    }

    /// The field where it may act.
    pub(super) fn confine(&mut self, field: WarpField, mask: &Mask, time: FrameTime) -> WarpField {
        if self.regions.warp == Part::All || field.is_identity() {
            return field;
        }
        let mut grid = widened(&mask.blocks(SIDE, SIDE));
        if let Some((before, past)) = &self.confines
            && (0.0..GAP).contains(&(time - *before).as_secs_f64())
        {
            let keep = (-(time - *before).as_secs_f64() / MEMORY).exp() as f32;
            grid.iter_mut().zip(past).for_each(|(now, past)| *now += (past - *now) * keep);
        }
        let [inside, outside] = self.regions.warp.shares();
        let confined = field.confined(|place| outside + (inside - outside) * bilinear(&grid, place));
        self.confines = Some((time, grid));
        confined
    }

    /// What the compositor needs of a bent frame, whose mask is bent alike.
    pub(super) fn cut(
        &mut self,
        warped: &Frame,
        mask: Mask,
        painting: Option<&Painting>,
        motion: Option<&OpticalFlow>,
    ) -> Result<Cutout> {
        let (size, pixels) = self.steady.run(warped, mask, motion)?;
        let paint = self.regions.paint.shares();
        let painted = painting.filter(|_| paint[1] > 0.0);
        let painted = painted.map(|painting| Pixels { bytes: &painting.painted, size: painting.size });
        let behind = self.backdrop.run(&self.regions.backdrop, warped.size, (size, &pixels), painted)?;
        Ok(Cutout { size, pixels, paint, behind })
    }
}

/// The mask, bent as the frame is.
pub(super) fn bent(mask: Mask, field: &WarpField, remap: &mut Remap, time: FrameTime) -> Result<Mask> {
    if field.is_identity() {
        return Ok(mask);
    }
    let picture = Frame { size: mask.size, time, pixels: mask.to_rgba() };
    Ok(Mask::from_rgba(mask.size, &remap.run(picture, field)?.pixels))
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

    fn cutter(warp: Part) -> Cutter {
        Cutter::new(&EngineConfig::default(), Regions { warp, ..Regions::default() })
    }

    #[test]
    fn only_the_part_that_was_chosen_is_bent() {
        let field = || WarpField::new(SIDE, SIDE, vec![[0.01, 0.0]; SIDE * SIDE]).expect("finite");
        for (part, left, right) in [(Part::Subject, 0.01, 0.0), (Part::Background, 0.0, 0.01)] {
            let confined = cutter(part).confine(field(), &half(), FrameTime::ZERO);
            assert!((confined.sample([0.2, 0.5])[0] - left).abs() < 1e-4, "{part:?}");
            assert!((confined.sample([0.8, 0.5])[0] - right).abs() < 1e-4, "{part:?}");
        }
        assert_eq!(cutter(Part::All).confine(field(), &half(), FrameTime::ZERO), field());
    }

    #[test]
    fn a_mask_that_jumps_does_not_make_the_warp_jump() {
        let field = || WarpField::new(SIDE, SIDE, vec![[0.01, 0.0]; SIDE * SIDE]).expect("finite");
        let mut cutter = cutter(Part::Subject);
        let none = Mask { values: vec![0.0; half().values.len()], ..half() };
        let mut at = |mask: &Mask, millis: i64| {
            let time = FrameTime::from_nanos(millis * 1_000_000);
            cutter.confine(field(), mask, time).sample([0.2, 0.5])[0]
        };
        assert!((at(&half(), 0) - 0.01).abs() < 1e-4);
        let seen: Vec<_> = (1..40).map(|k| at(&none, 33 * k)).collect();
        assert!(
            seen[0] > 0.007 && seen.windows(2).all(|pair| pair[1] <= pair[0]) && seen[38] < 1e-4,
            "{seen:?}"
        );
    }
}
