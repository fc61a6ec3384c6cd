//! Whatever ends a run, its own name is on it, and the sink is left unfinished.

use stylewarp::frame::Frame;
use stylewarp::jobs::video::run_file;
use stylewarp::nn::error::NetworkError;
use stylewarp::video::write::Sink;
use stylewarp::{Error, Result};

use crate::doubles::{Film, SIZE, SheetKind, engine, engine_on, failure, frame, look};
use crate::networks;

/// Runs a film that has no end of its own, or only the one it is given.
fn failed(film: Film, shelf: &SheetKind) -> Error {
    let error = run_file(film, shelf.clone(), engine(&look(1.0, 1.0)), |_| {}).expect_err("fails");
    assert!(!shelf.kept().finished, "finished in spite of {error}");
    error
}

fn is_of(error: &Error, whose: &str) -> bool {
    error.to_string() == failure(whose).to_string()
}

#[test]
fn a_failing_sink_is_named_and_not_its_echo() {
    for room in [0, 1, 20] {
        let shelf = SheetKind { room: Some(room), ..SheetKind::default() };
        let error = failed(Film::new(100_000), &shelf);
        assert!(is_of(&error, "sink"), "{error}");
        assert_eq!(shelf.kept().frames.len(), room);
    }
}

#[test]
fn a_failing_source_is_named() {
    for count in [0, 1, 20] {
        let shelf = SheetKind::default();
        let film = Film { end: || Err(failure("source")), ..Film::new(count) };
        let error = failed(film, &shelf);
        assert!(is_of(&error, "source"), "{error}");
    }
}

#[test]
fn a_sink_that_cannot_finish_is_named() {
    let shelf = SheetKind { broken: true, ..SheetKind::default() };
    let error = failed(Film::new(3), &shelf);
    assert!(is_of(&error, "finish"), "{error}");
}

#[test]
fn a_panic_is_reported_by_the_name_of_its_stage() {
    let shelf = SheetKind::default();
    let film = Film { end: || panic!("on purpose, by a test"), ..Film::new(5) };
    let error = failed(film, &shelf);
    assert!(matches!(error, Error::Stage { name: "decode" }), "{error}");
}

#[test]
fn a_network_that_fails_in_the_middle_is_named() {
    let models = networks::Copy::new();
    models.replace("painter.onnx", &networks::substitute("fussy_painter.onnx"));
    let engine = engine_on(models.folder().into(), &look(0.0, 1.0)).expect("it opens");
    let white = || Ok(Some(Frame::filled(SIZE, frame(20).time, [255; 4])));
    let shelf = SheetKind::default();
    let film = Film { end: white, ..Film::new(20) };
    let error = run_file(film, shelf.clone(), engine, |_| {}).expect_err("white is too much");
    assert!(
        matches!(error.downcast_ref(), Some(NetworkError::Ort { doing, .. }) if doing == "running painter.onnx"),
        "{error}"
    );
    assert_eq!(shelf.kept().frames.len(), 20);
    assert!(!shelf.kept().finished);
}

/// The doubles must be able to tell success from failure.
#[test]
fn a_film_without_a_failure_does_not_fail() {
    let shelf = SheetKind::default();
    run_file(Film::new(3), shelf.clone(), engine(&look(1.0, 1.0)), |_| {}).expect("runs");
    assert!(shelf.kept().finished);
    let mut full = SheetKind { room: Some(0), ..SheetKind::default() };
    let refused: Result<()> = full.write(frame(0));
    assert!(refused.is_err());
}
