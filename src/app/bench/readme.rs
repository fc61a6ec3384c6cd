//! The table of a benchmark, written into a text between two marks.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use crate::app::bench::{BenchReport, SIZES};
use crate::atomic_file::AtomicFile;
use crate::error::{Error, Result};

const BEGIN: &str = "<!-- bench -->\n";
const END: &str = "<!-- /bench -->";

/// Replaces what stands between the marks in a file.
///
/// # Errors
/// Returns an error if the file cannot be read or written, or lacks a mark.
pub fn write(report: &BenchReport, path: &Path) -> Result<()> {
    let text =
        std::fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
    let text = replaced(&text, &table(report)).ok_or_else(|| Error::Read {
        path: path.to_owned(),
        source: std::io::Error::other(format!("it has no line {} with a line {END} after it", BEGIN.trim())),
    })?;
    let file = AtomicFile::create(path, true)?;
    file.file().write_all(text.as_bytes()).map_err(|reason| file.cannot_write(reason))?;
    file.commit()
}

fn replaced(text: &str, table: &str) -> Option<String> {
    let begin = text.find(BEGIN)? + BEGIN.len();
    let end = begin + text[begin..].find(END)?;
    Some([&text[..begin], table, &text[end..]].concat())
}

/// Stages as rows, sizes of frames as columns; without networks by themselves, and the encoder that is not the usual one.
fn table(report: &BenchReport) -> String {
    let mut text = format!(
        "GEMM peak of the {}: {:.0} GFLOP/s. ",
        if report.device == "cpu" { "processor" } else { report.device },
        report.peak
    );
    if let Some(film) = &report.film {
        let _ = write!(text, "{film}. ");
    }
    text += "Milliseconds a frame, and share of the peak:\n\n| |";
    let sizes = SIZES.map(|size| size.to_string());
    sizes.iter().for_each(|size| {
        let _ = write!(text, " {size} |");
    });
    text += "\n|---|---|---|\n";
    let mut rows: Vec<(String, [String; SIZES.len()])> = Vec::new();
    for timing in &report.timings {
        let Some(column) = sizes.iter().position(|size| timing.name.contains(size.as_str())) else {
            continue;
        };
        if timing.name.ends_with(", reference") {
            continue;
        }
        let stage = timing.name.replace(&format!(" {}", sizes[column]), "").replace(", fast", "");
        let mut cell = format!("{:.1}", timing.millis);
        if let Some(share) = timing.share_of_peak {
            let _ = write!(cell, " ({:.0} %)", share * 100.0);
        }
        let row = match rows.iter().position(|(name, _)| *name == stage) {
            Some(row) => row,
            None => {
                rows.push((stage, Default::default()));
                rows.len() - 1
            }
        };
        rows[row].1[column] = cell;
    }
    for (stage, cells) in rows {
        let _ = writeln!(text, "| {stage} | {} |", cells.join(" | "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::bench::Timing;

    #[test]
    fn a_table_has_a_row_for_each_stage_and_replaces_the_one_before() {
        let timing = |name: &str, millis, share_of_peak| Timing { name: name.into(), millis, share_of_peak };
        let report = BenchReport {
            device: "cpu",
            peak: 429.4,
            timings: vec![
                timing("match", 1.25, Some(0.5)),
                timing("analyse 640x360, reference", 86.0, None),
                timing("analyse 640x360, fast", 9.04, None),
                timing("paint 640x360", 15.0, Some(0.264)),
                timing("warp 640x360, CPU", 1.0, None),
                timing("paint 1280x720", 43.0, Some(0.36)),
            ],
            fast_over_reference: 9.0,
            painter_over_peer: None,
            film: None,
        };
        let text = replaced("before\n<!-- bench -->\nold\n<!-- /bench -->\nafter\n", &table(&report));
        assert_eq!(
            text.as_deref(),
            Some(
                "before\n<!-- bench -->\nGEMM peak of the processor: 429 GFLOP/s. Milliseconds a frame, and share of \
                 the peak:\n\n| | 640x360 | 1280x720 |\n|---|---|---|\n| analyse | 9.0 |  |\n| paint | 15.0 (26 %) \
                 | 43.0 (36 %) |\n| warp, CPU | 1.0 |  |\n<!-- /bench -->\nafter\n"
            )
        );
        for broken in ["no mark", "<!-- /bench -->\n<!-- bench -->\n"] {
            assert_eq!(replaced(broken, "x"), None);
        }
    }
}
