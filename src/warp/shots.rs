//! Scene cuts, told by the encoder's own features, so they cost nothing.
//!
//! Features are unit vectors on 16x16 cells with what is common to all pictures
//! taken off: two frames of one shot have a mean cosine near 1, two unrelated
//! ones near 0. A frame unlike the one before it, or unlike the one
//! `SLOWLY` seconds before (a dissolve never jumps), *breaks* the scene. A
//! flash breaks it too, but then the old scene comes back: for [`FLASH`] seconds
//! after a break what was before is remembered, and a frame that is like it
//! *resumes* the old scene; what lay between was no scene.
//!
//! A hard cut ([`crate::scene_change`]) breaks the scene whatever the features say, which depend on where the
//! encoder was looking, and is undone only by a picture that itself goes on from the one before the cut.

use std::collections::VecDeque;

use crate::scene_change::{Change, SceneSignature};
use crate::time::FrameTime;
use crate::warp::grid::{CELLS, Features, Transition};

/// Least likeness of neighbouring frames of one scene. On real clips those had at
/// least 0.58 (a bicycle stunt), frames on either side of a cut 0.03 to 0.06.
const LEAST: f32 = 0.35;
/// Least likeness of frames `SLOWLY` seconds apart, of one scene: at least 0.22 on
/// the same clips.
const LEAST_SLOWLY: f32 = 0.1;
/// Seconds over which a slow change is judged.
const SLOWLY: f64 = 0.4;
/// Longest interruption, in seconds, after which a scene may resume.
pub const FLASH: f64 = 0.25;

/// Tells scenes apart.
#[derive(Default)]
pub struct ShotDetector {
    scene: FeatureHistory,
    before: Option<Break>,
}

/// What was before the last break, and when that was.
struct Break {
    at: FrameTime,
    past: FeatureHistory,
    /// The last picture before, if it was a hard cut.
    picture: Option<SceneSignature>,
}

/// The last [`SLOWLY`] seconds of a scene, oldest first.
type FeatureHistory = VecDeque<(FrameTime, Features)>;

impl ShotDetector {
    /// Whether a scene might still resume at `time`.
    pub fn may_resume(&self, time: FrameTime) -> bool {
        self.before.as_ref().is_some_and(|past| (time - past.at).as_secs_f64() <= FLASH)
    }

    /// When the scene broke to which the next frames might return.
    pub fn broke_at(&self) -> Option<FrameTime> {
        self.before.as_ref().map(|past| past.at)
    }

    /// How the next frame follows. `as_before` are its features seen through the
    /// window of the scene that might resume; without a `change` no cut is hard.
    pub fn run(
        &mut self,
        time: FrameTime,
        features: &Features,
        as_before: &Features,
        change: Option<Change>,
    ) -> Transition {
        if !self.may_resume(time) {
            self.before = None;
        }
        let (now, cut_from) = change.map(|change| (change.now, change.cut_from)).unzip();
        let goes_on = |picture: &SceneSignature| now.as_ref().is_some_and(|now| picture.continues(now));
        let resumes =
            |past: &Break| past.picture.as_ref().is_none_or(goes_on) && follows(&past.past, as_before);
        if let Some(past) = self.before.take_if(|past| resumes(past)) {
            self.scene = past.past;
            self.remember(time, as_before.clone());
            return Transition::FlashEnd;
        }
        let picture = cut_from.flatten();
        let is_hard = picture.is_some();
        if !is_hard && follows(&self.scene, features) {
            self.remember(time, features.clone());
            return Transition::None;
        }
        let past = std::mem::take(&mut self.scene);
        // Of several breaks in a row, a flickering flash, the first one's past counts; but a flash is never
        // softer than what comes in it.
        self.before.take_if(|before| is_hard && before.picture.is_none());
        self.before.get_or_insert(Break { at: time, past, picture });
        self.remember(time, features.clone());
        if is_hard { Transition::HardCut } else { Transition::Cut }
    }

    /// Starts anew from how the same frame looks through another window.
    pub fn looks_like(&mut self, time: FrameTime, features: Features) {
        self.scene.clear();
        self.remember(time, features);
    }

    fn remember(&mut self, time: FrameTime, features: Features) {
        self.scene.push_back((time, features));
        // The oldest one kept is the youngest that is at least SLOWLY old.
        while self.scene.get(1).is_some_and(|(at, _)| (time - *at).as_secs_f64() >= SLOWLY) {
            self.scene.pop_front();
        }
    }
}

/// Whether a frame can belong to the scene of those before it.
fn follows(past: &FeatureHistory, features: &Features) -> bool {
    let (Some((_, oldest)), Some((_, newest))) = (past.front(), past.back()) else { return true };
    let (near, far) = (likeness(newest, features), likeness(oldest, features));
    tracing::trace!("likeness to the frame before {near:.2}, to the oldest kept {far:.2}");
    near >= LEAST && far >= LEAST_SLOWLY
}

/// Mean cosine of the cells of two frames: -1 to 1.
pub fn likeness(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>() / CELLS as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Features of two channels: every cell points `turns` of a full turn round.
    fn looking(turns: f32) -> Features {
        let (y, x) = (turns * std::f32::consts::TAU).sin_cos();
        Features::new([vec![x; CELLS], vec![y; CELLS]].concat().into())
    }

    /// Judges frames at 25 a second.
    fn judge(film: &[f32]) -> Vec<Transition> {
        let mut cuts = ShotDetector::default();
        let time = |k: usize| FrameTime::from_nanos(k as i64 * 40_000_000);
        film.iter()
            .enumerate()
            .map(|(k, turns)| cuts.run(time(k), &looking(*turns), &looking(*turns), None))
            .collect()
    }

    fn breaks(film: &[f32]) -> Vec<usize> {
        let scenes = judge(film);
        (0..film.len()).filter(|k| scenes[*k] == Transition::Cut).collect()
    }

    #[test]
    fn a_cut_breaks_once() {
        let film = [[0.0; 20], [0.3; 20]].concat();
        assert_eq!(breaks(&film), [20]);
        assert!(!judge(&film).contains(&Transition::FlashEnd));
    }

    #[test]
    fn a_flash_resumes_and_a_short_shot_does_not() {
        let mut film = vec![0.0; 40];
        film[20..24].fill(0.4);
        let scenes = judge(&film);
        assert_eq!((scenes[20], scenes[24]), (Transition::Cut, Transition::FlashEnd));
        assert!(scenes[25..].iter().all(|scene| *scene == Transition::None));
        film[20..30].fill(0.4);
        assert_eq!(breaks(&film), [20, 30], "too long for a flash: two cuts");
    }

    #[test]
    fn a_flickering_flash_resumes_too() {
        let mut film = vec![0.0; 40];
        (film[20], film[21], film[22]) = (0.4, 0.7, 0.4);
        assert_eq!(judge(&film)[23], Transition::FlashEnd);
    }

    /// The same with pictures of plain grey, each pair (turns, level).
    fn judge_pictures(film: &[(f32, u8)]) -> Vec<Transition> {
        let mut cuts = ShotDetector::default();
        let size = crate::frame::Size { width: 64, height: 36 };
        let signature = |level: u8| SceneSignature::of(&vec![level; size.rgba_bytes()], size);
        let mut before: Option<SceneSignature> = None;
        let mut at = |k: usize, (turns, level): (f32, u8)| {
            let now = signature(level);
            let cut_from = before.take().filter(|before| before.is_cut_from(&now));
            before = Some(now.clone());
            let features = looking(turns);
            let time = FrameTime::from_nanos(k as i64 * 40_000_000);
            cuts.run(time, &features, &features, Some(Change { difference: 0.0, now, cut_from }))
        };
        film.iter().enumerate().map(|(k, pair)| at(k, *pair)).collect()
    }

    #[test]
    fn a_hard_cut_breaks_whatever_the_features_say_and_only_its_picture_undoes_it() {
        let mut film = [(0.0, 20); 40];
        film[20..].fill((0.0, 200));
        assert_eq!(judge_pictures(&film)[20], Transition::HardCut);
        film[24..].fill((0.0, 20));
        let scenes = judge_pictures(&film);
        assert_eq!((scenes[20], scenes[24]), (Transition::HardCut, Transition::FlashEnd), "a flash");
        film[24..].fill((0.0, 100));
        let scenes = judge_pictures(&film);
        assert!(!scenes.contains(&Transition::FlashEnd), "features alone do not undo it: {scenes:?}");
    }

    #[test]
    fn a_hard_cut_takes_the_place_of_a_softer_break_before_it() {
        let mut film = [(0.0, 20); 40];
        film[20..22].fill((0.4, 20));
        film[22..].fill((0.4, 200));
        // Back to what was before the softer break, not to what was before the cut.
        film[24..].fill((0.0, 200));
        let scenes = judge_pictures(&film);
        assert_eq!((scenes[20], scenes[22]), (Transition::Cut, Transition::HardCut));
        assert!(!scenes[23..].contains(&Transition::FlashEnd), "{scenes:?}");
    }

    #[test]
    fn a_dissolve_breaks_although_it_never_jumps() {
        let dissolve: Vec<f32> = (0..40).map(|k| (k as f32 - 10.0).clamp(0.0, 20.0) / 20.0 * 0.5).collect();
        assert!(!breaks(&dissolve).is_empty());
    }

    #[test]
    fn steady_change_within_a_scene_is_none() {
        let pan: Vec<f32> = (0..40).map(|k| k as f32 * 0.015).collect();
        assert!(breaks(&pan).is_empty(), "a sixth of a turn in 0.4 s");
    }
}
