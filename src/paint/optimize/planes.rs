//! A picture as the styler's networks take it: three planes of floats, continued
//! by their mirror images to whole multiples of 32.

use crate::error::Result;
use crate::frame::Size;
use crate::frame::resize::{Filter, Resizer};
use crate::paint::painter::mirrored;
use crate::paint::recolor::ColorMap;

/// The pyramid halves a picture five times.
const MULTIPLE: usize = 32;
/// Fewest pixels of a scaled picture's side: VGG-16 halves its input four times up to its fifth block.
const LEAST_SIDE: u32 = 16;

/// PlanarImage of one size, values 0..=1, not padded.
#[derive(Debug, Clone)]
pub(crate) struct PlanarImage {
    size: Size,
    planes: [Vec<f32>; 3],
}

impl PlanarImage {
    pub(crate) fn of_rgba(pixels: &[u8], size: Size) -> Self {
        Self::of(pixels, 4, size)
    }

    pub(crate) fn of_rgb(pixels: &[u8], size: Size) -> Self {
        Self::of(pixels, 3, size)
    }

    fn of(pixels: &[u8], step: usize, size: Size) -> Self {
        let plane = |c: usize| pixels.iter().skip(c).step_by(step).map(|v| f32::from(*v) / 255.0).collect();
        Self { size, planes: [plane(0), plane(1), plane(2)] }
    }

    pub(crate) fn to_rgba(&self) -> Vec<u8> {
        let byte = |value: f32| (value * 255.0 + 0.5) as u8; // `as` keeps it within 0..=255
        let [r, g, b] = &self.planes;
        r.iter().zip(g).zip(b).flat_map(|((r, g), b)| [byte(*r), byte(*g), byte(*b), 255]).collect()
    }

    pub(crate) fn size(&self) -> Size {
        self.size
    }

    /// Areas where it shrinks, cubic where it grows.
    pub(crate) fn resized(&self, size: Size) -> Result<Self> {
        if size == self.size {
            return Ok(self.clone());
        }
        let filter = if size.width < self.size.width { Filter::Box } else { Filter::CatmullRom };
        let mut resizer = Resizer::default();
        let mut planes = [const { Vec::new() }; 3];
        for (plane, out) in self.planes.iter().zip(&mut planes) {
            *out = resizer.plane(plane, self.size, size, filter)?;
            out.iter_mut().for_each(|value| *value = value.clamp(0.0, 1.0));
        }
        Ok(Self { size, planes })
    }

    /// By a factor, at least to 16 pixels a side.
    pub(crate) fn scaled(&self, factor: f32) -> Result<Self> {
        let side = |side: u32| ((side as f32 * factor).round() as u32).max(LEAST_SIDE);
        self.resized(Size { width: side(self.size.width), height: side(self.size.height) })
    }

    /// Left and right exchanged.
    pub(crate) fn mirrored(&self) -> Self {
        let mut mirrored = self.clone();
        for plane in &mut mirrored.planes {
            plane.chunks_exact_mut(self.size.width as usize).for_each(<[f32]>::reverse);
        }
        mirrored
    }

    /// In other colours.
    pub(crate) fn recolored(&self, map: &ColorMap) -> Self {
        let mut recolored = self.clone();
        let [r, g, b] = &mut recolored.planes;
        for ((r, g), b) in r.iter_mut().zip(g).zip(b) {
            [*r, *g, *b] = map.apply([*r, *g, *b]);
        }
        recolored
    }

    /// Width and height for the network.
    pub(crate) fn padded(&self) -> [usize; 2] {
        [self.size.width, self.size.height].map(|side| (side as usize).next_multiple_of(MULTIPLE))
    }

    /// The padded values, plane by plane.
    pub(crate) fn values(&self) -> Vec<f32> {
        let ([width, height], w, h) = (self.padded(), self.size.width as usize, self.size.height as usize);
        let place = |plane: &Vec<f32>, y: usize, x: usize| plane[mirrored(y, h) * w + mirrored(x, w)];
        let mut values = Vec::with_capacity(3 * width * height);
        for plane in &self.planes {
            values.extend((0..height).flat_map(|y| (0..width).map(move |x| place(plane, y, x))));
        }
        values
    }

    /// A picture of this size from padded values.
    pub(crate) fn with_values(&self, values: &[f32]) -> Self {
        let ([width, height], w, h) = (self.padded(), self.size.width as usize, self.size.height as usize);
        let plane = |c: usize| {
            let rows = values[c * width * height..][..width * height].chunks_exact(width);
            rows.take(h).flat_map(|row| &row[..w]).copied().collect()
        };
        Self { size: self.size, planes: [plane(0), plane(1), plane(2)] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: u32, height: u32) -> PlanarImage {
        let pixels: Vec<u8> = (0..width * height * 3).map(|k| (k * 7 % 251) as u8).collect();
        PlanarImage::of_rgb(&pixels, Size { width, height })
    }

    #[test]
    fn padding_mirrors_and_comes_off_again() {
        let planes = picture(17, 3);
        assert_eq!(planes.padded(), [32, 32]);
        let values = planes.values();
        assert_eq!(values.len(), 3 * 32 * 32);
        assert_eq!(values[17], values[16]);
        assert_eq!(values[3 * 32], values[2 * 32]);
        assert_eq!(planes.with_values(&values).planes, planes.planes);
    }

    #[test]
    fn resizing_keeps_a_flat_picture_flat() {
        let flat = PlanarImage::of_rgba(&[51, 102, 204, 255].repeat(40 * 30), Size { width: 40, height: 30 });
        for size in [Size { width: 13, height: 9 }, Size { width: 97, height: 64 }] {
            let pixels = flat.resized(size).expect("resized").to_rgba();
            assert_eq!(pixels, [51, 102, 204, 255].repeat(size.pixels()));
        }
        assert_eq!(flat.scaled(0.01).expect("resized").size(), Size { width: 16, height: 16 });
    }
}
