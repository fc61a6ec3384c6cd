//! Pictures at a constant rate, for what knows no times: a pipe, a numbered sequence.

use crate::error::Result;
use crate::frame::Frame;
use crate::time::{FrameTime, TimeBase};
use crate::video::read::VideoInfo;
use crate::video::write::Sink;

/// Takes pictures one after the other, each lasting as long as the others.
pub(super) trait Pictures: Send {
    /// Takes the next one.
    fn put(&mut self, frame: &Frame) -> Result<()>;

    /// There are no more.
    fn end(&mut self) -> Result<()>;
}

/// Shows every picture as often as its time asks for: twice where the next one comes late, not at all where
/// two come within one frame's length.
pub(super) struct Cadence<P> {
    pictures: P,
    /// Seconds a picture.
    base: TimeBase,
    /// Pictures put so far.
    count: i64,
    held: Option<Frame>,
    end: Option<FrameTime>,
    left_out: u64,
    repeated: u64,
}

impl<P: Pictures> Cadence<P> {
    pub(super) fn new(pictures: P, info: &VideoInfo) -> Self {
        let base = info.rate.frame_base();
        Self { pictures, base, count: 0, held: None, end: None, left_out: 0, repeated: 0 }
    }

    /// Repeats the last picture until there are so many.
    fn fill(&mut self, count: i64) -> Result<()> {
        while let Some(held) = self.held.as_ref().filter(|_| self.count < count) {
            self.pictures.put(held)?;
            self.count += 1;
            self.repeated += 1;
        }
        Ok(())
    }
}

impl<P: Pictures> Sink for Cadence<P> {
    fn write(&mut self, frame: Frame) -> Result<()> {
        let slot = frame.time.to_ticks(self.base);
        self.fill(slot)?;
        if slot < self.count {
            self.left_out += 1;
            return Ok(());
        }
        self.pictures.put(&frame)?;
        self.count += 1;
        self.held = Some(frame);
        // Before the first picture there is nothing: it begins earlier.
        self.fill(slot + 1)
    }

    fn last_until(&mut self, end: FrameTime) {
        self.end = Some(end);
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        let end = self.end.map_or(0, |end| end.to_ticks(self.base));
        self.fill(end)?;
        if self.left_out + self.repeated > 0 {
            let Self { left_out, repeated, .. } = *self;
            tracing::warn!(
                "the input's rate is not even, the output's has to be: {repeated} pictures are repeated, {left_out} left out"
            );
        }
        self.pictures.end()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::frame::Size;
    use crate::time::FrameRate;
    use crate::video::colour::Colour;
    use crate::video::read::Clip;

    const SIZE: Size = Size { width: 2, height: 2 };

    #[derive(Clone, Default)]
    struct Shelf(Arc<Mutex<Vec<u8>>>);

    impl Pictures for Shelf {
        fn put(&mut self, frame: &Frame) -> Result<()> {
            self.0.lock().expect("one thread").push(frame.pixels[0]);
            Ok(())
        }

        fn end(&mut self) -> Result<()> {
            Ok(())
        }
    }

    /// What becomes of pictures at these times (in frames of 25 a second), numbered from 0, that end then.
    fn shown(times: &[f64], end: f64) -> Vec<u8> {
        let info = VideoInfo {
            size: SIZE,
            rate: FrameRate::new(25, 1).expect("positive"),
            time_base: TimeBase::new(1, 1000).expect("positive"),
            colour: Colour::untagged(SIZE),
            pixel_aspect: (1, 1),
            frames: None,
            duration: None,
            origin: FrameTime::ZERO,
            clip: Clip::default(),
        };
        let shelf = Shelf::default();
        let mut cadence = Box::new(Cadence::new(shelf.clone(), &info));
        for (number, time) in (0..).zip(times) {
            let time = FrameTime::from_secs_f64(time / 25.0);
            cadence.write(Frame::filled(SIZE, time, [number; 4])).expect("taken");
        }
        cadence.last_until(FrameTime::from_secs_f64(end / 25.0));
        cadence.finish().expect("ends");
        shelf.0.lock().expect("one thread").clone()
    }

    #[test]
    fn an_even_film_is_what_it_is_and_an_uneven_one_becomes_even() {
        assert_eq!(shown(&[0.0, 1.0, 2.0], 3.0), [0, 1, 2]);
        assert_eq!(shown(&[0.1, 0.9, 2.1], 3.0), [0, 1, 2], "a clock of milliseconds");
        assert_eq!(shown(&[0.0, 3.0, 3.2, 4.0], 6.0), [0, 0, 0, 1, 3, 3]);
        assert_eq!(shown(&[2.0, 3.0], 4.0), [0, 0, 0, 1], "it begins late");
        assert_eq!(shown(&[], 4.0), [0; 0]);
    }
}
