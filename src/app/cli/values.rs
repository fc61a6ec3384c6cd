//! The values of flags that choose from a list: their names come from the core, what is
//! said about them in `--help` stands here.

use std::str::FromStr;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use crate::nn::device::Device;
use crate::paint::composite::Colors;
use crate::paint::optimize::Statistics;
use crate::paint::subject::Part;
use crate::video::write::{Audio, Codec};
use crate::warp::features::EncoderChoice;
use crate::warp::regularize::Align;
use crate::warp::search::Focus;

/// A type whose values a flag can choose from.
pub trait Choice: FromStr<Err: std::fmt::Debug> + Copy + Send + Sync + 'static {
    /// Every value, in the order of `--help`.
    fn all() -> &'static [Self];

    /// As typed.
    fn name(self) -> &'static str;

    /// What it means.
    fn help(self) -> &'static str;
}

/// Reads a value by its name, and lists all of them in `--help`.
pub fn choice<T: Choice>() -> impl TypedValueParser<Value = T> {
    let values = T::all().iter().map(|value| PossibleValue::new(value.name()).help(value.help()));
    PossibleValuesParser::new(values).map(|name| name.parse().expect("the parser lets only names through"))
}

macro_rules! choices {
    ($($type:ident { $($value:ident => $help:literal),+ $(,)? })+) => {
        $(impl Choice for $type {
            fn all() -> &'static [Self] {
                Self::ALL
            }

            fn name(self) -> &'static str {
                self.name()
            }

            fn help(self) -> &'static str {
                match self {
                    $(Self::$value => $help),+
                }
            }
        })+
    };
}

choices! {
    Audio {
        Auto => "Bit for bit where the format can hold it, else converted",
        Copy => "Bit for bit, or the run fails",
        None => "No sound",
    }
    Align {
        Subject => "The frame's: only shapes change",
        Exemplar => "The exemplar's, as in the paper",
    }
    Device {
        Auto => "The first of the others that works here, else the CPU",
        Cpu => "The processor",
        TensorRt => "NVIDIA, compiled per network (slow first start)",
        Cuda => "NVIDIA",
        CoreMl => "Apple",
        DirectMl => "Any DirectX 12 GPU on Windows",
        OpenVino => "Intel",
        WebGpu => "Any GPU through WebGPU",
    }
    EncoderChoice {
        Auto => "Fast on a CPU, the reference on anything faster",
        Fast => "The small one",
        Reference => "VGG-16, as in the paper",
    }
    Colors {
        Paint => "The painting's",
        Keep => "The frame's own hue and chroma in Oklab; the painting gives light and dark",
    }
    Focus {
        Largest => "The largest, so the nearest",
        Middle => "The one nearest to the middle of the picture",
        All => "Up to three",
    }
    Part {
        All => "All of the picture",
        Subject => "People; without any, what the geometry exemplar was found in",
        Background => "All but the subject",
    }
    Codec {
        H264 => "H.264: plays everywhere",
        Hevc => "HEVC: a third smaller than H.264",
        Vp9 => "VP9: for WebM",
        Av1 => "AV1: the smallest, and the slowest to make",
        ProRes => "ProRes 422 HQ: for editing",
        Ffv1 => "FFV1: lossless",
    }
    Statistics {
        Neighbours => "Every place like the place of the painting that is likest to it",
        Gram => "Gram matrices of tiles, as in the paper",
    }
}
