//! A picture of another size or shape than the first, fitted into the first one's.
//!
//! A broadcast changes from 4:3 to 16:9, a phone is turned while it films. The output has one
//! size: later pictures are scaled into it with their proportions kept, and bars fill the rest.

use crate::error::Result;
use crate::frame::Size;
use crate::frame::resize::{Filter, Pixels, Resizer};

/// The size of a picture, and the shape of its pixels: width over height.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) size: Size,
    pub(super) pixel_aspect: (u32, u32),
}

impl Form {
    fn display_aspect(self) -> f64 {
        let (num, den) = self.pixel_aspect;
        f64::from(self.size.width) * f64::from(num) / (f64::from(self.size.height) * f64::from(den))
    }

    /// The largest size at which `other` fits in with its proportions kept.
    fn inside(self, other: Self) -> Size {
        let (width, height) = (f64::from(self.size.width), f64::from(self.size.height));
        let ratio = other.display_aspect() / self.display_aspect();
        let side = |length: f64, most: u32| (length.round() as u32).clamp(1, most);
        Size {
            width: side(width * ratio.min(1.0), self.size.width),
            height: side(height / ratio.max(1.0), self.size.height),
        }
    }
}

/// Packed RGBA of `from`, fitted into `to`.
pub(super) fn fit(pixels: Vec<u8>, from: Form, to: Form, resizer: &mut Resizer) -> Result<Vec<u8>> {
    let size = to.inside(from);
    if from.size == to.size && size == to.size {
        return Ok(pixels);
    }
    let scaled = resizer.pixels(Pixels { bytes: &pixels, size: from.size }, size, Filter::CatmullRom)?;
    let mut fitted = [0, 0, 0, u8::MAX].repeat(to.size.pixels());
    let (left, top) = ((to.size.width - size.width) / 2, (to.size.height - size.height) / 2);
    let (row_bytes, stride) = (size.width as usize * 4, to.size.width as usize * 4);
    for (row, from) in scaled.chunks_exact(row_bytes).enumerate() {
        let start = (top as usize + row) * stride + left as usize * 4;
        fitted[start..start + row_bytes].copy_from_slice(from);
    }
    Ok(fitted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(width: u32, height: u32, pixel_aspect: (u32, u32)) -> Form {
        Form { size: Size::new(width, height).expect("not empty"), pixel_aspect }
    }

    #[test]
    fn proportions_are_kept() {
        let wide = form(160, 90, (1, 1));
        for (other, width, height) in [
            (form(320, 180, (1, 1)), 160, 90),
            (form(90, 160, (1, 1)), 51, 90),
            (form(160, 20, (1, 1)), 160, 20),
            (form(720, 576, (64, 45)), 160, 90),
            (form(1, 16_000, (1, 1)), 1, 90),
        ] {
            assert_eq!(wide.inside(other), Size { width, height }, "{other:?}");
        }
        // Pixels twice as wide as they are high: a square takes half as many across.
        assert_eq!(form(100, 100, (2, 1)).inside(form(10, 10, (1, 1))), Size { width: 50, height: 100 });
    }

    #[test]
    fn bars_are_black_and_the_picture_is_in_the_middle() {
        let white = vec![255; 4 * 4 * 2];
        let fitted =
            fit(white, form(2, 4, (1, 1)), form(6, 4, (1, 1)), &mut Resizer::default()).expect("fits");
        let row: Vec<u8> = fitted.iter().step_by(4).take(6).copied().collect();
        assert_eq!((row, fitted.len()), (vec![0, 0, 255, 255, 0, 0], 6 * 4 * 4));
        assert!(fitted.iter().skip(3).step_by(4).all(|alpha| *alpha == 255));
    }
}
