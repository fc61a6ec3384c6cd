//! Several pictures on one sheet.

use font8x8::UnicodeFonts as _;

use crate::frame::{Frame, Size};
use crate::time::FrameTime;

/// The frame at another height.
pub(crate) fn scaled(frame: &Frame, height: u32) -> Frame {
    let width = ((height as f32 * frame.size.aspect()).round() as u32).clamp(1, Size::MAX_SIDE);
    let Size { width: from_width, height: from_height } = frame.size;
    let picture = image::RgbaImage::from_raw(from_width, from_height, frame.pixels.clone());
    let picture = picture.expect("a frame is as long as its size says");
    let small = image::imageops::resize(&picture, width, height, image::imageops::FilterType::Triangle);
    Frame { size: Size { width, height }, time: frame.time, pixels: small.into_raw() }
}

/// Side by side at one height, white between.
pub(crate) fn beside(frames: &[Frame], height: u32) -> Frame {
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
pub(crate) fn below(upper: &Frame, lower: &Frame) -> Frame {
    let gap = upper.size.height / 60;
    let width = upper.size.width.max(lower.size.width);
    let height = upper.size.height + gap + lower.size.height;
    let mut sheet = Frame::filled(Size { width, height }, upper.time, [255; 4]);
    paste(&mut sheet, upper, 0, 0);
    paste(&mut sheet, lower, 0, upper.size.height + gap);
    sheet
}

/// Rows of tiles of one size with their names under them, on white.
pub(crate) fn gallery(tiles: &[(String, Frame)], columns: usize) -> Frame {
    let (tile, gap) = (tiles[0].1.size, tiles[0].1.size.height / 40 + 1);
    let letter = (tile.height / 160).clamp(1, 4) * LETTER;
    let pitch = [tile.width + gap, tile.height + gap + letter + gap];
    let (across, down) = (columns.min(tiles.len()) as u32, tiles.len().div_ceil(columns) as u32);
    let size = Size { width: across * pitch[0] + gap, height: down * pitch[1] + gap };
    let mut sheet = Frame::filled(size, FrameTime::ZERO, [255; 4]);
    for (k, (name, picture)) in tiles.iter().enumerate() {
        let left = gap + (k % columns) as u32 * pitch[0];
        let top = gap + (k / columns) as u32 * pitch[1];
        paste(&mut sheet, picture, left, top);
        write(&mut sheet, name, [left, top + tile.height + gap], letter / LETTER, left + tile.width);
    }
    sheet
}

/// Side of a letter, in its own dots.
const LETTER: u32 = 8;

/// Text in black, cut off at `right`; what the font lacks is left blank.
fn write(onto: &mut Frame, text: &str, [left, top]: [u32; 2], dot: u32, right: u32) {
    for (letter, column) in text.chars().zip(0..) {
        let x = left + column * LETTER * dot;
        let glyph = font8x8::BASIC_FONTS.get(letter).unwrap_or_default();
        for (row, bits) in (0..LETTER).zip(glyph) {
            for bit in (0..LETTER).filter(|bit| bits >> bit & 1 == 1) {
                let ink = Frame::filled(Size { width: dot, height: dot }, onto.time, [0, 0, 0, 255]);
                if x + (bit + 1) * dot <= right {
                    paste(onto, &ink, x + bit * dot, top + row * dot);
                }
            }
        }
    }
}

fn paste(onto: &mut Frame, tile: &Frame, left: u32, top: u32) {
    let stride = onto.stride();
    for (row, pixels) in tile.pixels.chunks_exact(tile.stride()).enumerate() {
        let at = (top as usize + row) * stride + left as usize * 4;
        onto.pixels[at..at + pixels.len()].copy_from_slice(pixels);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gallery_has_every_tile_and_its_name() {
        let tile = |value| {
            let size = Size { width: 60, height: 40 };
            ("il".to_owned(), Frame::filled(size, FrameTime::ZERO, [value, 0, 0, 255]))
        };
        let sheet = gallery(&[tile(10), tile(20), tile(30)], 2);
        let count = |rgba: [u8; 4]| sheet.pixels.chunks_exact(4).filter(|pixel| *pixel == rgba).count();
        assert_eq!([10, 20, 30].map(|value| count([value, 0, 0, 255])), [60 * 40; 3]);
        let ink = count([0, 0, 0, 255]);
        assert!(ink > 3 * 20 && ink % 3 == 0, "three names of {ink} dots");
    }
}
