//! A picture as a Laplacian pyramid: how each level differs from the enlarged next coarser one.
//!
//! The optimiser moves the levels instead of the pixels, so one step of the same size reaches whole
//! areas as quickly as single pixels (Kolkin et al., "Neural Neighbor Style Transfer", 2022,
//! section 4.2). Halving is the mean of 2x2 pixels, doubling is bilinear.

use rayon::prelude::*;

/// Times that a picture is halved.
pub(super) const HALVINGS: usize = 5;

/// Sizes of the levels, fine to coarse. A picture is three planes, one after the other; its levels
/// lie one after the other too.
pub(super) struct Pyramid {
    sizes: Vec<[usize; 2]>,
}

impl Pyramid {
    /// For pictures of this width and height, whole multiples of 2^[`HALVINGS`].
    pub(super) fn new([width, height]: [usize; 2]) -> Self {
        Self { sizes: (0..=HALVINGS).map(|level| [width >> level, height >> level]).collect() }
    }

    /// The levels of a picture.
    pub(super) fn split(&self, image: &[f32]) -> Vec<f32> {
        let mut levels = Vec::with_capacity(self.len());
        let mut fine = image.to_vec();
        for pair in self.sizes.windows(2) {
            let coarse = halved(&fine, pair[0]);
            let rough = doubled(&coarse, pair[1]);
            levels.extend(fine.iter().zip(&rough).map(|(fine, rough)| fine - rough));
            fine = coarse;
        }
        levels.extend(fine);
        levels
    }

    /// The picture of some levels: the inverse of [`Self::split`].
    pub(super) fn join(&self, levels: &[f32]) -> Vec<f32> {
        let mut end = levels.len();
        let mut image: Vec<f32> = Vec::new();
        for (level, size) in self.sizes.iter().enumerate().rev() {
            let start = end - 3 * size[0] * size[1];
            let own = &levels[start..end];
            image = match self.sizes.get(level + 1) {
                None => own.to_vec(),
                Some(coarser) => doubled(&image, *coarser).iter().zip(own).map(|(a, b)| a + b).collect(),
            };
            end = start;
        }
        image
    }

    /// The gradient by the levels, of what has this gradient by the picture: the adjoint of [`Self::join`].
    pub(super) fn adjoint(&self, gradient: &[f32]) -> Vec<f32> {
        let mut all = gradient.to_vec();
        let mut last = gradient.to_vec();
        for coarser in &self.sizes[1..] {
            last = gathered(&last, *coarser);
            all.extend(&last);
        }
        all
    }

    /// Values of the `count` finest levels.
    pub(super) fn finest(&self, count: usize) -> usize {
        self.sizes.iter().take(count).map(|[width, height]| 3 * width * height).sum()
    }

    fn len(&self) -> usize {
        self.finest(self.sizes.len())
    }
}

/// Means of 2x2 pixels, of planes of this size.
fn halved(fine: &[f32], [width, height]: [usize; 2]) -> Vec<f32> {
    let across = width / 2;
    let mut coarse = vec![0.0; 3 * across * (height / 2)];
    coarse.par_chunks_exact_mut(across).zip(fine.par_chunks_exact(2 * width)).for_each(|(out, rows)| {
        let (upper, lower) = rows.split_at(width);
        for ((out, a), b) in out.iter_mut().zip(upper.chunks_exact(2)).zip(lower.chunks_exact(2)) {
            *out = 0.25 * (a[0] + a[1] + b[0] + b[1]);
        }
    });
    coarse
}

/// PlanarImage of this size, bilinearly twice as wide and high; pixels of the border are repeated beyond it.
pub(super) fn doubled(coarse: &[f32], [width, height]: [usize; 2]) -> Vec<f32> {
    let mut fine = vec![0.0; 12 * width * height];
    fine.par_chunks_exact_mut(2 * width).enumerate().for_each(|(row, out)| {
        let (plane, y) = (row / (2 * height), row % (2 * height));
        let line = |y: usize| &coarse[(plane * height + y) * width..][..width];
        let (near, far) = (line(y / 2), line(neighbour(y, height)));
        for (x, out) in out.iter_mut().enumerate() {
            let (own, other) = (x / 2, neighbour(x, width));
            *out =
                0.75 * (0.75 * near[own] + 0.25 * near[other]) + 0.25 * (0.75 * far[own] + 0.25 * far[other]);
        }
    });
    fine
}

/// The adjoint of [`doubled`]: what each of the coarse pixels (planes of this size) gave is collected.
fn gathered(fine: &[f32], [width, height]: [usize; 2]) -> Vec<f32> {
    let mut coarse = vec![0.0; 3 * width * height];
    let planes = coarse.par_chunks_exact_mut(width * height).zip(fine.par_chunks_exact(4 * width * height));
    planes.for_each(|(coarse, fine)| {
        for (y, row) in fine.chunks_exact(2 * width).enumerate() {
            for (line, share) in [(y / 2, 0.75), (neighbour(y, height), 0.25)] {
                let out = &mut coarse[line * width..][..width];
                for (x, value) in row.iter().enumerate() {
                    out[x / 2] += 0.75 * share * value;
                    out[neighbour(x, width)] += 0.25 * share * value;
                }
            }
        }
    });
    coarse
}

/// The second of the two coarse pixels that a fine one at `at` lies between; the border's own beyond it.
fn neighbour(at: usize, len: usize) -> usize {
    if at.is_multiple_of(2) { (at / 2).saturating_sub(1) } else { (at / 2 + 1).min(len - 1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: [usize; 2] = [96, 64];

    fn picture(seed: usize) -> Vec<f32> {
        (0..3 * SIZE[0] * SIZE[1]).map(|k| ((k * 7919 + seed * 131) % 1009) as f32 / 1009.0).collect()
    }

    fn scalar_product(a: &[f32], b: &[f32]) -> f64 {
        a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    }

    #[test]
    fn a_picture_comes_back_from_its_levels() {
        let pyramid = Pyramid::new(SIZE);
        let image = picture(1);
        let levels = pyramid.split(&image);
        assert_eq!(levels.len(), pyramid.len());
        let back = pyramid.join(&levels);
        let off = back.iter().zip(&image).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(off < 1e-5, "off by {off}");
    }

    #[test]
    fn a_flat_picture_is_all_in_the_coarsest_level() {
        let pyramid = Pyramid::new(SIZE);
        let levels = pyramid.split(&vec![0.4; 3 * SIZE[0] * SIZE[1]]);
        let fine = pyramid.finest(HALVINGS);
        assert!(levels[..fine].iter().all(|value| value.abs() < 1e-6));
        assert!(levels[fine..].iter().all(|value| (value - 0.4).abs() < 1e-6));
    }

    /// <join(l), g> = <l, adjoint(g)> for all l and g: what makes it the gradient.
    #[test]
    fn the_adjoint_is_that_of_joining() {
        let pyramid = Pyramid::new(SIZE);
        let (levels, gradient) = (pyramid.split(&picture(2)), picture(3));
        let joined = scalar_product(&pyramid.join(&levels), &gradient);
        let apart = scalar_product(&levels, &pyramid.adjoint(&gradient));
        assert!((joined - apart).abs() < 1e-4 * joined.abs(), "{joined} and {apart}");
    }
}
