//! Decoded pictures to packed RGBA.
//!
//! What nearly every video is stored in, 8-bit planar YUV (or Y alone), goes through the
//! `yuv` crate: explicit matrix and range, and 30 times the speed of FFmpeg's
//! scaler. All the rest (10 bits and more, RGB, palettes, alpha, HDR) goes through an FFmpeg
//! filter graph told the same matrix and range (but for grey of more than 8 bits, which
//! FFmpeg always takes for full range). Each picture is read by its own tags: they may change
//! in mid-stream.
//!
//! The result is opaque. What is transparent shows the background, never the colours that
//! editors leave under it.

use ffmpeg::format::Pixel;
use ffmpeg::frame;
use ffmpeg_next as ffmpeg;
use yuv::{
    YuvBiPlanarImage, YuvConversionMode, YuvError, YuvGrayImage, YuvPlanarImage, yuv_nv12_to_rgba,
    yuv400_to_rgba, yuv420_to_rgba, yuv422_to_rgba, yuv444_to_rgba,
};

use crate::error::Result;
use crate::frame::Size;
use crate::video::colour::{Colour, has_alpha};
use crate::video::error::VideoError;
use crate::video::read::filters::{self, Chain, Shape};
use crate::video::read::probe::size_of;

/// Makes RGBA pictures out of whatever the decoder hands out.
#[derive(Default)]
pub(super) struct Converter {
    /// Seen through what is transparent; black unless set.
    pub(super) background: [u8; 3],
    /// The graph in use.
    chain: Option<Chain>,
}

impl Converter {
    /// Packed RGBA, and its size.
    pub(super) fn run(&mut self, frame: frame::Video) -> Result<(Vec<u8>, Size)> {
        let size = size_of(&frame)?;
        let colour = Colour::of(&frame, size);
        let tones = colour.is_hdr() && filters::can_map_tones();
        // Decoders may store rows bottom up, with a negative stride that the
        // binding casts to a huge one.
        let is_top_down = (0..frame.planes()).all(|plane| i32::try_from(frame.stride(plane)).is_ok());
        if is_top_down && is_planar(frame.format()) && !tones {
            let mut pixels = vec![0; size.rgba_bytes()];
            planar_to_rgba(&frame, colour, &mut pixels).expect("FFmpeg's planes hold what their format says");
            return Ok((pixels, size));
        }
        let pixels = self.filter(frame, size, colour, tones).map_err(|source| VideoError::Ffmpeg {
            doing: "converting a picture to RGB",
            source: Box::new(source),
        })?;
        Ok((pixels, size))
    }

    fn filter(
        &mut self,
        mut frame: frame::Video,
        size: Size,
        colour: Colour,
        tones: bool,
    ) -> Result<Vec<u8>, ffmpeg::Error> {
        let shape = Shape::of(&frame, colour);
        let chain = match self.chain.take().filter(|chain| chain.shape == shape) {
            Some(chain) => self.chain.insert(chain),
            None => self.chain.insert(Chain::to_rgba(shape, tones)?),
        };
        // The chain takes the picture, and leaves an empty one.
        let background = has_alpha(frame.format()).then_some(self.background);
        if tones {
            filters::tag_hdr(&mut frame, colour);
        }
        chain.push(Some(&frame))?;
        let rgba = chain.pull().ok_or(ffmpeg::Error::InvalidData)?;

        let row_bytes = size.width as usize * 4;
        let mut pixels = Vec::with_capacity(size.rgba_bytes());
        for row in rgba.data(0).chunks(rgba.stride(0)).take(size.height as usize) {
            pixels.extend_from_slice(&row[..row_bytes]);
        }
        for pixel in pixels.as_chunks_mut::<4>().0 {
            if let Some(background) = background {
                cover(pixel, background);
            }
            pixel[3] = u8::MAX;
        }
        Ok(pixels)
    }
}

/// Lays a pixel over the background.
fn cover(pixel: &mut [u8; 4], background: [u8; 3]) {
    let alpha = u32::from(pixel[3]);
    for (value, under) in pixel.iter_mut().zip(background) {
        *value = ((u32::from(*value) * alpha + u32::from(under) * (255 - alpha) + 127) / 255) as u8;
    }
}

fn is_planar(format: Pixel) -> bool {
    use Pixel::{GRAY8, NV12, YUV420P, YUV422P, YUV444P, YUVJ420P, YUVJ422P, YUVJ444P};
    matches!(format, GRAY8 | NV12 | YUV420P | YUV422P | YUV444P | YUVJ420P | YUVJ422P | YUVJ444P)
}

fn planar_to_rgba(frame: &frame::Video, colour: Colour, rgba: &mut [u8]) -> Result<(), YuvError> {
    let (width, height) = (frame.width(), frame.height());
    let (stride, range, matrix) = (width * 4, colour.range(), colour.matrix());
    let plane_stride = |plane| frame.stride(plane) as u32;
    if frame.format() == Pixel::GRAY8 {
        let image = YuvGrayImage { y_plane: frame.data(0), y_stride: plane_stride(0), width, height };
        return yuv400_to_rgba(&image, rgba, stride, range, matrix);
    }
    if frame.format() == Pixel::NV12 {
        let image = YuvBiPlanarImage {
            y_plane: frame.data(0),
            y_stride: plane_stride(0),
            uv_plane: frame.data(1),
            uv_stride: plane_stride(1),
            width,
            height,
        };
        return yuv_nv12_to_rgba(&image, rgba, stride, range, matrix, YuvConversionMode::Balanced);
    }
    let image = YuvPlanarImage {
        y_plane: frame.data(0),
        y_stride: plane_stride(0),
        u_plane: frame.data(1),
        u_stride: plane_stride(1),
        v_plane: frame.data(2),
        v_stride: plane_stride(2),
        width,
        height,
    };
    match frame.format() {
        Pixel::YUV422P | Pixel::YUVJ422P => yuv422_to_rgba(&image, rgba, stride, range, matrix),
        Pixel::YUV444P | Pixel::YUVJ444P => yuv444_to_rgba(&image, rgba, stride, range, matrix),
        _ => yuv420_to_rgba(&image, rgba, stride, range, matrix),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ffmpeg::color::{Range, Space};

    fn size() -> Size {
        Size::new(16, 6).expect("not empty")
    }

    /// A picture of one colour, plane by plane.
    fn flat(format: Pixel, planes: &[&[u8]]) -> frame::Video {
        let mut frame = frame::Video::new(format, size().width, size().height);
        for (plane, sample) in planes.iter().enumerate() {
            let data = frame.data_mut(plane);
            let whole = data.len() / sample.len() * sample.len();
            data[..whole].copy_from_slice(&sample.repeat(whole / sample.len()));
        }
        frame
    }

    fn rgba(mut frame: frame::Video, space: Space, range: Range) -> [u8; 4] {
        crate::video::libav::init();
        frame.set_color_space(space);
        frame.set_color_range(range);
        let (pixels, found) = Converter::default().run(frame).expect("convertible");
        assert_eq!((pixels.len(), found), (size().rgba_bytes(), size()));
        let (pixels, _) = pixels.as_chunks::<4>();
        assert!(pixels.iter().all(|pixel| *pixel == pixels[0]), "a flat picture stays flat");
        pixels[0]
    }

    fn assert_close(found: [u8; 4], expected: [u8; 4], what: &str) {
        let far = found.iter().zip(expected).any(|(&a, b)| a.abs_diff(b) > 2);
        assert!(!far, "{what}: {found:?}, not {expected:?}");
    }

    /// Pure red as each matrix and range stores it, by the standards' formulas.
    #[test]
    fn matrix_and_range_are_obeyed_on_both_paths() {
        use Range::{JPEG, MPEG};
        for (space, range, [y, u, v]) in [
            (Space::SMPTE170M, MPEG, [81, 90, 240]),
            (Space::BT709, MPEG, [63, 102, 240]),
            (Space::BT2020NCL, MPEG, [74, 97, 240]),
            (Space::SMPTE170M, JPEG, [76, 85, 255]),
            (Space::BT709, JPEG, [54, 99, 255]),
        ] {
            let what = format!("{space:?} {range:?}");
            for format in [Pixel::YUV420P, Pixel::YUV422P, Pixel::YUV444P] {
                assert_close(rgba(flat(format, &[&[y], &[u], &[v]]), space, range), [255, 0, 0, 255], &what);
            }
            let nv12 = flat(Pixel::NV12, &[&[y], &[u, v]]);
            assert_close(rgba(nv12, space, range), [255, 0, 0, 255], &what);
            // Four planes take the filter graph, in the same numbers.
            let yuva = flat(Pixel::YUVA444P, &[&[y], &[u], &[v], &[255]]);
            assert_close(rgba(yuva, space, range), [255, 0, 0, 255], &what);
        }
    }

    #[test]
    fn a_wrong_matrix_would_be_noticed() {
        let red_of_601 = flat(Pixel::YUV444P, &[&[81], &[90], &[240]]);
        assert!(rgba(red_of_601, Space::BT709, Range::MPEG)[1] > 20);
    }

    #[test]
    fn formats_without_a_matrix_keep_their_numbers() {
        let unknown = (Space::Unspecified, Range::Unspecified);
        let rgb = flat(Pixel::RGB24, &[&[200, 100, 50]]);
        assert_close(rgba(rgb, unknown.0, unknown.1), [200, 100, 50, 255], "rgb24");
        let planar = flat(Pixel::GBRP, &[&[100], &[50], &[200]]);
        assert_close(rgba(planar, unknown.0, unknown.1), [200, 100, 50, 255], "gbrp");
        let opaque = flat(Pixel::BGRA, &[&[50, 100, 200, 255]]);
        assert_close(rgba(opaque, unknown.0, unknown.1), [200, 100, 50, 255], "bgra");
        let grey = flat(Pixel::GRAY8, &[&[77]]);
        assert_close(rgba(grey, unknown.0, unknown.1), [77, 77, 77, 255], "gray");
        let limited = flat(Pixel::GRAY8, &[&[235]]);
        assert_close(rgba(limited, Space::Unspecified, Range::MPEG), [255, 255, 255, 255], "limited gray");
    }

    #[test]
    fn what_is_transparent_shows_the_background() {
        crate::video::libav::init();
        for (alpha, expected) in
            [(0, [10, 200, 30, 255]), (255, [200, 100, 50, 255]), (51, [48, 180, 34, 255])]
        {
            let mut converter = Converter { background: [10, 200, 30], ..Converter::default() };
            let (pixels, _) =
                converter.run(flat(Pixel::BGRA, &[&[50, 100, 200, alpha]])).expect("convertible");
            assert_close(pixels.as_chunks::<4>().0[0], expected, &format!("alpha {alpha}"));
        }
    }

    #[test]
    fn each_picture_is_read_by_its_own_tags() {
        crate::video::libav::init();
        let mut converter = Converter::default();
        for (space, [y, u, v]) in [(Space::SMPTE170M, [81, 90, 240]), (Space::BT709, [63, 102, 240])] {
            let mut picture = flat(Pixel::YUV444P, &[&[y], &[u], &[v]]);
            picture.set_color_space(space);
            let (pixels, _) = converter.run(picture).expect("convertible");
            assert_close(pixels.as_chunks::<4>().0[0], [255, 0, 0, 255], &format!("{space:?}"));
        }
    }
}
