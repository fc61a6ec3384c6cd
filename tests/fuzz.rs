//! What strangers hand to the programs: a stored corpus, and what becomes of it when bytes are put in, taken out and
//! changed. `PROPTEST_CASES` asks for more of it; `cargo fuzz` does the same for hours (`fuzz/`).

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, TestRunner};
use stylewarp::app::fuzzing::TARGETS;

/// Cases of each kind, unless more are asked for.
const CASES: u32 = 2_000;

/// What parsers stumble over.
const PIECES: &[&[u8]] = &[
    b"nan",
    b"-inf",
    b"1e999",
    b"[",
    b"]",
    b"{",
    b"}",
    b"\"",
    b"'''",
    b"=",
    b":",
    b",",
    b"\n",
    b"\r\n",
    b"\0",
    b"/",
    b"..",
    b"%2e",
    b"@",
    b" ",
    "\u{feff}".as_bytes(),
    "\u{1f422}".as_bytes(),
    b"\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\0\0\0\0\0\0\0\0",
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

/// The inputs that are kept for one kind.
fn corpus(kind: &str) -> Vec<Vec<u8>> {
    let entries = fs::read_dir(folder().join("corpus").join(kind)).expect(kind);
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("readable").path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).expect("readable")).collect()
}

/// An input of the corpus with some bytes replaced by others.
fn spoilt(corpus: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let put = prop_oneof![
        vec(any::<u8>(), 0..6),
        (select(PIECES), select(&[1, 1, 1, 300][..])).prop_map(|(piece, times)| piece.repeat(times)),
    ];
    let edits = vec((any::<Index>(), 0..6_usize, put), 0..8);
    (select(corpus), edits).prop_map(|(mut bytes, edits)| {
        for (place, taken, put) in edits {
            let from = place.index(bytes.len() + 1);
            let to = (from + taken).min(bytes.len());
            bytes.splice(from..to, put);
        }
        bytes
    })
}

fn attack(kind: &str) {
    let (_, target) = TARGETS.iter().find(|(name, _)| *name == kind).expect(kind);
    let corpus = corpus(kind);
    corpus.iter().for_each(|bytes| target(bytes));
    let cases = Config::default().cases.max(CASES);
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let tried = runner.run(&spoilt(corpus), |bytes| {
        target(&bytes);
        Ok(())
    });
    if let Err(found) = tried {
        panic!("{kind}: {found}");
    }
}

#[test]
fn presets() {
    attack("preset");
}

#[test]
fn mixtures() {
    attack("mixture");
}

#[test]
fn style_files() {
    attack("style");
}

#[test]
fn messages_of_the_page() {
    attack("controls");
}

#[test]
fn heads_of_requests() {
    attack("head");
}

#[test]
fn every_kind_has_a_corpus_and_a_target_for_hours() {
    let kinds: BTreeSet<_> = TARGETS.iter().map(|(kind, _)| (*kind).to_owned()).collect();
    let names = |folder: PathBuf| -> BTreeSet<String> {
        let entries = fs::read_dir(folder).expect("there");
        let stem = |path: PathBuf| path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        entries.filter_map(|entry| stem(entry.expect("readable").path())).collect()
    };
    assert_eq!(names(folder().join("corpus")), kinds);
    assert_eq!(names(folder().join("fuzz_targets")), kinds);
    let package = fs::read_to_string(folder().join("Cargo.toml")).expect("there");
    assert!(kinds.iter().all(|kind| package.contains(&format!("name = \"{kind}\""))));
}
