//! Threads and channels, nothing else.
//!
//! ```text
//! decode -> analyse -> warp -> paint -> finish -> encode (caller)
//! ```
//!
//! Channels are bounded, so the slowest stage sets the pace and memory stays
//! flat; one thread a stage, so frames stay in order. All stages are at work at once, so each has a share of the
//! cores for its loops over pixels (`SHARES`): with all cores for each, they would take them from one another.
//! A stage ends when the
//! channel before it closes, and a closed channel does not say why: the sink is
//! finished only after every stage was joined and none had failed.

use std::sync::OnceLock;
use std::thread::{Builder, Scope, ScopedJoinHandle};

use crossbeam_channel::{Sender, bounded};
use rayon::ThreadPoolBuilder;

use crate::engine::{AnalyzedFrame, Analyzer, Engine, Renderer};
use crate::error::{Error, Result, first_cause};
use crate::frame::{Frame, Size};
use crate::threads;
use crate::time::FrameTime;
use crate::video::read::Source;
use crate::video::write::Sink;

/// How the cores are divided among analyse, warp, paint and finish, by what they cost; at least one each.
const SHARES: [usize; 4] = [1, 1, 2, 2];

/// Redraws a whole source into a sink; `shown` sees every finished frame.
/// Returns the number of frames written.
///
/// # Errors
/// The first stage's failure; the sink is then dropped unfinished.
pub fn run_file(
    source: impl Source,
    sink: impl Sink,
    engine: Engine,
    shown: impl FnMut(&Frame),
) -> Result<u64> {
    run_part(source, sink, engine, Wanted::default(), shown)
}

/// Which of a source's frames are wanted; the others only prepare them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted {
    /// Frames before are looked at and not drawn: who is followed is known from where the shot began.
    pub drawn: Option<FrameTime>,
    /// Frames before are drawn and not written: the first one that is comes with a past.
    pub from: Option<FrameTime>,
    /// Frames from here on are looked at and not drawn: the last one that is comes with a future.
    pub until: Option<FrameTime>,
}

/// As [`run_file`], of which only some frames are wanted.
///
/// # Errors
/// As [`run_file`].
pub fn run_part(
    mut source: impl Source,
    mut sink: impl Sink,
    engine: Engine,
    wanted: Wanted,
    mut shown: impl FnMut(&Frame),
) -> Result<u64> {
    let Engine { mut analyzer, renderer, .. } = engine;
    let Renderer { mut warp, mut paint, mut finish } = renderer;
    let (depth, stop) = (depth(source.info().size), source.stop());
    // Of large frames those that look ahead alone would take many seconds. The first is drawn in any case, or there
    // would be no film.
    let go_on = |number: usize| number == 0 || !stop.is_raised();
    let mut written = 0;
    let end = OnceLock::new();
    std::thread::scope(|scope| {
        let (frames_out, frames) = bounded(depth);
        let (analysed_out, analysed) = bounded(depth);
        let (warped_out, warped) = bounded(depth);
        let (painted_out, painted) = bounded(depth);
        let (finished_out, finished) = bounded(depth);
        let stages = [
            Stage::start(scope, "decode", None, {
                let end = &end;
                move || {
                    while let Some(frame) = source.next()? {
                        send(&frames_out, frame)?;
                    }
                    source.end().map_or(Ok(()), |at| end.set(at).map_err(|_| Error::Disconnected))
                }
            })?,
            Stage::start(scope, "analyse", cores(0), move || {
                analyse_all(&mut analyzer, frames, &analysed_out)
            })?,
            Stage::start(scope, "warp", cores(1), move || {
                let is_wanted = |AnalyzedFrame { frame, .. }: &AnalyzedFrame| {
                    wanted.drawn.is_none_or(|drawn| drawn <= frame.time)
                        && wanted.until.is_none_or(|until| frame.time < until)
                };
                // The rest is taken off the channel, or the analysis would wait for ever.
                let analysed = analysed.into_iter().filter(is_wanted);
                for_each(analysed, go_on, &warped_out, |frame| warp.run(frame))
            })?,
            Stage::start(scope, "paint", cores(2), move || {
                for_each(warped, go_on, &painted_out, |frame| paint.run(frame))
            })?,
            Stage::start(scope, "finish", cores(3), move || {
                for_each(painted, go_on, &finished_out, |frame| finish.run(frame))
            })?,
        ];
        let mut encoded = Ok(());
        for frame in finished {
            if wanted.from.is_some_and(|from| frame.time < from) {
                continue;
            }
            shown(&frame);
            encoded = sink.write(frame);
            if encoded.is_err() {
                break;
            }
            written += 1;
        }
        // The receiver is gone: stages still at work fail to send, and end.
        first_cause(stages.map(Stage::join).into_iter().chain([encoded]))
    })?;
    if let Some(end) = wanted.until.or(end.into_inner()).filter(|_| !stop.is_raised()) {
        sink.last_until(end);
    }
    Box::new(sink).finish()?;
    Ok(written)
}

fn analyse_all(
    analyzer: &mut Analyzer,
    frames: impl IntoIterator<Item = Frame>,
    out: &Sender<AnalyzedFrame>,
) -> Result<()> {
    let mut ready = |analysed| send(out, analysed);
    for frame in frames {
        analyzer.push(frame, &mut ready)?;
    }
    analyzer.finish(&mut ready)
}

/// Passes every item that is to go on, by its number, through one step; the others are taken and dropped.
fn for_each<T, U>(
    items: impl IntoIterator<Item = T>,
    goes_on: impl Fn(usize) -> bool,
    out: &Sender<U>,
    mut step: impl FnMut(T) -> Result<U>,
) -> Result<()> {
    let items = items.into_iter().enumerate().filter(|(number, _)| goes_on(*number));
    items.map(|(_, item)| item).try_for_each(|item| send(out, step(item)?))
}

fn send<T>(out: &Sender<T>, item: T) -> Result<()> {
    out.send(item).map_err(|_| Error::Disconnected)
}

/// Frames between two stages: some slack, at most 16 MiB of it, and one frame in any case.
fn depth(size: Size) -> usize {
    ((16 << 20) / size.rgba_bytes()).clamp(1, 4)
}

/// Threads for the loops of a stage, of those that [`SHARES`] are of.
fn cores(stage: usize) -> Option<usize> {
    Some((threads::count() * SHARES[stage]).div_ceil(SHARES.iter().sum()))
}

/// A stage at work in a thread of its own.
struct Stage<'scope> {
    name: &'static str,
    thread: ScopedJoinHandle<'scope, Result<()>>,
}

impl<'scope> Stage<'scope> {
    fn start(
        scope: &'scope Scope<'scope, '_>,
        name: &'static str,
        cores: Option<usize>,
        work: impl FnOnce() -> Result<()> + Send + 'scope,
    ) -> Result<Self> {
        let work = move || match cores {
            Some(cores) => {
                let pool = ThreadPoolBuilder::new().num_threads(cores).build();
                pool.map_err(|_| Error::Stage { name })?.install(work)
            }
            None => work(),
        };
        let thread =
            Builder::new().name(name.into()).spawn_scoped(scope, work).map_err(|_| Error::Stage { name })?;
        Ok(Self { name, thread })
    }

    /// Its result; a panic becomes an error that names it.
    fn join(self) -> Result<()> {
        self.thread.join().unwrap_or(Err(Error::Stage { name: self.name }))
    }
}
