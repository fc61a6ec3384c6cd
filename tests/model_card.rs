//! The model card says of every network what the manifest says.

use std::collections::BTreeSet;
use std::path::Path;

use stylewarp::nn::models::Models;
use stylewarp::nn::network::{FileSpec, TensorSpec};

/// A tensor as the card writes it: a letter stands for any size.
type Told = (String, Vec<Option<i64>>);

fn models() -> Models {
    Models::find(Some(&Path::new(env!("CARGO_MANIFEST_DIR")).join("models"))).expect("the networks")
}

fn card() -> String {
    std::fs::read_to_string(models().folder().join("README.md")).expect("the card")
}

/// The cells of the rows of all tables: rows of letters and figures only.
fn rows(text: &str) -> Vec<Vec<String>> {
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
    text.lines().filter(|line| line.starts_with('|') && !line.starts_with("|---")).map(cells).collect()
}

/// The rows about networks.
fn networks(text: &str) -> Vec<Vec<String>> {
    let of_network = |row: &Vec<String>| row[0].starts_with('`') && row[0].contains(".onnx`");
    rows(text).into_iter().filter(of_network).collect()
}

/// Tensors of a cell such as "`a`, `b` [1,3], `c1`..`3` [C]".
fn tensors(cell: &str) -> Vec<Told> {
    let mut told = Vec::new();
    let mut waiting: Vec<String> = Vec::new();
    let mut rest = cell;
    while let Some(at) = rest.find(['`', '[']) {
        let (before, found) = rest.split_at(at);
        let end = if found.starts_with('`') { '`' } else { ']' };
        let (inside, after) = found[1..].split_once(end).expect("closed");
        if end == ']' {
            let shape: Vec<_> = inside.split(',').map(|side| side.trim().parse().ok()).collect();
            told.extend(waiting.drain(..).map(|name| (name, shape.clone())));
        } else if before == ".." {
            let first = waiting.last().expect("a range begins").clone();
            let (stem, first) = first.split_at(first.len() - 1);
            let numbers = first.parse::<u32>().expect("a number") + 1..=inside.parse().expect("a number");
            waiting.extend(numbers.map(|number| format!("{stem}{number}")));
        } else {
            waiting.push(inside.to_owned());
        }
        rest = after;
    }
    told
}

/// A size may vary where the card has a letter, and only there; a letter may also stand for several numbers.
fn fits(told: &[Told], given: &[TensorSpec]) -> bool {
    let side = |(told, given): (&Option<i64>, &i64)| told.is_none_or(|told| told == *given);
    let tensor = |((name, shape), given): (&Told, &TensorSpec)| {
        *name == given.name && shape.len() == given.shape.len() && shape.iter().zip(&given.shape).all(side)
    };
    told.len() == given.len() && told.iter().zip(given).all(tensor)
}

/// Whether "0.33 G", or "556 k a pixel" with more behind it, is a number rounded.
fn is_rounded(text: &str, exactly: f64) -> bool {
    let mut words = text.split([' ', ',']);
    let Some(figures) = words.next() else { return false };
    let Ok(number) = figures.parse::<f64>() else { return false };
    let unit = match words.next() {
        Some("G") => 1e9,
        Some("M") => 1e6,
        Some("k") => 1e3,
        _ => 1.0,
    };
    let decimals = figures.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    (number - exactly / unit).abs() <= 0.5 * 10_f64.powi(-(decimals as i32)) + 1e-9
}

#[test]
fn every_network_has_a_row_that_is_right() {
    let (models, text) = (models(), card());
    let rows = networks(&text);
    let is_network = |file: &&FileSpec| file.name.ends_with(".onnx");
    for file in models.files().iter().filter(is_network) {
        let of_file = format!("`{}`", file.name);
        let row = rows.iter().find(|row| row[0].contains(&of_file));
        let row = row.unwrap_or_else(|| panic!("no row of {}", file.name));
        assert!(fits(&tensors(&row[1]), &file.inputs), "{}: {} is not {:?}", file.name, row[1], file.inputs);
        assert!(
            fits(&tensors(&row[2]), &file.outputs),
            "{}: {} is not {:?}",
            file.name,
            row[2],
            file.outputs
        );
        match (file.macs, file.macs_per_pixel) {
            (Some(macs), _) => {
                assert!(is_rounded(&row[4], macs as f64), "{}: {} of {macs}", file.name, row[4])
            }
            (None, Some(macs)) => {
                assert!(row[4].contains("a pixel") && is_rounded(&row[4], macs), "{}: {}", file.name, row[4]);
            }
            (None, None) => {}
        }
    }
    assert_eq!(
        rows.len(),
        models.files().iter().filter(is_network).count(),
        "rows of networks that are not there"
    );
}

#[test]
fn the_table_of_paintings_names_painters_that_are_there() {
    let (models, text) = (models(), card());
    let painters: BTreeSet<&str> = models
        .files()
        .iter()
        .filter_map(|file| file.name.strip_prefix("painters/")?.strip_suffix(".safetensors"))
        .collect();
    let table =
        text.split_once("<!-- painters -->").and_then(|(_, rest)| rest.split_once("<!-- /painters -->"));
    let rows = rows(table.expect("the markers").0);
    let (head, told) = rows.split_first().expect("a head");
    let missing: Vec<_> = told
        .iter()
        .map(|row| &row[0])
        .filter(|name| *name != "mean" && !painters.contains(name.as_str()))
        .collect();
    assert!(missing.is_empty() && told.len() > 1, "{missing:?}");
    assert!(told.iter().all(|row| row.len() == head.len()), "a row is cut off");
    // The means are those of the rows above.
    let column = |row: &[String], n: usize| row[n].parse::<f64>().expect("a figure");
    let (mean, above) = told.split_last().expect("rows");
    for (n, name) in head.iter().enumerate().skip(1) {
        let found = above.iter().map(|row| column(row, n)).sum::<f64>() / above.len() as f64;
        assert!((found - column(mean, n)).abs() < 0.011, "{name}: {found}");
    }
    assert!(text.contains(&format!("{} paintings", painters.len())), "the number of paintings");
}

#[test]
fn wrong_rows_are_found() {
    let spec = |name: &str, shape: &[i64]| TensorSpec { name: name.into(), shape: shape.to_vec() };
    let told = tensors("`a`, `b` [1,3] less 0.5, `c1`..`3` [C], `d` [1,H,W/4]");
    let names: Vec<_> = told.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["a", "b", "c1", "c2", "c3", "d"]);
    assert_eq!(told[5].1, [Some(1), None, None]);
    assert!(fits(&tensors("`a` [1,C]"), &[spec("a", &[1, 64])]));
    assert!(!fits(&tensors("`a` [2,C]"), &[spec("a", &[1, 64])]));
    assert!(!fits(&tensors("`a` [1,C]"), &[spec("b", &[1, 64])]));
    assert!(!fits(&[], &[spec("b", &[1, 64])]));
    assert!(is_rounded("19.6 G", 19_625_148_416.0) && !is_rounded("19.5 G", 19_625_148_416.0));
    assert!(is_rounded("3594 a pixel, 0.83 G at 640x360", 3594.0) && !is_rounded("556 k a pixel", 557_000.0));
}
