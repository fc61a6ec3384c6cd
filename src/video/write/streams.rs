//! What becomes of each stream of the input.
//!
//! Sound and subtitles are copied as they are where the container can hold them. Where it
//! cannot, they are stored anew in the way its users expect: losing sound is the worst that
//! can happen to a film. Whatever is changed or left out is said, stream by stream.

use std::io::{self, ErrorKind};

use ffmpeg::codec::Id;
use ffmpeg::codec::packet::side_data;
use ffmpeg::format::context::Input;
use ffmpeg::media::Type;
use ffmpeg::{Stream, decoder, encoder};
use ffmpeg_next as ffmpeg;

use crate::names::names;
use crate::video::libav;
use crate::video::write::container::Container;
use crate::video::write::stream;

/// What to do with sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Audio {
    /// Copied bit for bit where the container can hold it, else stored anew.
    #[default]
    Auto,
    /// Copied bit for bit, or nothing is written.
    Copy,
    /// Left out.
    None,
}

names!(Audio { Auto => "auto", Copy => "copy", None => "none" });

/// A stream of the input that is not in the output as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// Its number in the input.
    pub stream: usize,
    /// What it is: sound, subtitles...
    pub kind: &'static str,
    /// How it is stored in the input.
    pub codec: &'static str,
    /// How it is stored in the output; `None` if it is left out.
    pub into: Option<&'static str>,
    /// Why.
    pub because: String,
}

impl std::fmt::Display for Changed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { stream, kind, codec, into, because } = self;
        match into {
            Some(into) => write!(f, "stream {stream} ({kind}, {codec}) is converted to {into}: {because}"),
            None => write!(f, "stream {stream} ({kind}, {codec}) is left out: {because}"),
        }
    }
}

/// What becomes of a stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Copied,
    /// Sound, by the first of these encoders that is there.
    Encoded(&'static str),
    /// Subtitles, by this encoder.
    Rewritten(&'static str),
    /// A picture about the film.
    Cover,
    /// Left out for this reason.
    LeftOut(String),
    /// Not in the output, but nothing is lost: it is handed on in another form.
    Elsewhere,
}

impl Fate {
    /// Of one stream, where `video` is the one that is redrawn.
    ///
    /// # Errors
    /// Returns an error if sound is to be copied and cannot be.
    pub(super) fn of(
        stream: &Stream,
        input: &Input,
        video: Option<usize>,
        container: Container,
        audio: Audio,
    ) -> io::Result<Self> {
        if video == Some(stream.index()) {
            return Ok(Self::Elsewhere);
        }
        if video.is_some_and(|video| !libav::share_programme(input, video, stream.index())) {
            return Ok(Self::LeftOut("it belongs to another programme".into()));
        }
        let parameters = stream.parameters();
        let codec = parameters.id();
        Ok(match parameters.medium() {
            Type::Video if libav::is_cover(stream) => match container {
                Container::Mp4 | Container::Matroska if is_cover_format(codec) => Self::Cover,
                _ => Self::LeftOut(format!("{container} cannot hold this cover picture{}", hint(container))),
            },
            Type::Video => Self::LeftOut("only one video is redrawn".into()),
            Type::Audio if audio == Audio::None => Self::LeftOut("no sound is wanted".into()),
            Type::Audio | Type::Subtitle | Type::Attachment if container.accepts(stream) => Self::Copied,
            Type::Audio if audio == Audio::Copy => {
                let number = stream.index();
                let reason = format!(
                    "{container} cannot hold the sound of stream {number} ({}) as it is; sound can be converted{}",
                    codec.name(),
                    hint(container)
                );
                return Err(io::Error::new(ErrorKind::Unsupported, reason));
            }
            Type::Audio => match encoder_for(container).filter(|_| decoder::find(codec).is_some()) {
                Some(encoder) => Self::Encoded(encoder),
                None => Self::left_out_of(container),
            },
            Type::Subtitle if is_text(codec) && encoder::find_by_name(container.subtitles()).is_some() => {
                Self::Rewritten(container.subtitles())
            }
            Type::Subtitle | Type::Attachment => Self::left_out_of(container),
            // Time codes and the names of chapters go on as what they say.
            Type::Data if is_told_elsewhere(stream, input) => Self::Elsewhere,
            Type::Data | Type::Unknown => Self::LeftOut("data that is neither sound nor text".into()),
        })
    }

    fn left_out_of(container: Container) -> Self {
        Self::LeftOut(format!("{container} cannot hold it{}", hint(container)))
    }

    /// What is to be said about it.
    pub(super) fn changed(&self, stream: &Stream, container: Container) -> Option<Changed> {
        let (into, because) = match self {
            Self::LeftOut(because) => (None, because.clone()),
            Self::Encoded(encoder) | Self::Rewritten(encoder) => {
                let into = encoder::find_by_name(encoder).map_or(*encoder, |codec| codec.id().name());
                (Some(into), format!("{container} cannot hold it as it is{}", hint(container)))
            }
            Self::Copied | Self::Cover | Self::Elsewhere => return None,
        };
        let parameters = stream.parameters();
        let kind = match parameters.medium() {
            Type::Audio => "sound",
            Type::Subtitle => "subtitles",
            Type::Attachment => "attachment",
            Type::Video if libav::is_cover(stream) => "cover",
            Type::Video => "video",
            Type::Data | Type::Unknown => "data",
        };
        Some(Changed { stream: stream.index(), kind, codec: parameters.id().name(), into, because })
    }
}

/// What a film says of how it is to be looked at, and the output cannot.
pub(super) fn lost_marks(film: &Stream) -> Vec<Changed> {
    let mark = |data: side_data::SideData| {
        let (kind, because) = match data.kind() {
            side_data::Type::DataSpherical => ("mark of 360 degrees", "players will show the picture flat"),
            side_data::Type::Stereo3d => ("mark of two eyes", "players will show both pictures side by side"),
            _ => return None,
        };
        let because = format!("{because}, until a tool for such metadata sets it again");
        Some(Changed {
            stream: film.index(),
            kind,
            codec: film.parameters().id().name(),
            into: None,
            because,
        })
    };
    film.side_data().filter_map(mark).collect()
}

fn hint(container: Container) -> &'static str {
    if container == Container::Matroska { "" } else { "; .mkv can" }
}

pub(super) fn encoder_for(container: Container) -> Option<&'static str> {
    container.sound().iter().copied().find(|name| encoder::find_by_name(name).is_some())
}

fn is_cover_format(codec: Id) -> bool {
    matches!(codec, Id::MJPEG | Id::PNG)
}

/// Subtitles of letters, not of pictures.
fn is_text(codec: Id) -> bool {
    matches!(codec, Id::SUBRIP | Id::SRT | Id::MOV_TEXT | Id::WEBVTT | Id::ASS | Id::SSA | Id::TEXT)
}

/// Whether a data stream holds a time code, which is a tag of the video too, or the names of
/// the chapters.
fn is_told_elsewhere(stream: &Stream, input: &Input) -> bool {
    let tag = stream::codec_tag(stream);
    tag == *b"tmcd" || (tag == *b"text" && input.nb_chapters() > 0)
}
