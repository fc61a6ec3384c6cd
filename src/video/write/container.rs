//! The file formats written, by their extensions.
//!
//! Four, on purpose: these keep variable frame rates and B-frames, which AVI and
//! others do not, and carry sound of any kind.

use std::io::Cursor;
use std::path::Path;

use ffmpeg::codec::Id;
use ffmpeg::format::context::StreamIo;
use ffmpeg::media::Type;
use ffmpeg::{Dictionary, Stream};
use ffmpeg_next as ffmpeg;

use crate::error::{Error, Result};
use crate::time::TimeBase;
use crate::video::write::codec::Codec;
use crate::video::write::stream;

/// A file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Container {
    Mp4,
    Mov,
    Matroska,
    WebM,
}

impl Container {
    /// By the extension, in any case.
    pub(super) fn of(path: &Path) -> Result<Self> {
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        match extension.to_ascii_lowercase().as_str() {
            "mp4" | "m4v" => Ok(Self::Mp4),
            "mov" => Ok(Self::Mov),
            "mkv" => Ok(Self::Matroska),
            "webm" => Ok(Self::WebM),
            _ => Err(Error::UnknownFormat { path: path.into() }),
        }
    }

    /// FFmpeg's name for it.
    pub(super) fn muxer(self) -> &'static str {
        match self {
            Self::Mp4 => "mp4",
            Self::Mov => "mov",
            Self::Matroska => "matroska",
            Self::WebM => "webm",
        }
    }

    /// What its users expect inside.
    pub(super) fn default_codec(self) -> Codec {
        match self {
            Self::Mp4 | Self::Mov | Self::Matroska => Codec::H264,
            Self::WebM => Codec::Vp9,
        }
    }

    /// Whether players expect this codec inside.
    pub(super) fn holds(self, codec: Codec) -> bool {
        match self {
            Self::Mp4 => matches!(codec, Codec::H264 | Codec::Hevc | Codec::Vp9 | Codec::Av1),
            Self::Mov => matches!(codec, Codec::H264 | Codec::Hevc | Codec::ProRes | Codec::Ffv1),
            Self::Matroska => true,
            Self::WebM => matches!(codec, Codec::Vp9 | Codec::Av1),
        }
    }

    /// Encoders of the sound its users expect inside, best first.
    pub(super) fn sound(self) -> &'static [&'static str] {
        match self {
            Self::Mp4 | Self::Mov | Self::Matroska => &["aac", "libfdk_aac"],
            Self::WebM => &["libopus", "libvorbis"],
        }
    }

    /// The encoder of the subtitles its users expect inside.
    pub(super) fn subtitles(self) -> &'static str {
        match self {
            Self::Mp4 | Self::Mov => "mov_text",
            Self::Matroska => "subrip",
            Self::WebM => "webvtt",
        }
    }

    /// Whether a track may begin before 0:00, to be cut there by players.
    pub(super) fn cuts_at_zero(self) -> bool {
        matches!(self, Self::Mp4 | Self::Mov)
    }

    /// What to tell the muxer. MP4 stores the moment a track starts in a clock of
    /// its own, of milliseconds unless told otherwise: the video's ticks keep it
    /// exact.
    pub(super) fn header_options(self, time_base: TimeBase) -> Dictionary<'static> {
        let mut options = Dictionary::new();
        if matches!(self, Self::Mp4 | Self::Mov) {
            let (_, ticks_per_sec) = time_base.parts();
            options.set("movie_timescale", &ticks_per_sec.to_string());
        }
        options
    }

    /// Makes it a row of pieces that play without what follows them: fragments or clusters of
    /// half a second, each given to the system when it is whole.
    pub(super) fn in_pieces(self, options: &mut Dictionary) {
        options.set("flush_packets", "1");
        // Where sound ends, pictures do not wait for more of it; microseconds.
        options.set("max_interleave_delta", "1000000");
        match self {
            Self::Mp4 | Self::Mov => {
                options.set("movflags", "empty_moov+default_base_moof");
                options.set("frag_duration", "500000");
            }
            Self::Matroska | Self::WebM => options.set("cluster_time_limit", "500"),
        }
    }

    /// Whether pieces make a file that is searched badly, so that a whole one is better in the end.
    pub(super) fn has_one_index(self) -> bool {
        matches!(self, Self::Mp4 | Self::Mov)
    }

    /// Whether a stream of another file can be copied into this one. FFmpeg's
    /// tables promise more than its muxers keep, so the muxer itself is asked:
    /// it writes a header for this stream alone, into memory. QuickTime's takes any sound that
    /// AVI has a number for; no player looks for it there.
    pub(super) fn accepts(self, stream: &Stream) -> bool {
        let is_strange = stream.parameters().medium() == Type::Audio && !is_known_to_quicktime(stream);
        if self == Self::Mov && is_strange {
            return false;
        }
        let try_header = || -> Result<(), ffmpeg::Error> {
            let memory = StreamIo::from_write_seek(Cursor::new(Vec::new()))?;
            let mut output = ffmpeg::format::output_to_stream(memory, None, Some(self.muxer()))?;
            stream::add_copy(&mut output, stream)?;
            output.write_header().map(drop)
        };
        try_header().is_ok()
    }
}

/// Whether Apple's players know this sound.
fn is_known_to_quicktime(stream: &Stream) -> bool {
    let codec = stream.parameters().id();
    matches!(
        codec,
        Id::AAC
            | Id::ALAC
            | Id::AC3
            | Id::EAC3
            | Id::MP2
            | Id::MP3
            | Id::AMR_NB
            | Id::AMR_WB
            | Id::ADPCM_IMA_QT
    ) || codec.name().starts_with("pcm_")
}

impl std::fmt::Display for Container {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Mp4 => "MP4",
            Self::Mov => "QuickTime (.mov)",
            Self::Matroska => "Matroska (.mkv)",
            Self::WebM => "WebM",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_by_the_extension() {
        assert_eq!(Container::of(Path::new("a.b/c.MP4")).expect("known"), Container::Mp4);
        for unknown in ["a", "a.avi", "a.mp4.part", ".mp4"] {
            assert!(
                matches!(Container::of(Path::new(unknown)), Err(Error::UnknownFormat { .. })),
                "{unknown}"
            );
        }
    }

    #[test]
    fn every_container_holds_its_own_default() {
        for container in [Container::Mp4, Container::Mov, Container::Matroska, Container::WebM] {
            assert!(container.holds(container.default_codec()), "{container}");
        }
    }
}
