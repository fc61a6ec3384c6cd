//! Pictures on their way to viewers.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::SinkExt as _;
use jpeg_encoder::{ColorType, Encoder, EncodingError};
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};

use super::AppState;
use super::connections::Connection;
use crate::frame::Frame;

/// JPEG quality, 1..=100.
const QUALITY: u8 = 88;
/// A viewer who asks for nothing, or takes nothing, for so long has left.
const IDLE: Duration = Duration::from_secs(20);
/// Bytes of a message, and what is read of a viewer's connection at once: they say "next" and ping.
const MESSAGE: usize = 125;
const READ: usize = 4096;
/// Bytes before the JPEG: when the frame was taken, in milliseconds of the session's clock.
const HEADER: usize = 8;
const BOUNDARY: &str = "stylewarp";

/// An encoded frame.
#[derive(Clone)]
pub(super) struct Picture {
    number: u64,
    bytes: Bytes,
}

impl Picture {
    /// Encodes a frame.
    pub(super) fn new(number: u64, frame: &Frame) -> Result<Self, EncodingError> {
        let mut bytes = (frame.time.as_secs_f64() * 1e3).to_le_bytes().to_vec();
        encode(&mut bytes, frame)?;
        Ok(Self { number, bytes: bytes.into() })
    }

    fn jpeg(&self) -> Bytes {
        self.bytes.slice(HEADER..)
    }
}

/// Adds a frame's JPEG.
pub(super) fn encode(bytes: &mut Vec<u8>, frame: &Frame) -> Result<(), EncodingError> {
    // Sides are at most 16384.
    let (width, height) = (frame.size.width as u16, frame.size.height as u16);
    Encoder::new(bytes, QUALITY).encode(&frame.pixels, width, height, ColorType::Rgba)
}

/// The latest picture after number `last`, as soon as there is one.
async fn newer(pictures: &mut watch::Receiver<Option<Picture>>, last: u64) -> Option<Picture> {
    let is_newer = |picture: &Option<Picture>| picture.as_ref().is_some_and(|p| p.number > last);
    pictures.wait_for(is_newer).await.ok()?.clone()
}

/// A WebSocket: one binary message, eight bytes of time and a JPEG, for every text message "next".
pub(super) async fn frames(
    upgrade: WebSocketUpgrade,
    State(app): State<Arc<AppState>>,
    Extension(connection): Extension<Arc<Connection>>,
) -> Response {
    let Ok(seat) = app.seats.clone().try_acquire_owned() else { return full() };
    let pictures = app.pictures.clone();
    // Nothing waits to be written longer than the message it belongs to.
    let upgrade =
        upgrade.max_message_size(MESSAGE).max_frame_size(MESSAGE).read_buffer_size(READ).write_buffer_size(0);
    upgrade.on_upgrade(move |socket| play(socket, pictures, connection, seat))
}

async fn play(
    mut socket: WebSocket,
    mut pictures: watch::Receiver<Option<Picture>>,
    connection: Arc<Connection>,
    _seat: OwnedSemaphorePermit,
) {
    // Not the one that was left from viewers before.
    let mut last = pictures.borrow().as_ref().map_or(0, |picture| picture.number);
    let mut wants = false;
    let mut heard = Instant::now();
    loop {
        let sent = tokio::select! {
            message = socket.recv() => {
                connection.turn().await;
                heard = Instant::now();
                match message {
                    Some(Ok(Message::Text(text))) if text == "next" => {
                        wants = true;
                        continue;
                    }
                    // A ping has put its answer into the buffer. No more is read until that is on its way, so
                    // there is never more than one.
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => timeout(IDLE, socket.flush()).await,
                    _ => return,
                }
            }
            picture = newer(&mut pictures, last), if wants => {
                let Some(picture) = picture else { return };
                (last, wants, heard) = (picture.number, false, Instant::now());
                timeout(IDLE, socket.send(Message::Binary(picture.bytes))).await
            }
            () = sleep_until(heard + IDLE), if !wants => return,
        };
        if !matches!(sent, Ok(Ok(()))) {
            return;
        }
    }
}

/// The same as a never-ending multipart answer, for programs that know MJPEG.
pub(super) async fn mjpeg(State(app): State<Arc<AppState>>) -> Response {
    let Ok(seat) = app.seats.clone().try_acquire_owned() else { return full() };
    let mut pictures = app.pictures.clone();
    let (out, parts) = mpsc::channel::<Bytes>(1);
    tokio::spawn(async move {
        let _seat = seat;
        let mut last = 0;
        loop {
            let picture = tokio::select! {
                picture = newer(&mut pictures, last) => picture,
                // While nothing comes, one who leaves is noticed.
                () = out.closed() => None,
            };
            let Some(picture) = picture else { return };
            last = picture.number;
            let jpeg = picture.jpeg();
            let head =
                format!("--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n", jpeg.len());
            let part = [head.as_bytes(), &jpeg, b"\r\n"].concat();
            if !matches!(timeout(IDLE, out.send(part.into())).await, Ok(Ok(()))) {
                return;
            }
        }
    });
    let parts = futures_util::stream::unfold(parts, async |mut parts| {
        parts.recv().await.map(|part| (Ok::<_, std::convert::Infallible>(part), parts))
    });
    let kind = format!("multipart/x-mixed-replace; boundary={BOUNDARY}");
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-store".into())], Body::from_stream(parts))
        .into_response()
}

fn full() -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, "too many viewers").into_response()
}
