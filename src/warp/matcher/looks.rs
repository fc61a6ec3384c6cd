//! Looking for subjects that are not followed yet: everywhere where a scene begins, and now and then through one window.

use crate::error::Result;
use crate::frame::resize::Pixels;
use crate::time::FrameTime;
use crate::warp::grid::FOUND;
use crate::warp::matcher::{LOOKS, Matcher};
use crate::warp::roi::Roi;
use crate::warp::search::{Focus, Sighting, in_focus, windows};
use crate::warp::tracker::Tracker;

/// Seconds between looks for a subject that is not followed yet.
const PROBE: f64 = 0.2;

impl Matcher {
    /// Looks for subjects everywhere, and follows those in focus.
    pub(super) fn search(&mut self, pixels: Pixels<'_>, time: FrameTime) -> Result<()> {
        let (exemplar, frame) = (self.exemplar_aspect, self.frame_aspect);
        self.probed = (time, 0);
        let (mut subjects, mut unsure) = (Vec::<Sighting>::new(), None);
        for (size, views) in windows(exemplar, frame).into_iter().enumerate() {
            for view in views {
                let middle = view.frame_from_view([0.5, 0.5]);
                if view != Roi::FULL && subjects.iter().any(|known| known.covers(middle, exemplar, frame)) {
                    continue;
                }
                let Some(seen) = self.closer(view, pixels)? else { continue };
                if !seen.is_sure() {
                    unsure = unsure.or(Some(seen).filter(|_| view == Roi::FULL));
                } else if !subjects.iter().any(|known| known.is_same(&seen, exemplar)) {
                    subjects.push(seen);
                }
            }
            // Smaller windows show smaller subjects.
            let is_enough = size > 0 && self.focus == Focus::Largest && !subjects.is_empty();
            if is_enough || subjects.iter().any(|seen| seen.fills(exemplar, frame)) {
                break;
            }
        }
        // One that is not among others need not be as sure.
        subjects.extend(unsure.filter(|_| subjects.is_empty()));
        let subjects = in_focus(subjects, self.focus, exemplar, frame);
        tracing::debug!("subjects at {time}: {subjects:?}");
        self.trackers.iter_mut().for_each(Tracker::let_go);
        for (tracker, sighting) in self.trackers.iter_mut().zip(subjects) {
            tracker.follow(sighting, Roi::around(&sighting.pose, exemplar, frame), time);
        }
        Ok(())
    }

    /// Looks through the next window for a subject that is not followed yet, now and then.
    pub(super) fn probe(&mut self, pixels: Pixels<'_>, time: FrameTime) -> Result<()> {
        let (exemplar, frame) = (self.exemplar_aspect, self.frame_aspect);
        let Some(idle) = self.trackers.iter().position(Tracker::is_idle) else { return Ok(()) };
        let (at, count) = self.probed;
        if (0.0..PROBE).contains(&(time - at).as_secs_f64()) {
            return Ok(());
        }
        self.probed = (time, count + 1);
        let mut views = windows(exemplar, frame).concat();
        let known = |view: &Roi| {
            let mut subjects = self.trackers.iter().filter_map(Tracker::subject);
            subjects.any(|known| known.covers(view.frame_from_view([0.5, 0.5]), exemplar, frame))
        };
        views.retain(|view| !known(view));
        let Some(view) = views.get(count % views.len().max(1)) else { return Ok(()) };
        let Some(seen) = self.closer(*view, pixels)? else { return Ok(()) };
        let mut known = self.trackers.iter().filter_map(Tracker::subject);
        if seen.is_sure() && !known.any(|known| known.is_same(&seen, exemplar)) {
            tracing::debug!("another subject at {time}: {seen:?}");
            self.trackers[idle].follow(seen, Roi::around(&seen.pose, exemplar, frame), time);
        }
        Ok(())
    }

    /// What a window shows of the exemplar's subject, if anything.
    fn sight(&mut self, view: Roi, pixels: Pixels<'_>) -> Result<Option<Sighting>> {
        let features = self.encoder.run(pixels, view)?;
        let posed = self.matches(&features, view)?.map(|found| self.decompose(&found));
        let (exemplar, frame) = (self.exemplar_aspect, self.frame_aspect);
        let sighting = posed.map(|posed| Sighting::of(&posed, exemplar, frame));
        tracing::trace!("{view:?} shows {sighting:?}");
        Ok(sighting.filter(|sighting| sighting.found >= FOUND))
    }

    /// What a window shows, seen through windows of its own; `None` if that is nothing.
    fn closer(&mut self, view: Roi, pixels: Pixels<'_>) -> Result<Option<Sighting>> {
        let mut seen = self.sight(view, pixels)?;
        for _ in 0..LOOKS {
            let Some(before) = seen else { break };
            seen = self.sight(Roi::around(&before.pose, self.exemplar_aspect, self.frame_aspect), pixels)?;
        }
        Ok(seen)
    }

    /// Of two trackers that have come to follow one subject, the less sure one lets go.
    pub(super) fn part_twins(&mut self) {
        for k in 1..self.trackers.len() {
            let twin = |n: &usize| {
                let (one, other) = (self.trackers[*n].subject(), self.trackers[k].subject());
                one.zip(other).is_some_and(|(one, other)| one.is_same(other, self.exemplar_aspect))
            };
            if let Some(twin) = (0..k).find(twin) {
                let sure = |n: usize| self.trackers[n].subject().map_or(0.0, Sighting::share);
                let less = if sure(twin) < sure(k) { twin } else { k };
                self.trackers[less].let_go();
            }
        }
    }
}
