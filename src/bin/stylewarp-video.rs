//! `stylewarp-video in.mp4 out.mp4`: redraws a video file, sound and timing kept.

use std::process::ExitCode;

use clap::Parser as _;
use serde_json::json;
use stylewarp::Result;
use stylewarp::app::cli::{VideoArgs, fail, quiet_libraries};
use stylewarp::app::interrupt::on_signal;
use stylewarp::app::progress::Progress;
use stylewarp::app::terminal::{path_text, print};
use stylewarp::engine::Engine;
use stylewarp::jobs::video::run_file;
use stylewarp::look::Look;
use stylewarp::paint::composite::Colors;
use stylewarp::time::FrameTime;
use stylewarp::video::error::VideoError;
use stylewarp::video::follow_lists;
use stylewarp::video::read::{Clip, FileSource, Source as _, VideoInfo};
use stylewarp::video::write::{FileOutput, FileSink};

#[expect(unsafe_code, reason = "the environment can be set safely here only")]
fn main() -> ExitCode {
    // SAFETY: nothing has started a thread yet.
    unsafe { quiet_libraries() };
    let cli = VideoArgs::parse();
    let mut progress = match (cli.json, cli.log.quiet) {
        (true, _) => Progress::json(),
        (_, true) => Progress::silent(),
        _ => Progress::bar(),
    };
    cli.log.start(progress.log_writer());
    run(&cli, &mut progress).unwrap_or_else(|error| {
        progress.failed(&error);
        fail("stylewarp-video", &error)
    })
}

fn run(cli: &VideoArgs, progress: &mut Progress) -> Result<ExitCode> {
    let stop = on_signal()?;
    if cli.follow {
        follow_lists();
    }
    let output = FileOutput {
        path: cli.output.clone(),
        overwrite: cli.overwrite,
        codec: cli.codec,
        crf: cli.crf,
        audio: cli.audio,
    };
    let clip = Clip { start: cli.start, duration: cli.duration };
    output.check(&cli.input)?;
    let look = cli.look.resolve()?;
    let source = FileSource::open(&cli.input, clip, stop.clone())?.with_background(cli.background);
    let info = source.info().clone();
    let setup = cli.setup.setup();
    let engine = Engine::new(&look, cli.look.size, info.display_aspect(), &setup)?;
    let plan = plan(cli, &look, &info, &engine);
    if cli.dry_run {
        print(&format!("{plan:#}\n"))?;
        return Ok(ExitCode::SUCCESS);
    }
    let sink = FileSink::create(&output, &info, &cli.input)?;
    progress.start(info.frames, plan);
    sink.changed().iter().for_each(|changed| progress.changed(changed));
    let frames = run_file(source, sink, engine, |frame| progress.frame(frame))?;
    if frames == 0 && !stop.is_raised() {
        return Err(VideoError::NoFrames { path: cli.input.clone() }.into());
    }
    progress.done(&cli.output, stop.is_raised());
    Ok(if stop.is_raised() { ExitCode::from(130) } else { ExitCode::SUCCESS })
}

/// What will be done, for `--dry-run` and the `start` event.
fn plan(cli: &VideoArgs, look: &Look, info: &VideoInfo, engine: &Engine) -> serde_json::Value {
    json!({
        "input": path_text(&cli.input), "output": path_text(&cli.output),
        "size": info.size.to_string(), "fps": info.rate.to_string(), "frames": info.frames,
        "duration": info.duration.map(FrameTime::as_secs_f64),
        "preset": look.name, "geometry": look.geometry.is_some(), "texture": look.texture.as_ref().map(|texture| texture.text()),
        "warp": look.warp, "paint": look.paint, "paint_lines": cli.look.size,
        "stroke_size": look.stroke_size, "relief": look.relief, "keeps_colors": look.colors == Colors::Keep,
        "paint_where": look.regions.paint.name(), "warp_where": look.regions.warp.name(),
        "backdrop": look.regions.backdrop.kind.name(),
        "devices": engine.devices,
    })
}
