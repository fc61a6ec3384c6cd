//! The looks' thumbnails as JPEG, each drawn once, when it is first asked for.

use std::collections::BTreeMap;

use axum::body::Bytes;
use tokio::sync::OnceCell;

use super::frames;
use crate::live::thumbnail;

/// Thumbnails by the name of their look. Names only: no path reaches the file system.
pub(super) struct Thumbnails(BTreeMap<String, OnceCell<Option<Bytes>>>);

impl Thumbnails {
    pub(super) fn of(looks: &[String]) -> Self {
        Self(looks.iter().map(|look| (look.clone(), OnceCell::new())).collect())
    }

    /// The thumbnail of a look, `Some(None)` if it cannot be drawn, `None` if there is no such look. Whoever asks
    /// while it is being drawn waits for the same one.
    pub(super) async fn get(&self, look: &str) -> Option<Option<Bytes>> {
        let (look, cell) = self.0.get_key_value(look)?;
        let drawn = cell.get_or_init(async || {
            let look = look.clone();
            tokio::task::spawn_blocking(move || jpeg(&look)).await.ok().flatten()
        });
        Some(drawn.await.clone())
    }
}

fn jpeg(look: &str) -> Option<Bytes> {
    let mut jpeg = Vec::new();
    let drawn = thumbnail::draw(look).ok()?;
    frames::encode(&mut jpeg, &drawn).ok()?;
    Some(jpeg.into())
}
