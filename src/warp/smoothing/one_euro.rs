//! The live smoother: only the past is known.
//!
//! A One-Euro filter (Casiez, Roussel and Vogel, "1 Euro Filter", CHI 2012): a
//! low-pass whose cut-off rises with the speed of what it filters, so that it is
//! calm while nothing moves and quick when something does. Speeds below what the
//! network's trembling alone would give ([`Tuning::noise`]) do not raise it. While little has been seen, its plain mean
//! counts if that is quicker: else the first frame would be believed for seconds.

use crate::time::FrameTime;
use crate::warp::grid::{CELLS, FOUND, Transition};
use crate::warp::shots::FLASH;
use crate::warp::similarity::{Decomposition, Similarity};

use crate::warp::smoothing::LEAST;

/// Seconds without a frame after which the past is forgotten.
const GAP: f64 = 1.0;
/// Cut-off of the confidences, in hertz.
const CONFIDENCE_CUTOFF: f32 = 1.5;

/// A filter's constants; lengths are heights of the frame for poses and heights
/// of the exemplar for shapes.
struct Tuning {
    /// Cut-off at rest, in hertz.
    rest: f32,
    /// Hertz more for every length a second.
    slope: f32,
    /// Lengths a second that trembling alone can give.
    noise: f32,
    /// Cut-off of the speeds, in hertz.
    speed: f32,
}

/// What fits faces that fill the frame, whose pose trembles most, and still follows a step within 120 ms.
const POSE: Tuning = Tuning { rest: 1.0, slope: 8.0, noise: 0.2, speed: 0.5 };
const SHAPE: Tuning = Tuning { rest: 0.12, slope: 15.0, noise: 0.6, speed: 2.0 };

/// Causal smoother.
#[derive(Default)]
pub struct OneEuroSmoother {
    now: Option<State>,
    /// The state at the last break, to be taken up again after a flash.
    before: Option<(FrameTime, State)>,
}

struct State {
    time: FrameTime,
    pose: Filter<4>,
    shape: Filter<2>,
    confidence: Vec<f32>,
}

impl OneEuroSmoother {
    /// The smoothed match of the next frame.
    pub fn run(&mut self, time: FrameTime, posed: Decomposition, how: Transition) -> Decomposition {
        match how {
            Transition::None => {}
            Transition::Cut | Transition::HardCut => {
                self.before.take_if(|(at, _)| (time - *at).as_secs_f64() > FLASH);
                if let Some(state) = self.now.take() {
                    self.before.get_or_insert((time, state));
                }
            }
            Transition::FlashEnd => self.now = self.before.take().map(|(_, state)| state).or(self.now.take()),
        }
        self.now.take_if(|state| (time - state.time).as_secs_f64() > GAP);
        let state = match self.now.as_mut() {
            Some(state) => {
                state.follow(time, &posed);
                state
            }
            None => self.now.insert(State::new(time, posed)),
        };
        Decomposition {
            pose: Similarity::from_numbers(state.pose.values[0]),
            residual: state.shape.values.clone(),
            confidence: state.confidence.clone(),
        }
    }
}

impl State {
    fn new(time: FrameTime, posed: Decomposition) -> Self {
        Self {
            time,
            pose: Filter::new(vec![posed.pose.numbers()], &[trust(&posed)]),
            shape: Filter::new(posed.residual, &posed.confidence),
            confidence: posed.confidence,
        }
    }

    fn follow(&mut self, time: FrameTime, posed: &Decomposition) {
        let secs = ((time - self.time).as_secs_f64() as f32).max(1e-4);
        self.time = time;
        let known = self.confidence.iter().sum::<f32>() / self.confidence.len() as f32;
        if known < FOUND / CELLS as f32 {
            // Nothing is bent: who comes now is nobody's past.
            self.pose = Filter::new(vec![posed.pose.numbers()], &[trust(posed)]);
            self.shape = Filter::new(posed.residual.clone(), &posed.confidence);
        }
        self.pose.follow(secs, &[posed.pose.numbers()], &[trust(posed)], &POSE);
        self.shape.follow(secs, &posed.residual, &posed.confidence, &SHAPE);
        let step = gain(CONFIDENCE_CUTOFF, secs);
        for (value, seen) in self.confidence.iter_mut().zip(&posed.confidence) {
            *value += step * (seen - *value);
        }
    }
}

/// How much a pose counts: an eighth of the cells is as good as all.
fn trust(posed: &Decomposition) -> f32 {
    (8.0 * posed.confidence.iter().sum::<f32>() / posed.confidence.len() as f32).min(1.0)
}

/// One-Euro filters of `N` numbers a cell, which share their cut-off.
struct Filter<const N: usize> {
    values: Vec<[f32; N]>,
    seen: Vec<[f32; N]>,
    speeds: Vec<[f32; N]>,
    /// Sums of the confidences so far.
    known: Vec<f32>,
}

impl<const N: usize> Filter<N> {
    fn new(values: Vec<[f32; N]>, confidence: &[f32]) -> Self {
        let known = confidence.iter().map(|sure| sure.max(LEAST)).collect();
        Self { speeds: vec![[0.0; N]; values.len()], known, seen: values.clone(), values }
    }

    fn follow(&mut self, secs: f32, seen: &[[f32; N]], confidence: &[f32], tuning: &Tuning) {
        for cell in 0..self.values.len() {
            // What is not trusted must not look like motion either.
            let sure = confidence[cell].max(LEAST);
            let speed_step = gain(tuning.speed * sure, secs);
            for (k, new) in seen[cell].iter().enumerate() {
                let moved = sure * (new - self.seen[cell][k]);
                self.seen[cell][k] += moved;
                self.speeds[cell][k] += speed_step * (moved / secs - self.speeds[cell][k]);
            }
            let speed = self.speeds[cell].iter().map(|v| v * v).sum::<f32>().sqrt();
            let cutoff = tuning.rest + tuning.slope * (speed - tuning.noise).max(0.0);
            self.known[cell] += sure;
            let step = gain(cutoff * sure, secs).max(sure / self.known[cell]);
            for (value, new) in self.values[cell].iter_mut().zip(seen[cell]) {
                *value += step * (new - *value);
            }
        }
    }
}

/// Share of the new value that a first-order low-pass takes over in a time step.
fn gain(cutoff: f32, secs: f32) -> f32 {
    1.0 - (-std::f32::consts::TAU * cutoff * secs).exp()
}
