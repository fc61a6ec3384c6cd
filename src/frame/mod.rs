//! A picture in memory, other sizes of it ([`resize`]), and memory that is used again ([`pool`]).
//!
//! Inside the program a frame is always upright, packed RGBA, 8 bits, rows
//! without padding. Strides, planes, ranges, matrices and rotation belong to
//! the edges ([`crate::video::read`], [`crate::video::write`]) and end there.

use crate::time::FrameTime;

pub mod pool;
pub mod resize;

/// Width and height in pixels, neither zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl Size {
    /// Largest side accepted, as in H.264 and most GPUs.
    pub const MAX_SIDE: u32 = 16_384;

    /// `None` where a side is zero or above [`Size::MAX_SIDE`].
    pub fn new(width: u32, height: u32) -> Option<Self> {
        let fits = |side: u32| (1..=Self::MAX_SIDE).contains(&side);
        (fits(width) && fits(height)).then_some(Self { width, height })
    }

    /// Number of pixels.
    pub fn pixels(self) -> usize {
        self.width as usize * self.height as usize
    }

    /// Bytes of a packed RGBA frame.
    pub fn rgba_bytes(self) -> usize {
        self.pixels() * 4
    }

    /// Width over height.
    pub fn aspect(self) -> f32 {
        self.width as f32 / self.height as f32
    }
}

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

/// One picture and the moment it is shown at. Moved from stage to stage, never
/// shared while it can change.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    /// Size in pixels.
    pub size: Size,
    /// When it is shown, on the input's clock.
    pub time: FrameTime,
    /// Packed RGBA, `size.rgba_bytes()` long.
    pub pixels: Vec<u8>,
}

impl Frame {
    /// A frame of one colour.
    pub fn filled(size: Size, time: FrameTime, rgba: [u8; 4]) -> Self {
        Self { size, time, pixels: rgba.repeat(size.pixels()) }
    }

    /// Bytes in one row.
    pub fn stride(&self) -> usize {
        self.size.width as usize * 4
    }
}

impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Frame({} at {})", self.size, self.time)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A picture with edges, fine texture and smooth parts.
    pub(crate) fn picture(width: u32, height: u32) -> Frame {
        let size = Size::new(width, height).expect("positive");
        let mut frame = Frame::filled(size, FrameTime::ZERO, [0, 0, 0, 255]);
        for (k, pixel) in frame.pixels.chunks_exact_mut(4).enumerate() {
            let (x, y) = (k as u32 % width, k as u32 / width);
            pixel[0] = ((x * 255) / width) as u8;
            pixel[1] = if (x / 9 + y / 7) % 2 == 0 { 230 } else { 20 };
            pixel[2] = (x.wrapping_mul(2_654_435_761).wrapping_add(y.wrapping_mul(40_503)) >> 13) as u8;
        }
        frame
    }

    #[test]
    fn sizes_are_never_empty() {
        assert!(Size::new(0, 4).is_none() && Size::new(4, 0).is_none() && Size::new(40_000, 4).is_none());
        assert_eq!(Size::new(3, 2).map(Size::rgba_bytes), Some(24));
    }
}
