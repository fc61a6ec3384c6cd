//! How steady a warp is on a real clip: `stylewarp bench --clip CLIP`.
//!
//! Jitter is the part of the shown field that changes faster than a subject
//! does: at every place of the subject, followed along its motion (the path of
//! an exemplar's cell through the look-ahead poses), the displacement minus its
//! own Gaussian average over time. Root mean square over all places that the
//! network is sure of, in pixels of a frame of 360 lines.
//!
//! A warp that *pops* comes or goes at once. The largest step is the most that the field changes from one frame of a
//! scene to the next, in root mean squares over the whole frame, as a share of the strongest field of the clip: 1 is
//! all of it at once.

use std::path::Path;

use crate::cancel::CancelToken;
use crate::engine::EngineConfig;
use crate::error::{Error, Result};
use crate::look::Look;
use crate::nn::models::Models;
use crate::nn::runtime::Runtime;
use crate::scene_change::ChangeDetector;
use crate::time::FrameTime;
use crate::video::read::{Clip, FileSource, Source as _};
use crate::warp::field::WarpField;
use crate::warp::grid::{GRID, Transition, centre};
use crate::warp::keyframes::KeyframeSelector;
use crate::warp::matcher::Matcher;
use crate::warp::regularize::FieldSolver;
use crate::warp::similarity::Decomposition;
use crate::warp::smoothing::{LookaheadSmoother, OneEuroSmoother};

/// What is faster than this, as the deviation of a Gaussian in seconds, is jitter.
const SIGMA: f64 = 0.2;
/// Seconds at either end of a scene that do not count: there the average is lopsided.
const ENDS: f64 = 0.4;
/// Lines of the frame whose pixels are the unit.
const LINES: f32 = 360.0;

/// Root mean squares in pixels, and where the scene breaks.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Steadiness {
    /// Of the network's field, frame by frame.
    pub raw: f32,
    /// Smoothed as for files, every frame matched.
    pub ahead: f32,
    /// The same, keyframes matched ([`crate::warp::keyframes`]): what is shown.
    pub keyframes: f32,
    /// Smoothed as for live.
    pub causal: f32,
    /// How far live is off from looking ahead: what trembles, and what lags.
    pub off: f32,
    /// The largest step, 0..=2: of the network's field, as shown in files, and live.
    pub largest_step: [f32; 3],
    /// Seconds at which a new scene begins, flashes left out.
    pub cuts: Vec<f64>,
    /// Frames seen.
    pub frames: usize,
}

impl Steadiness {
    /// For people.
    pub fn text(&self) -> String {
        let Self { raw, ahead, keyframes, causal, off, largest_step: [step, shown, live], cuts, frames } =
            self;
        format!(
            "jitter of the warp over {frames} frames, pixels at 360 lines, root mean square:\n\
             raw {raw:.2}, looking ahead {ahead:.3} ({keyframes:.3} from keyframes), live {causal:.3}, which is off by {off:.3} from looking ahead\n\
             largest step, share of the strongest warp: raw {step:.2}, looking ahead {shown:.2}, live {live:.2}\n\
             scenes begin at {cuts:.2?} s\n"
        )
    }
}

struct Seen {
    time: FrameTime,
    posed: Decomposition,
    scene: Transition,
    is_keyframe: bool,
}

/// Measures the first `seconds` of a clip under a look's exemplar.
///
/// # Errors
/// Returns an error if the clip or a network cannot be had, or the look does not warp.
pub fn run(clip: &Path, seconds: f64, look: &Look, setup: &EngineConfig) -> Result<Steadiness> {
    let exemplar = look.geometry.as_ref().ok_or(Error::NothingToShow)?;
    let duration = Some(FrameTime::from_secs_f64(seconds));
    let mut source = FileSource::open(clip, Clip { start: None, duration }, CancelToken::new())?;
    let frame_aspect = source.info().display_aspect();
    let models = Models::find(setup.models.as_deref())?;
    let runtime = Runtime::load(setup.device)?;
    let mut warper = Matcher::new(&models, &runtime, setup.encoder, exemplar, frame_aspect)?;
    let exemplar_aspect = warper.exemplar_aspect();
    let aligner =
        FieldSolver { align: look.align, strength: look.warp.max(0.1), exemplar_aspect, frame_aspect };
    let (mut film, mut keyframes) = (Vec::new(), KeyframeSelector::default());
    let mut changes = ChangeDetector::default();
    while let Some(frame) = source.next()? {
        let change = changes.run(&frame);
        let is_keyframe = keyframes.run(frame.time, change.difference, warper.is_unsettled(frame.time));
        let found = warper.run_after(&frame, Some(change))?;
        film.push(Seen {
            time: frame.time,
            posed: aligner.decompose(&found).swap_remove(0),
            scene: found.scene,
            is_keyframe,
        });
    }
    Ok(measure(&film, &aligner))
}

fn measure(film: &[Seen], aligner: &FieldSolver) -> Steadiness {
    let ahead = look_ahead(film, |_| true);
    let keyframes = look_ahead(film, |seen| seen.is_keyframe);
    let mut smoother = OneEuroSmoother::default();
    let causal: Vec<_> =
        film.iter().map(|seen| smoother.run(seen.time, seen.posed.clone(), seen.scene)).collect();
    let raw: Vec<_> = film.iter().map(|seen| seen.posed.clone()).collect();
    let scenes = scenes(film);
    let shown = |fields: &[Decomposition]| shown(&ahead, fields, aligner);
    let jitter = |fields: &[Decomposition]| jitter(film, &scenes, &ahead, &shown(fields));
    let step = |fields: &[Decomposition]| largest_step(&scenes, fields, aligner);
    let begins = (1..film.len()).filter(|&k| scenes[k] != scenes[k - 1]);
    Steadiness {
        raw: jitter(&raw),
        ahead: jitter(&ahead),
        keyframes: jitter(&keyframes),
        causal: jitter(&causal),
        off: apart(&ahead, &shown(&ahead), &shown(&causal)),
        largest_step: [step(&raw), step(&keyframes), step(&causal)],
        cuts: begins.map(|k| film[k].time.as_secs_f64()).collect(),
        frames: film.len(),
    }
}

/// Those that are not matched are carried on.
fn look_ahead(film: &[Seen], is_matched: impl Fn(&Seen) -> bool) -> Vec<Decomposition> {
    let mut smoothed = Vec::with_capacity(film.len());
    let mut smoother = LookaheadSmoother::default();
    let mut ready = |(), posed: Vec<Decomposition>| {
        smoothed.extend(posed);
        Ok::<_, std::convert::Infallible>(())
    };
    for seen in film {
        let Ok(()) = match is_matched(seen) {
            true => smoother.push(seen.time, vec![seen.posed.clone()], seen.scene, (), &mut ready),
            false => smoother.carry(seen.time, (), &mut ready),
        };
    }
    let Ok(()) = smoother.finish(&mut ready);
    smoothed
}

/// The number of every frame's scene; what a flash interrupts is one scene.
fn scenes(film: &[Seen]) -> Vec<usize> {
    let (mut scenes, mut broke) = (Vec::new(), None);
    let mut scene = 0;
    for (k, seen) in film.iter().enumerate() {
        match (seen.scene, broke) {
            (Transition::FlashEnd, Some((from, before))) => {
                scene = before;
                scenes[from..].fill(before);
            }
            (Transition::Cut | Transition::HardCut, _) => {
                broke = Some((k, scene));
                scene = k;
            }
            _ => {}
        }
        scenes.push(scene);
    }
    scenes
}

fn largest_step(scenes: &[usize], fields: &[Decomposition], aligner: &FieldSolver) -> f32 {
    let centres = || (0..GRID * GRID).map(|cell| centre(cell, GRID));
    let square = |of: &mut dyn Iterator<Item = [f32; 2]>| of.map(|[x, y]| x * x + y * y).sum::<f32>();
    let fields: Vec<_> = fields.iter().map(|posed| aligner.run(std::slice::from_ref(posed))).collect();
    let scale = |[x, y]: [f32; 2]| [x * aligner.frame_aspect, y];
    let strength = |field: &WarpField| square(&mut centres().map(|place| scale(field.sample(place))));
    let step = |k: usize| {
        let (before, now) = (&fields[k - 1], &fields[k]);
        let change = |place| [0, 1].map(|axis| now.sample(place)[axis] - before.sample(place)[axis]);
        square(&mut centres().map(|place| scale(change(place))))
    };
    let strongest = fields.iter().map(strength).fold(0.0, f32::max);
    let largest = (1..fields.len()).filter(|&k| scenes[k] == scenes[k - 1]).map(step).fold(0.0, f32::max);
    (largest / strongest.max(f32::MIN_POSITIVE)).sqrt()
}

/// Where every cell's place is shown, frame by frame, in pixels from where it is.
fn shown(paths: &[Decomposition], fields: &[Decomposition], aligner: &FieldSolver) -> Vec<Vec<[f32; 2]>> {
    let scale = [LINES * aligner.frame_aspect, LINES];
    let shown = |(path, posed): (&Decomposition, &Decomposition)| {
        let field = aligner.run(std::slice::from_ref(posed));
        let place = |cell| path.place(cell, aligner.exemplar_aspect, aligner.frame_aspect);
        let moved = (0..GRID * GRID).map(|cell| field.sample(place(cell)));
        moved.map(|[x, y]| [x * scale[0], y * scale[1]]).collect()
    };
    paths.iter().zip(fields).map(shown).collect()
}

/// Cells of a frame of which the network is sure.
fn sure_cells(path: &Decomposition) -> impl Iterator<Item = usize> {
    (0..GRID * GRID).filter(|&cell| path.confidence[cell] > 0.5)
}

fn apart(paths: &[Decomposition], one: &[Vec<[f32; 2]>], other: &[Vec<[f32; 2]>]) -> f32 {
    let squares = (0..paths.len()).flat_map(|k| {
        sure_cells(&paths[k]).map(move |cell| {
            let [a, b] = [one[k][cell], other[k][cell]];
            f64::from((a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2))
        })
    });
    let (sum, count) = squares.fold((0.0, 0usize), |(sum, count), square| (sum + square, count + 1));
    (sum / count.max(1) as f64).sqrt() as f32
}

fn jitter(film: &[Seen], scenes: &[usize], paths: &[Decomposition], shown: &[Vec<[f32; 2]>]) -> f32 {
    let secs = |k: usize| film[k].time.as_secs_f64();
    let (mut sum, mut count) = (0.0f64, 0usize);
    for k in 0..film.len() {
        let same = |j: &usize| scenes[*j] == scenes[k];
        let (Some(first), Some(last)) = ((0..film.len()).find(same), (0..film.len()).rfind(same)) else {
            continue;
        };
        if secs(k) - secs(first) < ENDS || secs(last) - secs(k) < ENDS {
            continue;
        }
        let weights: Vec<f32> =
            (first..=last).map(|j| (-0.5 * ((secs(j) - secs(k)) / SIGMA).powi(2)).exp() as f32).collect();
        let total: f32 = weights.iter().sum();
        for cell in sure_cells(&paths[k]) {
            for axis in 0..2 {
                let mean =
                    weights.iter().zip(&shown[first..=last]).map(|(w, at)| w * at[cell][axis]).sum::<f32>()
                        / total;
                sum += f64::from(shown[k][cell][axis] - mean).powi(2);
            }
            count += 1;
        }
    }
    (sum / count.max(1) as f64).sqrt() as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::warp::regularize::Align;
    use crate::warp::similarity::tests::{EXEMPLAR, FRAME, carried};

    /// A subject that moves, bends slowly, and trembles by `tremble` of the frame.
    fn film(tremble: f32) -> Vec<Seen> {
        (0..60)
            .map(|k| {
                let t = k as f32 / 30.0;
                let sign = if k % 2 == 0 { tremble } else { -tremble };
                let found = carried(|[x, y]| {
                    let bent = x + (0.05 + 0.01 * t) * (6.0 * y).sin();
                    [0.5 * bent + 0.5 + 0.05 * t + sign * (9.0 * y).cos(), 0.5 * y + 0.2]
                });
                let time = FrameTime::from_secs_f64(f64::from(t));
                Seen {
                    time,
                    posed: Decomposition::from_match(&found, EXEMPLAR, FRAME),
                    scene: Transition::None,
                    is_keyframe: k % 2 == 0,
                }
            })
            .collect()
    }

    fn aligner() -> FieldSolver {
        FieldSolver { align: Align::Subject, strength: 1.0, exemplar_aspect: EXEMPLAR, frame_aspect: FRAME }
    }

    #[test]
    fn trembling_is_measured_and_motion_is_not() {
        let still = measure(&film(0.0), &aligner());
        // What moves over a fixed grid is never shown quite alike.
        assert!(still.raw < 0.2 && still.ahead < 0.2 && still.keyframes < 0.2, "{still:?}");
        let shaking = measure(&film(0.01), &aligner());
        assert!(shaking.raw > 1.0, "{shaking:?}");
        assert!(shaking.ahead < 0.2 * shaking.raw && shaking.causal < 0.5 * shaking.raw, "{shaking:?}");
    }

    #[test]
    fn a_subject_that_is_gone_at_once_pops_and_smoothed_it_fades() {
        let mut shown = film(0.0);
        let calm = measure(&shown, &aligner()).largest_step;
        assert!(calm.iter().all(|step| *step < 0.2), "{calm:?}");
        shown[30..].iter_mut().for_each(|seen| seen.posed.confidence.fill(0.0));
        let [raw, ahead, live] = measure(&shown, &aligner()).largest_step;
        assert!(raw > 0.8 && ahead < 0.5 * raw && live < 0.5 * raw, "{raw} {ahead} {live}");
    }

    #[test]
    fn cuts_are_told_and_flashes_are_not() {
        let mut shown = film(0.0);
        (shown[10].scene, shown[12].scene, shown[40].scene) =
            (Transition::Cut, Transition::FlashEnd, Transition::Cut);
        assert_eq!(measure(&shown, &aligner()).cuts.len(), 1);
    }
}
