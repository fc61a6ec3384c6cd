//! What a live session measures of itself, honestly: rates are counted over the
//! last seconds, latencies from capture to display, and what was left out is said.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use crate::time::FrameTime;

/// Seconds over which rates and latencies are taken.
const WINDOW: f64 = 5.0;
/// Most events kept in a window: bounded whatever the rate.
const MOST: usize = 1500;

/// The counters, shared by all threads of a session.
#[derive(Default)]
pub struct Stats(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    captured: Window,
    analysed: Window,
    finished: Window,
    /// Milliseconds from capture to display.
    latencies: VecDeque<(FrameTime, f32)>,
    dropped: u64,
    lines: u32,
}

/// Times of the events of the last seconds, and how many there were in all.
#[derive(Default)]
struct Window {
    times: VecDeque<FrameTime>,
    total: u64,
}

impl Window {
    fn add(&mut self, now: FrameTime) {
        self.total += 1;
        self.times.push_back(now);
        self.forget(now);
    }

    fn forget(&mut self, now: FrameTime) {
        let old = |time: &FrameTime| (now - *time).as_secs_f64() > WINDOW;
        while self.times.len() > MOST || self.times.front().is_some_and(old) {
            self.times.pop_front();
        }
    }

    /// Events a second; 0 once they have stopped.
    fn rate(&mut self, now: FrameTime) -> f32 {
        self.forget(now);
        match self.times.front() {
            Some(first) if self.times.len() > 1 => {
                let last = self.times.back().unwrap_or(first);
                // Up to now, if the next one is overdue.
                let intervals = (self.times.len() - 1) as f64;
                let secs = (*last - *first).as_secs_f64();
                let overdue = ((now - *last).as_secs_f64() - 2.0 * secs / intervals).max(0.0);
                (intervals / (secs + overdue).max(1e-3)) as f32
            }
            _ => 0.0,
        }
    }
}

/// What the meter shows.
#[derive(Debug, Clone, Default, Serialize)]
pub struct StatsSnapshot {
    /// Frames finished a second.
    pub fps: f32,
    /// Frames that the camera gives a second.
    pub camera_fps: f32,
    /// Warp fields found a second.
    pub warp_fps: f32,
    /// From capture to display, in milliseconds: half of the frames are faster.
    pub latency_ms: f32,
    /// ... and 99 of 100 are faster than this.
    pub latency_p99_ms: f32,
    /// Frames captured so far.
    pub captured: u64,
    /// Frames finished so far.
    pub finished: u64,
    /// Frames captured but never shown so far.
    pub dropped: u64,
    /// Lines painted at.
    pub lines: u32,
}

impl Stats {
    fn lock(&self) -> MutexGuard<'_, Counts> {
        // Counters are whole even after a panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A frame came from the camera.
    pub fn captured(&self, now: FrameTime) {
        self.lock().captured.add(now);
    }

    /// A field was found.
    pub fn analysed(&self, now: FrameTime) {
        self.lock().analysed.add(now);
    }

    /// A frame is ready, painted at so many lines; `dropped` were not, so far.
    pub fn finished(&self, now: FrameTime, lines: u32, dropped: u64) {
        let mut counts = self.lock();
        counts.finished.add(now);
        (counts.lines, counts.dropped) = (lines, dropped);
    }

    /// A frame captured at `taken` is seen.
    pub fn displayed(&self, now: FrameTime, taken: FrameTime) {
        let mut counts = self.lock();
        counts.latencies.push_back((now, (now - taken).as_secs_f64() as f32 * 1e3));
        let old = |(time, _): &(FrameTime, f32)| (now - *time).as_secs_f64() > WINDOW;
        while counts.latencies.len() > MOST || counts.latencies.front().is_some_and(old) {
            counts.latencies.pop_front();
        }
    }

    /// How it stands.
    pub fn read(&self, now: FrameTime) -> StatsSnapshot {
        let mut counts = self.lock();
        let mut latencies: Vec<_> = counts.latencies.iter().map(|(_, millis)| *millis).collect();
        latencies.sort_by(f32::total_cmp);
        let quantile = |share: f32| {
            let last = latencies.len().saturating_sub(1);
            latencies.get((last as f32 * share).round() as usize).copied().unwrap_or_default()
        };
        StatsSnapshot {
            fps: counts.finished.rate(now),
            camera_fps: counts.captured.rate(now),
            warp_fps: counts.analysed.rate(now),
            latency_ms: quantile(0.5),
            latency_p99_ms: quantile(0.99),
            captured: counts.captured.total,
            finished: counts.finished.total,
            dropped: counts.dropped,
            lines: counts.lines,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(at: i64) -> FrameTime {
        FrameTime::from_nanos(at * 1_000_000)
    }

    #[test]
    fn rates_are_those_of_the_last_seconds_and_fall_when_nothing_comes() {
        let stats = Stats::default();
        (0..1000).for_each(|k| stats.finished(millis(k * 20), 360, 3));
        let reading = stats.read(millis(19_990));
        assert!((reading.fps - 50.0).abs() < 0.1, "{reading:?}");
        assert_eq!((reading.finished, reading.dropped, reading.lines), (1000, 3, 360));
        assert!(stats.read(millis(22_000)).fps < 40.0);
        assert_eq!(stats.read(millis(30_000)).fps, 0.0);
    }

    #[test]
    fn latency_is_a_median_and_a_tail() {
        let stats = Stats::default();
        (0..100).for_each(|k| stats.displayed(millis(k * 10 + if k > 97 { 80 } else { 40 }), millis(k * 10)));
        let reading = stats.read(millis(1100));
        assert_eq!((reading.latency_ms, reading.latency_p99_ms), (40.0, 80.0));
    }
}
