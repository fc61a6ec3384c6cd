//! Pictures at places between their pixels.

/// Keys' parameter, as PyTorch's `grid_sample` has it.
const SHARP: f32 = -0.75;

/// The four pixels of a line around a place, and what each counts for; beyond the ends the line is mirrored.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taps {
    pub(super) at: [usize; 4],
    pub(super) share: [f32; 4],
}

impl Taps {
    /// Of a line of so many pixels; 0 is the middle of the first one.
    pub(super) fn new(place: f32, len: usize) -> Self {
        let first = place.floor();
        let t = place - first;
        let near = |d: f32| ((SHARP + 2.0) * d - (SHARP + 3.0)) * d * d + 1.0;
        let far = |d: f32| ((SHARP * d - 5.0 * SHARP) * d + 8.0 * SHARP) * d - 4.0 * SHARP;
        let share = [far(t + 1.0), near(t), near(1.0 - t), far(2.0 - t)];
        let at = std::array::from_fn(|k| mirrored(first as i64 + k as i64 - 1, len));
        Self { at, share }
    }
}

/// The pixel of a line that continues it at `at`.
pub(super) fn mirrored(at: i64, len: usize) -> usize {
    let wrapped = at.rem_euclid(2 * len as i64) as usize;
    wrapped.min(2 * len - 1 - wrapped)
}

/// Bicubic value of a plane of this width.
pub(super) fn value(plane: &[f32], width: usize, x: &Taps, y: &Taps) -> f32 {
    let row = |k: usize| {
        let line = &plane[y.at[k] * width..][..width];
        (0..4).map(|k| x.share[k] * line[x.at[k]]).sum::<f32>()
    };
    (0..4).map(|k| y.share[k] * row(k)).sum()
}

/// A smooth field between random nodes.
pub(super) struct Bend {
    side: usize,
    nodes: [Vec<f32>; 2],
}

impl Bend {
    /// Of `side` x `side` nodes whose values have this deviation.
    pub(super) fn random(random: &mut fastrand::Rng, side: usize, deviation: f32) -> Self {
        let mut nodes = || (0..side * side).map(|_| deviation * normal(random)).collect();
        Self { side, nodes: [nodes(), nodes()] }
    }

    /// Values at a place, 0 to 1 along each axis.
    pub(super) fn at(&self, x: f32, y: f32) -> [f32; 2] {
        let taps = |place: f32| Taps::new(place * self.side as f32 - 0.5, self.side);
        let (x, y) = (taps(x), taps(y));
        [0, 1].map(|axis| value(&self.nodes[axis], self.side, &x, &y))
    }
}

/// Normally distributed (Box and Muller, 1958).
pub(super) fn normal(random: &mut fastrand::Rng) -> f32 {
    let radius = (-2.0 * (1.0 - random.f32()).ln()).sqrt();
    radius * (std::f32::consts::TAU * random.f32()).cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pixel_is_itself_and_between_two_a_slope_goes_on() {
        let line: Vec<f32> = (0..9).map(|x| x as f32).collect();
        let one = Taps::new(0.0, 1);
        // Sharper than a straight line: PyTorch's `grid_sample` says the same.
        for (place, expected) in [(2.0, 2.0), (4.25, 4.296_875), (5.5, 5.5)] {
            let found = value(&line, 9, &Taps::new(place, 9), &one);
            assert!((found - expected).abs() < 1e-5, "{found} at {place}");
        }
        let sum: f32 = Taps::new(7.3, 9).share.iter().sum();
        assert!((sum - 1.0).abs() < 1e-6);
    }

    #[test]
    fn beyond_the_ends_a_line_is_mirrored() {
        assert_eq!([-3, -1, 0, 4, 5, 7, 14].map(|at| mirrored(at, 5)), [2, 0, 0, 4, 4, 2, 4]);
        assert_eq!(mirrored(-12, 1), 0);
    }

    #[test]
    fn normal_numbers_have_variance_one() {
        let mut random = fastrand::Rng::with_seed(1);
        let values: Vec<f32> = (0..20_000).map(|_| normal(&mut random)).collect();
        let mean = values.iter().sum::<f32>() / 20_000.0;
        let variance = values.iter().map(|value| value * value).sum::<f32>() / 20_000.0;
        assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.04, "{mean} {variance}");
    }
}
