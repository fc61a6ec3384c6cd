//! One clock for a file whose own clock restarts, leaps or hiccups.
//!
//! Recordings that were joined start again from an earlier time, a broadcast changes its clock,
//! a damaged stamp puts one picture hours ahead. Players go on; so does this: at a
//! discontinuity the stream goes on by one frame's length, and what follows, pictures and
//! sound alike, is moved by as much. A single wrong stamp moves its own packet only.
//!
//! What counts as a discontinuity:
//! * A stream that goes back by more than [`BACK`]: decoding times never do in a sound file.
//! * A stream that leaps ahead by more than the limit of its format, beyond everything
//!   that any stream of the file has reached. A shorter leap is a real gap, or a picture
//!   that is held, and stays.

use crate::time::FrameTime;

/// How far a stream may run back: clocks of milliseconds jitter.
const BACK: FrameTime = FrameTime::from_nanos(100_000_000);

/// A leap from here on may be a single wrong stamp: the next packet tells.
const SUSPECT: FrameTime = FrameTime::from_nanos(500_000_000);

/// How long before it is shown a picture may be decoded.
const REORDERING: FrameTime = FrameTime::from_nanos(1_000_000_000);

/// Shifts remembered, to find the way back to an earlier clock.
const REMEMBERED: usize = 8;

/// What is known of a packet's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    /// When it is decoded.
    pub(super) decoded: FrameTime,
    /// Whether that was told; else [`Timeline`] guesses, as pictures are not shown in the order
    /// in which they are decoded.
    pub(super) is_dated: bool,
    /// When it is shown, if that was told.
    pub(super) shown: Option<FrameTime>,
    /// How long; zero if unknown.
    pub(super) length: FrameTime,
    /// Whether decoding can begin with it.
    pub(super) is_key: bool,
}

impl Stamp {
    fn moved(self, shift: FrameTime) -> Self {
        Self { decoded: self.decoded + shift, shown: self.shown.map(|shown| shown + shift), ..self }
    }
}

/// How far a stream has come, on the one clock.
#[derive(Debug, Clone, Copy)]
struct Track {
    is_pictures: bool,
    /// Length of a packet that does not tell its own.
    usual_length: FrameTime,
    shift: FrameTime,
    /// How long after it is decoded a key picture is shown.
    delay: FrameTime,
    /// Whether some packets do not tell when they are shown. Then where a stretch ends follows from
    /// the decoding: the last picture shown ends the delay later than the last one decoded.
    is_partly_told: bool,
    last: Option<FrameTime>,
    /// When its next packet should be decoded.
    next: FrameTime,
    /// Where all of it so far has been shown.
    end: FrameTime,
}

impl Track {
    /// When a packet is shown, guessed if that was not told.
    fn shown(&self, stamp: Stamp) -> FrameTime {
        stamp.shown.unwrap_or(stamp.decoded + self.delay)
    }

    fn half_length(&self) -> FrameTime {
        FrameTime::from_nanos(self.usual_length.as_nanos() / 2)
    }
}

/// Moves the stamps of a file's packets, taken in the order of the file, onto one clock.
#[derive(Debug)]
pub(super) struct Timeline {
    /// Pictures and sound; `None` for streams whose packets are too rare to prove anything.
    tracks: Vec<Option<Track>>,
    /// The stream of the pictures.
    pictures: Option<usize>,
    /// The longest leap that is taken for a gap.
    limit: FrameTime,
    /// Whether the file's streams lie closely side by side.
    is_interleaved: bool,
    /// How far each stretch of the file is moved, the newest last.
    shifts: Vec<FrameTime>,
    /// Where the first discontinuity is, on the one clock.
    broken: Option<FrameTime>,
}

impl Timeline {
    /// For streams that are watched if they have a usual packet length.
    pub(super) fn new(
        usual_lengths: &[Option<FrameTime>],
        pictures: Option<usize>,
        limit: FrameTime,
        is_interleaved: bool,
    ) -> Self {
        let track = |stream, usual_length| Track {
            is_pictures: pictures == Some(stream),
            usual_length,
            shift: FrameTime::ZERO,
            delay: FrameTime::ZERO,
            is_partly_told: false,
            last: None,
            next: FrameTime::ZERO,
            end: FrameTime::ZERO,
        };
        Self {
            tracks: (0..)
                .zip(usual_lengths)
                .map(|(stream, length)| length.map(|length| track(stream, length)))
                .collect(),
            pictures,
            limit,
            is_interleaved,
            shifts: vec![FrameTime::ZERO],
            broken: None,
        }
    }

    /// Where the clock first breaks.
    pub(super) fn broken(&self) -> Option<FrameTime> {
        self.broken
    }

    /// Where everything so far ends.
    pub(super) fn end(&self) -> Option<FrameTime> {
        self.started().map(|track| track.end).max()
    }

    /// Whether the packets that follow are needed to judge this one.
    pub(super) fn is_suspect(&self, stream: usize, stamp: Stamp) -> bool {
        let stamp = self.dated(stream, stamp);
        self.track(stream).is_some_and(|track| {
            self.shift_that_fits(track, stamp)
                .is_none_or(|shift| self.leap(track, stamp.moved(shift)).is_some_and(|leap| leap > SUSPECT))
        })
    }

    /// By how much to move a packet; `ahead` are those that follow a suspect one.
    pub(super) fn shift(&mut self, stream: usize, stamp: Stamp, ahead: &[(usize, Stamp)]) -> FrameTime {
        let stamp = self.dated(stream, stamp);
        let newest = self.shifts.last().copied().unwrap_or_default();
        let Some(track) = self.track(stream) else { return newest };
        let follower = ahead.iter().find(|(of, _)| *of == stream).map(|(_, stamp)| *stamp);
        let fitting = self.shift_that_fits(track, stamp);
        if let (Some(last), Some(follower)) = (track.last, follower)
            && self.is_stray(track, stamp, fitting, follower)
        {
            tracing::debug!(stream, at = %last, "a packet with a wrong time");
            let shift = track.next - stamp.decoded;
            self.broken = self.broken.or(Some(track.next));
            self.advance(stream, stamp.moved(shift), track.shift);
            return shift;
        }
        let shift = fitting.unwrap_or_else(|| {
            let shift = self.go_on(stream, track, stamp, ahead);
            self.broken = self.broken.or(Some(track.shown(stamp) + shift));
            if self.shifts.len() == REMEMBERED {
                self.shifts.remove(0);
            }
            self.shifts.push(shift);
            shift
        });
        self.advance(stream, stamp.moved(shift), shift);
        shift
    }

    /// With a time of decoding, where none was told: the one that is expected, if the picture is
    /// shown soon after.
    fn dated(&self, stream: usize, stamp: Stamp) -> Stamp {
        let Some(track) = self.track(stream).filter(|_| !stamp.is_dated) else { return stamp };
        let shown = track.shown(stamp);
        let earliest = shown - REORDERING;
        let expected = track.last.map_or(earliest, |_| track.next - track.shift);
        let latest = shown + track.usual_length;
        Stamp { decoded: if expected <= latest { expected.max(earliest) } else { stamp.decoded }, ..stamp }
    }

    /// How far a stream may run back. The pictures of a broadcast tell to the tick; where an
    /// index vouches for the times, the order of decoding is FFmpeg's guess.
    fn back(&self, track: Track) -> FrameTime {
        if !self.is_interleaved {
            return REORDERING;
        }
        if self.is_interleaved && track.is_pictures { track.half_length().min(BACK) } else { BACK }
    }

    fn track(&self, stream: usize) -> Option<Track> {
        self.tracks.get(stream).copied().flatten()
    }

    fn started(&self) -> impl Iterator<Item = &Track> {
        self.tracks.iter().flatten().filter(|track| track.last.is_some())
    }

    /// Its own stream's shift if the packet goes on there without a gap, as the last ones of a stretch do that come
    /// after the first of the next. Else the newest stretch's if it fits there, else its own stream's, else an older one.
    fn shift_that_fits(&self, track: Track, stamp: Stamp) -> Option<FrameTime> {
        let decoded = stamp.moved(track.shift).decoded;
        let half = track.half_length();
        if track.last.is_some() && decoded >= track.next - half && decoded <= track.next + half {
            return Some(track.shift);
        }
        let newest_first = self.shifts.iter().rev();
        let mut candidates = newest_first.clone().take(1).chain([&track.shift]).chain(newest_first.skip(1));
        candidates.find(|shift| self.fits(track, stamp.moved(**shift))).copied()
    }

    fn fits(&self, track: Track, stamp: Stamp) -> bool {
        let is_near =
            |other: FrameTime| stamp.decoded >= other - self.limit && stamp.decoded <= other + self.limit;
        match track.last {
            Some(last) => {
                stamp.decoded >= last - self.back(track)
                    && self.leap(track, stamp).is_none_or(|leap| leap <= self.limit)
            }
            None => !self.is_interleaved || self.end().is_none_or(is_near),
        }
    }

    /// How far a packet lies beyond everything so far.
    fn leap(&self, track: Track, stamp: Stamp) -> Option<FrameTime> {
        track.last.map(|_| stamp.decoded - self.end().unwrap_or_default().max(track.next))
    }

    /// Whether the packet is alone with its time: its follower goes on where its predecessor was.
    fn is_stray(&self, track: Track, stamp: Stamp, fitting: Option<FrameTime>, follower: Stamp) -> bool {
        let goes_on = follower.moved(track.shift);
        match fitting {
            Some(shift) => {
                let leaps = self.leap(track, stamp.moved(shift)).is_some_and(|leap| leap > SUSPECT);
                leaps && follower.decoded < stamp.decoded - BACK && self.fits(track, goes_on)
            }
            None => {
                goes_on.decoded + track.half_length() >= track.next && goes_on.decoded <= track.next + SUSPECT
            }
        }
    }

    /// The shift with which a new stretch begins. The pictures go on by one frame's length; a
    /// stream that would then run back over its own end moves all of them later.
    fn go_on(&self, stream: usize, track: Track, stamp: Stamp, ahead: &[(usize, Stamp)]) -> FrameTime {
        if !stamp.is_key {
            return track.next - stamp.decoded;
        }
        let packets = || [(stream, stamp)].into_iter().chain(ahead.iter().copied());
        let joined = |of: usize| {
            let track = self.track(of).filter(|track| track.last.is_some())?;
            let is_new = |stamp: &Stamp| of == stream || !self.fits(track, stamp.moved(track.shift));
            let stamps = packets().filter(|packet| packet.0 == of).map(|packet| packet.1);
            // Pictures that lean on the one before the key picture are shown before it.
            let first = stamps.filter(is_new).map(|stamp| track.shown(stamp)).min()?;
            Some(track.end - first)
        };
        let own = joined(stream).unwrap_or(track.next - stamp.decoded);
        if !self.is_interleaved {
            return own;
        }
        let latest = (0..self.tracks.len()).filter_map(joined).max().unwrap_or(own);
        self.pictures.and_then(joined).filter(|shift| *shift + BACK >= latest).unwrap_or(latest)
    }

    fn advance(&mut self, stream: usize, moved: Stamp, shift: FrameTime) {
        let limit = self.limit;
        if let Some(Some(track)) = self.tracks.get_mut(stream) {
            let told = if moved.length > FrameTime::ZERO { moved.length } else { track.usual_length };
            let length = if told > limit { track.usual_length } else { told };
            track.is_partly_told |= moved.shown.is_none();
            let decoded_end = moved.decoded + length + track.delay;
            let shown_end = track.shown(moved) + length;
            let end = if track.is_partly_told { shown_end.max(decoded_end) } else { shown_end };
            if let (true, true, Some(shown)) = (moved.is_key, moved.is_dated, moved.shown) {
                track.delay = (shown - moved.decoded).max(FrameTime::ZERO).min(REORDERING);
            }
            track.end = if track.last.is_some() { track.end.max(end) } else { end };
            track.shift = shift;
            track.last = Some(moved.decoded);
            track.next = moved.decoded + length;
        }
    }
}

#[cfg(test)]
mod tests;
