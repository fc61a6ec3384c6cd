use std::convert::Infallible;

use super::*;
use crate::time::FrameTime;
use crate::warp::grid::Transition;
use crate::warp::similarity::{Decomposition, Similarity};
use proptest::prelude::*;

/// A frame of a film: seconds, where the subject is, how it is shaped, how sure, how it follows.
type FramePair = (f64, f32, f32, f32, Transition);

fn posed(place: f32, shape: f32, confidence: f32) -> Decomposition {
    Decomposition {
        pose: Similarity::from_numbers([0.5, 0.0, place, 0.5]),
        residual: vec![[shape, -shape]],
        confidence: vec![confidence],
    }
}

fn read(found: &Decomposition) -> (f32, f32) {
    (found.pose.numbers()[2], found.residual[0][0])
}

/// Place and shape of every frame after looking ahead.
fn ahead(film: &[FramePair]) -> Vec<(f32, f32)> {
    let (mut out, mut order) = (Vec::new(), Vec::new());
    let mut smoother = LookaheadSmoother::default();
    let mut ready = |index: usize, found: Vec<Decomposition>| {
        order.push(index);
        out.push(read(&found[0]));
        Ok::<_, Infallible>(())
    };
    for (index, &(secs, place, shape, sure, how)) in film.iter().enumerate() {
        let time = FrameTime::from_secs_f64(secs);
        let Ok(()) = smoother.push(time, vec![posed(place, shape, sure)], how, index, &mut ready);
    }
    let Ok(()) = smoother.finish(&mut ready);
    assert!(order.iter().copied().eq(0..film.len()), "every frame once, in order");
    out
}

/// The same, of which one frame in `step` is matched.
fn ahead_of_keyframes(film: &[FramePair], step: usize) -> Vec<(f32, f32)> {
    let mut out = Vec::new();
    let mut smoother = LookaheadSmoother::default();
    let mut ready = |(), found: Vec<Decomposition>| {
        out.push(read(&found[0]));
        Ok::<_, Infallible>(())
    };
    for (index, &(secs, place, shape, sure, how)) in film.iter().enumerate() {
        let time = FrameTime::from_secs_f64(secs);
        let Ok(()) = match index % step {
            0 => smoother.push(time, vec![posed(place, shape, sure)], how, (), &mut ready),
            _ => smoother.carry(time, (), &mut ready),
        };
    }
    let Ok(()) = smoother.finish(&mut ready);
    out
}

fn causal(film: &[FramePair]) -> Vec<(f32, f32)> {
    let mut smoother = OneEuroSmoother::default();
    let run = |&(secs, place, shape, sure, how): &FramePair| {
        read(&smoother.run(FrameTime::from_secs_f64(secs), posed(place, shape, sure), how))
    };
    film.iter().map(run).collect()
}

/// `frames` at `rate` a second, sure of everything, one scene.
fn film(frames: usize, rate: f64, at: impl Fn(f64) -> (f32, f32)) -> Vec<FramePair> {
    (0..frames)
        .map(|k| {
            let secs = k as f64 / rate;
            let (place, shape) = at(secs);
            (secs, place, shape, 1.0, Transition::None)
        })
        .collect()
}

/// A number in -1..1 that only depends on `k`.
fn noise(k: usize) -> f32 {
    ((k as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0x1234_5678_9abc) >> 40) as f32
        / (1u64 << 23) as f32
        - 1.0
}

fn rms(values: impl Iterator<Item = f32> + Clone) -> f32 {
    (values.clone().map(|v| v * v).sum::<f32>() / values.count() as f32).sqrt()
}

#[test]
fn steady_motion_has_no_lag_whatever_the_frame_times() {
    let times = [0.0, 0.03, 0.05, 0.1, 0.12, 0.17, 0.2, 0.25, 0.3, 0.31, 0.4, 0.42, 0.5, 0.55, 0.6, 0.7, 0.8];
    let uneven: Vec<FramePair> = times.iter().map(|&t| (t, t as f32, 0.0, 1.0, Transition::None)).collect();
    for ((place, _), secs) in ahead(&uneven).iter().zip(times).skip(2).take(11) {
        assert!((f64::from(*place) - secs).abs() < 0.02, "{place} at {secs}");
    }
}

#[test]
fn trembling_is_calmed_looking_ahead_and_live() {
    // A tremble of 0.5 % of the subject's size, as measured on real clips.
    let mut trembling = film(150, 30.0, |_| (0.5, 0.0));
    trembling.iter_mut().enumerate().for_each(|(k, shown)| shown.2 = 0.005 * noise(k));
    let raw = rms(trembling[60..].iter().map(|shown| shown.2));
    let (seen, live) = (ahead(&trembling), causal(&trembling));
    let (seen, live) = (rms(seen[60..135].iter().map(|v| v.1)), rms(live[60..].iter().map(|v| v.1)));
    assert!(seen < 0.25 * raw, "{seen} of {raw}");
    assert!(live < 0.25 * raw, "{live} of {raw}");
}

#[test]
fn a_step_is_followed_live_within_120_ms_at_any_frame_rate() {
    for rate in [15.0, 25.0, 30.0, 60.0] {
        let step = film(2 * rate as usize, rate, |t| if t < 1.0 { (0.3, 0.0) } else { (0.5, 0.1) });
        let at = |t: f64| causal(&step)[((t + 1.0) * rate).ceil() as usize];
        let (place, shape) = at(0.12);
        assert!(place > 0.48, "{place} at {rate} fps");
        assert!(shape > 0.09, "{shape} at {rate} fps");
        assert!(at(-0.1).1.abs() < 1e-6, "negative control: nothing before the step");
    }
}

#[test]
fn a_first_frame_that_was_off_is_not_believed_for_seconds() {
    for rate in [10.0, 30.0, 60.0] {
        let shown = film(rate as usize, rate, |t| if t < 0.5 / rate { (0.5, 0.02) } else { (0.5, 0.0) });
        let (_, shape) = causal(&shown)[(0.5 * rate) as usize];
        // At rest the filter alone would still be at two thirds of it.
        assert!(shape < 0.2 * 0.02, "{shape} at {rate} fps");
    }
}

#[test]
fn looking_ahead_a_step_is_half_way_when_it_happens() {
    let step = film(100, 25.0, |t| if t < 1.99 { (0.0, 0.0) } else { (1.0, 1.0) });
    let seen = ahead(&step);
    let middle = |pick: fn(&(f32, f32)) -> f32| (pick(&seen[49]) + pick(&seen[50])) / 2.0;
    assert!((middle(|v| v.0) - 0.5).abs() < 0.02 && (middle(|v| v.1) - 0.5).abs() < 0.02);
}

#[test]
fn dropped_frames_change_little() {
    let wave = |t: f64| (0.5 + 0.1 * (2.0 * t).sin() as f32, 0.02 * (1.5 * t).sin() as f32);
    let full = film(120, 30.0, wave);
    let half: Vec<FramePair> = full.iter().step_by(2).copied().collect();
    for smooth in [ahead, causal] {
        let (full, half) = (smooth(&full), smooth(&half));
        for (a, b) in full.iter().step_by(2).zip(&half).skip(20).take(30) {
            assert!((a.0 - b.0).abs() < 0.01 && (a.1 - b.1).abs() < 0.004, "{a:?} {b:?}");
        }
    }
}

#[test]
fn frames_between_keyframes_move_on_as_if_they_had_been_matched() {
    let wave = |t: f64| (0.5 + 0.1 * (2.0 * t).sin() as f32, 0.02 * (1.5 * t).sin() as f32);
    for (rate, step) in [(30.0, 2), (60.0, 4)] {
        let film = film(4 * rate as usize, rate, wave);
        let (all, few) = (ahead(&film), ahead_of_keyframes(&film, step));
        assert_eq!(all.len(), few.len());
        for (k, (a, b)) in all.iter().zip(&few).enumerate() {
            let near_an_end = k < rate as usize / 5 || k + rate as usize / 5 > film.len();
            let most = if near_an_end { 0.02 } else { 0.004 };
            assert!((a.0 - b.0).abs() < most && (a.1 - b.1).abs() < most, "{k} at {rate}: {a:?} {b:?}");
        }
    }
    let mut cut = film(48, 24.0, |t| if t < 0.99 { (0.2, 0.0) } else { (0.8, 1.0) });
    cut[24].4 = Transition::Cut;
    let seen = ahead_of_keyframes(&cut, 2);
    assert!(seen[..24].iter().all(|v| v.1 == 0.0) && seen[24..].iter().all(|v| v.1 == 1.0), "{seen:?}");
}

#[test]
fn nothing_crosses_a_cut_but_without_one_it_would() {
    let cut = |how| {
        let mut shown = film(50, 25.0, |t| if t < 0.99 { (0.2, 0.0) } else { (0.8, 1.0) });
        shown[25].4 = how;
        shown
    };
    for smooth in [ahead, causal] {
        let seen = smooth(&cut(Transition::Cut));
        assert!(seen[..25].iter().all(|v| v.1 == 0.0) && seen[25..].iter().all(|v| v.1 == 1.0), "{seen:?}");
    }
    assert!(ahead(&cut(Transition::None))[24].1 > 0.1, "negative control");
    let mut small = film(50, 25.0, |t| if t < 0.99 { (0.5, 0.0) } else { (0.5, 0.005) });
    assert!(causal(&small)[25].1 < 0.004, "negative control");
    small[25].4 = Transition::Cut;
    assert_eq!(causal(&small)[25].1, 0.005);
}

#[test]
fn a_flash_is_bridged() {
    for (frames, resumed) in [(3, true), (3, false)] {
        let mut shown = film(50, 25.0, |_| (0.5, 0.1));
        for flash in &mut shown[20..20 + frames] {
            (flash.1, flash.2) = (0.9, 9.0);
        }
        shown[20].4 = Transition::Cut;
        if resumed {
            shown[20 + frames].4 = Transition::FlashEnd;
        }
        let seen = ahead(&shown);
        let bridged = seen.iter().all(|v| (v.0 - 0.5).abs() < 0.05 && (v.1 - 0.1).abs() < 0.1);
        assert_eq!(bridged, resumed, "{:?}", &seen[18..26]);
        if resumed {
            let live = causal(&shown);
            assert!(live[20 + frames..].iter().all(|v| (v.1 - 0.1).abs() < 1e-3), "{:?}", &live[18..26]);
        }
    }
}

#[test]
fn unsure_moments_lean_on_sure_ones() {
    let mut shown = film(40, 30.0, |_| (0.5, 0.1));
    (shown[20].2, shown[20].3) = (9.0, 0.0);
    assert!((ahead(&shown)[20].1 - 0.1).abs() < 0.1);
    assert!((causal(&shown)[20].1 - 0.1).abs() < 0.2);
}

proptest! {
    #[test]
    fn never_leaves_the_hull_of_its_inputs(
        values in proptest::collection::vec((-1f32..1.0, 0f32..1.0, 0.001f64..0.6, 0u8..8), 1..60)
    ) {
        let mut now = 0.0;
        let shown: Vec<FramePair> = values.iter().map(|&(v, sure, step, how)| {
            now += step;
            (now, v, v, sure, match how { 0 => Transition::Cut, 1 => Transition::FlashEnd, _ => Transition::None })
        }).collect();
        let (low, high) = values.iter().fold((f32::MAX, f32::MIN), |(l, h), v| (l.min(v.0), h.max(v.0)));
        for (place, shape) in ahead(&shown).into_iter().chain(causal(&shown)) {
            prop_assert!(place >= low - 1e-4 && place <= high + 1e-4);
            prop_assert!(shape >= low - 1e-4 && shape <= high + 1e-4);
        }
    }
}
