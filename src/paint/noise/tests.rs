use super::*;
use crate::frame::Frame;
use crate::paint::flow::FlowEstimator;

const SIZE: Size = Size { width: 320, height: 192 };
const CELLS: [usize; 2] = [80, 48];

fn time(frame: u64) -> FrameTime {
    FrameTime::from_secs_f64(frame as f64 / 25.0)
}

/// Blobs, moved to the right.
fn scene(shift: f32, frame: u64) -> Frame {
    let mut scene = Frame::filled(SIZE, time(frame), [0, 0, 0, 255]);
    for (k, pixel) in scene.pixels.chunks_exact_mut(4).enumerate() {
        let (x, y) = ((k % 320) as f32 - shift, (k / 320) as f32);
        let waves = (x * 0.2).sin() * (y * 0.17).cos() + (x * 0.06 + y * 0.05).sin();
        pixel[..3].fill((128.0 + 50.0 * waves) as u8);
    }
    scene
}

fn planes(grain: &mut AdvectedNoise, time: FrameTime, motion: Option<&OpticalFlow>) -> Vec<f32> {
    let mut planes = Vec::new();
    grain.run(time, SIZE, CELLS, motion, &mut planes);
    planes
}

fn fine(grain: &AdvectedNoise) -> Vec<f32> {
    let mut plane = Vec::new();
    grain.fine([160, 96], 2.0, &mut plane);
    plane
}

#[test]
fn it_is_noise() {
    let first = planes(&mut AdvectedNoise::default(), FrameTime::ZERO, None);
    for (octave, plane) in first.chunks_exact(80 * 48).enumerate() {
        let mean = plane.iter().sum::<f32>() / plane.len() as f32;
        let variance = plane.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / plane.len() as f32;
        let neighbours = plane.windows(2).map(|pair| (pair[0] - mean) * (pair[1] - mean)).sum::<f32>();
        let alike = neighbours / plane.len() as f32 / variance;
        assert!(mean.abs() < 0.15, "octave {octave}: mean {mean}");
        assert!((0.3..1.15).contains(&variance), "octave {octave}: variance {variance}");
        assert!((alike < 0.1) == (octave == 0), "octave {octave}: neighbours {alike}");
    }
    assert_eq!(first, planes(&mut AdvectedNoise::default(), FrameTime::ZERO, None));
}

#[test]
fn it_moves_with_the_picture_and_begins_anew_without_one() {
    let (mut grain, mut tracker) = (AdvectedNoise::default(), FlowEstimator::default());
    let (mut coarse, mut finer) = (Vec::new(), Vec::new());
    for frame in 0..9 {
        let motion = tracker.run(&scene(2.0 * frame as f32, frame));
        coarse.push(planes(&mut grain, time(frame), motion.as_ref()));
        finer.push(fine(&grain));
    }
    // The octave of four cells' pitch, 4 cells further to the right: eight frames of half a cell.
    let octave = 2 * 80 * 48;
    let off = |moved: usize| -> f32 {
        let inner = (8..40).flat_map(|row| (24..72).map(move |column| row * 80 + column));
        let errors = inner.map(|k| (coarse[8][octave + k] - coarse[0][octave + k - moved]).abs());
        errors.sum::<f32>() / (32 * 48) as f32
    };
    assert!(off(4) < 0.3 * off(0), "{} moved along, {} left behind", off(4), off(0));
    // The same 16 pixels are 8 places of the finer noise.
    let off = |moved: usize| -> f32 {
        let inner = (16..80).flat_map(|row| (48..144).map(move |column| row * 160 + column));
        inner.map(|k| (finer[8][k] - finer[0][k - moved]).abs()).sum::<f32>() / (64 * 96) as f32
    };
    assert!(off(8) < 0.5 * off(0), "{} moved along, {} left behind: fine", off(8), off(0));
    assert_eq!(planes(&mut grain, time(9), None), coarse[0]);
    assert_eq!(fine(&grain), finer[0]);
}

#[test]
fn it_keeps_its_strength_while_one_count_of_the_pan_gives_way_to_the_next() {
    let mut grain = AdvectedNoise::default();
    planes(&mut grain, FrameTime::ZERO, None);
    let variance = |plane: &[f32]| {
        let mean = plane.iter().sum::<f32>() / plane.len() as f32;
        plane.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / plane.len() as f32
    };
    let before = variance(&fine(&grain));
    // A pan of 23.5 cells, and a second into the next count, when both show alike.
    grain.pan.advance(FrameTime::from_secs_f64(5.0), [20.3, 0.0]);
    let panned = fine(&grain);
    grain.pan.advance(FrameTime::from_secs_f64(7.0), [3.2, 0.0]);
    let mixed = fine(&grain);
    for (name, found) in [("panned", variance(&panned)), ("mixed", variance(&mixed))] {
        assert!((found / before - 1.0).abs() < 0.1, "{name}: {found} instead of {before}");
    }
    assert!(panned != mixed);
}
