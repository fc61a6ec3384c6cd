//! The older objective: a picture with the photo's content and the painting's statistics, tile by
//! tile.
//!
//! Gatys, Ecker and Bethge, "Image Style Transfer Using Convolutional Neural Networks", CVPR 2016,
//! sections 2.1 and 2.2. One Gram matrix for a whole picture does not say where the brushwork must
//! be, so patches of it are painted and the rest stays a photo. Here the picture is covered with
//! overlapping tiles, and each must have the painting's statistics by itself.

use crate::error::Result;
use crate::nn::models::Models;
use crate::nn::network::Network;
use crate::nn::runtime::Runtime;
use crate::paint::optimize::planes::PlanarImage;

const NAME: &str = "styler-gram.onnx";
/// Side of a tile, in pixels, and how far neighbours overlap at least.
const TILE: usize = 192;
const OVERLAP: usize = 32;
/// Both sizes of a tile are multiples of this.
const STEP: usize = 16;
/// Weights of the content and of smoothness: enough against single bright pixels.
const CONTENT: f32 = 1.0;
const SMOOTH: f32 = 0.5;
/// relu4_2: its channels, and pixels to a place along each side.
const CHANNELS: usize = 512;
const CONTENT_STEP: usize = 8;
/// Outputs before the image's own matrices: terms, gradient, content.
const BEFORE_OWN: usize = 3;

/// A part of a picture, and its content.
struct Tile {
    left: usize,
    top: usize,
    size: [usize; 2],
    content: Vec<f32>,
}

/// What a picture is compared with at one scale.
pub(super) struct Target {
    size: [usize; 2],
    tiles: Vec<Tile>,
    /// Gram matrices of the painting.
    style: Vec<Vec<f32>>,
    /// How many tiles each pixel lies in.
    cover: Vec<f32>,
}

/// The objective's network.
pub(super) struct Gram {
    network: Network,
    style_weight: f32,
}

impl Gram {
    /// `style_weight` is relative to the content's.
    pub(super) fn new(models: &Models, runtime: &Runtime, style_weight: f32) -> Result<Self> {
        Ok(Self { network: models.network(NAME, runtime)?, style_weight })
    }

    /// The content of the photo, in the painting's colours, and the statistics of the painting.
    pub(super) fn target(&mut self, photo: &PlanarImage, painting: &PlanarImage) -> Result<Target> {
        let style = self.look(&painting.values(), painting.padded(), |outputs| {
            outputs[BEFORE_OWN..].iter().map(|matrix| matrix.to_vec()).collect()
        })?;
        let (size, values) = (photo.padded(), photo.values());
        let [columns, rows] = size.map(starts);
        let mut cover = vec![0.0; size[0] * size[1]];
        let mut tiles = Vec::new();
        for (left, top) in rows.iter().flat_map(|top| columns.iter().map(move |left| (*left, *top))) {
            let part = size.map(|side| side.min(TILE));
            let content =
                self.look(&cut(&values, size, [left, top], part), part, |outputs| outputs[2].to_vec())?;
            for row in cover.chunks_exact_mut(size[0]).skip(top).take(part[1]) {
                row[left..left + part[0]].iter_mut().for_each(|count| *count += 1.0);
            }
            tiles.push(Tile { left, top, size: part, content });
        }
        Ok(Target { size, tiles, style, cover })
    }

    /// The objective of an image, mean over the tiles, and the gradient by the image.
    pub(super) fn judge(&mut self, image: &[f32], target: &Target) -> Result<(f32, Vec<f32>)> {
        let weights = [CONTENT, self.style_weight, SMOOTH];
        let (mut objective, mut gradient) = (0.0, vec![0.0; image.len()]);
        for Tile { left, top, size, content } in &target.tiles {
            let part = cut(image, target.size, [*left, *top], *size);
            let (own, slopes) = self.losses(&part, *size, content, &target.style, weights, |outputs| {
                let objective: f32 = outputs[0].iter().zip(weights).map(|(term, weight)| term * weight).sum();
                (objective, outputs[1].to_vec())
            })?;
            objective += own / target.tiles.len() as f32;
            for (number, row) in slopes.chunks_exact(size[0]).enumerate() {
                let (plane, y) = (number / size[1], top + number % size[1]);
                let out = (plane * target.size[1] + y) * target.size[0] + left;
                gradient[out..][..size[0]].iter_mut().zip(row).for_each(|(sum, slope)| *sum += slope);
            }
        }
        for plane in gradient.chunks_exact_mut(target.cover.len()) {
            plane.iter_mut().zip(&target.cover).for_each(|(slope, count)| *slope /= count);
        }
        Ok((objective, gradient))
    }

    /// What the network says of a picture itself.
    fn look<T>(&mut self, image: &[f32], size: [usize; 2], read: impl FnOnce(&[&[f32]]) -> T) -> Result<T> {
        let content = vec![0.0; content_shape(size).iter().product()];
        let style: Vec<_> = self.matrices().iter().map(|[rows, columns]| vec![0.0; rows * columns]).collect();
        self.losses(image, size, &content, &style, [0.0; 3], read)
    }

    fn losses<T>(
        &mut self,
        image: &[f32],
        size: [usize; 2],
        content: &[f32],
        style: &[Vec<f32>],
        weights: [f32; 3],
        read: impl FnOnce(&[&[f32]]) -> T,
    ) -> Result<T> {
        let (shape, content_shape) = ([1, 3, size[1], size[0]], content_shape(size));
        let shapes = self.matrices();
        let mut inputs: Vec<(&[usize], &[f32])> =
            vec![(&shape, image), (&content_shape, content), (&[3], &weights)];
        inputs.extend(shapes.iter().zip(style).map(|(shape, matrix)| (&shape[..], &matrix[..])));
        self.network.run(&inputs, read)
    }

    /// Dimensions of the Gram matrices, as the network has them.
    fn matrices(&self) -> Vec<[usize; 2]> {
        let inputs = self.network.spec().inputs.iter().filter(|input| input.shape.len() == 2);
        inputs.map(|input| [input.shape[0] as usize, input.shape[1] as usize]).collect()
    }
}

/// Of relu4_2, for an image of this width and height.
fn content_shape([width, height]: [usize; 2]) -> [usize; 4] {
    [1, CHANNELS, height / CONTENT_STEP, width / CONTENT_STEP]
}

/// Where tiles begin along a side: evenly, on multiples of [`STEP`], the last one ending with the side.
fn starts(side: usize) -> Vec<usize> {
    if side <= TILE {
        return vec![0];
    }
    let gaps = (side - TILE).div_ceil(TILE - OVERLAP);
    (0..=gaps).map(|k| (side - TILE) * k / gaps / STEP * STEP).collect()
}

/// A part of three planes.
fn cut(planes: &[f32], [width, height]: [usize; 2], [left, top]: [usize; 2], part: [usize; 2]) -> Vec<f32> {
    let plane = |plane: &'_ [f32]| -> Vec<f32> {
        let rows = plane.chunks_exact(width).skip(top).take(part[1]);
        rows.flat_map(|row| &row[left..left + part[0]]).copied().collect()
    };
    planes.chunks_exact(width * height).flat_map(plane).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_cover_every_side_and_overlap() {
        for side in (32..2048).step_by(32) {
            let starts = starts(side);
            let last = starts.last().expect("at least one");
            assert_eq!(last + TILE.min(side), side, "the last ends with the side");
            for pair in starts.windows(2) {
                assert!(
                    pair[0] + TILE >= pair[1] + OVERLAP - STEP && pair[1] % STEP == 0,
                    "{side}: {starts:?}"
                );
            }
        }
    }

    #[test]
    fn a_part_is_cut_from_every_plane() {
        let planes: Vec<f32> = (0..24).map(|k| k as f32).collect();
        assert_eq!(cut(&planes, [4, 2], [1, 1], [2, 1]), [5.0, 6.0, 13.0, 14.0, 21.0, 22.0]);
    }
}
