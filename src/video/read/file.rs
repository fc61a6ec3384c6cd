//! A video file, frame by frame.
//!
//! Opening decodes the first frame, so that a source in hand has a picture to
//! give, and its size and colour are those of a real frame rather than of a
//! header. Frames come upright ([`crate::video::read::orient`]), in RGBA ([`crate::video::read::convert`]),
//! at their own times ([`crate::video::read::timestamps`]).
//!
//! # Clocks
//! Frame times count from the moment a player shows as 0:00. With a start given, that moment
//! is 0:00, whether or not a picture begins there: the picture on screen then opens the part.
//! [`VideoInfo::origin`] says by how much everything else in the file has to move to stay in
//! step. The end is exclusive; the last picture is shown until then.

use std::collections::VecDeque;
use std::path::Path;

use crate::cancel::CancelToken;
use crate::error::Result;
use crate::frame::Frame;
use crate::frame::resize::Resizer;
use crate::time::FrameTime;
use crate::video::error::VideoError;
use crate::video::libav;
use crate::video::libav::nominal_rate;
use crate::video::names::NameKind;
use crate::video::read::convert::Converter;
use crate::video::read::decode::{Decoded, Decoder};
use crate::video::read::deinterlace::Deinterlacer;
use crate::video::read::fit::{Form, fit};
use crate::video::read::opening::{
    check_readable, decode, end_of_track, is_of_bytes, out_of_range, shown_at,
};
use crate::video::read::orient::Orientation;
use crate::video::read::probe;
use crate::video::read::probe::{orientation, own_orientation, pixel_aspect, size_of};
use crate::video::read::timestamps::Clock;
use crate::video::read::{Source, VideoInfo};

/// How much of its stated length a video may lack without a word: a long last
/// frame, sound that outlasts it.
const EARLY: FrameTime = FrameTime::from_nanos(1_000_000_000);

/// The part of a video to take, on the clock a player shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Clip {
    /// From here; from the beginning if not given.
    pub start: Option<FrameTime>,
    /// For so long; to the end if not given.
    pub duration: Option<FrameTime>,
}

/// A stretch of a film, on the film's own clock, in ticks of its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// The first picture is shown then.
    pub from: i64,
    /// No picture from here on.
    pub until: Option<i64>,
    /// Whether the beginning may be looked up; else everything before is read, which is right for every file.
    pub search: bool,
}

/// The frames of a file's video stream.
pub struct FileSource {
    decoder: Decoder,
    clock: Clock,
    deinterlacer: Deinterlacer,
    converter: Converter,
    resizer: Resizer,
    has_told_size: bool,
    /// Where the pictures end by the file's own word, on its clock.
    track_end: Option<FrameTime>,
    /// How pictures that say nothing of it are turned.
    orientation: Orientation,
    info: VideoInfo,
    /// Decoded while opening.
    ready: VecDeque<Decoded>,
    /// Ticks of the stream at which the frames' clock is zero.
    origin: i64,
    /// The last frame handed out: when it is shown, and until when as far as is known.
    last: Option<(FrameTime, FrameTime)>,
    stretch: Option<Stretch>,
    stop: CancelToken,
}

impl FileSource {
    /// Opens a file and decodes the first frame of `clip`.
    ///
    /// # Errors
    /// [`Error::Read`](crate::Error::Read) and [`VideoError::IsDirectory`] where there is no such file,
    /// [`VideoError::Open`] where it is not media, [`VideoError::NoVideo`] where nothing in
    /// it moves, [`VideoError::NoFrames`] where nothing of that can be decoded,
    /// [`Error::OutOfRange`](crate::Error::OutOfRange) where `clip` holds no picture.
    pub fn open(path: &Path, clip: Clip, stop: CancelToken) -> Result<Self> {
        check_readable(path)?;
        if let Some(duration) = clip.duration.filter(|duration| *duration <= FrameTime::ZERO) {
            return Err(out_of_range("the duration", duration, "times above 0"));
        }
        let mut decoder = Decoder::open(path)?;
        let zero = decoder.packets().clock_start() + clip.start.unwrap_or_default();
        if clip.start.is_some() {
            decoder = decoder.seek(path, zero)?;
        }
        let base = decoder.time_base();
        let origin = zero.to_ticks(base);
        let mut clock = Clock::new(base, nominal_rate(&decoder.stream()));
        let ready = if clip.start.is_some() {
            shown_at(&mut decoder, &mut clock, origin)?
        } else {
            decode(&mut decoder, &mut clock)?.into_iter().collect()
        };
        let is_early = |first: &Decoded| {
            clip.duration.is_none_or(|length| FrameTime::from_ticks(first.ticks - origin, base) < length)
        };
        let Some(first) = ready.front().filter(|first| is_early(first)) else {
            return Err(match clip.start.filter(|_| clock.has_started()) {
                Some(start) => out_of_range("the start", start, "the times at which there is a picture"),
                None if ready.is_empty() => libav::no_frames(path).into(),
                None => out_of_range(
                    "the duration",
                    clip.duration.unwrap_or_default(),
                    "what reaches the first picture",
                ),
            });
        };
        if NameKind::of(path) == NameKind::Pipe && !is_of_bytes(first.frame.format()) {
            let format = first.frame.format().descriptor().map_or("of no name", |format| format.name());
            return Err(VideoError::Y4m { source: format!("its pictures are {format}").into() }.into());
        }
        let stored_size = size_of(&first.frame)?;
        let orientation = orientation(&decoder.stream());
        let first_orientation = own_orientation(&first.frame).unwrap_or(orientation);
        let info = probe::video(&decoder, &first.frame, stored_size, clip, first_orientation, origin);
        Ok(Self {
            deinterlacer: Deinterlacer::new(base),
            converter: Converter::default(),
            resizer: Resizer::default(),
            has_told_size: false,
            track_end: end_of_track(path, &decoder.stream()),
            ready,
            decoder,
            clock,
            orientation,
            info,
            origin,
            last: None,
            stretch: None,
            stop,
        })
    }

    /// Goes to a stretch of the film, of which `path` is the file: only its pictures are handed out, at the
    /// times that they have in the whole film. What all frames have in common stays that of the film.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read again.
    pub fn within(mut self, path: &Path, stretch: Stretch) -> Result<Self> {
        let base = self.info.time_base;
        let mut decoder = Decoder::open(path)?;
        if stretch.search {
            decoder = decoder.seek(path, FrameTime::from_ticks(self.origin + stretch.from, base))?;
        }
        self.clock = Clock::new(base, nominal_rate(&decoder.stream()));
        self.decoder = decoder;
        self.ready.clear();
        self.stretch = Some(stretch);
        Ok(self)
    }

    /// Whether the film's clock broke so far: then nothing in it can be looked up.
    pub fn is_broken(&self) -> bool {
        self.decoder.packets().broken().is_some()
    }

    /// With another colour than black behind what is transparent.
    #[must_use]
    pub fn with_background(mut self, rgb: [u8; 3]) -> Self {
        self.converter.background = rgb;
        self
    }

    /// The next frame before the end, and when it is shown.
    fn decode(&mut self) -> Result<Option<(FrameTime, Decoded)>> {
        let next = loop {
            let Self { deinterlacer, ready, decoder, clock, .. } = self;
            let next = deinterlacer.next(|| match ready.pop_front() {
                Some(ready) => Ok(Some(ready)),
                None => decode(decoder, clock),
            })?;
            let is_early =
                |next: &Decoded| self.stretch.is_some_and(|part| next.ticks - self.origin < part.from);
            if next.as_ref().is_none_or(|next| !is_early(next)) || self.stop.is_raised() {
                break next;
            }
        };
        let Some(next) = next else {
            self.hold_last();
            self.report_early_end();
            return Ok(None);
        };
        let ticks = next.ticks - self.origin;
        let time = FrameTime::from_ticks(ticks, self.info.time_base);
        // The picture before lasts until this one.
        self.last = self.last.map(|(last, _)| (last, time));
        let is_over = self.stretch.and_then(|part| part.until).is_some_and(|until| ticks >= until)
            || self.info.clip.duration.is_some_and(|end| time >= end);
        Ok((!is_over).then(|| (time.max(FrameTime::ZERO), next)))
    }

    /// Shows the last picture until its track ends, where the file says so and is whole.
    fn hold_last(&mut self) {
        let Some(end) = self.track_end.filter(|_| self.decoder.packets().broken().is_none()) else { return };
        let end = end - self.info.origin;
        self.last = self.last.map(|(time, shown_until)| (time, shown_until.max(end)));
    }

    /// Brings a picture to the size of the first.
    fn fit(&mut self, pixels: Vec<u8>, form: Form, time: FrameTime) -> Result<Vec<u8>> {
        let first = Form { size: self.info.size, pixel_aspect: self.info.pixel_aspect };
        if form == first {
            return Ok(pixels);
        }
        if !std::mem::replace(&mut self.has_told_size, true) {
            let (from, to) = (first.size, form.size);
            tracing::warn!(
                "the pictures change from {from} to {to} at {time}: they are scaled into the first size, with bars"
            );
        }
        fit(pixels, form, first, &mut self.resizer)
    }

    /// Warns of a file that was cut short.
    fn report_early_end(&self) {
        let (Some((_, shown_until)), Some(length)) = (self.last, self.info.duration) else { return };
        let reached = probe::reached(&self.decoder, self.info.origin).max(shown_until);
        if self.decoder.packets().broken().is_none() && reached + EARLY < length {
            tracing::warn!("the pictures end at {shown_until}, though the input says it is {length} long");
        }
    }
}

impl Source for FileSource {
    fn info(&self) -> &VideoInfo {
        &self.info
    }

    fn next(&mut self) -> Result<Option<Frame>> {
        if self.stop.is_raised() {
            return Ok(None);
        }
        let Some((time, Decoded { length, frame, ticks })) = self.decode()? else { return Ok(None) };
        let orientation = own_orientation(&frame).unwrap_or(self.orientation);
        let pixel_aspect = orientation.turn_pair(pixel_aspect(&frame));
        let (mut pixels, stored_size) = self.converter.run(frame)?;
        if !orientation.is_upright() {
            pixels = orientation.turn(&pixels, stored_size);
        }
        let form = Form { size: orientation.turn_size(stored_size), pixel_aspect };
        let pixels = self.fit(pixels, form, time)?;
        let base = self.info.time_base;
        let ends = length.map(|length| FrameTime::from_ticks(ticks + length - self.origin, base));
        let usual = FrameTime::from_ticks(1, self.info.rate.frame_base());
        self.last = Some((time, ends.filter(|end| *end > time).unwrap_or(time + usual)));
        Ok(Some(Frame { size: self.info.size, time, pixels }))
    }

    fn stop(&self) -> CancelToken {
        self.stop.clone()
    }

    fn end(&self) -> Option<FrameTime> {
        let (_, shown_until) = self.last?;
        Some(self.info.clip.duration.map_or(shown_until, |end| shown_until.min(end)))
    }
}
