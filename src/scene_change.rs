//! A glance at a picture: a few pixels, enough to tell one scene from another, and cheap
//! enough for every frame. The warp has a finer judge in [`crate::warp::shots`], which sees the
//! frames that are analysed.

use crate::frame::Size;

const ACROSS: usize = 32;
const DOWN: usize = 18;
/// Mean difference, of the full range, above which it is another scene.
const CUT: f32 = 0.12;

/// Colours of 32x18 places.
pub(crate) struct SceneSignature(Vec<u8>);

impl SceneSignature {
    /// Of packed RGBA.
    pub(crate) fn of(pixels: &[u8], size: Size) -> Self {
        let (w, h) = (size.width as usize, size.height as usize);
        let places = (0..DOWN * ACROSS).map(|k| (k % ACROSS, k / ACROSS));
        let at = |(x, y): (usize, usize)| (y * h / DOWN * w + x * w / ACROSS) * 4;
        Self(places.map(at).flat_map(|at| &pixels[at..at + 3]).copied().collect())
    }

    /// Whether `next` shows the same scene.
    pub(crate) fn continues(&self, next: &Self) -> bool {
        self.difference(next) < CUT
    }

    /// Mean difference, 0..=1.
    pub(crate) fn difference(&self, next: &Self) -> f32 {
        let sum: u32 = self.0.iter().zip(&next.0).map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
        sum as f32 / (255 * self.0.len()) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glance_tells_a_cut_from_a_move() {
        let picture = |shift: usize| -> Vec<u8> {
            (0..64 * 36).flat_map(|k| [((k % 64 + shift) * 3) as u8, (k / 64 * 5) as u8, 90, 255]).collect()
        };
        let glance = |pixels: &[u8]| SceneSignature::of(pixels, Size { width: 64, height: 36 });
        assert!(glance(&picture(0)).continues(&glance(&picture(2))));
        let inverted: Vec<u8> = picture(0).iter().map(|value| 255 - value).collect();
        assert!(!glance(&picture(0)).continues(&glance(&inverted)));
    }
}
