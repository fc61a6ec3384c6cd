//! Thumbnails of looks and paintings as JPEG, each drawn once, when it is first asked for.

use std::collections::BTreeMap;

use axum::body::Bytes;
use tokio::sync::OnceCell;

use super::frames;
use crate::error::Result;
use crate::frame::Frame;

/// Draws the thumbnail of a name.
type Draw = fn(&str) -> Result<Frame>;

/// Thumbnails by their names. Names only: no path reaches the file system.
pub(super) struct Thumbnails(BTreeMap<String, OnceCell<Option<Bytes>>>, Draw);

impl Thumbnails {
    pub(super) fn of(names: &[String], draw: Draw) -> Self {
        Self(names.iter().map(|name| (name.clone(), OnceCell::new())).collect(), draw)
    }

    /// The thumbnail of a name, `Some(None)` if it cannot be drawn, `None` if there is no such name. Whoever asks
    /// while it is being drawn waits for the same one.
    pub(super) async fn get(&self, name: &str) -> Option<Option<Bytes>> {
        let (name, cell) = self.0.get_key_value(name)?;
        let draw = self.1;
        let drawn = cell.get_or_init(async || {
            let name = name.clone();
            tokio::task::spawn_blocking(move || jpeg(draw(&name).ok()?)).await.ok().flatten()
        });
        Some(drawn.await.clone())
    }
}

fn jpeg(drawn: Frame) -> Option<Bytes> {
    let mut jpeg = Vec::new();
    frames::encode(&mut jpeg, &drawn).ok()?;
    Some(jpeg.into())
}
