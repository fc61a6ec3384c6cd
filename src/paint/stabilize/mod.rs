//! Holds the brushwork still: what was painted before moves along with the
//! picture, and a new painting comes in only gradually where the picture is the
//! same as before.
//!
//! Where the earlier frame, moved, does not look like this one (something was
//! hidden, the light changed), or there is no motion at all (a cut), the new
//! painting shows at once: nothing is smeared. What strokes lose by being mixed
//! they get back in part (`variance.rs`). It looks only back, so it delays nothing.

use crate::frame::Frame;
use crate::paint::composite::Painting;
use crate::paint::flow::OpticalFlow;

mod history;
mod variance;

use history::{Color, History, RowShifts};
use variance::ContrastRoom;

/// Seconds after which 63 % of a still picture's painting is new.
const MEMORY: f64 = 0.4;

/// The steadying stage.
#[derive(Default)]
pub struct TemporalStabilizer {
    past: Option<History>,
    /// Room for the next frame, of the one before the last.
    spare: Vec<Color>,
    shift: RowShifts,
    contrast: ContrastRoom,
}

impl TemporalStabilizer {
    /// Forgets what was before, but keeps its room to work in.
    pub(crate) fn forget(&mut self) {
        if let Some(past) = self.past.take() {
            self.spare = past.shown;
        }
    }

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
        let mut shown = std::mem::take(&mut self.spare);
        shown.resize(size.pixels(), Color::default());
        let past = self.past.take();
        match motion.zip(past.as_ref().filter(|past| past.size == size)) {
            Some((motion, past)) => {
                let keep = strength * (-motion.secs() / MEMORY).exp() as f32;
                past.show_through(
                    &painting.painted,
                    guide,
                    motion.on(size),
                    keep,
                    &mut self.shift,
                    &mut shown,
                );
                variance::restore(&mut shown, &mut painting.painted, size, &mut self.contrast);
            }
            None => history::remember(&painting.painted, &mut shown),
        }
        let mut kept = Vec::new();
        if let Some(past) = past {
            (kept, self.spare) = (past.guide, past.shown);
        }
        kept.clear();
        kept.extend_from_slice(guide);
        self.past = Some(History { size, guide: kept, shown });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Size;
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
            let mut painting = Painting {
                size: SIZE,
                guide: None,
                painted: painted.into(),
                colors: ColorMap::IDENTITY,
                relief: None,
            };
            self.steady.run(&frame, &mut painting, motion.as_ref(), strength);
            painting.painted.to_vec()
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
