//! The preview window: the picture, the dials, the looks, and what it all costs.
//!
//! It owns the main thread, as window systems want it, and draws when a frame is
//! there; it never holds one up.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::Builder;
use std::time::Duration;

use crossbeam_channel::{Receiver, bounded};
use eframe::egui::{self, Key, TextureHandle, TextureOptions, ViewportCommand};

use crate::cancel::CancelToken;
use crate::error::{Cause, Error, Result};
use crate::frame::{Frame, Size};
use crate::live::clock::LiveClock;
use crate::live::controls::{ControlUpdate, Controls};
use crate::live::error::LiveError;
use crate::live::latest::{self, Received, channel};
use crate::live::recorder::{Recorder, recorded};
use crate::live::stats::Stats;
use crate::live::{FramePair, LiveSession, thumbnail};

mod panels;
mod parts;
mod saver;

use saver::{Job, Saver};

/// The picture fits into this at first: with dials, looks and a title bar the window then fits on
/// a screen of 1280x720.
const PICTURE: [f32; 2] = [960.0, 540.0];
/// How long a message stays.
const TOLD: Duration = Duration::from_secs(4);
/// Between two looks at numbers and notices while no frame comes.
const IDLE: Duration = Duration::from_millis(250);

/// Shows a session until the window is closed or the session ends.
///
/// # Errors
/// Returns an error if no window can be opened.
pub fn show(
    live: &LiveSession,
    frames: latest::Receiver<FramePair>,
    folder: PathBuf,
    stop: &CancelToken,
) -> Result<()> {
    let failed = |source: Cause| Error::from(LiveError::Window { source });
    let size = live.info.size;
    let scale = (PICTURE[0] / size.width as f32).min(PICTURE[1] / size.height as f32);
    let options = eframe::NativeOptions {
        viewport: egui::ViewportBuilder::default()
            .with_title("stylewarp")
            .with_app_id("stylewarp")
            .with_min_inner_size([420.0, 300.0])
            .with_inner_size([
                size.width as f32 * scale + panels::DIALS_WIDTH,
                size.height as f32 * scale + panels::STRIP_HEIGHT,
            ]),
        ..Default::default()
    };
    let (put, latest) = channel();
    let (thumbnails_out, thumbnails) = bounded(4);
    let controls = live.controls.clone();
    let names = controls.looks().to_vec();
    let setup = saver::Setup {
        recorder: live.recorder.clone(),
        info: recorded(&live.info),
        folder,
        report: live.report,
    };
    let saver = Saver::start(setup).map_err(|error| failed(error.into()))?;
    let window = Window {
        controls,
        stats: live.stats.clone(),
        recorder: live.recorder.clone(),
        clock: live.clock,
        devices: live.devices.clone(),
        size: live.info.size,
        saver,
        stop: stop.clone(),
        frames: latest,
        shown: None,
        picture: None,
        original: None,
        thumbnails,
        looks: names.iter().map(|name| (name.clone(), None)).collect(),
        split: None,
        help: false,
        state: true,
        full: false,
        told: None,
    };
    let create = move |context: &eframe::CreationContext<'_>| -> Result<Box<dyn eframe::App>, Cause> {
        let wake = context.egui_ctx.clone();
        Builder::new().name("window-frames".into()).spawn(move || {
            // The window draws when it is woken, and looks for the latest then.
            loop {
                let open = match frames.take(IDLE) {
                    Received::Item(shown) => put.send(shown),
                    Received::Nothing => true,
                    Received::Closed => false,
                };
                wake.request_repaint();
                if !open {
                    return;
                }
            }
        })?;
        Builder::new().name("thumbnails".into()).spawn(move || {
            for (k, name) in names.iter().enumerate() {
                if let Ok(drawn) = thumbnail::draw(name)
                    && thumbnails_out.send((k, drawn)).is_err()
                {
                    return;
                }
            }
        })?;
        Ok(Box::new(window))
    };
    let shown = eframe::run_native("stylewarp", options, Box::new(create));
    stop.raise();
    shown.map_err(|error| failed(error.to_string().into()))
}

struct Window {
    controls: Arc<Controls>,
    stats: Arc<Stats>,
    recorder: Arc<Recorder>,
    clock: LiveClock,
    devices: String,
    /// Of the camera's pictures.
    size: Size,
    saver: Saver,
    stop: CancelToken,
    frames: latest::Receiver<FramePair>,
    shown: Option<FramePair>,
    picture: Option<TextureHandle>,
    original: Option<TextureHandle>,
    thumbnails: Receiver<(usize, Frame)>,
    looks: Vec<(String, Option<TextureHandle>)>,
    /// How much of the picture, from the left, is left as it was.
    split: Option<f32>,
    help: bool,
    state: bool,
    full: bool,
    /// A message, and when it came.
    told: Option<(String, std::time::Instant)>,
}

impl eframe::App for Window {
    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        if self.stop.is_raised() {
            ui.ctx().send_viewport_cmd(ViewportCommand::Close);
            return;
        }
        self.receive(ui.ctx());
        self.keys(ui.ctx());
        if !self.full {
            panels::strip(self, ui);
        }
        if self.state && !self.full {
            panels::state(self, ui);
        }
        panels::picture(self, ui);
    }
}

impl Window {
    /// Takes the latest frame to the screen's device.
    fn receive(&mut self, ctx: &egui::Context) {
        if let Some(told) = self.saver.told() {
            self.notice(told);
        }
        if let Some(shown) = self.frames.now() {
            upload(ctx, &mut self.picture, "picture", &shown.finished);
            self.stats.displayed(self.clock.now(), shown.finished.time);
            self.shown = Some(shown);
        }
        if let (Some(shown), Some(_)) = (&self.shown, self.split) {
            upload(ctx, &mut self.original, "original", &shown.original);
        }
        for (k, drawn) in self.thumbnails.try_iter() {
            upload(ctx, &mut self.looks[k].1, "thumbnail", &drawn);
        }
    }

    fn keys(&mut self, ctx: &egui::Context) {
        let pressed = |key| ctx.input(|input| input.key_pressed(key));
        let state = self.controls.state();
        if pressed(Key::Space) {
            self.set_params(ControlUpdate { frozen: Some(!state.frozen), ..ControlUpdate::default() });
        }
        if pressed(Key::M) {
            self.set_params(ControlUpdate { mirror: Some(!state.mirror), ..ControlUpdate::default() });
        }
        if pressed(Key::ArrowRight) || pressed(Key::ArrowDown) {
            self.controls.step(1);
        }
        if pressed(Key::ArrowLeft) || pressed(Key::ArrowUp) {
            self.controls.step(-1);
        }
        if pressed(Key::S) {
            self.snapshot();
        }
        if pressed(Key::R) {
            self.record();
        }
        if pressed(Key::C) {
            self.compare();
        }
        if pressed(Key::Tab) {
            self.state = !self.state;
        }
        if pressed(Key::H) || pressed(Key::F1) {
            self.help = !self.help;
        }
        if pressed(Key::F) || (self.full && pressed(Key::Escape)) {
            self.full = !self.full;
            ctx.send_viewport_cmd(ViewportCommand::Fullscreen(self.full));
        }
    }

    fn set_params(&mut self, turn: ControlUpdate) {
        if let Err(error) = self.controls.set_params(turn) {
            self.notice(error.to_string());
        }
    }

    fn compare(&mut self) {
        self.split = if self.split.is_some() { None } else { Some(0.5) };
    }

    fn snapshot(&mut self) {
        if let Some(shown) = &self.shown {
            self.save(Job::Snapshot(shown.finished.clone()));
        }
    }

    fn record(&mut self) {
        let size = self.shown.as_ref().map_or(self.size, |shown| shown.finished.size);
        self.save(Job::Record(size));
    }

    fn save(&mut self, job: Job) {
        if !self.saver.ask(job) {
            self.notice("still busy with saving".into());
        }
    }

    fn notice(&mut self, text: String) {
        self.told = Some((text, std::time::Instant::now()));
    }

    /// What is to be said on the picture now.
    fn message(&mut self) -> Option<String> {
        self.told.take_if(|(_, since)| since.elapsed() > TOLD);
        self.controls.notice().or_else(|| self.told.as_ref().map(|(text, _)| text.clone()))
    }
}

fn upload(ctx: &egui::Context, texture: &mut Option<TextureHandle>, name: &str, frame: &Frame) {
    let size = [frame.size.width as usize, frame.size.height as usize];
    // Frames are opaque.
    let image = egui::ColorImage::from_rgba_premultiplied(size, &frame.pixels);
    match texture {
        Some(texture) => texture.set(image, TextureOptions::LINEAR),
        None => *texture = Some(ctx.load_texture(name, image, TextureOptions::LINEAR)),
    }
}
