//! Thumbnails of looks and paintings as JPEG, each drawn once, when it is first asked for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use tokio::sync::OnceCell;

use super::frames;
use crate::error::Result;
use crate::frame::Frame;

/// Draws the thumbnail of a name.
type Draw = fn(&str) -> Result<Frame>;

/// A thumbnail; `None` if it cannot be drawn.
type Drawn = OnceCell<Option<Bytes>>;

/// Thumbnails by their names.
pub(super) struct Thumbnails(Mutex<BTreeMap<String, Arc<Drawn>>>, Draw);

impl Thumbnails {
    pub(super) fn of(draw: Draw) -> Self {
        Self(Mutex::default(), draw)
    }

    /// The thumbnail of a name, `Some(None)` if it cannot be drawn, `None` if it is none of those that are known: no path
    /// reaches the file system. Whoever asks while it is being drawn waits for the same one.
    pub(super) async fn get(&self, name: &str, known: &[String]) -> Option<Option<Bytes>> {
        let name = known.iter().find(|known| *known == name)?.clone();
        let cell = {
            let mut cells = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            cells.entry(name.clone()).or_default().clone()
        };
        let draw = self.1;
        let drawn = cell.get_or_init(async || {
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
