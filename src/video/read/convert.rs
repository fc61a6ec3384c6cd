//! Decoded pictures to packed RGBA.
//!
//! What nearly every video is stored in, 8-bit planar YUV (or Y alone), goes through the
//! `yuv` crate: explicit matrix and range, and 30 times the speed of FFmpeg's
//! scaler. All the rest (10 bits and more, RGB, palettes, alpha), and
//! pictures whose size changes in mid-stream, go through an FFmpeg filter graph
//! told the same matrix and range (but for grey of more than 8 bits, which
//! FFmpeg always takes for full range). The result is opaque, whatever the input.
//!
//! Interlaced video is not deinterlaced: its two fields are drawn as one
//! picture, combs and all. Run such a file through `ffmpeg -vf bwdif` first.

use ffmpeg::filter::{self, Graph};
use ffmpeg::format::Pixel;
use ffmpeg::frame;
use ffmpeg_next as ffmpeg;
use yuv::{
    YuvBiPlanarImage, YuvConversionMode, YuvError, YuvGrayImage, YuvPlanarImage, yuv_nv12_to_rgba,
    yuv400_to_rgba, yuv420_to_rgba, yuv422_to_rgba, yuv444_to_rgba,
};

use crate::error::{Error, Result};
use crate::frame::Size;
use crate::video::colour::{Colour, stores_rgb};

/// Makes RGBA pictures of one size out of whatever the decoder hands out.
pub(super) struct Converter {
    size: Size,
    colour: Colour,
    /// The graph in use, and the format it was built for.
    graph: Option<(Shape, Graph)>,
}

/// What a filter graph cannot change once built.
type Shape = (Pixel, u32, u32);

impl Converter {
    /// To pictures of this size, from numbers of this meaning.
    pub(super) fn new(size: Size, colour: Colour) -> Self {
        Self { size, colour, graph: None }
    }

    /// Packed RGBA of the converter's size.
    pub(super) fn run(&mut self, frame: frame::Video) -> Result<Vec<u8>> {
        let has_size = frame.width() == self.size.width && frame.height() == self.size.height;
        // Decoders may store rows bottom up, with a negative stride that the
        // binding casts to a huge one.
        let is_top_down = (0..frame.planes()).all(|plane| i32::try_from(frame.stride(plane)).is_ok());
        if has_size && is_top_down && is_planar(frame.format()) {
            let mut pixels = vec![0; self.size.rgba_bytes()];
            planar_to_rgba(&frame, self.colour, &mut pixels)
                .expect("FFmpeg's planes hold what their format says");
            return Ok(pixels);
        }
        self.filter(frame).map_err(|source| Error::Ffmpeg {
            doing: "converting a picture to RGB",
            source: Box::new(source),
        })
    }

    fn filter(&mut self, frame: frame::Video) -> Result<Vec<u8>, ffmpeg::Error> {
        let shape = (frame.format(), frame.width(), frame.height());
        if self.graph.as_ref().is_none_or(|(built_for, _)| *built_for != shape) {
            self.graph = Some((shape, build_graph(shape, self.size, self.colour)?));
        }
        let (_, graph) = self.graph.as_mut().expect("built above");
        let missing = ffmpeg::Error::FilterNotFound;
        graph.get("in").ok_or(missing)?.source().add(&frame)?;
        let mut rgba = frame::Video::empty();
        graph.get("out").ok_or(missing)?.sink().frame(&mut rgba)?;

        let row_bytes = self.size.width as usize * 4;
        let mut pixels = Vec::with_capacity(self.size.rgba_bytes());
        for row in rgba.data(0).chunks(rgba.stride(0)).take(self.size.height as usize) {
            pixels.extend_from_slice(&row[..row_bytes]);
        }
        for pixel in pixels.as_chunks_mut::<4>().0 {
            pixel[3] = u8::MAX;
        }
        Ok(pixels)
    }
}

fn build_graph((format, width, height): Shape, size: Size, colour: Colour) -> Result<Graph, ffmpeg::Error> {
    let format_name = format.descriptor().ok_or(ffmpeg::Error::InvalidData)?.name();
    let find = |name| filter::find(name).ok_or(ffmpeg::Error::FilterNotFound);
    let mut graph = Graph::new();
    // Times play no part: frames go through one by one.
    let input = format!("video_size={width}x{height}:pix_fmt={format_name}:time_base=1/1:pixel_aspect=1/1");
    graph.add(&find("buffer")?, "in", &input)?;
    graph.add(&find("buffersink")?, "out", "")?;

    let flags = "bicubic+accurate_rnd+full_chroma_int+full_chroma_inp";
    let mut scale = format!("scale=w={}:h={}:flags={flags}", size.width, size.height);
    if !stores_rgb(format) {
        let range = if colour.is_full() { "full" } else { "limited" };
        scale += &format!(":in_color_matrix={}:in_range={range}", colour.matrix_name());
    }
    graph.output("in", 0)?.input("out", 0)?.parse(&format!("{scale}:out_range=full,format=rgba"))?;
    graph.validate()?;
    Ok(graph)
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
        let colour = Colour::of(&frame, size());
        let pixels = Converter::new(size(), colour).run(frame).expect("convertible");
        assert_eq!(pixels.len(), size().rgba_bytes());
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
            let yuva = flat(Pixel::YUVA444P, &[&[y], &[u], &[v], &[9]]);
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
        let see_through = flat(Pixel::BGRA, &[&[50, 100, 200, 3]]);
        assert_close(rgba(see_through, unknown.0, unknown.1), [200, 100, 50, 255], "bgra");
        let grey = flat(Pixel::GRAY8, &[&[77]]);
        assert_close(rgba(grey, unknown.0, unknown.1), [77, 77, 77, 255], "gray");
        let limited = flat(Pixel::GRAY8, &[&[235]]);
        assert_close(rgba(limited, Space::Unspecified, Range::MPEG), [255, 255, 255, 255], "limited gray");
    }

    #[test]
    fn a_picture_of_another_size_is_scaled() {
        crate::video::libav::init();
        let colour = Colour::untagged(size());
        let mut converter = Converter::new(size(), colour);
        let mut other = frame::Video::new(Pixel::YUV420P, 32, 12);
        for (plane, level) in [(0, 126), (1, 128), (2, 128)] {
            other.data_mut(plane).fill(level);
        }
        let pixels = converter.run(other).expect("convertible");
        assert_eq!(pixels.len(), size().rgba_bytes());
        assert_close([pixels[0], pixels[1], pixels[2], pixels[3]], [128, 128, 128, 255], "scaled");
    }
}
