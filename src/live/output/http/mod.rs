//! The session in a browser: `/source` is a page of nothing but the picture, for
//! OBS's browser source on any system; `/` has the same picture with the dials.
//!
//! Pictures are encoded once, however many watch. A viewer asks for the next
//! picture when it has received the last, so what a slow one misses is skipped
//! and never piles up, in this program or in the network. Every viewer is a task
//! of its own; none can hold up another, or the session, which does not even
//! know of them.
//!
//! Only this machine can connect, unless told otherwise; and only whoever knows
//! the address with its random token, and no page of the web, may ask (`guard`).
//! Connections are few, and all end (`connections`).

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, watch};

use crate::cancel::CancelToken;
use crate::error::{Error, Result};
use crate::image_file;
use crate::live::controls::ControlUpdate;
use crate::live::error::LiveError;
use crate::live::latest::{Received, Receiver};
use crate::live::{FramePair, SessionHandle, thumbnail};

mod connections;
mod frames;
pub(crate) mod guard;
mod paintings;
mod thumbnails;
mod token;

use frames::{Picture, Wants};
use guard::Guard;
use thumbnails::Thumbnails;
use token::Token;

/// The port that OBS users are told about.
pub const PORT: u16 = 8787;
/// Viewers at a time.
const MOST_VIEWERS: usize = 32;
/// Bytes a request may carry.
const MOST_BYTES: usize = 4096;
/// How long a stage waits before it looks whether it should end.
const PATIENCE: Duration = Duration::from_millis(100);

/// Where and for whom to serve.
#[derive(Debug, Clone, Copy)]
pub struct ServeOptions {
    /// Address and port; port 0 takes one that is free.
    pub address: SocketAddr,
    /// Whether other machines may connect.
    pub insecure: bool,
    /// Whether the page gets a new address, so that the one before no longer works.
    pub new_token: bool,
}

/// The page being served.
pub struct Server {
    /// Where it really is.
    pub address: SocketAddr,
    /// The whole address of the page with the dials, token and all; it ends in a slash.
    pub page: String,
    threads: [JoinHandle<()>; 2],
}

/// What every request can reach.
struct AppState {
    live: SessionHandle,
    pictures: watch::Receiver<Option<Picture>>,
    thumbnails: Thumbnails,
    paintings: Thumbnails,
    /// What viewers want besides the picture.
    wants: Arc<Wants>,
    /// Places for viewers.
    seats: Arc<Semaphore>,
}

/// Takes the address, before anything else is started that could be in vain.
///
/// # Errors
/// [`LiveError::NotLoopback`], [`LiveError::Serve`] where the port is taken or forbidden.
pub fn bind(options: ServeOptions) -> Result<TcpListener> {
    let address = options.address;
    if !address.ip().is_loopback() && !options.insecure {
        return Err(LiveError::NotLoopback { address }.into());
    }
    let listener = TcpListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        Ok(listener)
    });
    listener.map_err(|source| LiveError::Serve { address, source }.into())
}

/// Serves a session's pictures until it stops.
///
/// # Errors
/// Returns an error if a thread or the server cannot be started.
pub fn start(
    listener: TcpListener,
    options: ServeOptions,
    live: &SessionHandle,
    stop: &CancelToken,
) -> Result<Server> {
    let failed = |source| LiveError::Serve { address: options.address, source };
    let address = listener.local_addr().map_err(failed)?;
    let token = Token::load(options.new_token).map_err(failed)?;
    let page = format!("http://{address}/{}/", token.as_str());
    let (pictures_out, pictures) = watch::channel(None);
    let (seats, wants) = (Arc::new(Semaphore::new(MOST_VIEWERS)), Arc::new(Wants::default()));
    let app = AppState {
        live: live.clone(),
        pictures,
        thumbnails: Thumbnails::of(thumbnail::draw),
        paintings: Thumbnails::of(thumbnail::painting),
        wants: wants.clone(),
        seats: seats.clone(),
    };
    let router = router(Arc::new(app));
    let guard = Arc::new(Guard { address, insecure: options.insecure, token });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let frames = live.frames.subscribe();
    let (encoding, serving) = (stop.clone(), stop.clone());
    let thread = |name: &'static str, work: Box<dyn FnOnce() + Send>| {
        Builder::new().name(name.into()).spawn(work).map_err(|_| Error::Stage { name })
    };
    let threads = [
        thread("jpeg", Box::new(move || encode_all(&frames, &seats, &wants, &pictures_out, &encoding)))?,
        thread(
            "serve",
            Box::new(move || {
                let served = runtime.block_on(async {
                    let listener = tokio::net::TcpListener::from_std(listener)?;
                    tokio::select! {
                        never = connections::serve(listener, guard, router) => match never {},
                        () = stopped(&serving) => Ok::<_, std::io::Error>(()),
                    }
                });
                if let Err(error) = served {
                    tracing::warn!("the page is no longer served: {error}");
                }
                // Viewers' tasks are cut off, not waited for.
                runtime.shutdown_background();
            }),
        )?,
    ];
    Ok(Server { address, page, threads })
}

impl Server {
    /// Waits for its end; the session has to be stopped first.
    pub fn join(self) {
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::warn!("the page's server broke down; this is a bug");
            }
        }
    }
}

async fn stopped(stop: &CancelToken) {
    while !stop.is_raised() {
        tokio::time::sleep(PATIENCE).await;
    }
}

/// Encodes the latest frame over and over, while anyone watches. Who comes while the picture stands still gets the last
/// one; nobody gets one that is older because nobody was there to see the next.
fn encode_all(
    frames: &Receiver<FramePair>,
    seats: &Semaphore,
    wants: &Wants,
    out: &watch::Sender<Option<Picture>>,
    stop: &CancelToken,
) {
    let (mut number, mut last, mut is_new) = (0, None, false);
    while !stop.is_raised() {
        match frames.take(PATIENCE) {
            Received::Item(pair) => (last, is_new) = (Some(pair), true),
            Received::Nothing => {}
            Received::Closed => break,
        }
        let Some(pair) = &last else { continue };
        if seats.available_permits() == MOST_VIEWERS {
            if is_new {
                out.send_replace(None);
            }
        } else if is_new || out.borrow().as_ref().is_none_or(|picture| picture.lacks(wants)) {
            number += 1;
            is_new = false;
            match Picture::new(number, pair, wants) {
                Ok(picture) => drop(out.send_replace(Some(picture))),
                Err(error) => tracing::debug!("a picture cannot be encoded: {error}"),
            }
        }
    }
}

fn router(app: Arc<AppState>) -> Router {
    Router::new()
        .route("/", get(async || page(include_str!("control.html"))))
        .route("/source", get(async || page(include_str!("source.html"))))
        .route("/player.js", get(async || script(include_str!("player.js"))))
        .route("/control.js", get(async || script(include_str!("control.js"))))
        .route("/frames", get(frames::frames))
        .route("/stream.mjpg", get(frames::mjpeg))
        .route("/api/state", get(state))
        .route("/api/turn", post(set_params))
        .route("/api/record", post(record))
        .route("/api/tune", post(paintings::tune))
        .route(
            "/api/painting/{name}",
            post(paintings::wear).layer(DefaultBodyLimit::max(paintings::MOST_BYTES)),
        )
        .route("/snapshot.png", get(snapshot))
        .route("/thumbnails/{look}", get(look))
        .route("/paintings/{painting}", get(painting))
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .with_state(app)
}

fn page(text: &'static str) -> impl IntoResponse {
    ([(header::CACHE_CONTROL, "no-store")], Html(text))
}

fn script(text: &'static str) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/javascript"), (header::CACHE_CONTROL, "no-store")], text)
}

async fn state(State(app): State<Arc<AppState>>) -> Json<Value> {
    let live = &app.live;
    let (controls, now) = (&live.controls, live.clock.now());
    Json(json!({
        "dials": controls.state(), "own": controls.own(), "looks": *controls.looks(), "paintings": controls.paintings(),
        "notice": controls.notices.line(), "notices": controls.notices.all(),
        "camera_lost": controls.notices.of("camera").is_some(),
        "reading": live.stats.read(now), "devices": live.devices, "now_ms": now.as_secs_f64() * 1e3,
        "tuning": live.tuning.status(),
        "recording_secs": live.recorder.since().map(|since| since.elapsed().as_secs()),
    }))
}

async fn set_params(State(app): State<Arc<AppState>>, Json(turn): Json<ControlUpdate>) -> Response {
    match app.live.controls.set_params(turn) {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, (app.live.report)(&error, "stylewarp")).into_response(),
    }
}

/// Whether to record.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    on: bool,
}

/// Begins a recording in the session's folder, or ends it; what was done.
async fn record(State(app): State<Arc<AppState>>, Json(Record { on }): Json<Record>) -> Response {
    // An encoder takes its time to open, and a file to be closed.
    let done = tokio::task::spawn_blocking(move || {
        let told = match on {
            true => app.live.start_recording(),
            false => app.live.end_recording(),
        };
        told.map_err(|error| (app.live.report)(&error, "no recording"))
    });
    match done.await {
        Ok(Ok(told)) => told.into_response(),
        Ok(Err(told)) => (StatusCode::CONFLICT, told).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// The picture as it is now, transparent where it is.
async fn snapshot(State(app): State<Arc<AppState>>) -> Response {
    let Some(pair) = app.live.frames.last() else {
        return (StatusCode::SERVICE_UNAVAILABLE, "there is no picture yet").into_response();
    };
    let encoded = tokio::task::spawn_blocking(move || image_file::png(&pair.finished));
    match encoded.await {
        Ok(Ok(png)) => {
            ([(header::CONTENT_TYPE, "image/png"), (header::CACHE_CONTROL, "no-store")], png).into_response()
        }
        _ => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn look(State(app): State<Arc<AppState>>, Path(look): Path<String>) -> Response {
    picture(app.thumbnails.get(&look, &app.live.controls.looks()).await)
}

async fn painting(State(app): State<Arc<AppState>>, Path(painting): Path<String>) -> Response {
    picture(app.paintings.get(&painting, app.live.controls.paintings()).await)
}

fn picture(thumbnail: Option<Option<Bytes>>) -> Response {
    match thumbnail {
        Some(Some(jpeg)) => ([(header::CONTENT_TYPE, "image/jpeg")], jpeg).into_response(),
        Some(None) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
