//! A shot drawn by itself is what it is in the whole film: nothing is remembered across a hard cut.

use std::path::PathBuf;

use stylewarp::engine::Engine;
use stylewarp::frame::Frame;
use stylewarp::scene_change::ChangeDetector;
use stylewarp::time::FrameTime;

use crate::doubles::{SIZE, engine_on, look, looped};

/// First frames of the shots, at 25 a second, and the end of the film.
const SHOTS: [usize; 5] = [0, 23, 61, 80, 99];

/// A frame of the film: blobs that move, other blobs in every shot. The clock begins late.
fn frame(n: usize) -> Frame {
    let shot = SHOTS.iter().rposition(|first| *first <= n).unwrap_or_default();
    let time = FrameTime::from_nanos(3_600_000_000_000 + n as i64 * 40_000_000);
    let mut frame = Frame::filled(SIZE, time, [0, 0, 0, 255]);
    let (across, down) = ([0.31, -0.23, 0.5, 0.11][shot % 4], [0.2, 0.45, -0.15, 0.6][shot % 4]);
    for (k, pixel) in frame.pixels.chunks_exact_mut(4).enumerate() {
        let (x, y) = ((k % 48) as f32 + n as f32 * 0.7, (k / 48) as f32);
        let wave = (x * across + shot as f32 * 1.9).sin() * (y * down + shot as f32).cos();
        pixel[shot % 3] = (128.0 + 100.0 * wave) as u8;
        pixel[(shot + 1) % 3] = (128.0 - 90.0 * wave) as u8;
        pixel[(shot + 2) % 3] = 60 * shot as u8;
    }
    frame
}

/// On the networks that are used, which remember more than the tiny ones.
fn engine() -> Engine {
    let models = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("models");
    let mut look = look(1.0, 1.0);
    look.relief = 1.0;
    engine_on(models, &look).expect("the networks load")
}

fn drawn(frames: std::ops::Range<usize>) -> Vec<Frame> {
    looped(engine(), frames.map(frame))
}

#[test]
fn the_shots_are_cut_hard() {
    let mut changes = ChangeDetector::default();
    let cuts: Vec<_> = (0..99).filter(|n| changes.run(&frame(*n)).cut_from.is_some()).collect();
    assert_eq!(cuts, SHOTS[1..4]);
}

#[test]
fn a_shot_by_itself_is_what_it_is_in_the_film() {
    let film = drawn(0..99);
    for pair in SHOTS.windows(2) {
        let (first, next) = (pair[0], pair[1]);
        let lead = first.saturating_sub(3);
        let part = drawn(lead..next);
        assert!(part[first - lead..] == film[first..next], "the shot from {first} on, bit for bit");
    }
    // Negative control: a shot that begins in its middle has another past.
    assert!(drawn(30..61)[..] != film[30..61]);
}
