//! Redraws a film: `cargo run --release --example video_file -- in.mp4 out.mp4`.

use std::path::PathBuf;

use stylewarp::cancel::CancelToken;
use stylewarp::engine::{Engine, EngineConfig};
use stylewarp::jobs::video::run_file;
use stylewarp::look::{self, Look};
use stylewarp::video::read::{Clip, FileSource, Source as _};
use stylewarp::video::write::{FileOutput, FileSink};

fn main() -> stylewarp::Result<()> {
    let mut arguments = std::env::args().skip(1).map(PathBuf::from);
    let (Some(input), Some(path)) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: video_file IN OUT");
        return Ok(());
    };
    let output = FileOutput::new(path);
    output.check(&input)?;
    let source = FileSource::open(&input, Clip::default(), CancelToken::default())?;
    let info = source.info().clone();
    let look = Look::load(look::DEFAULT)?;
    let engine = Engine::new(&look, None, info.display_aspect(), &EngineConfig::default())?;
    let sink = FileSink::create(&output, &info, &input)?;
    let frames = run_file(source, sink, engine, |frame| eprint!("\r{}", frame.time))?;
    eprintln!("\r{frames} frames");
    Ok(())
}
