//! Several pictures on one sheet.

use image::RgbImage;

use crate::frame::{Frame, Size};
use crate::time::FrameTime;

/// A picture as a frame.
pub(super) fn frame_of(picture: &RgbImage) -> Frame {
    let size = Size { width: picture.width(), height: picture.height() };
    let pixels = picture.pixels().flat_map(|p| [p[0], p[1], p[2], 255]).collect();
    Frame { size, time: FrameTime::ZERO, pixels }
}

/// The frame at another height.
pub(super) fn scaled(frame: &Frame, height: u32) -> Frame {
    let width = ((height as f32 * frame.size.aspect()).round() as u32).clamp(1, Size::MAX_SIDE);
    let Size { width: from_width, height: from_height } = frame.size;
    let picture = image::RgbaImage::from_raw(from_width, from_height, frame.pixels.clone());
    let picture = picture.expect("a frame is as long as its size says");
    let small = image::imageops::resize(&picture, width, height, image::imageops::FilterType::Triangle);
    Frame { size: Size { width, height }, time: frame.time, pixels: small.into_raw() }
}

/// Side by side at one height, white between.
pub(super) fn beside(frames: &[Frame], height: u32) -> Frame {
    let tiles: Vec<_> = frames.iter().map(|frame| scaled(frame, height)).collect();
    let gap = height / 60;
    let width = tiles.iter().map(|tile| tile.size.width + gap).sum::<u32>() - gap;
    let mut sheet = Frame::filled(Size { width, height }, frames[0].time, [255; 4]);
    let mut left = 0;
    for tile in &tiles {
        paste(&mut sheet, tile, left, 0);
        left += tile.size.width + gap;
    }
    sheet
}

/// One above the other, as wide as the wider.
pub(super) fn below(upper: &Frame, lower: &Frame) -> Frame {
    let gap = upper.size.height / 60;
    let width = upper.size.width.max(lower.size.width);
    let height = upper.size.height + gap + lower.size.height;
    let mut sheet = Frame::filled(Size { width, height }, upper.time, [255; 4]);
    paste(&mut sheet, upper, 0, 0);
    paste(&mut sheet, lower, 0, upper.size.height + gap);
    sheet
}

fn paste(onto: &mut Frame, tile: &Frame, left: u32, top: u32) {
    let stride = onto.stride();
    for (row, pixels) in tile.pixels.chunks_exact(tile.stride()).enumerate() {
        let at = (top as usize + row) * stride + left as usize * 4;
        onto.pixels[at..at + pixels.len()].copy_from_slice(pixels);
    }
}
