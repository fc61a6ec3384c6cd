//! The part of the frame that the networks look at.
//!
//! They see 256x256 pixels and know subjects from half to twice the exemplar's
//! size. A head before a webcam is often a fifth of the frame: a few cells, with
//! nothing left to tell a nose from a mouth, and squeezed by the frame's aspect
//! on top. So they look through a window that shows the subject as the exemplar
//! shows its own: as large, as wide. The first frame of a shot is searched, from
//! the whole frame inwards; later the window stays where it is until the subject
//! has left it by `Roi::SLACK`, because a window that moves with every frame
//! would make the features tremble.

use crate::frame::Size;
use crate::warp::similarity::Similarity;

/// A window into the frame, in fractions of it; never empty, never outside.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Roi {
    /// Left edge.
    pub left: f32,
    /// Upper edge.
    pub top: f32,
    /// Width.
    pub width: f32,
    /// Height.
    pub height: f32,
}

impl Roi {
    /// The whole frame.
    pub const FULL: Self = Self { left: 0.0, top: 0.0, width: 1.0, height: 1.0 };

    /// The window's size over the exemplar's, as the pose lays it into the frame.
    const ROOM: f32 = 1.25;
    /// Smallest side: a smaller subject has too few pixels of its own.
    const LEAST: f32 = 0.08;
    /// How far a window may be off, in its own sizes, before it is moved.
    const SLACK: f32 = 0.15;

    /// The window in which the subject fills as much as it does in the exemplar.
    pub fn around(pose: &Similarity, exemplar_aspect: f32, frame_aspect: f32) -> Self {
        let [x, y] = pose.apply([0.5 * exemplar_aspect, 0.5]);
        let height = Self::ROOM * pose.scale();
        let (left, width) = span(x / frame_aspect, height * exemplar_aspect / frame_aspect);
        let (top, height) = span(y, height);
        Self { left, top, width, height }
    }

    /// Whether `wanted` is so different that it should be looked through instead.
    pub fn outside_hysteresis(&self, wanted: &Self) -> bool {
        let off = |own: f32, other: f32, size: f32| (own - other).abs() > Self::SLACK * size;
        off(self.left, wanted.left, self.width)
            || off(self.top, wanted.top, self.height)
            || off(self.left + self.width, wanted.left + wanted.width, self.width)
            || off(self.top + self.height, wanted.top + wanted.height, self.height)
    }

    /// Fractions of the window to fractions of the frame.
    pub fn frame_from_view(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        [self.left + x * self.width, self.top + y * self.height]
    }

    /// Left, top, width and height in pixels of a frame.
    pub fn pixels(&self, size: Size) -> [f64; 4] {
        let (width, height) = (f64::from(size.width), f64::from(size.height));
        let along = |from: f32, long: f32, pixels: f64| {
            let from = (f64::from(from) * pixels).clamp(0.0, pixels - 1.0);
            (from, (f64::from(long) * pixels).clamp(1.0, pixels - from))
        };
        let (left, wide) = along(self.left, self.width, width);
        let (top, high) = along(self.top, self.height, height);
        [left, top, wide, high]
    }
}

/// A stretch of length `size` about `middle`, moved and shortened to fit into 0..1.
fn span(middle: f32, size: f32) -> (f32, f32) {
    let size = size.clamp(Roi::LEAST, 1.0);
    ((middle - size / 2.0).clamp(0.0, 1.0 - size), size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn frames_the_subject_as_the_exemplar_does() {
        let pose = Similarity { turn: [0.4, 0.0], shift: [0.8, 0.3] };
        let view = Roi::around(&pose, 0.75, 16.0 / 9.0);
        assert!((view.height - 0.5).abs() < 1e-6);
        assert!((view.width * 16.0 / 9.0 / view.height - 0.75).abs() < 1e-5, "the exemplar's aspect");
        let middle = view.frame_from_view([0.5, 0.5]);
        assert!((middle[1] - 0.5).abs() < 1e-6 && (middle[0] * 16.0 / 9.0 - 0.95).abs() < 1e-5);
    }

    #[test]
    fn small_moves_are_let_pass_and_large_ones_are_not() {
        let view = Roi { left: 0.2, top: 0.2, width: 0.4, height: 0.4 };
        assert!(!view.outside_hysteresis(&Roi { left: 0.25, ..view }));
        assert!(view.outside_hysteresis(&Roi { left: 0.3, ..view }));
        assert!(view.outside_hysteresis(&Roi::FULL));
    }

    proptest! {
        #[test]
        fn never_leaves_the_frame(turn in [-5f32..5.0, -5f32..5.0], shift in [-9f32..9.0, -9f32..9.0], aspect in 0.05f32..20.0) {
            let view = Roi::around(&Similarity { turn, shift }, 0.7, aspect);
            prop_assert!(view.left >= 0.0 && view.top >= 0.0 && view.width > 0.0 && view.height > 0.0);
            prop_assert!(view.left + view.width <= 1.0 + 1e-6 && view.top + view.height <= 1.0 + 1e-6);
            let size = Size { width: 7, height: 5 };
            let [left, top, wide, high] = view.pixels(size);
            prop_assert!(left >= 0.0 && top >= 0.0 && left + wide <= 7.0 + 1e-9 && top + high <= 5.0 + 1e-9);
        }
    }
}
