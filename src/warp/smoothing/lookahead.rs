//! The look-ahead smoother, for files: averages over the past and the future.

use std::collections::VecDeque;

use crate::time::FrameTime;
use crate::warp::grid::Transition;
use crate::warp::shots::FLASH;
use crate::warp::similarity::{Decomposition, Similarity};
use crate::warp::smoothing::LEAST;

/// Standard deviations of the windows, in seconds.
const POSE_SIGMA: f64 = 0.1;
const SHAPE_SIGMA: f64 = 0.25;
/// The windows' reach to either side, in seconds.
const REACH: f64 = 0.5;

/// Look-ahead smoother: frames go in as they come and come out, in order, when
/// enough of their future is known.
pub struct LookaheadSmoother<T> {
    /// Matches within reach of the oldest waiting frame, and the last before it.
    film: VecDeque<Entry>,
    /// What waits for its field, with its time; the newest of `film`.
    waiting: VecDeque<(FrameTime, T)>,
    scenes: u64,
    /// The last break and the scene before it, while that may yet resume.
    broke: Option<Break>,
}

/// As [`crate::warp::shots`] remembers it: a hard cut takes the place of a softer break shortly before.
#[derive(Clone, Copy)]
struct Break {
    at: FrameTime,
    before: u64,
    is_hard: bool,
}

struct Entry {
    time: FrameTime,
    scene: u64,
    /// One a subject.
    posed: Vec<Decomposition>,
    /// Seen during a flash: it counts for nothing.
    is_flash: bool,
}

impl<T> Default for LookaheadSmoother<T> {
    fn default() -> Self {
        Self { film: VecDeque::new(), waiting: VecDeque::new(), scenes: 0, broke: None }
    }
}

impl<T> LookaheadSmoother<T> {
    /// Takes the next frame, with as many subjects as every other; calls `ready` for each one whose window is full.
    ///
    /// # Errors
    /// Whatever `ready` returns.
    pub fn push<E>(
        &mut self,
        time: FrameTime,
        posed: Vec<Decomposition>,
        how: Transition,
        item: T,
        mut ready: impl FnMut(T, Vec<Decomposition>) -> Result<(), E>,
    ) -> Result<(), E> {
        let scene = self.scene(time, how);
        self.film.push_back(Entry { time, scene, posed, is_flash: false });
        self.wait(time, item, &mut ready)
    }

    /// Takes a frame between those that were matched: of the scene of the one before it. Not the first.
    ///
    /// # Errors
    /// Whatever `ready` returns.
    pub fn carry<E>(
        &mut self,
        time: FrameTime,
        item: T,
        mut ready: impl FnMut(T, Vec<Decomposition>) -> Result<(), E>,
    ) -> Result<(), E> {
        debug_assert!(!self.film.is_empty(), "nothing to carry on");
        self.wait(time, item, &mut ready)
    }

    fn wait<E>(
        &mut self,
        time: FrameTime,
        item: T,
        ready: &mut impl FnMut(T, Vec<Decomposition>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.waiting.push_back((time, item));
        while self.waiting.front().is_some_and(|(front, _)| self.is_known(*front, time)) {
            self.emit(ready)?;
        }
        Ok(())
    }

    /// Lets go of all that waits: the end of the film.
    ///
    /// # Errors
    /// Whatever `ready` returns.
    pub fn finish<E>(
        &mut self,
        mut ready: impl FnMut(T, Vec<Decomposition>) -> Result<(), E>,
    ) -> Result<(), E> {
        while !self.waiting.is_empty() {
            self.emit(&mut ready)?;
        }
        self.film.clear();
        Ok(())
    }

    /// The number of the scene that the next frame belongs to.
    fn scene(&mut self, time: FrameTime, how: Transition) -> u64 {
        let Some(last) = self.film.back() else { return self.scenes };
        let (scene, gap) = (last.scene, (time - last.time).as_secs_f64() > REACH);
        match (how, self.broke) {
            (Transition::FlashEnd, Some(Break { at, before, .. })) => {
                for flash in self.film.iter_mut().rev().take_while(|entry| entry.time >= at) {
                    flash.scene = before;
                    flash.posed.iter_mut().for_each(|posed| posed.confidence.fill(0.0));
                    flash.is_flash = true;
                }
                self.broke = None;
                before
            }
            (Transition::Cut | Transition::HardCut, _) => {
                let is_hard = how == Transition::HardCut;
                let is_over = |past: &Break| (time - past.at).as_secs_f64() > FLASH;
                self.broke.take_if(|past| is_over(past) || (is_hard && !past.is_hard));
                self.broke.get_or_insert(Break { at: time, before: scene, is_hard });
                self.scenes += 1;
                self.scenes
            }
            _ if gap => {
                self.scenes += 1;
                self.scenes
            }
            _ => scene,
        }
    }

    /// Whether all of a frame's future that matters has been seen at `now`.
    fn is_known(&self, front: FrameTime, now: FrameTime) -> bool {
        let since = |at: FrameTime| (now - at).as_secs_f64();
        let open = self
            .broke
            .is_some_and(|past| since(past.at) <= FLASH && (past.at - front).as_secs_f64() <= REACH);
        since(front) > REACH && !open
    }

    fn emit<E>(&mut self, ready: &mut impl FnMut(T, Vec<Decomposition>) -> Result<(), E>) -> Result<(), E> {
        let Some((time, item)) = self.waiting.pop_front() else { return Ok(()) };
        // The match before a frame stays, however long ago it was made.
        while self.film.get(1).is_some_and(|second| second.time <= time)
            && self.film.front().is_some_and(|first| (time - first.time).as_secs_f64() > REACH)
        {
            self.film.pop_front();
        }
        ready(item, self.averages(time))
    }

    fn averages(&self, time: FrameTime) -> Vec<Decomposition> {
        let own = self.film.iter().rev().find(|entry| entry.time <= time).unwrap_or(&self.film[0]);
        let scene: Vec<_> = self.film.iter().filter(|entry| entry.scene == own.scene).collect();
        (0..own.posed.len()).map(|subject| average(&scene, time, subject)).collect()
    }
}

/// One subject's match about a time.
fn average(scene: &[&Entry], time: FrameTime, subject: usize) -> Decomposition {
    let mut pose = Mean::new(1);
    let cells = scene.first().map_or(0, |entry| entry.posed[subject].residual.len());
    let mut shape = Mean::new(cells);
    let (mut confidence, mut total) = (vec![0.0f32; cells], 0.0);
    for (sigma, is_shape) in [(POSE_SIGMA, false), (SHAPE_SIGMA, true)] {
        let reach = reach(scene, time, sigma);
        for Entry { time: at, posed, is_flash, .. } in scene {
            let posed = &posed[subject];
            let away = (*at - time).as_secs_f64();
            if away.abs() > reach {
                continue;
            }
            let kernel = (-0.5 * (away / sigma).powi(2)).exp() as f32;
            if is_shape {
                shape.add(kernel, &posed.residual, &posed.confidence);
                total += if *is_flash { 0.0 } else { kernel };
                confidence.iter_mut().zip(&posed.confidence).for_each(|(sum, c)| *sum += kernel * c);
            } else {
                let sure = posed.confidence.iter().sum::<f32>() / posed.confidence.len() as f32;
                pose.add(kernel, &[posed.pose.numbers()], &[sure]);
            }
        }
    }
    Decomposition {
        pose: Similarity::from_numbers(pose.values()[0]),
        residual: shape.values(),
        confidence: confidence.iter().map(|sum| sum / total.max(f32::MIN_POSITIVE)).collect(),
    }
}

/// How far the window of a frame reaches to either side, in seconds. The window
/// is symmetric: near a cut it shrinks on both sides alike, or the field would
/// lean towards the longer one and lag. At the ends of a scene, where that would
/// leave a single frame, a little lag is the lesser evil.
fn reach(scene: &[&Entry], time: FrameTime, sigma: f64) -> f64 {
    let ends = [scene.first(), scene.last()];
    let away = ends.into_iter().flatten().map(|entry| (entry.time - time).as_secs_f64().abs());
    away.fold(REACH, f64::min).max(sigma / 2.0) + 1e-9
}

/// Weighted means of `N` numbers a cell.
struct Mean<const N: usize> {
    sums: Vec<[f32; N]>,
    weights: Vec<f32>,
}

impl<const N: usize> Mean<N> {
    fn new(cells: usize) -> Self {
        Self { sums: vec![[0.0; N]; cells], weights: vec![0.0; cells] }
    }

    fn add(&mut self, kernel: f32, values: &[[f32; N]], confidence: &[f32]) {
        for (cell, (value, sure)) in values.iter().zip(confidence).enumerate() {
            let weight = kernel * sure.max(LEAST);
            self.weights[cell] += weight;
            self.sums[cell].iter_mut().zip(value).for_each(|(sum, v)| *sum += weight * v);
        }
    }

    fn values(&self) -> Vec<[f32; N]> {
        self.sums.iter().zip(&self.weights).map(|(sum, weight)| sum.map(|v| v / weight)).collect()
    }
}
