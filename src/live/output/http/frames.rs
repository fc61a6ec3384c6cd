//! Pictures on their way to viewers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
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
use crate::live::FramePair;

/// JPEG quality, 1..=100.
const QUALITY: u8 = 88;
/// A viewer who asks for nothing, or takes nothing, for so long has left.
const IDLE: Duration = Duration::from_secs(20);
/// Bytes of a message, and what is read of a viewer's connection at once: they say "next" and ping.
const MESSAGE: usize = 125;
const READ: usize = 4096;
/// Bytes before the JPEGs: when the frame was taken, in milliseconds of the session's clock, and the bytes of the first.
const HEADER: usize = 12;
const BOUNDARY: &str = "stylewarp";

/// What a viewer wants besides the picture, which has it as a second JPEG.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Beside {
    Nothing,
    /// What the camera gave.
    Original,
    /// How opaque the picture is, in grey; a picture that is not wholly so has its colours over black.
    Alpha,
}

impl Beside {
    /// Of a message that asks for the next picture.
    fn asked(text: &str) -> Option<Self> {
        match text {
            "next" => Some(Self::Nothing),
            "next with original" => Some(Self::Original),
            "next with alpha" => Some(Self::Alpha),
            _ => None,
        }
    }
}

/// How many viewers want what besides the picture: it is encoded for no one else.
#[derive(Debug, Default)]
pub(super) struct Wants([AtomicUsize; 2]);

impl Wants {
    fn count(&self, beside: Beside) -> Option<&AtomicUsize> {
        match beside {
            Beside::Nothing => None,
            Beside::Original => Some(&self.0[0]),
            Beside::Alpha => Some(&self.0[1]),
        }
    }

    fn any(&self, beside: Beside) -> bool {
        self.count(beside).is_some_and(|count| count.load(Ordering::Relaxed) > 0)
    }
}

/// One viewer's want, until it changes or the viewer leaves.
struct Want<'a>(&'a Wants, Beside);

impl Want<'_> {
    fn change(&mut self, beside: Beside) {
        if let Some(count) = self.0.count(self.1) {
            count.fetch_sub(1, Ordering::Relaxed);
        }
        if let Some(count) = self.0.count(beside) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.1 = beside;
    }
}

impl Drop for Want<'_> {
    fn drop(&mut self) {
        self.change(Beside::Nothing);
    }
}

/// An encoded frame.
#[derive(Clone)]
pub(super) struct Picture {
    number: u64,
    millis: f64,
    jpeg: Bytes,
    original: Option<Bytes>,
    alpha: Option<Bytes>,
}

impl Picture {
    /// Encodes a frame, and beside it what is wanted.
    pub(super) fn new(number: u64, pair: &FramePair, wants: &Wants) -> Result<Self, EncodingError> {
        let frame = &pair.finished;
        let original = wants.any(Beside::Original).then(|| jpeg(&pair.original)).transpose()?;
        let alpha = wants.any(Beside::Alpha).then(|| grey(frame)).transpose()?;
        Ok(Self { number, millis: frame.time.as_secs_f64() * 1e3, jpeg: jpeg(frame)?, original, alpha })
    }

    /// Whether it lacks something that somebody wants.
    pub(super) fn lacks(&self, wants: &Wants) -> bool {
        [Beside::Original, Beside::Alpha].into_iter().any(|beside| wants.any(beside) && !self.has(beside))
    }

    fn has(&self, beside: Beside) -> bool {
        beside == Beside::Nothing || self.beside(beside).is_some()
    }

    fn beside(&self, beside: Beside) -> Option<&Bytes> {
        match beside {
            Beside::Nothing => None,
            Beside::Original => self.original.as_ref(),
            Beside::Alpha => self.alpha.as_ref(),
        }
    }

    /// As viewers get it: the header, the picture, and what is beside it.
    fn message(&self, beside: Beside) -> Bytes {
        let second = self.beside(beside).map_or(&[][..], |bytes| bytes);
        let mut bytes = Vec::with_capacity(HEADER + self.jpeg.len() + second.len());
        bytes.extend_from_slice(&self.millis.to_le_bytes());
        // A JPEG of at most 16384x16384 pixels is far smaller than 4 GiB.
        bytes.extend_from_slice(&(self.jpeg.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&self.jpeg);
        bytes.extend_from_slice(second);
        bytes.into()
    }
}

fn jpeg(frame: &Frame) -> Result<Bytes, EncodingError> {
    let mut bytes = Vec::new();
    encode(&mut bytes, frame)?;
    Ok(bytes.into())
}

/// How opaque a frame is, as a grey JPEG.
fn grey(frame: &Frame) -> Result<Bytes, EncodingError> {
    let alpha: Vec<u8> = frame.pixels.iter().skip(3).step_by(4).copied().collect();
    let mut bytes = Vec::new();
    let (width, height) = (frame.size.width as u16, frame.size.height as u16);
    Encoder::new(&mut bytes, QUALITY).encode(&alpha, width, height, ColorType::Luma)?;
    Ok(bytes.into())
}

/// Adds a frame's JPEG.
pub(super) fn encode(bytes: &mut Vec<u8>, frame: &Frame) -> Result<(), EncodingError> {
    // Sides are at most 16384.
    let (width, height) = (frame.size.width as u16, frame.size.height as u16);
    Encoder::new(bytes, QUALITY).encode(&frame.pixels, width, height, ColorType::Rgba)
}

/// The latest picture after number `last` that has what is wanted beside it, as soon as there is one.
async fn newer(
    pictures: &mut watch::Receiver<Option<Picture>>,
    last: u64,
    beside: Beside,
) -> Option<Picture> {
    let fits = |picture: &Option<Picture>| picture.as_ref().is_some_and(|p| p.number > last && p.has(beside));
    pictures.wait_for(fits).await.ok()?.clone()
}

/// A WebSocket: for every text message "next" one binary message, eight bytes of time, four of a length, and a JPEG of
/// that length; for "next with original" and "next with alpha" a second JPEG after it.
pub(super) async fn frames(
    upgrade: WebSocketUpgrade,
    State(app): State<Arc<AppState>>,
    Extension(connection): Extension<Arc<Connection>>,
) -> Response {
    let Ok(seat) = app.seats.clone().try_acquire_owned() else { return full() };
    let (pictures, wants) = (app.pictures.clone(), app.wants.clone());
    // Nothing waits to be written longer than the message it belongs to.
    let upgrade =
        upgrade.max_message_size(MESSAGE).max_frame_size(MESSAGE).read_buffer_size(READ).write_buffer_size(0);
    upgrade.on_upgrade(async move |socket| play(socket, pictures, &wants, connection, seat).await)
}

async fn play(
    mut socket: WebSocket,
    mut pictures: watch::Receiver<Option<Picture>>,
    wants: &Wants,
    connection: Arc<Connection>,
    _seat: OwnedSemaphorePermit,
) {
    let (mut last, mut asked, mut want) = (0, None, Want(wants, Beside::Nothing));
    let mut heard = Instant::now();
    loop {
        let sent = tokio::select! {
            message = socket.recv() => {
                connection.turn().await;
                heard = Instant::now();
                match message {
                    Some(Ok(Message::Text(text))) => {
                        asked = Beside::asked(&text);
                        let Some(beside) = asked else { return };
                        want.change(beside);
                        continue;
                    }
                    // A ping has put its answer into the buffer. No more is read until that is on its way, so
                    // there is never more than one.
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => timeout(IDLE, socket.flush()).await,
                    _ => return,
                }
            }
            picture = newer(&mut pictures, last, want.1), if asked.is_some() => {
                let Some(picture) = picture else { return };
                (last, asked, heard) = (picture.number, None, Instant::now());
                timeout(IDLE, socket.send(Message::Binary(picture.message(want.1)))).await
            }
            () = sleep_until(heard + IDLE), if asked.is_none() => return,
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
                picture = newer(&mut pictures, last, Beside::Nothing) => picture,
                // While nothing comes, one who leaves is noticed.
                () = out.closed() => None,
            };
            let Some(picture) = picture else { return };
            last = picture.number;
            let jpeg = &picture.jpeg;
            let head =
                format!("--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n", jpeg.len());
            let part = [head.as_bytes(), jpeg, b"\r\n"].concat();
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
