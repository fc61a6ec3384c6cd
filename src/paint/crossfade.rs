//! One painter following another without a jump: for a moment both paint, and the pictures are blended.

use rayon::prelude::*;

use crate::error::Result;
use crate::frame::Frame;
use crate::paint::composite::Painting;
use crate::paint::flow::OpticalFlow;
use crate::paint::painter::{PaintParams, Painter};
use crate::paint::relief::Relief;
use crate::time::FrameTime;

/// Seconds in which the strokes of one look become those of the next.
const SECS: f64 = 0.4;

/// The painter in use, and the one before for as long as it can still be seen.
pub(crate) struct Crossfade {
    current: Painter,
    leaving: Option<Leaving>,
}

struct Leaving {
    painter: Painter,
    /// When the change was first seen.
    since: Option<FrameTime>,
}

impl Crossfade {
    /// Begins with a painter.
    pub(crate) fn new(current: Painter) -> Self {
        Self { current, leaving: None }
    }

    /// Paints with another one from the next frame on. A change that comes during a change leaves out what
    /// was leaving.
    pub(crate) fn change(&mut self, painter: Painter) {
        let before = std::mem::replace(&mut self.current, painter);
        self.leaving = Some(Leaving { painter: before, since: None });
    }

    /// As [`Painter::run`].
    ///
    /// # Errors
    /// Returns an error if ONNX Runtime fails.
    pub(crate) fn run(
        &mut self,
        frame: &Frame,
        params: PaintParams,
        motion: Option<&OpticalFlow>,
    ) -> Result<Painting> {
        let mut painting = self.current.run(frame, params, motion)?;
        if let Some(leaving) = &mut self.leaving {
            let since = *leaving.since.get_or_insert(frame.time);
            let share = ((frame.time - since).as_secs_f64() / SECS) as f32;
            if (0.0..1.0).contains(&share) {
                let before = leaving.painter.run(frame, params, motion)?;
                blend(&before.painted, &mut painting.painted, share);
                painting.relief = Relief::between(before.relief, painting.relief, share);
            } else {
                self.leaving = None;
            }
        }
        Ok(painting)
    }
}

/// `share` of `to` over `from`, in place.
fn blend(from: &[u8], to: &mut [u8], share: f32) {
    let weight = (share * 256.0) as i32;
    to.par_chunks_mut(1 << 14).zip(from.par_chunks(1 << 14)).for_each(|(to, from)| {
        for (to, from) in to.iter_mut().zip(from) {
            let (a, b) = (i32::from(*from), i32::from(*to));
            *to = (a + (((b - a) * weight + 128) >> 8)) as u8;
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blend_goes_from_one_picture_to_the_other() {
        let from: Vec<u8> = (0..=255).collect();
        for (share, expected) in [(0.0, 0), (0.5, 1), (1.0, 2)] {
            let mut to: Vec<u8> = (0..=255).rev().collect();
            blend(&from, &mut to, share);
            for (k, found) in to.iter().enumerate() {
                let wanted = [k, 127 + k % 2, 255 - k][expected];
                assert!(found.abs_diff(wanted as u8) <= 1, "{share}: {found} at {k}, not {wanted}");
            }
        }
    }
}
