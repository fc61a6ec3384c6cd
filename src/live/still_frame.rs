//! The camera's last picture, which is painted again while it stands still and something else changes.
//!
//! Freezing stops the camera, not the painting: a look, a dial or a mask that changes is seen on the frozen picture, and
//! on the last one of a camera that was lost. What is smoothed in time takes a moment to arrive, so it is painted again
//! until then, and rests afterwards.

use std::sync::Arc;

use crate::frame::Frame;
use crate::live::controls::ControlState;
use crate::time::FrameTime;

/// Seconds without a picture after which it stands still, though nobody froze it.
const LOST: f64 = 0.5;
/// Seconds that all of a change takes to be seen: strokes, colours, the mask.
const SETTLE: f64 = 1.5;
/// Seconds after which nothing is waited for any more.
const LONGEST: f64 = 15.0;

/// The last picture, and how it was last drawn.
#[derive(Default)]
pub(super) struct StillFrame {
    /// As the camera gave it, and when it came.
    last: Option<(Arc<Frame>, FrameTime)>,
    drawn: Option<ControlState>,
    /// When something changed last.
    changed: FrameTime,
}

impl StillFrame {
    /// Remembers a picture of the camera, and how it is drawn.
    pub(super) fn put(&mut self, frame: &Arc<Frame>, state: &ControlState, now: FrameTime) {
        self.last = Some((frame.clone(), now));
        self.draws(state, now);
    }

    /// The last picture with the time of now, if it stands still and has to be drawn again; `analyzed` is the time of
    /// the last picture whose field is known.
    pub(super) fn again(
        &mut self,
        state: &ControlState,
        analyzed: Option<FrameTime>,
        now: FrameTime,
    ) -> Option<Arc<Frame>> {
        let (frame, came) = self.last.as_ref()?;
        let frame = frame.clone();
        if !state.frozen && (now - *came).as_secs_f64() < LOST {
            return None;
        }
        self.draws(state, now);
        let seen = |time: FrameTime| (time - self.changed).as_secs_f64();
        let is_settled = seen(now) > SETTLE && analyzed.is_some_and(|time| seen(time) > SETTLE);
        (!is_settled && seen(now) < LONGEST).then(|| Arc::new(Frame { time: now, ..Frame::clone(&frame) }))
    }

    fn draws(&mut self, state: &ControlState, now: FrameTime) {
        if self.drawn.as_ref() != Some(state) {
            self.drawn = Some(state.clone());
            self.changed = now;
        }
    }
}

/// Left and right swapped.
pub(super) fn mirrored(mut frame: Frame) -> Frame {
    let stride = frame.stride();
    for row in frame.pixels.chunks_exact_mut(stride) {
        let (pixels, _) = row.as_chunks_mut::<4>();
        pixels.reverse();
    }
    frame
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Size;
    use crate::look::Look;

    fn secs(secs: f64) -> FrameTime {
        FrameTime::from_secs_f64(secs)
    }

    fn picture() -> Arc<Frame> {
        Arc::new(Frame::filled(Size { width: 2, height: 2 }, secs(1.0), [7; 4]))
    }

    #[test]
    fn mirrors_pixels_not_channels() {
        let size = Size { width: 2, height: 2 };
        let frame = Frame { size, time: FrameTime::ZERO, pixels: (0..16).collect() };
        assert_eq!(mirrored(frame).pixels, [4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11]);
    }

    #[test]
    fn a_frozen_picture_is_drawn_again_until_a_change_has_arrived() {
        let (mut still, mut state) = (StillFrame::default(), ControlState::of(&Look::default(), false));
        assert!(still.again(&state, None, secs(0.5)).is_none(), "there is none yet");
        still.put(&picture(), &state, secs(1.0));
        assert!(still.again(&state, None, secs(1.1)).is_none(), "the camera goes on");
        state.frozen = true;
        let again = still.again(&state, None, secs(1.2)).expect("frozen");
        assert_eq!((again.time, &again.pixels), (secs(1.2), &picture().pixels));
        // It rests once its field is known.
        assert!(still.again(&state, Some(secs(1.2)), secs(4.0)).is_some());
        assert!(still.again(&state, Some(secs(3.0)), secs(4.0)).is_none());
        // And is drawn anew with the next dial.
        state.paint = 0.5;
        assert!(still.again(&state, Some(secs(3.0)), secs(5.0)).is_some());
        assert!(still.again(&state, Some(secs(6.9)), secs(7.0)).is_none());
        // An analysis that never comes is not waited for.
        state.warp = 0.5;
        assert!(
            still.again(&state, None, secs(8.0)).is_some() && still.again(&state, None, secs(30.0)).is_none()
        );
    }

    #[test]
    fn the_last_picture_of_a_lost_camera_is_drawn_again_too() {
        let (mut still, mut state) = (StillFrame::default(), ControlState::of(&Look::default(), false));
        still.put(&picture(), &state, secs(1.0));
        state.warp = 0.2;
        assert!(
            still.again(&state, None, secs(1.3)).is_none() && still.again(&state, None, secs(1.6)).is_some()
        );
    }
}
