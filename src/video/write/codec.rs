//! Which codec, through which of FFmpeg's encoders, with which settings.

use ffmpeg_next::encoder;

use crate::error::{Error, Result};
use crate::names::names;
use crate::video::error::VideoError;
use crate::video::write::pixels::Layout;

/// A way to store pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// H.264: plays everywhere.
    H264,
    /// HEVC: a third smaller than H.264.
    Hevc,
    /// VP9: for WebM.
    Vp9,
    /// AV1: the smallest, and the slowest to make.
    Av1,
    /// ProRes 422 HQ: for editing.
    ProRes,
    /// FFV1: lossless.
    Ffv1,
}

names!(Codec { H264 => "h264", Hevc => "hevc", Vp9 => "vp9", Av1 => "av1", ProRes => "prores", Ffv1 => "ffv1" });

/// One of FFmpeg's encoders and what to tell it.
#[derive(Debug)]
pub(super) struct EncoderSettings {
    /// FFmpeg's name of the encoder.
    pub(super) encoder: &'static str,
    pub(super) rate: Rate,
    pub(super) options: &'static [(&'static str, &'static str)],
}

/// How an encoder is told what quality to aim at.
#[derive(Debug, Clone, Copy)]
pub(super) enum Rate {
    /// By a constant rate factor, this one if the user names none.
    Crf(u8),
    /// By bits per pixel: it knows nothing better.
    BitsPerPixel(f64),
    /// Not at all.
    Fixed,
}

/// `veryfast` is x264's best for painted pictures: on 720p clips smoothed and
/// sharpened to look painted, `medium` took 1.8 times the time for files 15 to 36 %
/// larger at the same rate factor, and the same SSIM.
const H264: &[EncoderSettings] = &[
    EncoderSettings { encoder: "libx264", rate: Rate::Crf(18), options: &[("preset", "veryfast")] },
    EncoderSettings { encoder: "libopenh264", rate: Rate::BitsPerPixel(0.25), options: &[] },
    EncoderSettings { encoder: "h264_videotoolbox", rate: Rate::BitsPerPixel(0.25), options: &[] },
];

/// x265 writes to stderr by itself; its own switch silences it.
const HEVC: &[EncoderSettings] = &[
    EncoderSettings {
        encoder: "libx265",
        rate: Rate::Crf(20),
        options: &[("preset", "fast"), ("x265-params", "log-level=none")],
    },
    EncoderSettings { encoder: "hevc_videotoolbox", rate: Rate::BitsPerPixel(0.15), options: &[] },
];

const VP9: &[EncoderSettings] = &[EncoderSettings {
    encoder: "libvpx-vp9",
    rate: Rate::Crf(24),
    options: &[("b", "0"), ("deadline", "good"), ("cpu-used", "4"), ("row-mt", "1")],
}];

/// SVT-AV1 refuses pictures below 64 pixels a side; libaom takes them.
const AV1: &[EncoderSettings] = &[
    EncoderSettings { encoder: "libsvtav1", rate: Rate::Crf(26), options: &[("preset", "8")] },
    EncoderSettings {
        encoder: "libaom-av1",
        rate: Rate::Crf(24),
        options: &[("b", "0"), ("cpu-used", "6"), ("row-mt", "1")],
    },
];

const PRORES: &[EncoderSettings] = &[EncoderSettings {
    encoder: "prores_ks",
    rate: Rate::Fixed,
    options: &[("profile", "hq"), ("vendor", "apl0")],
}];

const FFV1: &[EncoderSettings] =
    &[EncoderSettings { encoder: "ffv1", rate: Rate::Fixed, options: &[("level", "3"), ("slicecrc", "1")] }];

impl EncoderSettings {
    /// What keeps the encoder from holding pictures back.
    pub(super) fn prompt_options(&self) -> &'static [(&'static str, &'static str)] {
        match self.encoder {
            "libx264" | "libx265" => &[("tune", "zerolatency")],
            "libvpx-vp9" => &[("lag-in-frames", "0"), ("deadline", "realtime"), ("cpu-used", "7")],
            "libaom-av1" => &[("lag-in-frames", "0"), ("usage", "realtime"), ("cpu-used", "8")],
            "libsvtav1" => &[("svtav1-params", "pred-struct=1")],
            _ => &[],
        }
    }
}

impl Codec {
    /// The encoders that may do, best first.
    pub(super) fn encoders(self) -> &'static [EncoderSettings] {
        match self {
            Self::H264 => H264,
            Self::Hevc => HEVC,
            Self::Vp9 => VP9,
            Self::Av1 => AV1,
            Self::ProRes => PRORES,
            Self::Ffv1 => FFV1,
        }
    }

    /// How its pictures are stored. 4:2:0 also for sources of 4:4:4: it is what
    /// players and browsers take; FFV1 is there for those who need every pixel.
    pub(super) fn layout(self) -> Layout {
        match self {
            Self::H264 | Self::Hevc | Self::Vp9 | Self::Av1 => Layout::Yuv420,
            Self::ProRes => Layout::Yuv422Ten,
            Self::Ffv1 => Layout::Rgb,
        }
    }

    /// The largest rate factor, and the range as read aloud.
    fn crf_range(self) -> Option<(u8, &'static str)> {
        match self {
            Self::H264 | Self::Hevc => Some((51, "0 to 51")),
            Self::Vp9 | Self::Av1 => Some((63, "0 to 63")),
            Self::ProRes | Self::Ffv1 => None,
        }
    }

    /// Refuses a rate factor the codec has no use for.
    pub(super) fn check_crf(self, crf: Option<u8>) -> Result<()> {
        let Some(crf) = crf else { return Ok(()) };
        let (max, range) = self.crf_range().unwrap_or((0, "what this codec knows: it has no rate factor"));
        if self.crf_range().is_some() && crf <= max {
            return Ok(());
        }
        Err(Error::OutOfRange { what: "the rate factor (CRF)", value: crf.to_string(), range })
    }

    /// No encoder of this codec will do; these others are there.
    pub(super) fn missing(self) -> VideoError {
        let is_there = |codec: &Self| {
            codec.encoders().iter().any(|settings| encoder::find_by_name(settings.encoder).is_some())
        };
        let available = Self::ALL.iter().copied().filter(|codec| *codec != self).filter(is_there);
        VideoError::NoEncoder {
            codec: self.title().into(),
            available: available.map(|codec| codec.name().into()).collect(),
        }
    }
}

impl Codec {
    /// Its name as people write it in a sentence.
    pub fn title(self) -> &'static str {
        match self {
            Self::H264 => "H.264",
            Self::Hevc => "HEVC",
            Self::Vp9 => "VP9",
            Self::Av1 => "AV1",
            Self::ProRes => "ProRes",
            Self::Ffv1 => "FFV1",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_factor_must_suit_its_codec() {
        assert!(Codec::H264.check_crf(Some(51)).is_ok() && Codec::Av1.check_crf(Some(63)).is_ok());
        assert!(Codec::Ffv1.check_crf(None).is_ok());
        for (codec, crf) in [(Codec::H264, 52), (Codec::Vp9, 64), (Codec::ProRes, 1), (Codec::Ffv1, 0)] {
            assert!(matches!(codec.check_crf(Some(crf)), Err(Error::OutOfRange { .. })), "{codec} {crf}");
        }
    }

    #[test]
    fn a_missing_encoder_comes_with_its_alternatives() {
        let VideoError::NoEncoder { codec, available } = Codec::ProRes.missing() else {
            panic!("another error")
        };
        assert_eq!(codec, "ProRes");
        assert!(available.contains(&"ffv1".to_owned()) && !available.contains(&"prores".to_owned()));
    }
}
