//! YUV4MPEG2 to standard output: pictures as they are, for another program.
//!
//! It knows the size, the rate, the shape of a pixel and the range, but no matrix: who reads it takes that of
//! the input. Chroma lies in the middle of its four pixels, which the format calls 420jpeg.

use std::io::{self, IsTerminal as _, Write as _};

use ffmpeg_next::frame;
use yuv::YuvRange;

use crate::error::{Error, Result};
use crate::frame::{Frame, Size};
use crate::video::error::VideoError;
use crate::video::read::VideoInfo;
use crate::video::write::Sink;
use crate::video::write::cadence::{Cadence, Pictures};
use crate::video::write::pixels::{Layout, PixelConverter};

/// A sink that writes to standard output.
///
/// # Errors
/// [`VideoError::Terminal`] if people would see it; [`Error::Write`].
pub fn y4m(info: &VideoInfo) -> Result<Box<dyn Sink>> {
    let out = io::stdout();
    if out.is_terminal() {
        return Err(VideoError::Terminal.into());
    }
    Ok(Box::new(Cadence::new(Y4m::begin(Box::new(out), info)?, info)))
}

struct Y4m {
    out: Box<dyn io::Write + Send>,
    converter: PixelConverter,
    size: Size,
    bytes: Vec<u8>,
}

impl Y4m {
    fn begin(mut out: Box<dyn io::Write + Send>, info: &VideoInfo) -> Result<Self> {
        let (Size { width, height }, (rate, scale)) = (info.size, info.rate.parts());
        let (across, down) = info.pixel_aspect;
        let range = if info.colour.range() == YuvRange::Full { "FULL" } else { "LIMITED" };
        let header = format!(
            "YUV4MPEG2 W{width} H{height} F{rate}:{scale} Ip A{across}:{down} C420jpeg XYSCSS=420JPEG XCOLORRANGE={range}\n"
        );
        out.write_all(header.as_bytes()).map_err(cannot_write)?;
        let coded = Layout::Yuv420.coded_size(info.size);
        let converter = PixelConverter::new(Layout::Yuv420, coded, info.colour);
        Ok(Self { out, converter, size: info.size, bytes: Vec::new() })
    }

    /// The planes without what is beyond the picture.
    fn fill(&mut self, picture: &frame::Video) {
        self.bytes.clear();
        self.bytes.extend_from_slice(b"FRAME\n");
        let (width, height) = (self.size.width as usize, self.size.height as usize);
        for plane in 0..3 {
            let half = |side: usize| if plane == 0 { side } else { side.div_ceil(2) };
            let rows = picture.data(plane).chunks(picture.stride(plane)).take(half(height));
            rows.for_each(|row| self.bytes.extend_from_slice(&row[..half(width)]));
        }
    }
}

impl Pictures for Y4m {
    fn put(&mut self, frame: &Frame) -> Result<()> {
        let picture = self.converter.run(frame);
        self.fill(&picture);
        self.out.write_all(&self.bytes).map_err(cannot_write)
    }

    fn end(&mut self) -> Result<()> {
        self.out.flush().map_err(cannot_write)
    }
}

fn cannot_write(source: io::Error) -> Error {
    Error::Write { path: "standard output".into(), source: source.into() }
}
