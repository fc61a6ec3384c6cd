//! Titles, languages and chapters: what the input says of itself in words.
//!
//! Everything is handed on but what describes the *file* that was: its brand,
//! its encoder, its statistics, and the rotation, which the pixels now have.

use ffmpeg::format::context::{Input, Output};
use ffmpeg::{Dictionary, DictionaryRef};
use ffmpeg_next as ffmpeg;

use crate::time::{FrameTime, TimeBase};

/// Keys about the old file, not about the work.
const OF_THE_FILE: [&str; 8] = [
    "major_brand",
    "minor_version",
    "compatible_brands",
    "encoder",
    "vendor_id",
    "rotate",
    "duration",
    "number_of_frames",
];

/// Beginnings of keys of the same kind, as Matroska tools write them.
const OF_THE_FILE_BY_PREFIX: [&str; 4] = ["_statistics", "bps", "number_of_", "duration-"];

/// The words that outlive the file.
pub(super) fn kept(tags: &DictionaryRef) -> Dictionary<'static> {
    let mut kept = Dictionary::new();
    for (key, value) in tags {
        let name = key.to_ascii_lowercase();
        let is_of_the_file = OF_THE_FILE.contains(&name.as_str())
            || OF_THE_FILE_BY_PREFIX.iter().any(|prefix| name.starts_with(prefix));
        if !is_of_the_file {
            kept.set(key, value);
        }
    }
    kept
}

/// Languages of two codes (ISO 639-2, bibliographic and terminological), and the one by which FFmpeg
/// finds QuickTime's own number for it. The other is lost without a word.
const QUICKTIME_LANGUAGES: [(&str, &str); 18] = [
    ("fre", "fra"),
    ("deu", "ger"),
    ("nld", "dut"),
    ("ell", "gre"),
    ("isl", "ice"),
    ("zho", "chi"),
    ("sqi", "alb"),
    ("rum", "ron"),
    ("cze", "ces"),
    ("slo", "slk"),
    ("mkd", "mac"),
    ("hye", "arm"),
    ("kat", "geo"),
    ("bod", "tib"),
    ("mya", "bur"),
    ("msa", "may"),
    ("cym", "wel"),
    ("eus", "baq"),
];

/// Names the language as QuickTime does.
pub(super) fn for_quicktime(words: &mut Dictionary<'static>) {
    let known = words.get("language").and_then(|language| {
        QUICKTIME_LANGUAGES.iter().find(|(other, _)| *other == language).map(|(_, known)| *known)
    });
    if let Some(known) = known {
        words.set("language", known);
    }
}

/// Copies the chapters, moved so that `origin` is zero, cut at `end` if there is
/// one.
pub(super) fn copy_chapters(
    input: &Input,
    output: &mut Output,
    origin: FrameTime,
    end: Option<FrameTime>,
) -> Result<(), ffmpeg::Error> {
    let end_of_all = end.unwrap_or(FrameTime::from_nanos(i64::MAX));
    for (id, chapter) in (1..).zip(input.chapters()) {
        let ffmpeg::Rational(num, den) = chapter.time_base();
        let Some(base) = TimeBase::new(num, den) else { continue };
        let moved =
            |ticks| (FrameTime::from_ticks(ticks, base) - origin).max(FrameTime::ZERO).min(end_of_all);
        let (start, end) = (moved(chapter.start()), moved(chapter.end()));
        if start < end {
            let metadata = chapter.metadata();
            let title = metadata.get("title").unwrap_or_default();
            output.add_chapter(id, (num, den), start.to_ticks(base), end.to_ticks(base), title)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_words_and_drops_statistics() {
        let tags: Dictionary = [
            ("title", "Sea"),
            ("rotate", "90"),
            ("DURATION", "00:00:03.0"),
            ("BPS-eng", "128000"),
            ("_STATISTICS_TAGS", "BPS"),
            ("creation_time", "2026-01-01"),
        ]
        .into_iter()
        .collect();
        let kept = kept(&tags);
        let keys: Vec<_> = kept.iter().map(|(key, _)| key.to_owned()).collect();
        assert_eq!(keys, ["title", "creation_time"]);
    }
}
