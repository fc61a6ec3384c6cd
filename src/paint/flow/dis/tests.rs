use super::*;

/// Smooth blobs, seen from (x, y).
fn scene(width: usize, height: usize, x: f32, y: f32) -> Vec<u8> {
    let value = |k: usize| {
        let (u, v) = ((k % width) as f32 + x, (k / width) as f32 + y);
        let waves =
            (u * 0.21).sin() * (v * 0.17).cos() + (u * 0.063 + v * 0.047).sin() + (u * 0.5).sin() * 0.2;
        (128.0 + 50.0 * waves) as u8
    };
    (0..width * height).flat_map(|k| [value(k), value(k), value(k), 255]).collect()
}

fn pyramid(x: f32, y: f32) -> Pyramid {
    of(&scene(160, 96, x, y), [160, 96], 1)
}

fn of(pixels: &[u8], size: [usize; 2], block: usize) -> Pyramid {
    let mut pyramid = Pyramid::default();
    pyramid.fill(pixels, size, block, &Room::default());
    pyramid
}

/// The flow between two frames of 25 a second.
fn flow(now: &Pyramid, before: &Pyramid, proof: &mut MotionEvidence) -> Vec<[f32; 2]> {
    let mut flow = Vec::new();
    now.flow_from(before, proof, 0.04, &mut Room::default(), &mut flow);
    flow
}

#[test]
fn finds_small_and_large_moves() {
    for (x, y) in [(0.0, 0.0), (0.4, -0.3), (3.4, -2.0), (-9.0, 5.5)] {
        // What is at (0, 0) now was at (x, y) before.
        let flow = flow(&pyramid(x, y), &pyramid(0.0, 0.0), &mut MotionEvidence::default());
        let inner = (20..76).flat_map(|row| (20..140).map(move |column| row * 160 + column));
        let mut errors: Vec<_> = inner.map(|k| (flow[k][0] - x).hypot(flow[k][1] - y)).collect();
        errors.sort_by(f32::total_cmp);
        assert!(errors[errors.len() / 2] < 0.1, "({x}, {y}): median {}", errors[errors.len() / 2]);
        assert!(errors[errors.len() * 9 / 10] < 0.6, "({x}, {y}): {}", errors[errors.len() * 9 / 10]);
    }
}

#[test]
fn a_slow_pan_is_proved_after_some_frames_and_a_plain_wall_stays() {
    // A fifth of a pixel a frame, under noise of two grey levels; the right half is a plain wall.
    let (width, height) = (160, 96);
    let mut state = 1_u64;
    let mut noise = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 62) as u8
    };
    let mut proof = MotionEvidence::default();
    let (mut before, mut moved, mut wall) = (None, Vec::new(), Vec::new());
    for frame in 0..12 {
        let mut pixels = scene(width, height, 0.2 * frame as f32, 0.0);
        for (k, pixel) in pixels.chunks_exact_mut(4).enumerate() {
            let value = if k % width < 80 { pixel[0] / 4 + 90 } else { 100 };
            pixel[..3].fill(value + noise());
        }
        let now = of(&pixels, [width, height], 1);
        if let Some(before) = before.replace(now.clone()) {
            let flow = flow(&now, &before, &mut proof);
            let mean = |columns: std::ops::Range<usize>| {
                let inner = (16..80).flat_map(|row| columns.clone().map(move |x| row * width + x));
                inner.clone().map(|k| flow[k][0]).sum::<f32>() / inner.count() as f32
            };
            moved.push(mean(16..64));
            wall.push(mean(100..144));
        }
    }
    let last = |of: &[f32]| of[6..].iter().sum::<f32>() / 5.0;
    assert!((0.13..0.27).contains(&last(&moved)), "{moved:?}");
    assert!(last(&wall).abs() < 0.04, "{wall:?}");
}

#[test]
fn flat_and_tiny_pictures_do_not_move() {
    let still = |pyramid: &Pyramid| flow(pyramid, &pyramid.clone(), &mut MotionEvidence::default());
    let flat = of(&[90; 64 * 48 * 4], [64, 48], 1);
    assert!(still(&flat).iter().all(|shift| *shift == [0.0, 0.0]));
    let dot = of(&[90; 4], [1, 1], 3);
    assert_eq!((dot.size(), still(&dot)), ([1, 1], vec![[0.0, 0.0]]));
}

#[test]
fn room_that_another_picture_left_changes_nothing() {
    let (mut room, mut found, mut used) = (Room::default(), Vec::new(), Pyramid::default());
    for (width, height) in [(160, 96), (48, 40), (9, 7), (160, 96)] {
        let [before, now] = [0.0, 1.5].map(|x| scene(width, height, x, 0.0));
        let fresh = of(&now, [width, height], 1);
        used.fill(&now, [width, height], 1, &room);
        let before = of(&before, [width, height], 1);
        used.flow_from(&before, &mut MotionEvidence::default(), 0.04, &mut room, &mut found);
        assert_eq!(found, flow(&fresh, &before, &mut MotionEvidence::default()), "{width}x{height}");
    }
}
