//! Which way is up.
//!
//! A phone stores what its sensor saw and adds a *display matrix* that says how
//! to turn it. The rest of the program sees upright pictures only, and the
//! output carries no matrix: players disagree about it, and a network that looks
//! for faces should not see them lying down.
//!
//! Every right-angled turn and mirroring is one of eight: swap rows and columns
//! or not, then mirror the result left to right or not, top to bottom or not.

use crate::frame::Size;

/// Side of the tiles in which a picture is turned: 32 rows of 32 pixels, 4 KiB
/// read and 4 KiB written, stay in the first-level cache.
const TILE: usize = 32;

/// One of the eight ways to lay a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Orientation {
    transpose: bool,
    mirror_x: bool,
    mirror_y: bool,
}

impl Orientation {
    /// From the 36 bytes of a display matrix: nine integers in native order,
    /// rows `a b u / c d v / x y w`; a stored point goes to
    /// `(a x + c y, b x + d y)`. Skewed ones are taken for the nearest of the
    /// eight; translation and perspective are ignored, as players do.
    pub(super) fn from_display_matrix(bytes: &[u8]) -> Option<Self> {
        let mut cells =
            bytes.chunks_exact(4).map(|cell| i32::from_ne_bytes([cell[0], cell[1], cell[2], cell[3]]));
        let (a, b) = (cells.next()?, cells.next()?);
        let (c, d) = (cells.nth(1)?, cells.next()?);
        let size = |cell: i32| i64::from(cell).abs();
        let transpose = size(b) + size(c) > size(a) + size(d);
        Some(match transpose {
            true => Self { transpose, mirror_x: c < 0, mirror_y: b < 0 },
            false => Self { transpose, mirror_x: a < 0, mirror_y: d < 0 },
        })
    }

    /// From the `rotate` tag of old files: degrees clockwise.
    pub(super) fn from_degrees(degrees: i32) -> Self {
        let quarter_turns = (degrees.rem_euclid(360) + 45) / 90 % 4;
        Self {
            transpose: quarter_turns % 2 == 1,
            mirror_x: quarter_turns == 1 || quarter_turns == 2,
            mirror_y: quarter_turns == 2 || quarter_turns == 3,
        }
    }

    /// Whether pictures are stored as they are shown.
    pub(super) fn is_upright(self) -> bool {
        self == Self::default()
    }

    /// The size after turning.
    pub(super) fn turn_size(self, stored: Size) -> Size {
        let (width, height) = self.turn_pair((stored.width, stored.height));
        Size { width, height }
    }

    /// Something along the width and something along the height, after turning.
    pub(super) fn turn_pair<T>(self, (along_width, along_height): (T, T)) -> (T, T) {
        if self.transpose { (along_height, along_width) } else { (along_width, along_height) }
    }

    /// Turns a packed RGBA picture of the `stored` size.
    pub(super) fn turn(self, pixels: &[u8], stored: Size) -> Vec<u8> {
        let upright = self.turn_size(stored);
        let (width, height) = (upright.width as usize, upright.height as usize);
        let stored_width = stored.width as usize;
        let (from, _) = pixels.as_chunks::<4>();
        let mut turned = vec![0; stored.rgba_bytes()];
        let (to, _) = turned.as_chunks_mut::<4>();
        for tile_y in (0..height).step_by(TILE) {
            for tile_x in (0..width).step_by(TILE) {
                for y in tile_y..height.min(tile_y + TILE) {
                    for x in tile_x..width.min(tile_x + TILE) {
                        let u = if self.mirror_x { width - 1 - x } else { x };
                        let v = if self.mirror_y { height - 1 - y } else { y };
                        let (column, row) = self.turn_pair((u, v));
                        to[y * width + x] = from[row * stored_width + column];
                    }
                }
            }
        }
        turned
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A matrix as a container stores it.
    fn matrix(a: i32, b: i32, c: i32, d: i32) -> Vec<u8> {
        let one = 1 << 16;
        [a * one, b * one, 0, c * one, d * one, 0, 0, 0, 1 << 30]
            .iter()
            .flat_map(|cell| cell.to_ne_bytes())
            .collect()
    }

    /// Turns the 3x2 picture `abc/def`.
    fn turned(orientation: Orientation) -> (String, Size) {
        let stored = Size::new(3, 2).expect("not empty");
        let pixels: Vec<u8> = b"abcdef".iter().flat_map(|&letter| [letter; 4]).collect();
        let letters =
            orientation.turn(&pixels, stored).iter().step_by(4).map(|&letter| letter as char).collect();
        (letters, orientation.turn_size(stored))
    }

    #[test]
    fn turns_as_the_matrix_says() {
        let tall = Size::new(2, 3).expect("not empty");
        let wide = Size::new(3, 2).expect("not empty");
        for (cells, letters, size) in [
            ((1, 0, 0, 1), "abcdef", wide),
            ((0, 1, -1, 0), "daebfc", tall), // a quarter clockwise
            ((-1, 0, 0, -1), "fedcba", wide),
            ((0, -1, 1, 0), "cfbead", tall), // a quarter counter-clockwise
            ((-1, 0, 0, 1), "cbafed", wide), // a mirror image
            ((1, 0, 0, -1), "defabc", wide), // upside down
            ((0, 1, 1, 0), "adbecf", tall),
            ((0, -1, -1, 0), "fcebda", tall),
        ] {
            let (a, b, c, d) = cells;
            let orientation = Orientation::from_display_matrix(&matrix(a, b, c, d)).expect("36 bytes");
            assert_eq!(turned(orientation), (letters.to_owned(), size), "{cells:?}");
        }
    }

    #[test]
    fn degrees_and_matrices_agree() {
        for (degrees, (a, b, c, d)) in [
            (0, (1, 0, 0, 1)),
            (90, (0, 1, -1, 0)),
            (180, (-1, 0, 0, -1)),
            (270, (0, -1, 1, 0)),
            (-90, (0, -1, 1, 0)),
        ] {
            let from_matrix = Orientation::from_display_matrix(&matrix(a, b, c, d));
            assert_eq!(Some(Orientation::from_degrees(degrees)), from_matrix, "{degrees}");
        }
    }

    #[test]
    fn a_cut_off_matrix_says_nothing() {
        assert_eq!(Orientation::from_display_matrix(&[0; 12]), None);
    }
}
