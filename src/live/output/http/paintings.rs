//! Paintings of whoever sits at the page: dropped onto it, worn, and made better.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;

use super::AppState;
use crate::live::controls::Piece;
use crate::live::dropped;

/// Bytes of a painting, which the page has made as small as is good for it.
pub(super) const MOST_BYTES: usize = 24 << 20;

/// Puts on the brushwork of a painting that was dropped onto the page.
pub(super) async fn wear(
    State(app): State<Arc<AppState>>,
    Path(name): Path<String>,
    picture: Bytes,
) -> Response {
    let report = app.live.report;
    match tokio::task::spawn_blocking(move || dropped::keep(&name, &picture)).await {
        Ok(Ok(path)) => {
            app.live.controls.put_on(Piece::Texture(path));
            StatusCode::NO_CONTENT.into_response()
        }
        Ok(Err(error)) => (StatusCode::BAD_REQUEST, report(&error, "not taken")).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// What to do about tuning.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tune {
    what: Verb,
    /// How long, for who begins.
    minutes: Option<f64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Verb {
    Begin,
    Pause,
    Resume,
    Stop,
}

/// Tunes to the painting that is worn, or does so no more.
pub(super) async fn tune(
    State(app): State<Arc<AppState>>,
    Json(Tune { what, minutes }): Json<Tune>,
) -> Response {
    let tuning = &app.live.tuning;
    match what {
        Verb::Begin => {
            if let Err(error) = tuning.begin(minutes) {
                return (StatusCode::CONFLICT, (app.live.report)(&error, "not tuned")).into_response();
            }
        }
        Verb::Pause => tuning.pause(true),
        Verb::Resume => tuning.pause(false),
        Verb::Stop => tuning.stop(),
    }
    StatusCode::NO_CONTENT.into_response()
}
