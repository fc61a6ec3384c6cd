//! Where in a picture brushwork is.

use image::RgbImage;

use crate::error::Result;
use crate::nn::network::Network;
use crate::paint::tune::target::enlarged;

/// Lines that a picture is looked at with.
const LINES: f32 = 256.0;
/// Side of a tile in pixels, and in places of the network.
const TILE: usize = 16;
const PLACES: usize = 4;
/// Tiles that are left along each side at least.
const FEWEST: usize = 5;
/// Below this a tile shows nothing; more than that is no more brushwork; and the share of what is usual that makes a tile worth having.
const BARE: f32 = 0.05;
const MOST_DETAIL: f32 = 1.5;
const SHARE: f32 = 0.5;
/// Steps to the tiles that a tile is compared with, along rows and columns: a frame repeats there.
const APART: [usize; 3] = [2, 3, 4];

/// How much brushwork the tiles of a picture show.
pub(super) struct Marks {
    pub(super) across: usize,
    pub(super) down: usize,
    score: Vec<f32>,
}

impl Marks {
    pub(super) fn of(network: &mut Network, picture: &RgbImage) -> Result<Self> {
        let planes = enlarged(picture, LINES / picture.width().min(picture.height()) as f32, TILE as u32)?;
        let shape = [1, 3, planes.height, planes.width];
        let (across, down) = (planes.width / TILE, planes.height / TILE);
        let tiles = network.run(&[(&shape, &planes.values)], |outputs| {
            // relu3_1, the first of its layers: a place is four pixels.
            TileFeatures::of(outputs[1], across, down)
        })?;
        let score = (0..across * down).map(|k| tiles.detail(k) * (1.0 - tiles.repetition(k))).collect();
        Ok(Self { across, down, score })
    }

    fn row(&self, y: usize, [left, right]: [usize; 2]) -> Vec<f32> {
        self.score[y * self.across..][left..right].to_vec()
    }

    fn column(&self, x: usize, [top, bottom]: [usize; 2]) -> Vec<f32> {
        (top..bottom).map(|y| self.score[y * self.across + x]).collect()
    }

    /// The rectangle of tiles, left, top, right and bottom, in which most is above half of what is usual.
    pub(super) fn richest(&self, all: [usize; 4]) -> [usize; 4] {
        let usual = median(self.score.iter().copied().filter(|score| *score > BARE).collect());
        let mut best = (0.0, all);
        for top in 0..self.down {
            let mut columns = vec![0.0_f32; self.across];
            for bottom in top + 1..=self.down {
                for (sum, score) in columns.iter_mut().zip(self.row(bottom - 1, [0, self.across])) {
                    *sum += score - SHARE * usual;
                }
                let (mut sum, mut left) = (0.0, 0);
                for (x, column) in columns.iter().enumerate() {
                    if sum <= 0.0 {
                        (sum, left) = (0.0, x);
                    }
                    sum += column;
                    if sum > best.0 {
                        best = (sum, [left, top, x + 1, bottom]);
                    }
                }
            }
        }
        best.1
    }

    /// Without the rows and columns at its sides that show less than a share of what is usual within.
    pub(super) fn peeled(&self, mut tiles: [usize; 4], share: f32) -> [usize; 4] {
        loop {
            let [left, top, right, bottom] = tiles;
            if right - left < FEWEST || bottom - top < FEWEST {
                return tiles;
            }
            let usual = median((top..bottom).flat_map(|y| self.row(y, [left, right])).collect());
            let sides = [
                self.column(left, [top, bottom]),
                self.row(top, [left, right]),
                self.column(right - 1, [top, bottom]),
                self.row(bottom - 1, [left, right]),
            ];
            let poorest = sides.map(median).into_iter().enumerate().min_by(|a, b| a.1.total_cmp(&b.1));
            match poorest {
                Some((side, score)) if score < share * usual => {
                    if side < 2 {
                        tiles[side] += 1
                    } else {
                        tiles[side] -= 1
                    }
                }
                _ => return tiles,
            }
        }
    }
}

/// Means and deviations of the features within each tile, as one vector, and how they vary over all.
struct TileFeatures {
    across: usize,
    down: usize,
    /// Per tile, less what is usual, of length one.
    vectors: Vec<Vec<f32>>,
    deviations: Vec<f32>,
}

impl TileFeatures {
    /// Of channels of places, four by four to a tile.
    fn of(features: &[f32], across: usize, down: usize) -> Self {
        let (width, count) = (across * PLACES, across * down);
        let plane = width * down * PLACES;
        let mut vectors = vec![Vec::new(); count];
        let (mut within, mut overall) = (vec![0.0_f32; count], 0.0);
        for channel in features.chunks_exact(plane) {
            let mean = channel.iter().sum::<f32>() / plane as f32;
            overall += channel.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / plane as f32;
            let of_tile = |k: usize| {
                let first = k / across * PLACES * width + k % across * PLACES;
                let values = (0..PLACES).flat_map(|row| &channel[first + row * width..][..PLACES]);
                let all = (PLACES * PLACES) as f32;
                let mean = values.clone().sum::<f32>() / all;
                (mean, values.map(|value| (value - mean).powi(2)).sum::<f32>() / all)
            };
            let tiles: Vec<_> = (0..count).map(of_tile).collect();
            let usual = tiles.iter().map(|(_, variance)| variance.sqrt()).sum::<f32>() / count as f32;
            for ((vector, within), (own, variance)) in vectors.iter_mut().zip(&mut within).zip(&tiles) {
                vector.extend([own - mean, 2.0 * (variance.sqrt() - usual)]);
                *within += variance;
            }
        }
        for vector in &mut vectors {
            let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt() + 1e-6;
            vector.iter_mut().for_each(|value| *value /= length);
        }
        let deviations = within.iter().map(|within| (within / overall.max(1e-6)).sqrt()).collect();
        Self { across, down, vectors, deviations }
    }

    /// How far a tile is from flat, against the whole picture.
    fn detail(&self, tile: usize) -> f32 {
        self.deviations[tile].min(MOST_DETAIL)
    }

    /// How much alike a tile is to those some steps along its row, or its column: 0 to 1.
    fn repetition(&self, tile: usize) -> f32 {
        let (x, y) = (tile % self.across, tile / self.across);
        let alike = |other: usize| {
            self.vectors[tile].iter().zip(&self.vectors[other]).map(|(a, b)| a * b).sum::<f32>()
        };
        let along = |at: usize, count: usize, of: &dyn Fn(usize) -> usize| {
            let near = APART.iter().flat_map(|step| [at.checked_sub(*step), Some(at + step)]).flatten();
            let found: Vec<f32> = near.filter(|other| *other < count).map(|other| alike(of(other))).collect();
            found.iter().sum::<f32>() / found.len().max(1) as f32
        };
        let row = along(x, self.across, &|x| y * self.across + x);
        let column = along(y, self.down, &|y| y * self.across + x);
        row.max(column).clamp(0.0, 1.0)
    }
}

/// 0 of none.
fn median(mut values: Vec<f32>) -> f32 {
    let middle = values.len() / 2;
    if values.is_empty() { 0.0 } else { *values.select_nth_unstable_by(middle, f32::total_cmp).1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(rows: &[&str]) -> Marks {
        let score =
            rows.iter().flat_map(|row| row.bytes().map(|digit| f32::from(digit - b'0') / 10.0)).collect();
        Marks { across: rows[0].len(), down: rows.len(), score }
    }

    #[test]
    fn the_richest_part_leaves_margins_out_and_bridges_what_is_calm() {
        let marks = marks(&["00000000", "00550550", "00505550", "00555050", "00000000"]);
        assert_eq!(marks.richest([0, 0, 8, 5]), [2, 1, 7, 4]);
        let bare = Marks { across: 3, down: 2, score: vec![0.0; 6] };
        assert_eq!(bare.richest([0, 0, 3, 2]), [0, 0, 3, 2]);
    }

    #[test]
    fn a_frame_whose_corners_alone_stand_out_is_peeled_off() {
        let marks = marks(&[
            "911111119",
            "155555551",
            "155555551",
            "155555551",
            "155555551",
            "155555551",
            "911111119",
        ]);
        assert_eq!(marks.peeled([0, 0, 9, 7], 0.5), [1, 1, 8, 6]);
        assert_eq!(marks.peeled([0, 0, 9, 7], 0.1), [0, 0, 9, 7]);
    }

    /// Two channels of 24x16 places: stripes down the left third, random marks elsewhere.
    #[test]
    fn what_repeats_along_a_row_or_column_counts_less() {
        let mut random = fastrand::Rng::with_seed(1);
        let (across, down) = (12, 8);
        let width = across * PLACES;
        let value = |random: &mut fastrand::Rng, k: usize| match k % width < width / 3 {
            true => 1.0 - (k % 2) as f32,
            false => 6.0 * (random.f32() - 0.7).max(0.0),
        };
        let features: Vec<f32> = (0..16 * width * down * PLACES).map(|k| value(&mut random, k)).collect();
        let tiles = TileFeatures::of(&features, across, down);
        let [stripes, marks] = [0, 8].map(|x| tiles.repetition(4 * across + x));
        assert!(stripes > 0.9 && marks < 0.5, "{stripes} and {marks}");
        assert!(tiles.detail(8) > 0.5, "{}", tiles.detail(8));
    }
}
