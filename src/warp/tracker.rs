//! Follows one subject through a scene: the window in which it is looked for, and whether what was found there can be it.

use crate::time::FrameTime;
use crate::warp::grid::{CELLS, Correspondence, FOUND};
use crate::warp::roi::Roi;
use crate::warp::search::Sighting;
use crate::warp::similarity::Decomposition;

/// Seconds after which a subject that was not seen is lost.
const LOST: f64 = 0.5;

/// Follows one subject.
#[derive(Debug, Clone)]
pub(super) struct Tracker {
    /// Where it looks; the whole frame while it has no subject.
    pub(super) view: Roi,
    /// When and where the subject was last seen.
    last: Option<(FrameTime, Sighting)>,
    /// The last good answer.
    previous: Option<Correspondence>,
    /// Window and subject before the last break.
    before: (Roi, Option<(FrameTime, Sighting)>),
}

impl Default for Tracker {
    fn default() -> Self {
        Self { view: Roi::FULL, last: None, previous: None, before: (Roi::FULL, None) }
    }
}

impl Tracker {
    /// Where it looked before the last break.
    pub(super) fn view_before(&self) -> Roi {
        self.before.0
    }

    /// Whether it has no subject.
    pub(super) fn is_idle(&self) -> bool {
        self.last.is_none()
    }

    /// What it follows.
    pub(super) fn subject(&self) -> Option<&Sighting> {
        self.last.as_ref().map(|(_, sighting)| sighting)
    }

    /// Follows this one from now on, through this window.
    pub(super) fn follow(&mut self, sighting: Sighting, view: Roi, time: FrameTime) {
        (self.view, self.last) = (view, Some((time, sighting)));
    }

    /// Has no subject from now on.
    pub(super) fn let_go(&mut self) {
        (self.view, self.last) = (Roi::FULL, None);
    }

    /// The scene breaks; what was before may come back if it `is_first` of several breaks in a row.
    pub(super) fn break_off(&mut self, is_first: bool) {
        if is_first {
            self.before = (self.view, self.last);
        }
        self.let_go();
    }

    /// The scene before the break is back.
    pub(super) fn resume(&mut self, time: FrameTime) {
        (self.view, self.last) = self.before;
        if let Some((seen_at, _)) = &mut self.last {
            *seen_at = time;
        }
    }

    /// The last good answer in place of one that is none; at first: nothing matches.
    pub(super) fn or_previous(&mut self, answer: Option<Correspondence>) -> Correspondence {
        if answer.is_some() {
            self.previous = answer;
        }
        self.previous.clone().unwrap_or_else(Correspondence::nothing)
    }

    /// Where to look for it, after it was looked for in [`Self::view`]. A match that leapt is another subject's:
    /// it counts as not found, and loses its confidence.
    pub(super) fn judge(
        &self,
        found: &mut Correspondence,
        [exemplar, frame]: [f32; 2],
        time: FrameTime,
    ) -> Judged {
        let posed = Decomposition::from_match(found, exemplar, frame);
        let leapt = |(at, last): &(FrameTime, Sighting)| {
            !last.leads_to(&posed.pose, (time - *at).as_secs_f64().clamp(0.0, LOST) as f32)
        };
        if posed.found() >= FOUND {
            if self.last.as_ref().is_none_or(|last| !leapt(last)) {
                let sighting = Sighting::of(&posed, exemplar, frame);
                return Judged { seen: Some(sighting), view: Roi::around(&posed.pose, exemplar, frame) };
            }
            found.confidence = vec![0.0; CELLS];
        }
        match &self.last {
            Some((at, _)) if (time - *at).as_secs_f64() <= LOST => Judged { seen: None, view: self.view },
            _ => Judged { seen: None, view: Roi::FULL },
        }
    }

    /// Remembers what the last look at this frame showed. Whether its subject has been away for so long that it is lost.
    pub(super) fn remember(&mut self, seen: Option<Sighting>, time: FrameTime) -> bool {
        if let Some(sighting) = seen {
            self.last = Some((time, sighting));
        }
        let is_lost = self.last.is_some_and(|(at, _)| (time - at).as_secs_f64() > LOST);
        if is_lost {
            self.let_go();
        }
        is_lost
    }
}

/// What a look showed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Judged {
    /// The subject, if it was found.
    pub(super) seen: Option<Sighting>,
    /// The window through which it should be looked at.
    pub(super) view: Roi,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::warp::similarity::tests::{EXEMPLAR, FRAME, carried};

    fn at(x: f32) -> Correspondence {
        carried(move |[across, y]| [0.5 * across + x, 0.5 * y + 0.2])
    }

    fn secs(secs: f64) -> FrameTime {
        FrameTime::from_secs_f64(secs)
    }

    /// Judges and remembers, as one look at each frame does; how much of the match still counts.
    fn look(tracker: &mut Tracker, mut found: Correspondence, at: f64) -> (f32, bool) {
        let judged = tracker.judge(&mut found, [EXEMPLAR, FRAME], secs(at));
        let is_lost = tracker.remember(judged.seen, secs(at));
        (found.confidence.iter().sum(), is_lost)
    }

    #[test]
    fn another_persons_match_does_not_count_until_its_own_is_lost() {
        let mut tracker = Tracker::default();
        assert!(look(&mut tracker, at(0.2), 0.0).0 > 200.0);
        let leapt = [0.1, 0.2, 0.3, 0.4, 0.5].map(|secs| look(&mut tracker, at(1.3), secs));
        assert_eq!(leapt, [(0.0, false); 5]);
        assert_eq!(look(&mut tracker, at(1.3), 0.6), (0.0, true));
        assert!(tracker.is_idle() && tracker.view == Roi::FULL);
        assert!(look(&mut tracker, at(1.3), 0.7).0 > 200.0, "then it may be anyone");
        // Negative control: one that walks is followed.
        let walked =
            (0..10).map(|k| look(&mut tracker, at(1.3 - 0.05 * k as f32), 0.8 + 0.1 * f64::from(k)).0);
        assert!(walked.into_iter().all(|sure| sure > 200.0));
    }

    #[test]
    fn a_flash_gives_back_what_a_cut_takes() {
        let mut tracker = Tracker::default();
        let view = Roi { left: 0.1, top: 0.2, width: 0.3, height: 0.4 };
        let mut found = at(0.2);
        let seen = tracker.judge(&mut found, [EXEMPLAR, FRAME], secs(0.0)).seen.expect("found");
        tracker.follow(seen, view, secs(0.0));
        tracker.break_off(true);
        assert!(tracker.is_idle() && tracker.view == Roi::FULL && tracker.view_before() == view);
        tracker.break_off(false);
        tracker.resume(secs(0.2));
        assert!(tracker.view == view && tracker.subject() == Some(&seen));
    }

    #[test]
    fn an_answer_that_is_none_is_overruled_by_the_last_good_one() {
        let mut tracker = Tracker::default();
        assert_eq!(tracker.or_previous(None), Correspondence::nothing());
        tracker.or_previous(Some(at(0.2)));
        assert_eq!(tracker.or_previous(None), at(0.2));
    }
}
