//! Where a film is divided.
//!
//! In: every frame's time, and which of them are cuts that nothing undoes. Out: the first frame of each part,
//! and which frames around it have to be looked at too.

use std::collections::VecDeque;

use crate::paint::pan::{EPOCH, MEMORY};
use crate::scene_change::{Change, SceneSignature};
use crate::time::FrameTime;
use crate::warp::shots::FLASH;

/// Frames before a cut that are looked at: the last must be whole, and where it is interlaced it takes from its
/// neighbours.
const BEFORE_CUT: usize = 3;
/// Seconds that a seam within a shot needs before it in any case: what moved apart has come together again.
const LEAST_WARM_UP: f64 = 3.0;
/// Seconds of a shot before what is drawn that are looked at, at most: who is followed was decided where the shot began.
const FOLLOWED: f64 = 120.0;
/// Seconds after it that the smoother looks into: its reach, a flash, and the pause between two looks.
const LOOK_AHEAD: f64 = 1.0;

/// A frame as the pass over the film saw it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Seen {
    pub(super) time: FrameTime,
    /// Whether a part may begin here: a hard cut that is no flash and in none.
    pub(super) is_seam: bool,
    pub(super) quarters: [u8; 12],
}

/// Tells seams as the film goes by.
#[derive(Default)]
pub(super) struct SeamFinder {
    pub(super) seen: Vec<Seen>,
    /// Cuts that a flash's end may yet undo: which frame, and the picture before it.
    open: VecDeque<(usize, SceneSignature)>,
    last_cut: Option<FrameTime>,
}

impl SeamFinder {
    /// Takes the next frame.
    pub(super) fn push(&mut self, time: FrameTime, change: Change) {
        let secs_since = |at: FrameTime| (time - at).as_secs_f64();
        self.open.retain(|(cut, _)| secs_since(self.seen[*cut].time) <= FLASH);
        let is_cut = change.cut_from.is_some();
        let is_in_flash = self.last_cut.is_some_and(|at| secs_since(at) <= FLASH);
        // What is like the picture before a cut may undo it.
        let undone = |(_, before): &(usize, SceneSignature)| before.continues(&change.now);
        for (cut, _) in self.open.iter().filter(|open| undone(open)) {
            self.seen[*cut].is_seam = false;
        }
        let quarters = change.now.quarters();
        self.seen.push(Seen { time, is_seam: is_cut && !is_in_flash, quarters });
        if let Some(before) = change.cut_from {
            self.open.push_back((self.seen.len() - 1, before));
            self.last_cut = Some(time);
        }
    }
}

/// Frames of a part, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    /// Reading begins here: what is followed in the part was found here.
    pub(super) lead: usize,
    /// Drawing begins here.
    pub(super) drawn: usize,
    /// The first of its own.
    pub(super) first: usize,
    /// The first of the next part; the number of frames at the end of the film.
    pub(super) next: usize,
    /// Reading ends before this one.
    pub(super) tail: usize,
    /// Whether it is what a single run makes: it begins at a cut, or all before it is read.
    pub(super) is_exact: bool,
}

/// Divides a film into parts as equal as its cuts allow; into fewer if it has fewer frames.
pub(super) fn divide(film: &[Seen], parts: usize) -> Vec<Part> {
    let parts = parts.clamp(1, film.len().max(1));
    let mut firsts = vec![0];
    for k in 1..parts {
        let target = k * film.len() / parts;
        let half = film.len() / parts / 2;
        let least = (target - half.min(target)).max(firsts[k - 1] + 1);
        // Room for one frame in each part that follows.
        let most = (target + half).min(film.len() - (parts - k));
        firsts.push(seam(film, least.min(most), target.clamp(least.min(most), most), most));
    }
    let ends = firsts.iter().skip(1).copied().chain([film.len()]);
    let part = |(&first, next): (&usize, usize)| {
        let drawn = warm_up(film, first);
        let is_exact = drawn == 0 || film[drawn..=first].iter().any(|seen| seen.is_seam);
        let lead = if is_exact { drawn } else { shot(film, drawn) };
        let ends_at_cut = film.get(next).is_none_or(|next| next.is_seam);
        let tail = if ends_at_cut { next } else { index(film, film[next - 1].time, LOOK_AHEAD) };
        Part { lead, drawn, first, next, tail, is_exact }
    };
    firsts.iter().zip(ends).map(part).collect()
}

/// The best first frame near `target`: a cut, else where the grain begins a new count, else just there.
fn seam(film: &[Seen], least: usize, target: usize, most: usize) -> usize {
    let nearest = |is_good: &dyn Fn(usize) -> bool| {
        (least..=most).filter(|k| is_good(*k)).min_by_key(|k| k.abs_diff(target))
    };
    let begins_count = |k: usize| k > 0 && epoch(film[k].time) != epoch(film[k - 1].time);
    nearest(&|k| film[k].is_seam).or_else(|| nearest(&begins_count)).unwrap_or(target)
}

fn epoch(time: FrameTime) -> i64 {
    time.as_nanos().div_euclid(seconds(EPOCH))
}

fn seconds(secs: f64) -> i64 {
    (secs * 1e9) as i64
}

/// The first frame whose paint a part's first one depends on.
fn warm_up(film: &[Seen], first: usize) -> usize {
    if first == 0 || film[first].is_seam {
        return first.saturating_sub(BEFORE_CUT);
    }
    let time = film[first].time.as_nanos();
    // The beginning of the oldest count that still shows, or of the one before.
    let into = time.rem_euclid(seconds(EPOCH));
    let is_mixed = into <= seconds(MEMORY - EPOCH);
    let mut begin = time - into - if is_mixed { seconds(EPOCH) } else { 0 };
    if time - begin < seconds(LEAST_WARM_UP) {
        begin -= seconds(EPOCH);
    }
    let warm_up = film.partition_point(|seen| seen.time.as_nanos() < begin);
    // Nothing before a cut matters.
    match film[..first].iter().rposition(|seen| seen.is_seam) {
        Some(cut) if cut > warm_up => cut.saturating_sub(BEFORE_CUT),
        _ => warm_up,
    }
}

/// Where the shot of a frame begins, and a little before; [`FOLLOWED`] before the frame where that is longer ago.
fn shot(film: &[Seen], frame: usize) -> usize {
    let begins = film[..=frame].iter().rposition(|seen| seen.is_seam).unwrap_or(0);
    let oldest = film[frame].time.as_nanos() - seconds(FOLLOWED);
    let oldest = film.partition_point(|seen| seen.time.as_nanos() < oldest);
    begins.saturating_sub(BEFORE_CUT).max(oldest)
}

/// The first frame more than so many seconds after a moment.
fn index(film: &[Seen], time: FrameTime, secs: f64) -> usize {
    film.partition_point(|seen| (seen.time - time).as_secs_f64() <= secs)
}

#[cfg(test)]
mod tests {
    use proptest::collection::btree_set;
    use proptest::prelude::*;

    use super::*;
    use crate::frame::{Frame, Size};
    use crate::scene_change::ChangeDetector;

    fn film(frames: usize, cuts: &[usize]) -> Vec<Seen> {
        let seen = |k: usize| {
            let time = FrameTime::from_nanos(k as i64 * 40_000_000);
            Seen { time, is_seam: cuts.contains(&k), quarters: [0; 12] }
        };
        (0..frames).map(seen).collect()
    }

    /// Which frames of plain greys are seams.
    fn seams(levels: &[u8]) -> Vec<usize> {
        let (mut changes, mut finder) = (ChangeDetector::default(), SeamFinder::default());
        for (k, level) in levels.iter().enumerate() {
            let time = FrameTime::from_nanos(k as i64 * 40_000_000);
            let frame = Frame::filled(Size { width: 64, height: 36 }, time, [*level, *level, *level, 255]);
            let change = changes.run(&frame);
            finder.push(time, change);
        }
        (0..levels.len()).filter(|k| finder.seen[*k].is_seam).collect()
    }

    #[test]
    fn a_cut_is_a_seam_and_a_flash_is_none() {
        let mut levels = [20; 60];
        levels[30..].fill(200);
        assert_eq!(seams(&levels), [30]);
        levels[34..].fill(20);
        assert_eq!(seams(&levels), [0; 0], "a flash of four frames, neither at its beginning nor at its end");
        levels[34..].fill(100);
        assert_eq!(seams(&levels), [30], "another cut right after it is none");
        levels[30..].fill(200);
        levels[40..].fill(20);
        assert_eq!(seams(&levels), [30, 40], "too long for a flash");
    }

    #[test]
    fn parts_begin_at_the_nearest_cut_and_read_a_little_before_it() {
        let parts = divide(&film(300, &[90, 130, 210]), 3);
        let firsts: Vec<_> = parts.iter().map(|part| (part.lead, part.first, part.next, part.tail)).collect();
        assert_eq!(firsts, [(0, 0, 90, 90), (87, 90, 210, 210), (207, 210, 300, 300)]);
        assert!(parts.iter().all(|part| part.is_exact));
    }

    #[test]
    fn a_shot_longer_than_a_part_is_divided_where_a_count_begins_with_a_warm_up() {
        // 60 s at 25 a second: counts begin every 150 frames.
        let parts = divide(&film(1500, &[100]), 4);
        let firsts: Vec<_> =
            parts.iter().map(|part| (part.drawn, part.first, part.next, part.tail)).collect();
        assert_eq!(
            firsts,
            [(0, 0, 300, 325), (150, 300, 750, 775), (600, 750, 1050, 1075), (900, 1050, 1500, 1500)]
        );
        assert_eq!(parts.iter().filter(|part| part.is_exact).count(), 1);
        // A cut in between is as far back as anything can matter.
        let part = divide(&film(6000, &[2920]), 40)[20];
        assert_eq!((part.first, part.drawn, part.lead), (3000, 2917, 2917));
    }

    #[test]
    fn a_shot_is_looked_at_from_its_beginning_and_for_two_minutes_at_most() {
        let parts = divide(&film(1500, &[100]), 4);
        assert_eq!(parts.iter().map(|part| part.lead).collect::<Vec<_>>(), [0, 97, 97, 97]);
        // 200 s in one shot; what is drawn begins at 150 s.
        let part = divide(&film(5000, &[]), 10)[8];
        assert_eq!((part.lead, part.drawn, part.first), (900, 3900, 4050));
    }

    proptest! {
        /// Every frame is in one part, in order; what is read holds what is wanted.
        #[test]
        fn nothing_is_lost_or_doubled(
            frames in 1usize..2000,
            cuts in btree_set(1usize..2000, 0..30),
            wanted in 1usize..100,
        ) {
            let cuts: Vec<_> = cuts.into_iter().filter(|cut| *cut < frames).collect();
            let parts = divide(&film(frames, &cuts), wanted);
            prop_assert_eq!(parts.len(), wanted.min(frames));
            prop_assert_eq!((parts[0].first, parts[parts.len() - 1].next), (0, frames));
            prop_assert!(parts.windows(2).all(|pair| pair[0].next == pair[1].first));
            for part in parts {
                prop_assert!(part.lead <= part.drawn && part.drawn <= part.first);
                prop_assert!(part.first < part.next && part.next <= part.tail);
                prop_assert!(part.tail <= frames);
            }
        }
    }
}
