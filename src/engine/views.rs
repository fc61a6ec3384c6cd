//! Pictures that belong to the caller: borrowed bytes with a layout and a stride.

use crate::error::{Error, Result};
use crate::frame::{Frame, Size};
use crate::time::FrameTime;

/// How a pixel lies in memory, one byte a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PixelFormat {
    /// Red, green, blue.
    Rgb8,
    /// Red, green, blue, alpha.
    Rgba8,
    /// Blue, green, red, alpha.
    Bgra8,
}

impl PixelFormat {
    /// Bytes of a pixel.
    pub fn bytes(self) -> usize {
        match self {
            Self::Rgb8 => 3,
            Self::Rgba8 | Self::Bgra8 => 4,
        }
    }

    /// Where red, green and blue are in a pixel.
    fn places(self) -> [usize; 3] {
        match self {
            Self::Rgb8 | Self::Rgba8 => [0, 1, 2],
            Self::Bgra8 => [2, 1, 0],
        }
    }
}

/// Where rows and pixels of a picture lie.
#[derive(Debug, Clone, Copy)]
struct Layout {
    size: Size,
    format: PixelFormat,
    stride: usize,
}

impl Layout {
    fn new(width: u32, height: u32, format: PixelFormat, stride: usize, len: usize) -> Result<Self> {
        let wrong = |expected: String, found: String| Error::FrameLayout { expected, found };
        let size = Size::new(width, height)
            .ok_or_else(|| wrong(format!("sides of 1 to {}", Size::MAX_SIDE), format!("{width}x{height}")))?;
        let row = width as usize * format.bytes();
        if stride < row {
            return Err(wrong(format!("a stride of {row} bytes or more"), stride.to_string()));
        }
        let least = stride * (height as usize - 1) + row;
        if len < least {
            return Err(wrong(format!("{least} bytes or more"), len.to_string()));
        }
        Ok(Self { size, format, stride })
    }
}

/// A picture to be redrawn.
#[derive(Debug, Clone, Copy)]
pub struct FrameRef<'a> {
    layout: Layout,
    bytes: &'a [u8],
    time: FrameTime,
}

impl<'a> FrameRef<'a> {
    /// `bytes` holds `height` rows that begin `stride` bytes apart; `time` is when the picture is shown, on any
    /// clock that only goes forward.
    ///
    /// # Errors
    /// Returns [`Error::FrameLayout`] if a side is 0 or too large, or if stride or bytes are too few.
    pub fn new(
        width: u32,
        height: u32,
        format: PixelFormat,
        stride: usize,
        bytes: &'a [u8],
        time: FrameTime,
    ) -> Result<Self> {
        Ok(Self { layout: Layout::new(width, height, format, stride, bytes.len())?, bytes, time })
    }

    /// Width and height.
    pub fn size(&self) -> Size {
        self.layout.size
    }

    /// As a frame, in a buffer that is used again.
    pub(crate) fn to_frame(self, mut pixels: Vec<u8>) -> Frame {
        let Layout { size, format, stride } = self.layout;
        pixels.resize(size.rgba_bytes(), 255);
        let [r, g, b] = format.places();
        for (row, to) in self.bytes.chunks(stride).zip(pixels.chunks_exact_mut(size.width as usize * 4)) {
            for (from, to) in row.chunks_exact(format.bytes()).zip(to.chunks_exact_mut(4)) {
                to.copy_from_slice(&[from[r], from[g], from[b], 255]);
            }
        }
        Frame { size, time: self.time, pixels }
    }
}

/// Where a redrawn picture goes.
#[derive(Debug)]
pub struct FrameMut<'a> {
    layout: Layout,
    bytes: &'a mut [u8],
}

impl<'a> FrameMut<'a> {
    /// As [`FrameRef::new`]. Alpha is written as opaque; bytes between rows are left alone.
    ///
    /// # Errors
    /// As [`FrameRef::new`].
    pub fn new(
        width: u32,
        height: u32,
        format: PixelFormat,
        stride: usize,
        bytes: &'a mut [u8],
    ) -> Result<Self> {
        Ok(Self { layout: Layout::new(width, height, format, stride, bytes.len())?, bytes })
    }

    /// Writes a frame of the same size.
    pub(crate) fn write(&mut self, frame: &Frame) -> Result<()> {
        let Layout { size, format, stride } = self.layout;
        if frame.size != size {
            let (expected, found) = (format!("an output of {}", frame.size), size.to_string());
            return Err(Error::FrameLayout { expected, found });
        }
        let [r, g, b] = format.places();
        for (row, from) in self.bytes.chunks_mut(stride).zip(frame.pixels.chunks_exact(frame.stride())) {
            for (to, from) in row.chunks_exact_mut(format.bytes()).zip(from.chunks_exact(4)) {
                (to[r], to[g], to[b]) = (from[0], from[1], from[2]);
                if let Some(alpha) = to.get_mut(3) {
                    *alpha = 255;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layout_comes_in_and_goes_out() {
        for (format, pixel) in [
            (PixelFormat::Rgb8, vec![1, 2, 3]),
            (PixelFormat::Rgba8, vec![1, 2, 3, 9]),
            (PixelFormat::Bgra8, vec![3, 2, 1, 9]),
        ] {
            let stride = 2 * pixel.len() + 5;
            let row: Vec<u8> = [&pixel[..], &pixel, &[77; 5]].concat();
            let bytes = [&row[..], &row[..2 * pixel.len()]].concat();
            let view = FrameRef::new(2, 2, format, stride, &bytes, FrameTime::ZERO).expect("whole");
            let frame = view.to_frame(vec![0; 3]);
            assert_eq!(frame.pixels, [1, 2, 3, 255].repeat(4), "{format:?}");
            let mut out = vec![88; bytes.len()];
            FrameMut::new(2, 2, format, stride, &mut out)
                .and_then(|mut out| out.write(&frame))
                .expect("fits");
            let mut expected = bytes.clone();
            expected[2 * pixel.len()..stride].fill(88);
            if pixel.len() == 4 {
                [3, 7].iter().for_each(|k| (expected[*k], expected[stride + k]) = (255, 255));
            }
            assert_eq!(out, expected, "{format:?}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let view = |width, height, stride, len| {
            FrameRef::new(width, height, PixelFormat::Rgb8, stride, &vec![0; len], FrameTime::ZERO).map(drop)
        };
        assert!(view(2, 2, 6, 12).is_ok() && view(2, 2, 8, 14).is_ok());
        for (width, height, stride, len) in
            [(0, 2, 6, 12), (2, 0, 6, 12), (40_000, 1, 120_000, 120_000), (2, 2, 5, 12), (2, 2, 6, 11)]
        {
            let refused = matches!(view(width, height, stride, len), Err(Error::FrameLayout { .. }));
            assert!(refused, "{width}x{height}, stride {stride}, {len} bytes");
        }
        let small = Frame::filled(Size { width: 1, height: 1 }, FrameTime::ZERO, [0; 4]);
        let mut bytes = [0; 12];
        let mut out = FrameMut::new(2, 2, PixelFormat::Rgb8, 6, &mut bytes).expect("fits");
        assert!(matches!(out.write(&small), Err(Error::FrameLayout { .. })));
    }
}
