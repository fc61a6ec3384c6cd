//! Carries fields from the analysis to the frames that are rendered.
//!
//! The two run at rates of their own, so a field is older than the frame it
//! bends, and serves for several. It is eased in over as many frames as it will
//! have to last: the picture does not jerk at the slower rate. After a cut, the
//! shapes of the scene before are nobody's: nothing is bent until the new scene
//! has been analysed.

use std::sync::{Arc, Mutex, PoisonError};

use crate::frame::Frame;
use crate::scene_change::SceneSignature;
use crate::time::FrameTime;
use crate::warp::field::WarpField;

/// Seconds beyond which a lack of fields is a stall, not a rate.
const SLOWEST: f64 = 0.5;

/// A field and the frame it was found in.
#[derive(Debug, Clone)]
pub struct TimedField {
    /// The frame's time.
    pub time: FrameTime,
    /// Its field.
    pub field: WarpField,
}

/// Where the newest field is put and seen.
#[derive(Clone, Default)]
pub struct LatestField(Arc<Mutex<Option<TimedField>>>);

impl LatestField {
    /// Puts a field there.
    pub fn send(&self, dated: TimedField) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(dated);
    }

    /// The field there.
    pub fn get(&self) -> Option<TimedField> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The field in use.
#[derive(Default)]
pub struct FieldInterpolator {
    shown: Option<WarpField>,
    /// Time of the last frame, and what it looked like.
    last: Option<(FrameTime, SceneSignature)>,
    /// Time of the newest field seen, and seconds between it and the one before.
    newest: Option<(FrameTime, f64)>,
    /// When the scene began.
    scene: FrameTime,
}

impl FieldInterpolator {
    /// The field for a frame, given the newest there is.
    pub fn run(&mut self, frame: &Frame, newest: Option<TimedField>) -> WarpField {
        let glance = SceneSignature::of(&frame.pixels, frame.size);
        let step = match &self.last {
            Some((time, before)) if before.continues(&glance) => (frame.time - *time).as_secs_f64(),
            _ => {
                (self.shown, self.scene) = (None, frame.time);
                0.0
            }
        };
        self.last = Some((frame.time, glance));
        let Some(TimedField { time, field }) = newest.filter(|newest| newest.time >= self.scene) else {
            return WarpField::identity(1, 1);
        };
        self.newest = Some(match self.newest {
            Some((before, every)) if before == time => (before, every),
            Some((before, _)) => (time, (time - before).as_secs_f64().clamp(0.0, SLOWEST)),
            None => (time, 0.0),
        });
        let every = self.newest.map_or(0.0, |(_, every)| every);
        let share = if every > step { (step / every) as f32 } else { 1.0 };
        let shown = match &self.shown {
            // Between two fields without folds there may be one with.
            Some(shown) if share < 1.0 => shown.towards(&field, share).unfold(),
            Some(_) => field,
            None => field,
        };
        self.shown.insert(shown).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Size;

    fn frame(millis: i64, value: u8) -> Frame {
        let size = Size { width: 64, height: 36 };
        Frame::filled(size, FrameTime::from_nanos(millis * 1_000_000), [value; 4])
    }

    fn dated(millis: i64, shift: f32) -> Option<TimedField> {
        let field = WarpField::new(2, 2, vec![[shift, 0.0]; 4]).expect("finite");
        Some(TimedField { time: FrameTime::from_nanos(millis * 1_000_000), field })
    }

    fn shift(field: &WarpField) -> f32 {
        field.values()[0][0]
    }

    #[test]
    fn a_field_is_eased_in_over_the_frames_it_lasts_for() {
        let mut carry = FieldInterpolator::default();
        for k in 0..=4 {
            assert_eq!(shift(&carry.run(&frame(25 * k, 9), dated(0, 0.0))), 0.0);
        }
        // A new field every 100 ms, a frame every 25.
        let seen: Vec<_> = (5..=8).map(|k| shift(&carry.run(&frame(25 * k, 9), dated(100, 1.0)))).collect();
        assert!(seen.windows(2).all(|pair| pair[0] < pair[1]) && seen[0] > 0.2 && seen[3] < 1.0, "{seen:?}");
        // One for every frame is used as it is.
        let mut carry = FieldInterpolator::default();
        for k in 0..4 {
            assert_eq!(shift(&carry.run(&frame(25 * k, 9), dated(25 * k, k as f32))), k as f32);
        }
    }

    #[test]
    fn a_cut_is_never_bent_by_the_scene_before() {
        let mut carry = FieldInterpolator::default();
        carry.run(&frame(0, 9), dated(0, 1.0));
        assert!(carry.run(&frame(40, 200), dated(0, 1.0)).is_identity());
        assert!(carry.run(&frame(80, 200), dated(20, 1.0)).is_identity());
        assert_eq!(shift(&carry.run(&frame(120, 200), dated(40, 0.5))), 0.5);
    }
}
