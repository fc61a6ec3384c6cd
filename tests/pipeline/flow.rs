//! Frames on their way: which come out, in what order, and how many at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use stylewarp::Result;
use stylewarp::engine::Engine;
use stylewarp::frame::{Frame, Size};
use stylewarp::jobs::video::run_file;
use stylewarp::video::write::Sink;

use crate::doubles::{self, Film, SheetKind, engine, frame, look};

/// What the pipeline makes of the film's first frames.
fn threaded(engine: Engine, count: u64) -> Vec<Frame> {
    let shelf = SheetKind::default();
    let mut shown = 0;
    let written = run_file(Film::new(count), shelf.clone(), engine, |_| shown += 1).expect("runs");
    let mut kept = shelf.kept();
    assert!(kept.finished);
    assert_eq!((written, shown, kept.frames.len() as u64), (count, count, count));
    std::mem::take(&mut kept.frames)
}

/// The same without threads or channels.
fn looped(engine: Engine, count: u64) -> Vec<Frame> {
    doubles::looped(engine, (0..count).map(frame))
}

#[test]
fn threads_make_the_same_pictures_as_a_loop() {
    let full = || engine(&look(1.0, 0.7));
    let (threaded, looped) = (threaded(full(), 65), looped(full(), 65));
    assert!(threaded == looped, "bit for bit, in the same order, at the same times");
    let times: Vec<_> = threaded.iter().map(|frame| frame.time).collect();
    assert_eq!(times, (0..65).map(|n| frame(n).time).collect::<Vec<_>>());
}

#[test]
fn another_look_would_be_noticed() {
    let films = [look(1.0, 0.7), look(0.9, 0.7), look(1.0, 0.6), look(0.0, 0.7), look(1.0, 0.0)]
        .map(|look| looped(engine(&look), 12));
    for (n, film) in films.iter().enumerate() {
        assert!(films[..n].iter().all(|other| other != film), "look {n} is one of those before it");
        assert!(
            film.iter().zip(0..).all(|(done, n)| done.pixels != frame(n).pixels),
            "look {n} does nothing"
        );
    }
}

#[test]
fn an_empty_film_is_an_empty_film() {
    assert!(threaded(engine(&look(1.0, 1.0)), 0).is_empty());
}

/// Takes no frame before the pipeline behind it is full, and keeps the largest
/// number of frames that were ever under way.
struct Slow {
    handed: Arc<AtomicU64>,
    taken: u64,
    full: u64,
    most: Arc<AtomicU64>,
}

impl Sink for Slow {
    fn write(&mut self, _: Frame) -> Result<()> {
        let under_way = || self.handed.load(Ordering::SeqCst) - self.taken;
        // The deadline is for a pipeline that never fills: it fails, not hangs.
        let deadline = Instant::now() + Duration::from_secs(60);
        while self.taken == 0 && under_way() < self.full && Instant::now() < deadline {
            std::thread::yield_now();
        }
        for _ in 0..50 {
            std::thread::yield_now();
            self.most.fetch_max(under_way(), Ordering::SeqCst);
        }
        self.taken += 1;
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

#[test]
fn a_slow_sink_bounds_what_is_under_way() {
    // Six workers (the sink is one) with a frame each, and five channels: of
    // four frames, or of one where frames are said to be huge.
    let huge = Size { width: Size::MAX_SIDE, height: Size::MAX_SIDE };
    for (size, full) in [(None, 6 + 5 * 4), (Some(huge), 6 + 5)] {
        let mut film = Film::new(300);
        film.info.size = size.unwrap_or(film.info.size);
        let most = Arc::new(AtomicU64::new(0));
        let sink = Slow { handed: film.handed.clone(), taken: 0, full, most: most.clone() };
        assert_eq!(run_file(film, sink, engine(&look(0.0, 0.0)), |_| {}).expect("runs"), 300);
        assert_eq!(most.load(Ordering::SeqCst), full);
    }
}

#[test]
fn a_stop_ends_the_film_with_the_frames_so_far() {
    let (film, shelf) = (Film::new(100_000), SheetKind::default());
    let (stop, handed) = (film.stop.clone(), film.handed.clone());
    let mut shown = 0;
    let written = run_file(film, shelf.clone(), engine(&look(1.0, 0.0)), |_| {
        shown += 1;
        if shown == 30 {
            stop.raise();
        }
    });
    let (kept, handed) = (shelf.kept(), handed.load(Ordering::SeqCst));
    assert!(kept.finished);
    let written = written.expect("a stop is no failure");
    // What is at work at the stop is finished, one in each stage; what only waits is not.
    assert!((30..30 + 6).contains(&written) && written < handed, "{written} of {handed} frames");
    let times: Vec<_> = kept.frames.iter().map(|frame| frame.time).collect();
    assert_eq!(times, (0..written).map(|n| frame(n).time).collect::<Vec<_>>());
}
