use super::*;

const CELLS: [usize; 2] = [48, 32];

fn noise() -> Vec<f32> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((state >> 8) as f32 / (1 << 24) as f32 * 2.0 - 1.0) * 3.0_f32.sqrt()
    };
    (0..3 * CELLS[0] * CELLS[1]).map(|_| next()).collect()
}

/// Stripes that rise to the right at this angle.
fn stripes(angle: f32) -> Vec<f32> {
    let value = |k: usize| {
        let (x, y) = ((k % CELLS[0]) as f32, (k / CELLS[0]) as f32);
        (0.5 * (y * angle.cos() - x * angle.sin())).sin()
    };
    (0..CELLS[0] * CELLS[1]).map(value).collect()
}

#[test]
fn directions_lie_along_stripes() {
    for angle in [0.0_f32, 0.6, 1.2, 2.5] {
        let mut orientation = Orientation::default();
        orientation.update(&stripes(angle), CELLS, None);
        for [x, y] in &orientation.along[8 * 48 + 8..][..16] {
            let along = (x * angle.cos() + y * angle.sin()).abs();
            assert!(along > 0.98, "{angle}: ({x}, {y})");
        }
    }
}

#[test]
fn noise_is_alike_along_a_form_and_unlike_across_it() {
    let mut orientation = Orientation::default();
    orientation.update(&stripes(0.0), CELLS, None);
    let mut smeared = Vec::new();
    orientation.smear(&noise(), &mut smeared);
    let plane = &smeared[..CELLS[0] * CELLS[1]];
    let alike = |step: usize| {
        let pairs = plane.iter().zip(&plane[step..]);
        pairs.map(|(a, b)| a * b).sum::<f32>() / plane.iter().map(|a| a * a).sum::<f32>()
    };
    assert!(alike(2) > 0.6, "along: {}", alike(2));
    assert!(alike(2 * 48) < 0.2, "across: {}", alike(96));
    // At the border the same places count several times.
    let inner: Vec<f32> = plane.chunks_exact(48).flat_map(|row| row[4..44].to_vec()).collect();
    let variance = inner.iter().map(|a| a * a).sum::<f32>() / inner.len() as f32;
    assert!((0.85..1.15).contains(&variance), "variance {variance}");
}

#[test]
fn flat_and_tiny_pictures_are_smeared_too() {
    for cells in [[1, 1], [1, 5], [7, 1]] {
        let mut orientation = Orientation::default();
        orientation.update(&vec![0.5; cells[0] * cells[1]], cells, None);
        let mut smeared = Vec::new();
        orientation.smear(&vec![1.0; 3 * cells[0] * cells[1]], &mut smeared);
        assert!(smeared.iter().all(|value| value.is_finite()));
    }
}

#[test]
fn a_direction_turns_slowly_and_a_cut_turns_it_at_once() {
    let mut orientation = Orientation::default();
    orientation.update(&stripes(0.0), CELLS, None);
    orientation.update(&stripes(1.5), CELLS, Some(0.04));
    assert!(orientation.along[8 * 48 + 8][0].abs() > 0.9, "turned at once");
    orientation.update(&stripes(1.5), CELLS, None);
    assert!(orientation.along[8 * 48 + 8][0].abs() < 0.3, "kept after a cut");
}
