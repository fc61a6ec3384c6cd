//! One level of the pyramid: a picture's luma.

use rayon::prelude::*;

use crate::threads::PerThread;

/// The luma of a picture, or of a half of it, in 0..=1.
#[derive(Debug, Clone, Default)]
pub(super) struct Level {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) luma: Vec<f32>,
}

impl Level {
    /// Makes room for a picture of another size.
    pub(super) fn resize(&mut self, width: usize, height: usize) {
        (self.width, self.height) = (width, height);
        self.luma.resize(width * height, 0.0);
    }

    /// Means of four pixels each.
    pub(super) fn halve(&self, half: &mut Self) {
        half.resize(self.width / 2, self.height / 2);
        let mean = |x: usize, y: usize| {
            let at = 2 * y * self.width + 2 * x;
            (self.luma[at] + self.luma[at + 1] + self.luma[at + self.width] + self.luma[at + self.width + 1])
                / 4.0
        };
        for (y, row) in half.luma.chunks_exact_mut(half.width).enumerate() {
            row.iter_mut().enumerate().for_each(|(x, luma)| *luma = mean(x, y));
        }
    }

    /// [1 4 6 4 1] / 16 along both axes; beyond the edge, the edge.
    pub(super) fn blur(&self, blurred: &mut Self, lines: &PerThread<Vec<f32>>) {
        let (width, last) = (self.width, self.height as isize - 1);
        let five = |[a, b, c, d, e]: [f32; 5]| (6.0 * c + 4.0 * (b + d) + a + e) / 16.0;
        blurred.resize(width, self.height);
        blurred.luma.par_chunks_exact_mut(width).enumerate().for_each(|(y, row)| {
            let of = |off: isize| &self.luma[(y as isize + off).clamp(0, last) as usize * width..][..width];
            let rows = [-2, -1, 0, 1, 2].map(of);
            lines.with(|line| {
                line.resize(width + 4, 0.0);
                for (x, value) in line[2..width + 2].iter_mut().enumerate() {
                    *value = five(rows.map(|row| row[x]));
                }
                let (first, end) = (line[2], line[width + 1]);
                line[..2].fill(first);
                line[width + 2..].fill(end);
                for (x, value) in row.iter_mut().enumerate() {
                    *value = five([0, 1, 2, 3, 4].map(|k| line[x + k]));
                }
            });
        });
    }

    /// Bilinear; beyond the edge, the edge.
    pub(super) fn at(&self, x: f32, y: f32) -> f32 {
        let (x, y) = (x.clamp(0.0, (self.width - 1) as f32), y.clamp(0.0, (self.height - 1) as f32));
        let (left, upper) = (x as usize, y as usize);
        let (right, lower) = ((left + 1).min(self.width - 1), (upper + 1).min(self.height - 1));
        let (share_x, share_y) = (x - left as f32, y - upper as f32);
        let row = |y: usize| {
            let (a, b) = (self.luma[y * self.width + left], self.luma[y * self.width + right]);
            a + (b - a) * share_x
        };
        row(upper) + (row(lower) - row(upper)) * share_y
    }
}
