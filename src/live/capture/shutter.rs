//! Tells a closed privacy shutter from a camera that works: its pictures are black, all over and for some time.

use crate::frame::Frame;
use crate::time::FrameTime;

/// A picture without a value above this, 0..=255, shows nothing: sensors tremble a little in the dark.
const BLACK: u8 = 24;
/// One pixel of so many is looked at.
const EVERY: usize = 61;
/// Seconds of black pictures after which it is told: cameras open their eyes slowly.
const PATIENCE: f64 = 2.0;
const TOLD: &str =
    "the camera gives black pictures: is its privacy shutter closed, its cover on, or the light off?";

/// Watches pictures for a shutter.
#[derive(Default)]
pub(super) struct Shutter {
    /// Since when pictures are black.
    since: Option<FrameTime>,
}

impl Shutter {
    /// What is to be told of a picture and those before it.
    pub(super) fn run(&mut self, frame: &Frame) -> Option<&'static str> {
        let mut looked_at = frame.pixels.as_chunks::<4>().0.iter().step_by(EVERY);
        if looked_at.any(|[red, green, blue, _]| *red.max(green).max(blue) > BLACK) {
            self.since = None;
            return None;
        }
        let since = *self.since.get_or_insert(frame.time);
        ((frame.time - since).as_secs_f64() > PATIENCE).then_some(TOLD)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Size;

    fn told(shutter: &mut Shutter, secs: f64, value: u8) -> bool {
        let size = Size { width: 64, height: 36 };
        let frame = Frame::filled(size, FrameTime::from_secs_f64(secs), [value, value, value, 255]);
        shutter.run(&frame).is_some()
    }

    #[test]
    fn black_pictures_are_told_after_a_while_and_light_ends_it() {
        let mut shutter = Shutter::default();
        assert!(!told(&mut shutter, 0.0, 3) && !told(&mut shutter, 1.9, 0) && told(&mut shutter, 2.1, 7));
        assert!(!told(&mut shutter, 2.2, 60), "a dim room");
        assert!(!told(&mut shutter, 3.0, 3) && told(&mut shutter, 6.0, 3));
    }

    #[test]
    fn a_small_light_in_the_dark_is_a_picture() {
        let size = Size { width: 640, height: 360 };
        let mut shutter = Shutter::default();
        for secs in [0.0, 5.0] {
            let mut frame = Frame::filled(size, FrameTime::from_secs_f64(secs), [0, 0, 0, 255]);
            // 20 x 20 pixels.
            (100..120).for_each(|y| frame.pixels[(y * 640 + 300) * 4..][..80].fill(200));
            assert_eq!(shutter.run(&frame), None);
        }
    }
}
