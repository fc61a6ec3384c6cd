//! RGBA to what an encoder takes.
//!
//! Through the `yuv` crate, by the matrix and range the source came with, so
//! that a picture nobody touched comes back as it was, to within rounding.
//!
//! Chroma at half size needs even sides. An odd picture gets one more column or
//! row, a copy of its last: no pixel is lost, moved or mixed with black.

use std::borrow::Cow;

use ffmpeg_next::format::Pixel;
use ffmpeg_next::frame;
use yuv::{YuvChromaSubsampling, YuvConversionMode, YuvPlanarImageMut, rgba_to_yuv420, rgba_to_yuv422};

use crate::frame::{Frame, Size};
use crate::video::colour::Colour;

/// How an encoder's pictures are laid out in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// Three planes, chroma at half width and height, 8 bits.
    Yuv420,
    /// Three planes, chroma at half width, 10 bits in two bytes.
    Yuv422Ten,
    /// Packed blue, green, red and a spare byte: no loss at all.
    Rgb,
}

impl Layout {
    /// FFmpeg's name for it.
    pub(super) fn format(self) -> Pixel {
        match self {
            Self::Yuv420 => Pixel::YUV420P,
            Self::Yuv422Ten => Pixel::YUV422P10LE,
            Self::Rgb => Pixel::BGRZ,
        }
    }

    /// The smallest size that holds the picture and whole chroma samples.
    pub(super) fn coded_size(self, size: Size) -> Size {
        let (width, height) = match self {
            Self::Yuv420 => (size.width.next_multiple_of(2), size.height.next_multiple_of(2)),
            Self::Yuv422Ten => (size.width.next_multiple_of(2), size.height),
            Self::Rgb => (size.width, size.height),
        };
        Size { width, height }
    }
}

/// Makes the encoder's pictures.
pub(super) struct PixelConverter {
    layout: Layout,
    size: Size,
    colour: Colour,
    /// Room for the YUV layouts, used again for every picture.
    image: YuvPlanarImageMut<'static, u8>,
}

impl PixelConverter {
    /// For pictures of this coded size.
    pub(super) fn new(layout: Layout, size: Size, colour: Colour) -> Self {
        let sampling = match layout {
            Layout::Yuv420 => YuvChromaSubsampling::Yuv420,
            Layout::Yuv422Ten | Layout::Rgb => YuvChromaSubsampling::Yuv422,
        };
        Self { layout, size, colour, image: YuvPlanarImageMut::alloc(size.width, size.height, sampling) }
    }

    /// A new picture: the encoder keeps references to those it was given.
    pub(super) fn run(&mut self, picture: &Frame) -> frame::Video {
        let mut frame = frame::Video::new(self.layout.format(), self.size.width, self.size.height);
        self.colour.tag_picture(&mut frame);
        let rgba = pad(picture, self.size);
        match self.layout {
            Layout::Yuv420 => {
                self.fill_image(&rgba);
                self.copy_planes(&mut frame, |row, samples| row[..samples.len()].copy_from_slice(samples));
            }
            Layout::Yuv422Ten => {
                self.fill_image(&rgba);
                self.copy_planes(&mut frame, widen);
            }
            Layout::Rgb => {
                let (stride, row_bytes) = (frame.stride(0), self.size.width as usize * 4);
                for (to, from) in frame.data_mut(0).chunks_mut(stride).zip(rgba.chunks(row_bytes)) {
                    for (to, [red, green, blue, _]) in to.as_chunks_mut().0.iter_mut().zip(from.as_chunks().0)
                    {
                        *to = [*blue, *green, *red, u8::MAX];
                    }
                }
            }
        }
        frame
    }

    fn fill_image(&mut self, rgba: &[u8]) {
        let convert = if self.layout == Layout::Yuv420 { rgba_to_yuv420 } else { rgba_to_yuv422 };
        let (range, matrix) = (self.colour.range(), self.colour.matrix());
        convert(&mut self.image, rgba, self.size.width * 4, range, matrix, YuvConversionMode::Balanced)
            .expect("the image was made for pictures of this size");
    }

    fn copy_planes(&self, frame: &mut frame::Video, copy_row: impl Fn(&mut [u8], &[u8])) {
        let image = &self.image;
        let planes = [
            (image.y_plane.borrow(), image.y_stride),
            (image.u_plane.borrow(), image.u_stride),
            (image.v_plane.borrow(), image.v_stride),
        ];
        for (plane, (samples, samples_per_row)) in planes.into_iter().enumerate() {
            let stride = frame.stride(plane);
            let rows = samples.chunks_exact(samples_per_row as usize);
            for (to, from) in frame.data_mut(plane).chunks_mut(stride).zip(rows) {
                copy_row(to, from);
            }
        }
    }
}

/// 8 bits to 10, low byte first. Exact for limited range, the only one used.
fn widen(row: &mut [u8], samples: &[u8]) {
    for (to, from) in row.as_chunks_mut::<2>().0.iter_mut().zip(samples) {
        *to = (u16::from(*from) << 2).to_le_bytes();
    }
}

/// The picture's pixels, its last column and row repeated up to `size`.
fn pad(picture: &Frame, size: Size) -> Cow<'_, [u8]> {
    if picture.size == size {
        return Cow::Borrowed(&picture.pixels);
    }
    let row_bytes = size.width as usize * 4;
    let mut padded = Vec::with_capacity(size.rgba_bytes());
    for row in picture.pixels.chunks_exact(picture.stride()) {
        let row_end = padded.len() + row_bytes;
        padded.extend_from_slice(row);
        while padded.len() < row_end {
            padded.extend_from_slice(&row[row.len() - 4..]);
        }
    }
    while padded.len() < size.rgba_bytes() {
        padded.extend_from_within(padded.len() - row_bytes..);
    }
    Cow::Owned(padded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::FrameTime;

    fn size(width: u32, height: u32) -> Size {
        Size::new(width, height).expect("not empty")
    }

    #[test]
    fn odd_pictures_repeat_their_edge() {
        let picture =
            Frame { pixels: (0..36).collect(), ..Frame::filled(size(3, 3), FrameTime::ZERO, [0; 4]) };
        let coded = Layout::Yuv420.coded_size(picture.size);
        assert_eq!(coded, size(4, 4));
        let padded = pad(&picture, coded);
        let firsts: Vec<u8> = padded.iter().step_by(4).copied().collect();
        assert_eq!(firsts, [0, 4, 8, 8, 12, 16, 20, 20, 24, 28, 32, 32, 24, 28, 32, 32]);
        assert!(matches!(pad(&picture, picture.size), Cow::Borrowed(_)));
    }

    #[test]
    fn each_layout_stores_white_in_its_own_numbers() {
        let white = Frame::filled(size(8, 4), FrameTime::ZERO, [255; 4]);
        let colour = Colour::untagged(white.size);
        for (layout, expected) in
            [(Layout::Yuv420, [235, 235]), (Layout::Yuv422Ten, [172, 3]), (Layout::Rgb, [255, 255])]
        {
            let frame = PixelConverter::new(layout, white.size, colour).run(&white);
            assert_eq!((frame.data(0)[0], frame.data(0)[1]), expected.into(), "{layout:?}");
        }
    }
}
