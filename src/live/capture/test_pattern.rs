//! A test card that moves, for those without a camera and for tests: colour
//! bars, a disc that swings, and along the lower edge a clock in black and white
//! cells that survives painting and compression, so that whoever sees a picture
//! can tell when it was made.

use crate::frame::{Frame, Size};
use crate::time::FrameTime;

/// Cells of the clock: 20 bits of the time, most significant first, then their check sum.
const BITS: usize = 20;
const CHECKS: usize = 4;
const CELLS: usize = BITS + CHECKS;
/// Milliseconds after which the clock begins again: some 17 minutes.
pub const CLOCK_RANGE: i64 = 1 << BITS;
/// The clock's height: this share of the picture's.
const CLOCK_SHARE: u32 = 10;

/// The card as it is at a moment.
pub fn draw(size: Size, time: FrameTime) -> Frame {
    const BARS: [[u8; 3]; 7] = [
        [191, 191, 191],
        [191, 191, 20],
        [20, 191, 191],
        [20, 191, 20],
        [191, 20, 191],
        [191, 20, 20],
        [20, 20, 191],
    ];
    let (width, height) = (size.width as f32, size.height as f32);
    let swing = (time.as_secs_f64() * std::f64::consts::TAU / 4.0).sin() as f32;
    let disc = [width * (0.5 + 0.35 * swing), height * 0.45, height * 0.2];
    let code = encode(millis(time));
    let clock_top = size.height - clock_height(size);
    let mut pixels = Vec::with_capacity(size.rgba_bytes());
    for y in 0..size.height {
        for x in 0..size.width {
            let [dx, dy] = [x as f32 + 0.5 - disc[0], y as f32 + 0.5 - disc[1]];
            let [red, green, blue] = if y >= clock_top {
                [if code[x as usize * CELLS / size.width as usize] { 255 } else { 0 }; 3]
            } else if dx * dx + dy * dy < disc[2] * disc[2] {
                let shade = (255.0 * (0.5 - 0.5 * dy / disc[2])) as u8;
                [shade, shade / 2, 255 - shade]
            } else {
                BARS[x as usize * BARS.len() / size.width as usize]
            };
            pixels.extend_from_slice(&[red, green, blue, 255]);
        }
    }
    Frame { size, time, pixels }
}

/// The milliseconds, modulo [`CLOCK_RANGE`], that the clock of a picture shows (packed RGBA);
/// `None` where it cannot be read.
pub fn read_clock(size: Size, pixels: &[u8]) -> Option<i64> {
    let y = (size.height - clock_height(size) / 2).min(size.height - 1) as usize;
    let mut code = [false; CELLS];
    for (cell, bit) in code.iter_mut().enumerate() {
        let middle = |share: usize| (cell * 10 + share) * size.width as usize / (CELLS * 10);
        let lit: u32 = [3, 5, 7]
            .iter()
            .flat_map(|share| &pixels[(y * size.width as usize + middle(*share)) * 4..][..3])
            .map(|value| u32::from(*value))
            .sum();
        *bit = lit > 9 * 127;
    }
    let value = code[..BITS].iter().fold(0, |value, bit| value << 1 | i64::from(*bit));
    (encode(value) == code).then_some(value)
}

/// How long ago the picture was made whose clock shows `shown`, in milliseconds.
pub fn age_millis(now: FrameTime, shown: i64) -> i64 {
    (millis(now) - shown).rem_euclid(CLOCK_RANGE)
}

fn millis(time: FrameTime) -> i64 {
    (time.as_nanos() / 1_000_000).rem_euclid(CLOCK_RANGE)
}

fn encode(value: i64) -> [bool; CELLS] {
    let sum = (0..BITS / CHECKS).map(|k| value >> (CHECKS * k) & 0xf).sum::<i64>() + 5;
    std::array::from_fn(|cell| match cell {
        cell if cell < BITS => value >> (BITS - 1 - cell) & 1 == 1,
        cell => sum >> (CELLS - 1 - cell) & 1 == 1,
    })
}

fn clock_height(size: Size) -> u32 {
    (size.height / CLOCK_SHARE).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size { width: 320, height: 180 };

    #[test]
    fn the_clock_reads_as_it_was_drawn() {
        for millis in [0, 1, 33, 999_999, CLOCK_RANGE - 1, CLOCK_RANGE + 7] {
            let card = draw(SIZE, FrameTime::from_nanos(millis * 1_000_000));
            assert_eq!(read_clock(SIZE, &card.pixels), Some(millis % CLOCK_RANGE));
        }
        assert_eq!(age_millis(FrameTime::from_nanos(5_000_000), CLOCK_RANGE - 3), 8);
    }

    #[test]
    fn what_is_no_clock_is_not_read_as_one() {
        let mut card = draw(SIZE, FrameTime::from_nanos(123_000_000));
        let row = (SIZE.height - 9) as usize * card.stride();
        // One cell inverted.
        card.pixels[row + 13 * 4..row + 26 * 4].fill(255);
        card.pixels[row..row + 13 * 4].fill(255);
        assert_eq!(read_clock(SIZE, &card.pixels), None);
        assert_eq!(read_clock(SIZE, &vec![255; SIZE.rgba_bytes()]), None);
        assert_eq!(read_clock(SIZE, &vec![0; SIZE.rgba_bytes()]), None);
    }

    #[test]
    fn it_moves() {
        let at = |secs| draw(SIZE, FrameTime::from_secs_f64(secs)).pixels;
        assert!(at(0.0) != at(0.1));
    }
}
