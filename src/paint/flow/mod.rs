//! How the picture moved since the frame before, for the stages that paint: they
//! carry strokes along with it. Where there was no frame before, a cut, a pause
//! or another size, there is no motion, and nothing is carried over.

use crate::frame::pool::{Buffer, Pool};
use crate::frame::{Frame, Size};
use crate::scene_change::SceneSignature;
use crate::time::FrameTime;

mod dis;
mod grid;

use dis::{MotionEvidence, Pyramid, Room};
pub(crate) use grid::{GridColumns, GridRows};
use grid::{between, mix};

/// Lines at which the flow is found; more would cost more than painting does.
const FLOW_LINES: usize = 180;
/// Seconds without a frame after which the past is forgotten.
const GAP: f64 = 0.5;

/// The dense flow from one frame back to the one before.
#[derive(Debug, Clone)]
pub struct OpticalFlow {
    secs: f64,
    size: Size,
    block: usize,
    across: usize,
    down: usize,
    flow: Buffer<[f32; 2]>,
}

impl OpticalFlow {
    /// Seconds between the two frames.
    pub fn secs(&self) -> f64 {
        self.secs
    }

    /// The same for a copy of the frame of another size.
    pub(crate) fn on(&self, size: Size) -> ScaledFlow<'_> {
        let scale = |own: u32, other: u32| self.block as f32 * other as f32 / own as f32;
        let pitch = [scale(self.size.width, size.width), scale(self.size.height, size.height)];
        ScaledFlow { motion: self, pitch }
    }
}

/// Shifts in pixels of some size.
#[derive(Clone, Copy)]
pub(crate) struct ScaledFlow<'a> {
    motion: &'a OpticalFlow,
    /// Pixels to a cell of the flow.
    pitch: [f32; 2],
}

impl ScaledFlow<'_> {
    /// How far from a place (0 is the middle of the first pixel) what is there was before.
    #[inline(always)]
    pub(crate) fn at(&self, x: f32, y: f32) -> [f32; 2] {
        let OpticalFlow { across, down, flow, .. } = self.motion;
        let [left, right, share_x] = between(x, self.pitch[0], *across);
        let [upper, lower, share_y] = between(y, self.pitch[1], *down);
        let at = |row: f32, column: f32| flow[row as usize * across + column as usize];
        let top = mix(at(upper, left), at(upper, right), share_x);
        let bottom = mix(at(lower, left), at(lower, right), share_x);
        let [shift_x, shift_y] = mix(top, bottom, share_y);
        [shift_x * self.pitch[0], shift_y * self.pitch[1]]
    }

    /// The same for whole rows of a picture of this size.
    pub(crate) fn rows<'a>(&'a self, size: Size, columns: &'a mut GridColumns) -> ScaledRows<'a> {
        let OpticalFlow { across, down, flow, .. } = self.motion;
        let rows = GridRows::new(flow, [*across, *down], self.pitch, size, columns);
        ScaledRows { pitch: self.pitch, rows }
    }
}

/// Shifts of whole rows.
pub(crate) struct ScaledRows<'a> {
    pitch: [f32; 2],
    rows: GridRows<'a, 2>,
}

impl ScaledRows<'_> {
    /// The shifts of a row's pixels; `out` is filled anew.
    pub(crate) fn row(&self, y: usize, out: &mut Vec<[f32; 2]>) {
        self.rows.row(y, out);
        out.iter_mut().for_each(|shift| *shift = [shift[0] * self.pitch[0], shift[1] * self.pitch[1]]);
    }
}

/// Weights of Catmull-Rom's spline for the four places around one that lies `t`, 0..=1, between the middle two:
/// what is carried on from frame to frame would be blurred away by bilinear ones.
#[inline(always)]
pub(crate) fn cubic(t: f32) -> [f32; 4] {
    // Of each power, for all four: one straight loop.
    const CUBE: [f32; 4] = [-0.5, 1.5, -1.5, 0.5];
    const SQUARE: [f32; 4] = [1.0, -2.5, 2.0, -0.5];
    const LINE: [f32; 4] = [-0.5, 0.0, 0.5, 0.0];
    const ONE: [f32; 4] = [0.0, 1.0, 0.0, 0.0];
    let mut weights = [0.0; 4];
    for k in 0..4 {
        weights[k] = ((CUBE[k] * t + SQUARE[k]) * t + LINE[k]) * t + ONE[k];
    }
    weights
}

/// The stage that follows the picture. It looks only back, so it delays nothing.
#[derive(Default)]
pub struct FlowEstimator {
    past: Option<Past>,
    /// Of the frame before the last, for the next one.
    spare: Pyramid,
    room: Room,
    flows: Pool<[f32; 2]>,
}

/// The frame before.
struct Past {
    time: FrameTime,
    size: Size,
    glance: SceneSignature,
    pyramid: Pyramid,
    proof: MotionEvidence,
}

impl FlowEstimator {
    /// How the picture came to this frame, if it is the one before, moved. Of two frames, the
    /// later comes later.
    pub fn run(&mut self, frame: &Frame) -> Option<OpticalFlow> {
        let (size, time) = (frame.size, frame.time);
        let (width, height) = (size.width as usize, size.height as usize);
        let block = width.min(height).div_ceil(FLOW_LINES);
        let mut pyramid = std::mem::take(&mut self.spare);
        pyramid.fill(&frame.pixels, [width, height], block, &self.room);
        let glance = SceneSignature::of(&frame.pixels, size);
        let mut proof = MotionEvidence::default();
        let motion = self.past.take().and_then(|mut past| {
            let secs = (time - past.time).as_secs_f64();
            let goes_on = secs > 0.0 && secs < GAP && past.size == size && past.glance.continues(&glance);
            let [across, down] = pyramid.size();
            let motion = goes_on.then(|| {
                let mut flow = self.flows.take();
                pyramid.flow_from(&past.pyramid, &mut past.proof, secs, &mut self.room, &mut flow);
                proof = past.proof;
                OpticalFlow { secs, size, block, across, down, flow }
            });
            self.spare = past.pyramid;
            motion
        });
        self.past = Some(Past { time, size, glance, pyramid, proof });
        motion
    }

    /// Forgets what was before, but keeps its room to work in.
    pub(crate) fn forget(&mut self) {
        if let Some(past) = self.past.take() {
            self.spare = past.pyramid;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(size: (u32, u32), shift: f32, millis: u64) -> Frame {
        let size = Size { width: size.0, height: size.1 };
        let mut frame = Frame::filled(size, FrameTime::from_secs_f64(millis as f64 / 1e3), [0, 0, 0, 255]);
        for (k, pixel) in frame.pixels.chunks_exact_mut(4).enumerate() {
            let (x, y) = ((k as u32 % size.width) as f32 - shift, (k as u32 / size.width) as f32);
            let waves = (x * 0.12).sin() * (y * 0.1).cos() + (x * 0.03 + y * 0.02).sin();
            pixel[..3].fill((128.0 + 50.0 * waves) as u8);
        }
        frame
    }

    #[test]
    fn shifts_are_in_pixels_of_the_size_asked_for() {
        let mut tracker = FlowEstimator::default();
        assert!(tracker.run(&frame((480, 400), 0.0, 0)).is_none());
        let motion = tracker.run(&frame((480, 400), 6.0, 40)).expect("moved");
        assert!((motion.secs() - 0.04).abs() < 1e-9);
        for (size, expected) in [((480, 400), -6.0), ((240, 200), -3.0), ((960, 800), -12.0)] {
            let size = Size { width: size.0, height: size.1 };
            let [x, y] = motion.on(size).at(size.width as f32 / 2.0, size.height as f32 / 2.0);
            assert!((x / expected - 1.0).abs() < 0.1 && y.abs() < 0.3, "({x}, {y}) at {size}");
        }
    }

    #[test]
    fn rows_are_what_single_places_are() {
        let mut tracker = FlowEstimator::default();
        tracker.run(&frame((200, 120), 0.0, 0));
        let motion = tracker.run(&frame((200, 120), 4.0, 40)).expect("moved");
        for size in [Size { width: 200, height: 120 }, Size { width: 77, height: 301 }] {
            let (shifts, mut row) = (motion.on(size), Vec::new());
            for y in [0, 13, size.height as usize - 1] {
                shifts.rows(size, &mut GridColumns::default()).row(y, &mut row);
                assert_eq!(row.len(), size.width as usize);
                for (x, found) in row.iter().enumerate() {
                    let wanted = shifts.at(x as f32, y as f32);
                    assert!((0..2).all(|k| (found[k] - wanted[k]).abs() < 1e-4), "{found:?}, not {wanted:?}");
                }
            }
        }
    }

    #[test]
    fn cuts_pauses_and_other_sizes_are_no_motion() {
        let mut tracker = FlowEstimator::default();
        let plain = |millis| frame((160, 120), 0.0, millis);
        let mut inverted = plain(80);
        inverted.pixels.iter_mut().for_each(|value| *value = 255 - *value);
        assert!(tracker.run(&plain(0)).is_none());
        assert!(tracker.run(&plain(40)).is_some());
        assert!(tracker.run(&inverted).is_none(), "a cut");
        assert!(tracker.run(&plain(120)).is_none(), "and back");
        assert!(tracker.run(&plain(1120)).is_none(), "a pause");
        assert!(tracker.run(&plain(1120)).is_none(), "no time has passed");
        assert!(tracker.run(&frame((120, 160), 0.0, 1160)).is_none(), "another size");
    }
}
