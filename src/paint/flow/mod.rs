//! How the picture moved since the frame before, for the stages that paint: they
//! carry strokes along with it. Where there was no frame before, a cut, a pause
//! or another size, there is no motion, and nothing is carried over.

use crate::frame::{Frame, Size};
use crate::scene_change::SceneSignature;
use crate::time::FrameTime;

mod dis;

use dis::{MotionEvidence, Pyramid};

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
    flow: Vec<[f32; 2]>,
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
    pub(crate) fn rows(&self, size: Size) -> ScaledRows<'_> {
        let OpticalFlow { across, down, flow, .. } = self.motion;
        ScaledRows { pitch: self.pitch, rows: GridRows::new(flow, [*across, *down], self.pitch, size) }
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

/// The values of a coarse grid at every pixel, bilinear as [`between`] has it, a row at a time.
pub(crate) struct GridRows<'a, const N: usize> {
    grid: &'a [[f32; N]],
    down: usize,
    pitch: f32,
    /// For every column the cells around it, and the second one's share.
    columns: Vec<(u32, u32, f32)>,
    across: usize,
}

impl<'a, const N: usize> GridRows<'a, N> {
    /// A grid of `across` x `down` cells, so many pixels to a cell, under a picture of this size.
    pub(crate) fn new(grid: &'a [[f32; N]], [across, down]: [usize; 2], pitch: [f32; 2], size: Size) -> Self {
        let column = |x: u32| {
            let [left, right, share] = between(x as f32, pitch[0], across);
            (left as u32, right as u32, share)
        };
        Self { grid, down, pitch: pitch[1], columns: (0..size.width).map(column).collect(), across }
    }

    /// The values along a row of pixels; `out` is filled anew.
    pub(crate) fn row(&self, y: usize, out: &mut Vec<[f32; N]>) {
        let [upper, lower, share] = between(y as f32, self.pitch, self.down);
        let of = |row: f32| &self.grid[row as usize * self.across..][..self.across];
        let (upper, lower) = (of(upper), of(lower));
        out.clear();
        out.extend(self.columns.iter().map(|&(left, right, along)| {
            let at = |column: u32| mix(upper[column as usize], lower[column as usize], share);
            mix(at(left), at(right), along)
        }));
    }
}

/// The two cells of a coarser grid around a place (0 is the middle of the first pixel) along one axis, and
/// the second one's share; `pitch` is in pixels to a cell. Beyond the edge, the edge.
#[inline(always)]
fn between(place: f32, pitch: f32, cells: usize) -> [f32; 3] {
    let last = (cells - 1) as f32;
    let at = ((place + 0.5) / pitch - 0.5).clamp(0.0, last);
    let first = at.floor();
    [first, (first + 1.0).min(last), at - first]
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

#[inline(always)]
fn mix<const N: usize>(a: [f32; N], b: [f32; N], share: f32) -> [f32; N] {
    let mut mixed = [0.0; N];
    for k in 0..N {
        mixed[k] = a[k] + (b[k] - a[k]) * share;
    }
    mixed
}

/// The stage that follows the picture. It looks only back, so it delays nothing.
#[derive(Default)]
pub struct FlowEstimator {
    past: Option<Past>,
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
        let pyramid = Pyramid::new(&frame.pixels, width, height, block);
        let glance = SceneSignature::of(&frame.pixels, size);
        let mut proof = MotionEvidence::default();
        let motion = self.past.take().and_then(|mut past| {
            let secs = (time - past.time).as_secs_f64();
            let goes_on = secs > 0.0 && secs < GAP && past.size == size && past.glance.continues(&glance);
            let [across, down] = pyramid.size();
            goes_on.then(|| {
                let flow = pyramid.flow_from(&past.pyramid, &mut past.proof, secs);
                proof = past.proof;
                OpticalFlow { secs, size, block, across, down, flow }
            })
        });
        self.past = Some(Past { time, size, glance, pyramid, proof });
        motion
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
                shifts.rows(size).row(y, &mut row);
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
