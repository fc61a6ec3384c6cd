//! The bounds of `tests/quality.toml`: how good pictures must be.

use std::collections::BTreeMap;

use serde::Deserialize;

/// One bound; `since`, `of` and `because` are for whoever moves it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bound {
    most: Option<f64>,
    least: Option<f64>,
    /// The least and the most that was measured when it was last looked at.
    found: Option<[f64; 2]>,
    since: toml::value::Datetime,
    of: String,
    because: String,
}

impl Bound {
    /// What is missing for somebody who has to move it, if anything is.
    #[allow(dead_code, reason = "asked where the house is judged")]
    pub(crate) fn unexplained(&self) -> Option<String> {
        if self.of.is_empty() || self.because.is_empty() {
            return Some("it does not say what it is of, and why".into());
        }
        self.found.into_iter().flatten().find_map(|found| self.refuses(found))
    }

    /// Why a figure is beyond it, if it is. What is not a number is.
    fn refuses(&self, found: f64) -> Option<String> {
        let (word, bound) = match (self.most, self.least) {
            (Some(most), None) if found <= most => return None,
            (None, Some(least)) if found >= least => return None,
            (Some(most), None) => ("most", most),
            (None, Some(least)) => ("least", least),
            _ => return Some("it has to have one bound, `most` or `least`".into()),
        };
        let Self { since, of, because, .. } = self;
        Some(format!("{found}, not at {word} {bound} ({of}; since {since}, because {because})"))
    }
}

/// All of them, by their names: the table and the entry, a dot between.
pub(crate) fn bounds() -> BTreeMap<String, Bound> {
    let tables: BTreeMap<String, BTreeMap<String, Bound>> =
        toml::from_str(include_str!("../quality.toml")).expect("well formed");
    let entries = tables.into_iter().flat_map(|(table, bounds)| {
        bounds.into_iter().map(move |(name, bound)| (format!("{table}.{name}"), bound))
    });
    entries.collect()
}

/// Fails where a figure breaks the bound of this name.
#[allow(dead_code, reason = "asked where pictures are judged")]
#[expect(clippy::print_stdout, reason = "figures to be kept with the bounds")]
pub(crate) fn judge(name: &str, found: f64) {
    println!("quality {name} = {found:.4}");
    let bounds = bounds();
    let refused = bounds.get(name).expect(name).refuses(found);
    assert!(refused.is_none(), "{name}: {}", refused.unwrap_or_default());
}
