//! A glance at a picture: a few pixels, enough to tell one scene from another, and cheap
//! enough for every frame. The warp has a finer judge in [`crate::warp::shots`], which sees the
//! frames that are analysed.
//!
//! A *hard cut* is told here, from two neighbouring pictures and nothing else, so that whoever sees these two
//! finds the same cuts: all memory of warp and paint begins anew at one, which is why a film may be divided
//! there ([`crate::jobs::parts`]).

use crate::frame::{Frame, Size};

const ACROSS: usize = 32;
const DOWN: usize = 18;
/// Mean difference, of the full range, above which it is another scene.
const CUT: f32 = 0.12;
/// Correlation of light and dark above which a picture shows the same things, however much the light changed:
/// a lamp that is switched on leaves more than 0.9, neighbours across a cut have less than 0.4 as a rule.
const SAME_FORMS: f32 = 0.5;

/// Colours of 32x18 places.
#[derive(Debug, Clone)]
pub struct SceneSignature(Vec<u8>);

impl SceneSignature {
    /// Of packed RGBA.
    pub fn of(pixels: &[u8], size: Size) -> Self {
        let (w, h) = (size.width as usize, size.height as usize);
        let places = (0..DOWN * ACROSS).map(|k| (k % ACROSS, k / ACROSS));
        let at = |(x, y): (usize, usize)| (y * h / DOWN * w + x * w / ACROSS) * 4;
        Self(places.map(at).flat_map(|at| &pixels[at..at + 3]).copied().collect())
    }

    /// Whether `next` shows the same scene.
    pub fn continues(&self, next: &Self) -> bool {
        self.difference(next) < CUT
    }

    /// Mean difference, 0..=1.
    pub fn difference(&self, next: &Self) -> f32 {
        let sum: u32 = self.0.iter().zip(&next.0).map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
        sum as f32 / (255 * self.0.len()) as f32
    }

    /// Whether `next` shows other things in other colours: no motion and no change of light leads there.
    pub fn is_cut_from(&self, next: &Self) -> bool {
        !self.continues(next) && self.correlation(next) < SAME_FORMS
    }

    /// Correlation of the luminance, -1..=1; 0 where one of the two is plain.
    fn correlation(&self, other: &Self) -> f32 {
        let lights = |of: &Self| -> Vec<f32> {
            let (pixels, _) = of.0.as_chunks::<3>();
            let lights: Vec<f32> =
                pixels.iter().map(|[r, g, b]| f32::from(*r) + 2.0 * f32::from(*g) + f32::from(*b)).collect();
            let mean = lights.iter().sum::<f32>() / lights.len() as f32;
            lights.into_iter().map(|light| light - mean).collect()
        };
        let (a, b) = (lights(self), lights(other));
        let product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        product(&a, &b) / (product(&a, &a) * product(&b, &b)).sqrt().max(1.0)
    }

    /// Mean colours of the four quarters, R, G, B each: enough to tell whether a decoder gave the picture that
    /// was meant, and coarse enough to forgive it another rounding.
    pub fn quarters(&self) -> [u8; 12] {
        let mut sums = [[0_u32; 3]; 4];
        for (k, pixel) in self.0.as_chunks::<3>().0.iter().enumerate() {
            let quarter = k / ACROSS * 2 / DOWN * 2 + k % ACROSS * 2 / ACROSS;
            (0..3).for_each(|c| sums[quarter][c] += u32::from(pixel[c]));
        }
        let count = (ACROSS * DOWN / 4) as u32;
        std::array::from_fn(|k| (sums[k / 3][k % 3] / count) as u8)
    }
}

/// How a frame follows the one before it.
#[derive(Debug, Clone)]
pub struct Change {
    /// Mean difference, 0..=1; 1 where there is no frame before.
    pub difference: f32,
    /// This frame.
    pub now: SceneSignature,
    /// The frame before, if this one is a hard cut from it.
    pub cut_from: Option<SceneSignature>,
}

/// Compares every frame of a film with the one before it.
#[derive(Debug, Default)]
pub struct ChangeDetector {
    before: Option<SceneSignature>,
}

impl ChangeDetector {
    /// Takes the next frame.
    pub fn run(&mut self, frame: &Frame) -> Change {
        let now = SceneSignature::of(&frame.pixels, frame.size);
        let change = match self.before.take() {
            None => Change { difference: 1.0, now, cut_from: None },
            Some(before) => Change {
                difference: before.difference(&now),
                cut_from: before.is_cut_from(&now).then_some(before),
                now,
            },
        };
        self.before = Some(change.now.clone());
        change
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size { width: 64, height: 36 };

    fn picture(shift: usize) -> Vec<u8> {
        (0..64 * 36).flat_map(|k| [((k % 64 + shift) * 3) as u8, (k / 64 * 5) as u8, 90, 255]).collect()
    }

    fn glance(pixels: &[u8]) -> SceneSignature {
        SceneSignature::of(pixels, SIZE)
    }

    #[test]
    fn a_glance_tells_a_cut_from_a_move_and_from_another_light() {
        let here = glance(&picture(0));
        assert!(here.continues(&glance(&picture(2))) && !here.is_cut_from(&glance(&picture(2))));
        let inverted: Vec<u8> = picture(0).iter().map(|value| 255 - value).collect();
        assert!(!here.continues(&glance(&inverted)) && here.is_cut_from(&glance(&inverted)));
        let brighter: Vec<u8> = picture(0).iter().map(|value| value.saturating_add(50)).collect();
        assert!(!here.continues(&glance(&brighter)) && !here.is_cut_from(&glance(&brighter)));
        // From one plain picture to another there is no form that could be the same.
        let [black, white] = [0, 255].map(|value| glance(&vec![value; 64 * 36 * 4]));
        assert!(black.is_cut_from(&white) && !black.is_cut_from(&black));
    }

    #[test]
    fn quarters_are_means() {
        let pixels: Vec<u8> = (0..64 * 36)
            .flat_map(|k| if k % 64 < 32 { [10, 20, 30, 255] } else { [90, 80, (k / 64) as u8, 255] })
            .collect();
        assert_eq!(glance(&pixels).quarters(), [10, 20, 30, 90, 80, 8, 10, 20, 30, 90, 80, 26]);
    }

    #[test]
    fn the_first_frame_differs_from_all_and_is_no_cut() {
        let mut changes = ChangeDetector::default();
        let frame = |level| Frame::filled(SIZE, crate::time::FrameTime::ZERO, [level, level, level, 255]);
        let first = changes.run(&frame(0));
        assert!(first.difference == 1.0 && first.cut_from.is_none());
        assert_eq!(changes.run(&frame(0)).difference, 0.0);
        assert!(changes.run(&frame(255)).cut_from.is_some());
        assert!(changes.run(&frame(255)).cut_from.is_none());
    }
}
