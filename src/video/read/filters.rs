//! FFmpeg's own filters, one graph at a time.

use ffmpeg::color::Space;
use ffmpeg::filter::{self, Graph};
use ffmpeg::format::Pixel;
use ffmpeg::frame;
use ffmpeg_next as ffmpeg;

use crate::time::TimeBase;
use crate::video::colour::{Colour, stores_rgb};

/// What a graph cannot change once built.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Shape {
    format: Pixel,
    width: u32,
    height: u32,
    colour: Colour,
}

impl Shape {
    pub(super) fn of(frame: &frame::Video, colour: Colour) -> Self {
        Self { format: frame.format(), width: frame.width(), height: frame.height(), colour }
    }
}

/// A chain of filters for pictures of one shape.
pub(super) struct Chain {
    pub(super) shape: Shape,
    graph: Graph,
}

impl Chain {
    /// To packed RGBA, by the picture's matrix and range; bright light is brought into what a
    /// screen can show where `tones` asks for it.
    pub(super) fn to_rgba(shape: Shape, tones: bool) -> Result<Self, ffmpeg::Error> {
        // Times play no part: frames go through one by one.
        let base = TimeBase::new(1, 1).ok_or(ffmpeg::Error::InvalidData)?;
        if tones {
            return Self::build(shape, base, TONES);
        }
        let mut scale = "scale=flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp".to_owned();
        if !stores_rgb(shape.format) {
            let range = if shape.colour.is_full() { "full" } else { "limited" };
            scale += &format!(":in_color_matrix={}:in_range={range}", shape.colour.matrix_name());
        }
        Self::build(shape, base, &format!("{scale}:out_range=full,format=rgba"))
    }

    /// To whole pictures, one for each that comes in, where they are marked as two fields.
    pub(super) fn deinterlacing(shape: Shape, base: TimeBase) -> Result<Self, ffmpeg::Error> {
        let (num, den) = base.parts();
        Self::build(shape, base, &format!("bwdif=mode=send_frame:deint=interlaced,settb={num}/{den}"))
    }

    fn build(shape: Shape, base: TimeBase, chain: &str) -> Result<Self, ffmpeg::Error> {
        let format_name = shape.format.descriptor().ok_or(ffmpeg::Error::InvalidData)?.name();
        let find = |name| filter::find(name).ok_or(ffmpeg::Error::FilterNotFound);
        let mut graph = Graph::new();
        let (num, den) = base.parts();
        let (width, height) = (shape.width, shape.height);
        let input = format!(
            "video_size={width}x{height}:pix_fmt={format_name}:time_base={num}/{den}:pixel_aspect=1/1"
        );
        graph.add(&find("buffer")?, "in", &input)?;
        graph.add(&find("buffersink")?, "out", "")?;
        graph.output("in", 0)?.input("out", 0)?.parse(chain)?;
        graph.validate()?;
        Ok(Self { shape, graph })
    }

    /// Gives a picture, or word that there are no more.
    pub(super) fn push(&mut self, picture: Option<&frame::Video>) -> Result<(), ffmpeg::Error> {
        let mut input = self.graph.get("in").ok_or(ffmpeg::Error::FilterNotFound)?;
        match picture {
            Some(picture) => input.source().add(picture),
            None => input.source().flush(),
        }
    }

    /// The next picture that is ready.
    pub(super) fn pull(&mut self) -> Option<frame::Video> {
        let mut picture = frame::Video::empty();
        self.graph.get("out")?.sink().frame(&mut picture).ok().map(|()| picture)
    }
}

/// Brings HDR (PQ, HLG) into BT.709: to linear light, into the smaller gamut, highlights
/// compressed by Hable's curve, and back to numbers for a screen.
const TONES: &str = "zscale=transfer=linear:npl=100,format=gbrpf32le,zscale=primaries=bt709,\
                     tonemap=tonemap=hable:desat=0,zscale=transfer=bt709:range=full,format=gbrp,format=rgba";

/// Whether this FFmpeg can bring HDR to a screen.
pub(super) fn can_map_tones() -> bool {
    ["zscale", "tonemap"].into_iter().all(|name| filter::find(name).is_some())
}

/// Whether this FFmpeg can make whole pictures of fields.
pub(super) fn can_deinterlace() -> bool {
    filter::find("bwdif").is_some()
}

/// Tags a picture as the filters need to know it: nothing unspecified where HDR is meant.
pub(super) fn tag_hdr(picture: &mut frame::Video, colour: Colour) {
    colour.tag_picture(picture);
    if picture.color_primaries() == ffmpeg::color::Primaries::Unspecified {
        picture.set_color_primaries(ffmpeg::color::Primaries::BT2020);
    }
    if matches!(picture.color_space(), Space::Unspecified | Space::RGB) && !stores_rgb(picture.format()) {
        picture.set_color_space(Space::BT2020NCL);
    }
}
