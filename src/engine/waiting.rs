//! Frames that wait for their future, in half the memory.
//!
//! Nearly every film stores one colour for a square of 2x2 pixels, so in its frames red and blue keep their distance
//! from green over such a square, but for rounding and for what is cut off at black and at white. Green is kept for
//! each pixel and the two distances for each square; pixels that this would change by more than one level are kept
//! apart, as they are.

use rayon::prelude::*;

use crate::frame::{Frame, Size};
use crate::time::FrameTime;

/// Bytes of a frame from which on it is worth the time.
const LEAST: usize = 4 << 20;
/// Pixels kept apart, of two rows, above which these are kept as they are: one in eight.
const MOST: usize = 8;

/// A frame that waits.
#[derive(Debug)]
pub(super) enum WaitingFrame {
    /// As it is: it is small, or of odd sides.
    Whole(Frame),
    /// Two rows of pixels at a time.
    Pairs { size: Size, time: FrameTime, pairs: Vec<RowPair> },
}

/// Two rows of pixels.
#[derive(Debug)]
pub(super) enum RowPair {
    /// In squares.
    Squares(Squares),
    /// As they are: of another kind, or not opaque.
    Whole(Vec<u8>),
}

/// Two rows of squares.
#[derive(Debug)]
pub(super) struct Squares {
    /// Of each pixel, row by row.
    green: Vec<u8>,
    /// Of red and of blue from green, of each square.
    distances: Vec<[i16; 2]>,
    /// Pixels kept apart: the place among the two rows, and the colour.
    apart: Vec<(u32, [u8; 3])>,
}

impl WaitingFrame {
    /// Of a frame.
    pub(super) fn new(frame: Frame) -> Self {
        let Size { width, height } = frame.size;
        if frame.pixels.len() < LEAST || width % 2 == 1 || height % 2 == 1 {
            return Self::Whole(frame);
        }
        let pairs = frame.pixels.par_chunks_exact(2 * frame.stride()).map(|rows| {
            Squares::new(rows, width as usize).map_or_else(|| RowPair::Whole(rows.to_vec()), RowPair::Squares)
        });
        Self::Pairs { size: frame.size, time: frame.time, pairs: pairs.collect() }
    }

    /// The frame, each level within one of what it was.
    pub(super) fn into_frame(self) -> Frame {
        match self {
            Self::Whole(frame) => frame,
            Self::Pairs { size, time, pairs } => {
                let mut pixels = vec![255; size.rgba_bytes()];
                let rows = pixels.par_chunks_exact_mut(2 * 4 * size.width as usize);
                rows.zip(pairs).for_each(|(rows, pair)| match pair {
                    RowPair::Squares(squares) => squares.write(rows, size.width as usize),
                    RowPair::Whole(pixels) => rows.copy_from_slice(&pixels),
                });
                Frame { size, time, pixels }
            }
        }
    }
}

impl Squares {
    /// Of two rows of packed RGBA; `None` where too many pixels are of another kind, or any is not opaque.
    fn new(pixels: &[u8], width: usize) -> Option<Self> {
        let (pixels, _) = pixels.as_chunks::<4>();
        let (upper, lower) = pixels.split_at(width);
        let mut apart = Vec::new();
        let mut distances = Vec::with_capacity(width / 2);
        let pairs = upper.as_chunks::<2>().0.iter().zip(lower.as_chunks::<2>().0);
        for (k, (upper, lower)) in pairs.enumerate() {
            let square = [upper[0], upper[1], lower[0], lower[1]];
            if square.iter().any(|pixel| pixel[3] != 255) {
                return None;
            }
            let of = |channel: usize| square.map(|pixel| i16::from(pixel[channel]) - i16::from(pixel[1]));
            let (red, blue) = (of(0), of(2));
            let middle = |values: [i16; 4]| {
                let (least, most) = (values.iter().min(), values.iter().max());
                least.zip(most).map_or(0, |(least, most)| (least + most).div_euclid(2))
            };
            let square_distances = [middle(red), middle(blue)];
            for i in 0..4 {
                let off = (red[i] - square_distances[0]).abs().max((blue[i] - square_distances[1]).abs());
                if off > 1 {
                    let place = i / 2 * width + 2 * k + i % 2;
                    apart.push((place as u32, [square[i][0], square[i][1], square[i][2]]));
                }
            }
            distances.push(square_distances);
        }
        let is_of_this_kind = apart.len() <= pixels.len() / MOST;
        apart.shrink_to_fit();
        let green = pixels.iter().map(|pixel| pixel[1]).collect();
        is_of_this_kind.then_some(Self { green, distances, apart })
    }

    fn write(&self, pixels: &mut [u8], width: usize) {
        let (pixels, _) = pixels.as_chunks_mut::<4>();
        for (pixels, green) in pixels.chunks_exact_mut(width).zip(self.green.chunks_exact(width)) {
            let squares = pixels.as_chunks_mut::<2>().0.iter_mut().zip(green.as_chunks::<2>().0);
            for ((pair, green), [red, blue]) in squares.zip(&self.distances) {
                for (pixel, green) in pair.iter_mut().zip(green) {
                    let level = |distance: i16| (i16::from(*green) + distance).clamp(0, 255) as u8;
                    (pixel[0], pixel[1], pixel[2]) = (level(*red), *green, level(*blue));
                }
            }
        }
        for (place, color) in &self.apart {
            pixels[*place as usize][..3].copy_from_slice(color);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::tests::picture;

    const SIZE: Size = Size { width: 1920, height: 1080 };

    /// As converted from 4:2:0: a luma for each pixel, a chroma for each square, cut off at black and white.
    fn subsampled() -> Frame {
        let mut frame = picture(SIZE.width, SIZE.height);
        for (k, pixel) in frame.pixels.chunks_exact_mut(4).enumerate() {
            let (x, y) = (k as u32 % SIZE.width, k as u32 / SIZE.width);
            let luma = 6.0 + 244.0 * (0.5 + 0.5 * (x as f32 * 0.11).sin() * (y as f32 * 0.07).cos());
            let [u, v] = [x / 2, y / 2].map(|at| ((at * 7 % 61) as f32 - 30.0) * 0.4);
            let rgb = [luma + 1.402 * v, luma - 0.344 * u - 0.714 * v, luma + 1.772 * u];
            (0..3).for_each(|c| pixel[c] = rgb[c].round().clamp(0.0, 255.0) as u8);
        }
        frame
    }

    /// Bytes that a frame waits in.
    fn bytes(waiting: &WaitingFrame) -> usize {
        let of_pair = |pair: &RowPair| match pair {
            RowPair::Squares(rows) => rows.green.len() + 4 * rows.distances.len() + 8 * rows.apart.capacity(),
            RowPair::Whole(pixels) => pixels.len(),
        };
        match waiting {
            WaitingFrame::Whole(frame) => frame.pixels.len(),
            WaitingFrame::Pairs { pairs, .. } => pairs.iter().map(of_pair).sum(),
        }
    }

    #[test]
    fn a_frame_of_a_film_takes_half_and_comes_back_within_a_level() {
        let frame = subsampled();
        let waiting = WaitingFrame::new(frame.clone());
        let WaitingFrame::Pairs { pairs, .. } = &waiting else { panic!("it is large") };
        let apart = |pair: &RowPair| matches!(pair, RowPair::Squares(rows) if !rows.apart.is_empty());
        assert!(pairs.iter().any(apart), "black and white are cut off somewhere");
        assert!(
            bytes(&waiting) * 3 < frame.pixels.len() * 2,
            "{} of {}",
            bytes(&waiting),
            frame.pixels.len()
        );
        let back = waiting.into_frame();
        assert_eq!((back.size, back.time), (frame.size, frame.time));
        let most = back.pixels.iter().zip(&frame.pixels).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(most <= Some(1), "{most:?}");
    }

    #[test]
    fn other_pixels_stay_as_they_are() {
        let mut see_through = subsampled();
        see_through.pixels[4 * 777 + 3] = 9;
        let rows = WaitingFrame::new(see_through.clone()).into_frame();
        assert_eq!(rows.pixels[..8 * 1920], see_through.pixels[..8 * 1920], "two rows that are not opaque");
        for frame in [picture(64, 64), picture(SIZE.width, SIZE.height), picture(1921, 1080)] {
            let waiting = WaitingFrame::new(frame.clone());
            assert_eq!(bytes(&waiting), frame.pixels.len(), "{}", frame.size);
            assert!(waiting.into_frame() == frame);
        }
    }
}
