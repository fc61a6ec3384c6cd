//! Holds the brushwork still: what was painted before moves along with the
//! picture, and a new painting comes in only gradually where the picture is the
//! same as before.
//!
//! Where the earlier frame, moved, does not look like this one (something was
//! hidden, the light changed), or there is no motion at all (a cut), the new
//! painting shows at once: nothing is smeared. What strokes lose by being mixed
//! they get back in part (`contrast.rs`). It looks only back, so it delays nothing.

use rayon::prelude::*;

use crate::frame::{Frame, Size};
use crate::paint::composite::Painting;
use crate::paint::flow::{OpticalFlow, ScaledFlow};
use crate::paint::variance;

/// Seconds after which 63 % of a still picture's painting is new.
const MEMORY: f64 = 0.4;
/// Shifts so near to whole pixels are taken as whole: what stands still is copied, not blurred. Not much
/// more: a slow pan moves by a tenth of a pixel a frame.
const WHOLE: f32 = 0.06;
/// Colour difference, 0..=255 root mean square, at which the past counts half; from there it falls fast.
const TOLERANCE: f32 = 16.0;

/// The steadying stage.
#[derive(Default)]
pub struct TemporalStabilizer {
    past: Option<Past>,
}

/// The frame before.
struct Past {
    size: Size,
    guide: Vec<u8>,
    /// What was shown, red, green, blue and nothing, 0..=255.
    shown: Vec<[f32; 4]>,
}

impl TemporalStabilizer {
    /// Steadies the painting of a frame that came from the one before by this motion, 0..=1;
    /// without one it stays as it is.
    pub fn run(
        &mut self,
        frame: &Frame,
        painting: &mut Painting,
        motion: Option<&OpticalFlow>,
        strength: f32,
    ) {
        let size = painting.size;
        let guide = painting.guide.as_deref().unwrap_or(&frame.pixels);
        let colours = |p: &[u8]| [f32::from(p[0]), f32::from(p[1]), f32::from(p[2]), 0.0];
        let mut shown: Vec<_> = painting.painted.chunks_exact(4).map(colours).collect();
        if let (Some(motion), Some(past)) = (motion, self.past.take().filter(|past| past.size == size)) {
            let keep = strength * (-motion.secs() / MEMORY).exp() as f32;
            past.show_through(&mut shown, guide, motion.on(size), keep);
            variance::restore(&mut shown, &painting.painted, size);
            for (pixel, shown) in painting.painted.chunks_exact_mut(4).zip(&shown) {
                for (value, shown) in pixel.iter_mut().zip(&shown[..3]) {
                    *value = (shown + 0.5) as u8;
                }
            }
        }
        self.past = Some(Past { size, guide: guide.to_vec(), shown });
    }
}

impl Past {
    /// Lays the past, moved, over the present where they look alike.
    fn show_through(&self, shown: &mut [[f32; 4]], guide: &[u8], shifts: ScaledFlow<'_>, keep: f32) {
        let width = self.size.width as usize;
        shown.par_chunks_exact_mut(width).zip(guide.par_chunks_exact(width * 4)).enumerate().for_each(
            |(y, (row, guide))| {
                for (x, (shown, guide)) in row.iter_mut().zip(guide.chunks_exact(4)).enumerate() {
                    let (x, y) = (x as f32, y as f32);
                    let [right, down] = shifts.at(x, y).map(whole);
                    let Some(place) = self.place(x + right, y + down) else { continue };
                    let off: f32 = self
                        .looked(place)
                        .iter()
                        .zip(guide)
                        .map(|(before, now)| (before - f32::from(*now)).powi(2))
                        .sum();
                    let share = keep / (1.0 + (off / (3.0 * TOLERANCE * TOLERANCE)).powi(2));
                    let before = self.showed(place);
                    for (shown, before) in shown.iter_mut().zip(before) {
                        *shown = (*shown + (before - *shown) * share).clamp(0.0, 255.0);
                    }
                }
            },
        );
    }

    /// Whole and fractional parts of a position inside the frame.
    fn place(&self, x: f32, y: f32) -> Option<Place> {
        let inside = |at: f32, side: u32| at > -0.5 && at < side as f32 - 0.5;
        (inside(x, self.size.width) && inside(y, self.size.height)).then(|| {
            let (left, top) = (x.floor(), y.floor());
            Place { left: left as i32, top: top as i32, x: x - left, y: y - top }
        })
    }

    /// Index of a pixel; beyond the edge, of the edge's.
    fn index(&self, x: i32, y: i32) -> usize {
        let (width, height) = (self.size.width as i32, self.size.height as i32);
        (y.clamp(0, height - 1) * width + x.clamp(0, width - 1)) as usize
    }

    /// What the painter saw there; bilinear.
    fn looked(&self, Place { left, top, x, y }: Place) -> [f32; 3] {
        let mut sum = [0.0; 3];
        for (row, share_y) in [(top, 1.0 - y), (top + 1, y)] {
            for (column, share_x) in [(left, 1.0 - x), (left + 1, x)] {
                let at = self.index(column, row) * 4;
                for (sum, value) in sum.iter_mut().zip(&self.guide[at..at + 3]) {
                    *sum += share_x * share_y * f32::from(*value);
                }
            }
        }
        sum
    }

    /// What was shown there. Cubic: a bilinear one would blur it away within a few frames.
    fn showed(&self, Place { left, top, x, y }: Place) -> [f32; 4] {
        if (x, y) == (0.0, 0.0) {
            return self.shown[self.index(left, top)];
        }
        let (columns, rows) = (cubic(x), cubic(y));
        let mut sum = [0.0; 4];
        for (share_y, row) in rows.iter().zip(top - 1..) {
            for (share_x, column) in columns.iter().zip(left - 1..) {
                let share = share_x * share_y;
                for (sum, value) in sum.iter_mut().zip(self.shown[self.index(column, row)]) {
                    *sum += share * value;
                }
            }
        }
        sum
    }
}

#[derive(Clone, Copy)]
struct Place {
    left: i32,
    top: i32,
    x: f32,
    y: f32,
}

fn whole(shift: f32) -> f32 {
    let nearest = shift.round();
    if (shift - nearest).abs() < WHOLE { nearest } else { shift }
}

/// Weights of Catmull-Rom's spline.
fn cubic(t: f32) -> [f32; 4] {
    [
        ((2.0 - t) * t - 1.0) * t / 2.0,
        ((3.0 * t - 5.0) * t * t + 2.0) / 2.0,
        ((4.0 - 3.0 * t) * t + 1.0) * t / 2.0,
        (t - 1.0) * t * t / 2.0,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paint::flow::FlowEstimator;
    use crate::paint::recolor::ColorMap;
    use crate::time::FrameTime;

    const SIZE: Size = Size { width: 96, height: 64 };

    fn time(frame: u64) -> FrameTime {
        FrameTime::from_secs_f64(frame as f64 / 25.0)
    }

    /// Blobs moved by some pixels, with a bright square at `square`.
    fn scene(shift: f32, square: Option<usize>) -> Vec<u8> {
        let value = |x: usize, y: usize| {
            let (u, v) = (x as f32 - shift, y as f32);
            (120.0 + 60.0 * (u * 0.25).sin() * (v * 0.2).cos()) as u8
        };
        let in_square = |x: usize, y: usize| {
            square.is_some_and(|left| (left..left + 20).contains(&x) && (20..40).contains(&y))
        };
        (0..64)
            .flat_map(|y| (0..96).map(move |x| (x, y)))
            .flat_map(|(x, y)| if in_square(x, y) { [250, 240, 10, 255] } else { [value(x, y), 80, 60, 255] })
            .collect()
    }

    /// A painting that trembles: the scene's own colours and noise that differs in every frame.
    fn trembling(guide: &[u8], seed: u64) -> Vec<u8> {
        let mut state = seed * 77 + 1;
        guide
            .iter()
            .map(|value| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                value.saturating_add((state >> 59) as u8)
            })
            .collect()
    }

    fn difference(a: &[u8], b: &[u8]) -> f32 {
        let squares: f32 = a.iter().zip(b).map(|(a, b)| f32::from(a.abs_diff(*b)).powi(2)).sum();
        (squares / a.len() as f32).sqrt()
    }

    /// The stage, with what it is given.
    #[derive(Default)]
    struct Rig {
        tracker: FlowEstimator,
        steady: TemporalStabilizer,
    }

    impl Rig {
        /// The painting, steadied.
        fn run(&mut self, guide: &[u8], painted: Vec<u8>, time: FrameTime, strength: f32) -> Vec<u8> {
            let frame = Frame { size: SIZE, time, pixels: guide.to_vec() };
            let motion = self.tracker.run(&frame);
            let mut painting = Painting { size: SIZE, guide: None, painted, colors: ColorMap::IDENTITY };
            self.steady.run(&frame, &mut painting, motion.as_ref(), strength);
            painting.painted
        }
    }

    /// The painting of the last of some frames, steadied, and as it came.
    fn last(scenes: &[Vec<u8>], strength: f32) -> (Vec<u8>, Vec<u8>) {
        let mut rig = Rig::default();
        let mut pair = Default::default();
        for (guide, frame) in scenes.iter().zip(0..) {
            let came = trembling(guide, frame);
            pair = (rig.run(guide, came.clone(), time(frame), strength), came);
        }
        pair
    }

    #[test]
    fn a_trembling_painting_holds_still_and_moves_with_the_picture() {
        for step in [0.0, 0.5, 1.7] {
            let scenes: Vec<_> = (0..12).map(|k| scene(k as f32 * step, None)).collect();
            let truth: Vec<u8> = scenes[11].iter().map(|value| value.saturating_add(16)).collect();
            let (steadied, came) = last(&scenes, 1.0);
            let (after, before) = (difference(&steadied, &truth), difference(&came, &truth));
            assert!(after < 0.6 * before, "moving by {step}: noise of {before} becomes {after}");
        }
    }

    #[test]
    fn what_a_moving_thing_uncovers_is_not_smeared() {
        let scenes: Vec<_> = (0..8).map(|k| scene(0.0, Some(10 + 6 * k))).collect();
        let (steadied, came) = last(&scenes, 1.0);
        // The square was here two frames ago: nothing of its yellow is left.
        for y in 22..38 {
            for x in 41..44 {
                let at = (y * 96 + x) * 4;
                assert!(steadied[at].abs_diff(came[at]) < 40 && steadied[at + 1] < 130, "at {x}, {y}");
            }
        }
    }

    #[test]
    fn cuts_pauses_and_no_strength_show_the_painting_as_it_came() {
        let inverted: Vec<u8> = scene(0.0, None).iter().map(|value| 255 - value).collect();
        let (after_cut, came) = last(&[scene(0.0, None), inverted], 1.0);
        assert!(after_cut == came);
        let (weak, came) = last(&[scene(0.0, None), scene(0.0, None)], 0.0);
        assert!(weak == came);
        let mut rig = Rig::default();
        let guide = scene(0.0, None);
        for (frame, paused) in [(0, true), (1, false), (100, true), (100, true)] {
            let came = trembling(&guide, frame + 5);
            assert_eq!(rig.run(&guide, came.clone(), time(frame), 1.0) == came, paused, "frame {frame}");
        }
    }
}
