//! What the numbers in a video's planes mean.
//!
//! A decoded picture is Y, Cb and Cr; the rest of the program sees RGB. Four
//! properties say how one is made from the other, and a file may leave each of
//! them out:
//!
//! * **matrix**: the weights of red, green and blue in Y. BT.601 in old and
//!   small video, BT.709 in HD, BT.2020 in UHD. Mixing them up shifts every
//!   saturated colour by up to 20/255.
//! * **range**: whether black is 16 and white 235 (limited) or 0 and 255
//!   (full). Mixing them up crushes or greys the whole picture.
//! * **primaries** and **transfer**: which red, and which curve. Nothing is
//!   computed from them here: they travel from input to output untouched.
//!
//! A missing matrix or range is guessed as players guess it, because that is
//! how the owner of the file has always seen it; see [`Colour::of`]. What was
//! used, guessed or not, is then written into the output, so nobody has to guess
//! again. Missing primaries and transfers stay missing.
//!
//! HDR (PQ, HLG) is brought into BT.709 when it is read, where this FFmpeg has the filters.
//! Where chroma samples sit between luma samples is ignored too: chroma is
//! repeated on the way in and averaged on the way out, which is its own inverse.

use ffmpeg_next::color::{Primaries, Range, Space, TransferCharacteristic as Transfer};
use ffmpeg_next::encoder;
use ffmpeg_next::format::Pixel;
use ffmpeg_next::frame;
use yuv::{YuvRange, YuvStandardMatrix};

use crate::frame::Size;

/// How RGB is made of what is stored. Matrix and range are always known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour {
    /// One of those that [`Colour::matrix`] lists, or RGB for pictures stored so.
    space: Space,
    /// Never `Unspecified`.
    range: Range,
    primaries: Primaries,
    transfer: Transfer,
}

impl Colour {
    /// As the decoded frame says; guessed where it says nothing.
    ///
    /// Formats that store RGB have neither matrix nor range. They are treated
    /// as untagged video: the answer is what their *output* will use.
    pub fn of(frame: &frame::Video, size: Size) -> Self {
        let guess = Self::untagged(size);
        let format = frame.format();
        let stores_rgb = stores_rgb(format);
        Self {
            space: match frame.color_space() {
                known if is_supported(known) => known,
                _ => guess.space,
            },
            range: match frame.color_range() {
                _ if stores_rgb => guess.range,
                Range::Unspecified if is_full_by_name(format) => Range::JPEG,
                Range::Unspecified => guess.range,
                known => known,
            },
            primaries: frame.color_primaries(),
            transfer: frame.color_transfer_characteristic(),
        }
    }

    /// The guess for a picture of this size of which nothing is known: BT.709
    /// from 1280 columns or 720 rows on, else BT.601; limited range.
    pub fn untagged(size: Size) -> Self {
        let is_hd = size.width >= 1280 || size.height >= 720;
        Self {
            space: if is_hd { Space::BT709 } else { Space::SMPTE170M },
            range: Range::MPEG,
            primaries: Primaries::Unspecified,
            transfer: Transfer::Unspecified,
        }
    }

    /// The colours of a screen in HD, which HDR is brought into.
    pub(crate) fn screen() -> Self {
        Self {
            space: Space::BT709,
            range: Range::MPEG,
            primaries: Primaries::BT709,
            transfer: Transfer::BT709,
        }
    }

    /// Whether brighter light is meant than a screen shows: PQ or HLG.
    pub(crate) fn is_hdr(self) -> bool {
        matches!(self.transfer, Transfer::SMPTE2084 | Transfer::ARIB_STD_B67)
    }

    /// The same in limited range, for encoders that know no other.
    #[must_use]
    pub fn limited(self) -> Self {
        Self { range: Range::MPEG, ..self }
    }

    /// For the `yuv` crate. Both names of BT.601 are one matrix, as are both
    /// kinds of BT.2020 for everything but a purist.
    pub fn matrix(self) -> YuvStandardMatrix {
        match self.space {
            Space::BT709 => YuvStandardMatrix::Bt709,
            Space::BT2020NCL | Space::BT2020CL => YuvStandardMatrix::Bt2020,
            Space::SMPTE240M => YuvStandardMatrix::Smpte240,
            Space::FCC => YuvStandardMatrix::Fcc,
            _ => YuvStandardMatrix::Bt601,
        }
    }

    /// For the `yuv` crate.
    pub fn range(self) -> YuvRange {
        if self.is_full() { YuvRange::Full } else { YuvRange::Limited }
    }

    /// Whether black is 0.
    pub fn is_full(self) -> bool {
        self.range == Range::JPEG
    }

    /// The matrix by the name FFmpeg's `scale` filter has for it.
    pub(crate) fn matrix_name(self) -> &'static str {
        match self.space {
            Space::BT709 => "bt709",
            Space::BT2020NCL | Space::BT2020CL => "bt2020",
            Space::SMPTE240M => "smpte240m",
            Space::FCC => "fcc",
            _ => "bt601",
        }
    }

    /// The same pictures stored as RGB, where there is no matrix.
    #[must_use]
    pub(crate) fn as_rgb(self) -> Self {
        Self { space: Space::RGB, range: Range::JPEG, ..self }
    }

    /// Writes all four into the stream to be encoded.
    pub(crate) fn tag(self, encoder: &mut encoder::video::Video) {
        encoder.set_colorspace(self.space);
        encoder.set_color_range(self.range);
        encoder.set_color_primaries(self.primaries);
        encoder.set_color_transfer_characteristic(self.transfer);
    }

    /// And into a picture of it: some encoders look only there.
    pub(crate) fn tag_picture(self, picture: &mut frame::Video) {
        picture.set_color_space(self.space);
        picture.set_color_range(self.range);
        picture.set_color_primaries(self.primaries);
        picture.set_color_transfer_characteristic(self.transfer);
    }
}

fn is_supported(space: Space) -> bool {
    matches!(
        space,
        Space::BT709
            | Space::BT470BG
            | Space::SMPTE170M
            | Space::BT2020NCL
            | Space::BT2020CL
            | Space::SMPTE240M
            | Space::FCC
    )
}

/// Whether the format has no luma plane: planar or packed RGB, or a palette.
pub(crate) fn stores_rgb(format: Pixel) -> bool {
    format.descriptor().is_some_and(|about| {
        let name = about.name();
        ["rgb", "bgr", "gbr", "argb", "abgr", "0rgb", "0bgr", "pal8"].iter().any(|rgb| name.starts_with(rgb))
    })
}

/// A colour as FFmpeg reads it: a name, `#RRGGBB`; `None` if it is neither.
pub fn named(text: &str) -> Option<[u8; 3]> {
    let is_plain = text.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '#');
    let name = std::ffi::CString::new(text).ok().filter(|_| is_plain && text != "random")?;
    let mut rgba = [0; 4];
    #[expect(unsafe_code, reason = "the binding knows no names of colours")]
    // SAFETY: FFmpeg reads a text that ends with a zero and writes the four bytes.
    let code = unsafe {
        ffmpeg_next::ffi::av_parse_color(rgba.as_mut_ptr(), name.as_ptr(), -1, std::ptr::null_mut())
    };
    (code >= 0).then_some([rgba[0], rgba[1], rgba[2]])
}

/// Whether the format says how much of each pixel is there.
pub(crate) fn has_alpha(format: Pixel) -> bool {
    format.descriptor().is_some_and(|about| {
        let name = about.name();
        let marks = ["yuva", "rgba", "bgra", "argb", "abgr", "gbrap", "ya8", "ya16", "pal8", "ayuv"];
        marks.iter().any(|alpha| name.starts_with(alpha))
    })
}

/// Formats whose name alone says full range; untagged grey is full for FFmpeg
/// and for players.
fn is_full_by_name(format: Pixel) -> bool {
    format
        .descriptor()
        .is_some_and(|about| about.name().starts_with("yuvj") || about.name().starts_with("gray"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(format: Pixel, space: Space, range: Range) -> frame::Video {
        let mut frame = frame::Video::new(format, 16, 16);
        frame.set_color_space(space);
        frame.set_color_range(range);
        frame
    }

    fn size(width: u32, height: u32) -> Size {
        Size::new(width, height).expect("not empty")
    }

    #[test]
    fn guesses_as_players_do() {
        let untagged = frame(Pixel::YUV420P, Space::Unspecified, Range::Unspecified);
        for (width, height, matrix) in [
            (640, 480, YuvStandardMatrix::Bt601),
            (1279, 719, YuvStandardMatrix::Bt601),
            (1280, 544, YuvStandardMatrix::Bt709),
            (406, 720, YuvStandardMatrix::Bt709),
        ] {
            let colour = Colour::of(&untagged, size(width, height));
            assert_eq!((colour.matrix(), colour.is_full()), (matrix, false), "{width}x{height}");
        }
    }

    #[test]
    fn tags_win_over_guesses() {
        let tagged = frame(Pixel::YUV420P, Space::BT709, Range::JPEG);
        let colour = Colour::of(&tagged, size(64, 64));
        assert_eq!((colour.matrix(), colour.range()), (YuvStandardMatrix::Bt709, YuvRange::Full));
        assert_eq!(colour.limited().range(), YuvRange::Limited);
    }

    #[test]
    fn colours_have_names() {
        assert_eq!(named("white"), Some([255; 3]));
        assert_eq!(named("#0a64FF"), Some([10, 100, 255]));
        for nonsense in ["", "blueish", "random", "red@0.5", "#12", "red\0"] {
            assert_eq!(named(nonsense), None, "{nonsense:?}");
        }
    }

    #[test]
    fn names_that_mean_full_range() {
        for (format, full) in [
            (Pixel::YUVJ420P, true),
            (Pixel::GRAY8, true),
            (Pixel::YUV420P10LE, false),
            (Pixel::GBRP, false),
            (Pixel::PAL8, false),
        ] {
            let colour = Colour::of(&frame(format, Space::Unspecified, Range::Unspecified), size(64, 64));
            assert_eq!(colour.is_full(), full, "{format:?}");
        }
        // RGB says "full" of itself; the video made of it need not be.
        let rgb = Colour::of(&frame(Pixel::RGB24, Space::RGB, Range::JPEG), size(64, 64));
        assert_eq!((rgb.matrix(), rgb.is_full()), (YuvStandardMatrix::Bt601, false));
    }
}
