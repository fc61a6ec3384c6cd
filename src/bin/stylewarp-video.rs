//! `stylewarp-video in.mp4 out.mp4`: redraws a video file, sound and timing kept.

use std::cell::RefCell;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser as _;
use serde_json::json;
use stylewarp::app::cli::{VideoArgs, fail, quiet_libraries};
use stylewarp::app::interrupt::on_signal;
use stylewarp::app::progress::Progress;
use stylewarp::app::terminal::{path_text, print};
use stylewarp::cancel::CancelToken;
use stylewarp::engine::Engine;
use stylewarp::jobs::parts::Plan;
use stylewarp::jobs::parts::error::PartsError;
use stylewarp::jobs::parts::render::{PartRequest, Rendered, render};
use stylewarp::jobs::video::run_file;
use stylewarp::look::Look;
use stylewarp::paint::composite::Colors;
use stylewarp::time::FrameTime;
use stylewarp::video::error::VideoError;
use stylewarp::video::names::NameKind;
use stylewarp::video::read::{Clip, FileSource, Source as _, VideoInfo};
use stylewarp::video::write::{FileOutput, FileSink, Sink, sequence, y4m};
use stylewarp::video::{follow_lists, set_sequence_rate};
use stylewarp::{Error, Result};

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
    if let Some(job) = &cli.job {
        return run_part(cli, job, progress, &stop);
    }
    let (Some(input), Some(output)) = (&cli.input, &cli.output) else { return Ok(ExitCode::from(2)) };
    if cli.follow {
        follow_lists();
    }
    let output = FileOutput {
        path: output.clone(),
        overwrite: cli.overwrite,
        codec: cli.codec,
        crf: cli.crf,
        audio: cli.audio,
    };
    let clip = Clip { start: cli.start, duration: cli.duration };
    let kind = NameKind::of(&output.path);
    if kind == NameKind::File {
        output.check(input)?;
    }
    if kind == NameKind::Pipe && cli.json {
        let value = "-".to_owned();
        return Err(Error::OutOfRange {
            what: "the output",
            value,
            range: "files: --json says its events there",
        });
    }
    if let Some(rate) = cli.rate {
        set_sequence_rate(rate);
    }
    let look = cli.look.resolve()?;
    let source = FileSource::open(input, clip, stop.clone())?.with_background(cli.background);
    let info = source.info().clone();
    let setup = cli.setup.setup();
    let engine = Engine::new(&look, cli.look.size, info.display_aspect(), &setup)?;
    let plan = plan(cli, [input, &output.path], &look, &info, &engine);
    if cli.dry_run {
        print(&format!("{plan:#}\n"))?;
        return Ok(ExitCode::SUCCESS);
    }
    let sink: Box<dyn Sink> = match kind {
        NameKind::File => {
            let sink = FileSink::create(&output, &info, input)?;
            progress.start(info.frames, plan);
            sink.changed().iter().for_each(|changed| progress.changed(changed));
            Box::new(sink)
        }
        NameKind::Pipe | NameKind::Sequence => {
            let sink = match kind {
                NameKind::Pipe => y4m(&info)?,
                _ => sequence(&output.path, cli.overwrite, &info)?,
            };
            progress.start(info.frames, plan);
            sink
        }
    };
    let run = run_file(source, sink, engine, |frame| progress.frame(frame));
    let frames = match run {
        // Who reads from the pipe has seen enough.
        Err(error) if kind == NameKind::Pipe && error.is_broken_pipe() => return Ok(ExitCode::SUCCESS),
        run => run?,
    };
    if frames == 0 && !stop.is_raised() {
        return Err(VideoError::NoFrames { path: input.clone() }.into());
    }
    progress.done(&output.path, stop.is_raised());
    Ok(if stop.is_raised() { ExitCode::from(130) } else { ExitCode::SUCCESS })
}

/// Draws one part of a film.
fn run_part(cli: &VideoArgs, job: &Path, progress: &mut Progress, stop: &CancelToken) -> Result<ExitCode> {
    let plan = Plan::read(job)?;
    if plan.settings().follow {
        follow_lists();
    }
    let number = match cli.part {
        Some(number) => number,
        None => part_of_scheduler().ok_or(PartsError::NoPart { parts: plan.parts().len() })?,
    };
    let request = PartRequest {
        job: job.to_owned(),
        number,
        film: cli.input.clone(),
        models: cli.setup.models.clone(),
    };
    let progress = RefCell::new(progress);
    let opened = |info: &VideoInfo, frames: u64, devices: &str| {
        let about = json!({
            "job": path_text(job), "part": number, "parts": plan.parts().len(), "frames": frames,
            "size": info.size.to_string(), "fps": info.rate.to_string(), "devices": devices,
        });
        progress.borrow_mut().start(Some(frames), about);
    };
    match render(&request, stop, opened, |frame| progress.borrow_mut().frame(frame))? {
        Rendered::Before(path) => tracing::info!("{} is there already", path.display()),
        Rendered::Now(path) => progress.borrow_mut().done(&path, false),
        Rendered::Stopped => {
            tracing::warn!("stopped: nothing of part {number} is kept, and it can be drawn again");
            return Ok(ExitCode::from(130));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The part that a scheduler names: Slurm for a task of an array, Kubernetes for a pod of an Indexed Job.
fn part_of_scheduler() -> Option<usize> {
    ["SLURM_ARRAY_TASK_ID", "JOB_COMPLETION_INDEX"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok()?.trim().parse().ok())
}

/// What will be done, for `--dry-run` and the `start` event.
fn plan(
    cli: &VideoArgs,
    [input, output]: [&Path; 2],
    look: &Look,
    info: &VideoInfo,
    engine: &Engine,
) -> serde_json::Value {
    json!({
        "input": path_text(input), "output": path_text(output),
        "size": info.size.to_string(), "fps": info.rate.to_string(), "frames": info.frames,
        "duration": info.duration.map(FrameTime::as_secs_f64),
        "preset": look.name, "geometry": look.geometry.is_some(), "texture": look.texture.as_ref().map(|texture| texture.text()),
        "warp": look.warp, "paint": look.paint, "paint_lines": cli.look.size,
        "stroke_size": look.stroke_size, "relief": look.relief, "keeps_colors": look.colors == Colors::Keep,
        "focus": look.focus.name(), "paint_where": look.regions.paint.name(), "warp_where": look.regions.warp.name(),
        "backdrop": look.regions.backdrop.kind.name(),
        "devices": engine.devices,
    })
}
