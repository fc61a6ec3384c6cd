//! Where subjects might be at the first frame of a scene, and which of them is followed.
//!
//! The networks see a subject from half to twice as large as their window shows the exemplar. So the frame is
//! looked at as a whole, then through windows of two sizes where nobody has been found yet. Which of the
//! subjects are followed, the [`Focus`] says. It is asked only then: who has the focus keeps it until they are lost,
//! so the warp does not jump from one person to another.

use serde::{Deserialize, Serialize};

use crate::names::names;
use crate::warp::grid::{CELLS, FOUND, GRID, centre};
use crate::warp::roi::Roi;
use crate::warp::similarity::{Decomposition, Similarity};

/// Most subjects followed at once.
pub const SUBJECTS: usize = 3;

/// Which of several subjects take over the exemplar's shapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Focus {
    /// The largest, so the nearest.
    #[default]
    Largest,
    /// The one nearest to the middle of the picture.
    Middle,
    /// Up to [`SUBJECTS`].
    All,
}

names!(Focus { Largest => "largest", Middle => "middle", All => "all" });

impl Focus {
    /// How many subjects are followed.
    pub fn subjects(self) -> usize {
        if self == Self::All { SUBJECTS } else { 1 }
    }
}

/// A subject, seen somewhere.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sighting {
    /// How the exemplar lies on it.
    pub pose: Similarity,
    /// Cells found, as [`Decomposition::found`].
    pub found: f32,
    /// Cells that lie within the frame.
    pub visible: usize,
}

impl Sighting {
    /// What a match shows.
    pub fn of(posed: &Decomposition, exemplar_aspect: f32, frame_aspect: f32) -> Self {
        let is_inside = |cell: &usize| {
            let [x, y] = centre(*cell, GRID);
            let [x, y] = posed.pose.apply([x * exemplar_aspect, y]);
            (0.0..=frame_aspect).contains(&x) && (0.0..=1.0).contains(&y)
        };
        let visible = (0..CELLS).filter(is_inside).count();
        Self { pose: posed.pose, found: posed.found(), visible }
    }

    /// Left, upper, right and lower end of what the exemplar covers, in heights of the frame; tilt is left out.
    fn extent(&self, exemplar_aspect: f32) -> [f32; 4] {
        let [x, y] = self.pose.apply([0.5 * exemplar_aspect, 0.5]);
        let (across, down) = (0.5 * self.pose.scale() * exemplar_aspect, 0.5 * self.pose.scale());
        [x - across, y - down, x + across, y + down]
    }

    /// How much of what is in sight was found, 0..=1.
    pub fn share(&self) -> f32 {
        self.found / self.visible.max(1) as f32
    }

    /// Whether it is so sure that it is one among others.
    pub fn is_sure(&self) -> bool {
        let share = (SURE - SURE_SLOPE * self.pose.scale()).max(LEAST_SURE);
        self.found >= (share * self.visible as f32).max(2.0 * FOUND)
    }

    /// Whether it covers a place, in fractions of the frame.
    pub fn covers(&self, [x, y]: [f32; 2], exemplar_aspect: f32, frame_aspect: f32) -> bool {
        let [left, upper, right, lower] = self.extent(exemplar_aspect);
        (left..right).contains(&(x * frame_aspect)) && (upper..lower).contains(&y)
    }

    /// Whether it is the subject that another look saw, or a part of it: one covers much of the other.
    pub fn is_same(&self, other: &Self, exemplar_aspect: f32) -> bool {
        let (a, b) = (self.extent(exemplar_aspect), other.extent(exemplar_aspect));
        let overlap = |axis: usize| (a[axis + 2].min(b[axis + 2]) - a[axis].max(b[axis])).max(0.0);
        let area = |[left, upper, right, lower]: [f32; 4]| (right - left) * (lower - upper);
        overlap(0) * overlap(1) > OVERLAP * area(a).min(area(b))
    }

    /// Whether it leaves no room beside it for another subject.
    pub fn fills(&self, exemplar_aspect: f32, frame_aspect: f32) -> bool {
        let [left, upper, right, lower] = self.extent(exemplar_aspect);
        let (width, height) = (right - left, lower - upper);
        left.max(frame_aspect - right) < 0.3 * width && upper.max(1.0 - lower) < 0.3 * height
    }

    /// Whether a subject can have come from there to `next` in so many seconds.
    pub fn leads_to(&self, next: &Similarity, secs: f32) -> bool {
        let (here, there) = (self.pose.numbers(), next.numbers());
        let (near, far) = (self.pose.scale(), next.scale());
        let moved = (here[2] - there[2]).hypot(here[3] - there[3]);
        moved <= (SLACK + SPEED * secs) * near.max(far) && near.max(far) <= (1.0 + GROWTH) * near.min(far)
    }
}

/// Share of the cells within the frame that are found, from which a subject is one among others, and how it falls with
/// the scale. In small windows beside a true subject the network sees things, of which it finds half; of small people it
/// found four fifths and more. Heads larger than the exemplar's are found by half.
const SURE: f32 = 0.7;
const SURE_SLOPE: f32 = 0.2;
const LEAST_SURE: f32 = 0.4;
/// How much of the smaller one two subjects may share.
const OVERLAP: f32 = 0.3;
/// How far a subject's middle may be off from one look to the next, in its own heights, and further a second.
const SLACK: f32 = 0.25;
const SPEED: f32 = 2.5;
/// How much larger or smaller it may look.
const GROWTH: f32 = 0.6;

/// Sides of the windows in heights of the frame, and how far they are apart in their own sizes.
const SIDES: [f32; 2] = [1.0, 0.5];
const STEP: f32 = 0.75;
/// Most windows in a row or column: a strip of a frame is not searched without end.
const MOST: usize = 6;

/// Where to look: the whole frame, then the windows of each size. Windows have the exemplar's proportions.
pub fn windows(exemplar_aspect: f32, frame_aspect: f32) -> Vec<Vec<Roi>> {
    let along = |size: f32| {
        let count = (((1.0 - size) / (STEP * size)).ceil() as usize).min(MOST - 1);
        (0..=count).map(move |k| if count == 0 { 0.0 } else { (1.0 - size) * k as f32 / count as f32 })
    };
    let sized = SIDES.into_iter().map(|height| {
        let width = (height * exemplar_aspect / frame_aspect).min(1.0);
        let row = |top| along(width).map(move |left| Roi { left, top, width, height });
        along(height).flat_map(row).filter(|view| *view != Roi::FULL).collect()
    });
    std::iter::once(vec![Roi::FULL]).chain(sized).collect()
}

/// The subjects that were seen, the one in focus first.
pub fn in_focus(
    mut subjects: Vec<Sighting>,
    focus: Focus,
    exemplar_aspect: f32,
    frame_aspect: f32,
) -> Vec<Sighting> {
    let away = |subject: &Sighting| {
        let [x, y] = subject.pose.apply([0.5 * exemplar_aspect, 0.5]);
        (x - 0.5 * frame_aspect).hypot(y - 0.5)
    };
    match focus {
        Focus::Middle => subjects.sort_by(|a, b| away(a).total_cmp(&away(b))),
        Focus::Largest | Focus::All => {
            subjects.sort_by(|a, b| b.pose.scale().total_cmp(&a.pose.scale()));
        }
    }
    subjects
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXEMPLAR: f32 = 0.75;
    const FRAME: f32 = 16.0 / 9.0;

    /// A subject whose middle is there, so high, in heights of the frame.
    fn at(x: f32, y: f32, scale: f32, found: f32) -> Sighting {
        let shift = [x - 0.5 * EXEMPLAR * scale, y - 0.5 * scale];
        Sighting { pose: Similarity { turn: [scale, 0.0], shift }, found, visible: CELLS }
    }

    #[test]
    fn the_focus_says_who_comes_first() {
        let seen = vec![at(0.3, 0.5, 0.4, 180.0), at(0.9, 0.5, 0.3, 190.0), at(1.5, 0.6, 0.6, 185.0)];
        let found = |focus| {
            in_focus(seen.clone(), focus, EXEMPLAR, FRAME).iter().map(|s| s.found).collect::<Vec<_>>()
        };
        assert_eq!(found(Focus::Largest), [185.0, 180.0, 190.0]);
        assert_eq!(found(Focus::All), [185.0, 180.0, 190.0]);
        assert_eq!(found(Focus::Middle), [190.0, 180.0, 185.0]);
    }

    #[test]
    fn what_lies_within_another_is_the_same_and_neighbours_are_two() {
        let one = at(0.5, 0.5, 0.5, 160.0);
        for (other, is_same) in [
            (at(0.55, 0.48, 0.55, 110.0), true),
            (at(0.45, 0.4, 0.2, 110.0), true),
            (at(0.95, 0.5, 0.5, 80.0), false),
        ] {
            assert_eq!(one.is_same(&other, EXEMPLAR), is_same, "{other:?}");
            assert_eq!(other.is_same(&one, EXEMPLAR), is_same, "{other:?}");
        }
        assert!(
            one.covers([0.5 / FRAME, 0.5], EXEMPLAR, FRAME)
                && !one.covers([0.9 / FRAME, 0.5], EXEMPLAR, FRAME)
        );
        assert!(one.is_sure() && !at(0.5, 0.5, 0.5, 130.0).is_sure() && at(0.5, 0.5, 1.2, 130.0).is_sure());
        assert!(
            Sighting { visible: 200, ..at(0.5, 0.5, 0.5, 130.0) }.is_sure(),
            "half of it is out of sight"
        );
    }

    #[test]
    fn every_place_is_seen_through_a_window_of_either_size() {
        assert!(windows(0.1, 100.0).concat().len() <= 1 + MOST + MOST * MOST);
        for (exemplar, frame) in [(0.75, 16.0 / 9.0), (0.75, 9.0 / 16.0), (1.5, 1.0)] {
            let views = windows(exemplar, frame).concat();
            assert!(views[0] == Roi::FULL && views.len() < 25, "{}", views.len());
            for k in 0..100 {
                let (x, y) = ((k % 10) as f32 / 9.0, (k / 10) as f32 / 9.0);
                for height in SIDES {
                    let inside = |view: &Roi| {
                        let across = (view.left - 1e-4..=view.left + view.width + 1e-4).contains(&x);
                        let down = (view.top - 1e-4..=view.top + view.height + 1e-4).contains(&y);
                        across && down && (view.height - height).abs() < 1e-4
                    };
                    assert!(views.iter().any(inside), "{x} {y} {height} of {exemplar} in {frame}");
                }
            }
        }
    }

    #[test]
    fn subjects_walk_and_do_not_leap() {
        let here = at(0.9, 0.5, 0.5, 90.0);
        assert!(here.leads_to(&at(0.95, 0.5, 0.52, 90.0).pose, 0.04));
        assert!(!here.leads_to(&at(1.4, 0.5, 0.5, 90.0).pose, 0.04));
        assert!(here.leads_to(&at(1.4, 0.5, 0.5, 90.0).pose, 0.4), "there is time for it");
        assert!(!here.leads_to(&at(0.9, 0.5, 0.25, 90.0).pose, 0.4), "someone behind");
    }

    #[test]
    fn a_head_before_the_lens_fills_the_picture_and_one_at_a_table_does_not() {
        assert!(at(0.9, 0.5, 1.8, 90.0).fills(EXEMPLAR, FRAME));
        assert!(!at(0.9, 0.5, 0.8, 90.0).fills(EXEMPLAR, FRAME));
        assert!(at(0.3, 0.6, 0.8, 90.0).fills(EXEMPLAR, 9.0 / 16.0));
    }
}
