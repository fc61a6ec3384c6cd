//! Holds the mask still: what it was before moves along with the picture, and a new mask comes in only gradually where
//! the picture is the same as before. It looks only back, so it delays nothing.

use crate::error::Result;
use crate::frame::resize::{Filter, Pixels, Resizer};
use crate::frame::{Frame, Size};
use crate::paint::flow::{GridColumns, OpticalFlow};
use crate::paint::subject::Mask;

/// Seconds after which 63 % of a still picture's mask is new.
const MEMORY: f64 = 0.25;
/// Square of the colour difference, of 255 a channel, at which the mask of before counts a quarter.
const TOLERANCE: f32 = 0.006 * 255.0 * 255.0;

/// The steadying stage.
#[derive(Default)]
pub struct MaskStabilizer {
    past: Option<Past>,
    resizer: Resizer,
}

/// What was shown before.
struct Past {
    guide: Vec<u8>,
    mask: Mask,
}

impl MaskStabilizer {
    /// The frame at the mask's size, packed RGBA, with the steadied mask as its alpha. The mask belongs to the frame;
    /// without a motion it stays as it is.
    ///
    /// # Errors
    /// Returns an error if the frame is torn.
    pub fn run(
        &mut self,
        frame: &Frame,
        mut mask: Mask,
        motion: Option<&OpticalFlow>,
    ) -> Result<(Size, Vec<u8>)> {
        let size = mask.size;
        let pixels = Pixels { bytes: &frame.pixels, size: frame.size };
        let mut guide = self.resizer.pixels(pixels, size, Filter::Box)?;
        if let Some((motion, past)) = motion.zip(self.past.as_ref().filter(|past| past.mask.size == size)) {
            past.show_through(&guide, motion, &mut mask);
        }
        for (pixel, value) in guide.chunks_exact_mut(4).zip(&mask.values) {
            pixel[3] = (value * 255.0 + 0.5) as u8;
        }
        self.past = Some(Past { guide: guide.clone(), mask });
        Ok((size, guide))
    }

    /// Forgets what was before.
    pub fn reset(&mut self) {
        self.past = None;
    }
}

impl Past {
    /// Mixes the mask of before, moved, into a new one.
    fn show_through(&self, guide: &[u8], motion: &OpticalFlow, mask: &mut Mask) {
        let keep = (-motion.secs() / MEMORY).exp() as f32;
        let (width, height) = (mask.size.width as usize, mask.size.height as usize);
        let rows = motion.on(mask.size);
        let (mut columns, mut row) = (GridColumns::default(), Vec::new());
        let shifts = rows.rows(mask.size, &mut columns);
        for y in 0..height {
            shifts.row(y, &mut row);
            for (x, shift) in row.iter().enumerate() {
                let (from_x, from_y) = (x as f32 + shift[0], y as f32 + shift[1]);
                let inside = from_x > -0.5
                    && from_y > -0.5
                    && from_x < width as f32 - 0.5
                    && from_y < height as f32 - 0.5;
                if !inside {
                    continue;
                }
                let k = y * width + x;
                let nearest = (from_y + 0.5) as usize * width + (from_x + 0.5) as usize;
                let colors = guide[4 * k..][..3].iter().zip(&self.guide[4 * nearest..][..3]);
                let off: f32 = colors.map(|(a, b)| (f32::from(*a) - f32::from(*b)).powi(2)).sum();
                let alike = 1.0 / (1.0 + off / TOLERANCE);
                let before = self.at(from_x, from_y);
                let value = &mut mask.values[k];
                *value += (before - *value) * keep * alike * alike;
            }
        }
    }

    /// The mask at a place (0 is the middle of the first pixel), bilinear.
    fn at(&self, x: f32, y: f32) -> f32 {
        let Size { width, height } = self.mask.size;
        let (x, y) = (x.clamp(0.0, width as f32 - 1.0), y.clamp(0.0, height as f32 - 1.0));
        let (left, upper) = (x as usize, y as usize);
        let (right, lower) = ((left + 1).min(width as usize - 1), (upper + 1).min(height as usize - 1));
        let value = |x: usize, y: usize| self.mask.values[y * width as usize + x];
        let mix = |a: f32, b: f32, share: f32| a + (b - a) * share;
        let (share_x, share_y) = (x - left as f32, y - upper as f32);
        mix(
            mix(value(left, upper), value(right, upper), share_x),
            mix(value(left, lower), value(right, lower), share_x),
            share_y,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paint::flow::FlowEstimator;
    use crate::time::FrameTime;

    const SIZE: Size = Size { width: 96, height: 64 };

    /// A bright textured square before a dark ground, moved to the right by some pixels.
    fn scene(frame: u64, shift: f32) -> (Frame, Mask) {
        let is_subject =
            |x: usize, y: usize| (30.0..62.0).contains(&(x as f32 - shift)) && (12..52).contains(&y);
        let pixel = |k: usize| {
            let (x, y) = (k % 96, k / 96);
            let wave = 30.0 * ((x as f32 - shift) * 0.4).sin() * (y as f32 * 0.3).cos();
            let value = if is_subject(x, y) { 190.0 + wave } else { 50.0 + wave / 2.0 };
            [value as u8, value as u8, (value * 0.7) as u8, 255]
        };
        let time = FrameTime::from_secs_f64(frame as f64 / 25.0);
        let values = (0..SIZE.pixels()).map(|k| if is_subject(k % 96, k / 96) { 1.0 } else { 0.0 }).collect();
        (
            Frame { size: SIZE, time, pixels: (0..SIZE.pixels()).flat_map(pixel).collect() },
            Mask { size: SIZE, values },
        )
    }

    /// A mask that trembles by so much.
    fn trembling(mask: &Mask, frame: u64, by: f32) -> Mask {
        let mut state = frame * 77 + 1;
        let mut noise = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 40) as f32 / (1u64 << 24) as f32 - 0.5) * by
        };
        Mask { size: mask.size, values: mask.values.iter().map(|v| (v + noise()).clamp(0.0, 1.0)).collect() }
    }

    fn change(a: &[u8], b: &[u8]) -> f32 {
        let off = a.chunks_exact(4).zip(b.chunks_exact(4)).map(|(a, b)| f32::from(a[3].abs_diff(b[3])));
        off.sum::<f32>() / (a.len() / 4) as f32
    }

    #[test]
    fn a_trembling_mask_is_held_still() {
        let (mut flow, mut steady) = (FlowEstimator::default(), MaskStabilizer::default());
        let (mut before, mut shown, mut given) = (None::<(Vec<u8>, Vec<u8>)>, 0.0, 0.0);
        for k in 0..20 {
            let (frame, mask) = scene(k, 0.0);
            let mask = trembling(&mask, k, 0.6);
            let raw: Vec<u8> = mask.to_rgba();
            let motion = flow.run(&frame);
            let (_, now) = steady.run(&frame, mask, motion.as_ref()).expect("whole");
            if let Some((last, last_raw)) = before.replace((now.clone(), raw.clone()))
                && k > 10
            {
                shown += change(&last, &now);
                given += change(&last_raw, &raw);
            }
        }
        assert!(shown < 0.35 * given, "{shown} of {given}");
    }

    #[test]
    fn a_mask_goes_with_what_moves_and_does_not_lag() {
        let (mut flow, mut steady) = (FlowEstimator::default(), MaskStabilizer::default());
        for k in 0..10 {
            let (frame, mask) = scene(k, 2.0 * k as f32);
            let motion = flow.run(&frame);
            let (_, now) = steady.run(&frame, mask.clone(), motion.as_ref()).expect("whole");
            let off = change(&now, &mask.to_rgba());
            assert!(off < 255.0 * 0.01, "frame {k}: {off}");
        }
    }

    #[test]
    fn after_a_cut_nothing_is_left() {
        let mut steady = MaskStabilizer::default();
        let (frame, mask) = scene(0, 0.0);
        steady.run(&frame, mask, None).expect("whole");
        let (frame, mask) = scene(1, 20.0);
        let (_, now) = steady.run(&frame, mask.clone(), None).expect("whole");
        assert_eq!(change(&now, &mask.to_rgba()), 0.0);
    }
}
