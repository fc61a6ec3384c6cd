//! A whole film, end to end: decoding, both stages, encoding, with its sound.

use std::path::Path;
use std::time::Instant;

use crate::cancel::CancelToken;
use crate::engine::{Engine, EngineConfig};
use crate::error::{Error, Result};
use crate::jobs::process::{peak_memory, processor_seconds};
use crate::jobs::video::run_file;
use crate::look::Look;
use crate::threads;
use crate::video::error::VideoError;
use crate::video::read::{Clip, FileSource, Source as _};
use crate::video::write::{FileOutput, FileSink};

/// How a film was redrawn.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub struct FilmTiming {
    /// Of its frames.
    pub width: u32,
    /// Of its frames.
    pub height: u32,
    /// Frames that were redrawn.
    pub frames: u64,
    /// Seconds before the first frame: networks and GPU are opened.
    pub start: f64,
    /// Frames a second from then on.
    pub rate: f64,
    /// The share of all cores that was at work from then on, where the system tells.
    pub busy: Option<f64>,
    /// The most memory that the process had, in bytes, where the system tells.
    pub memory: Option<u64>,
}

/// Redraws a film into a temporary file, once. The memory is that of the whole process so far: measure a film first.
///
/// # Errors
/// Those of redrawing a film.
pub fn run(film: &Path, look: &Look, config: &EngineConfig) -> Result<FilmTiming> {
    let began = Instant::now();
    let source = FileSource::open(film, Clip::default(), CancelToken::new())?;
    let info = source.info().clone();
    let engine = Engine::new(look, None, info.display_aspect(), config)?;
    let folder = tempfile::tempdir()
        .map_err(|source| Error::Write { path: std::env::temp_dir(), source: source.into() })?;
    let sink = FileSink::create(&FileOutput::new(folder.path().join("film.mkv")), &info, film)?;
    let start = began.elapsed().as_secs_f64();
    let (began, before) = (Instant::now(), processor_seconds());
    let frames = run_file(source, sink, engine, |_| {})?;
    if frames == 0 {
        return Err(VideoError::NoFrames { path: film.to_owned() }.into());
    }
    let wall = began.elapsed().as_secs_f64();
    let used = processor_seconds().zip(before).map(|(now, before)| now - before);
    Ok(FilmTiming {
        width: info.size.width,
        height: info.size.height,
        frames,
        start,
        rate: frames as f64 / wall,
        busy: used.map(|secs| secs / wall / threads::count() as f64),
        memory: peak_memory(),
    })
}

impl std::fmt::Display for FilmTiming {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { width, height, frames, start, rate, busy, memory } = self;
        write!(f, "{frames} frames of {width}x{height} with sound: {rate:.1} a second after {start:.2} s")?;
        if let Some(busy) = busy {
            write!(f, ", cores busy {:.0} %", busy * 100.0)?;
        }
        memory.map_or(Ok(()), |bytes| write!(f, ", {} MB", bytes >> 20))
    }
}
