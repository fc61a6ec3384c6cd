//! The preview window: the picture, the dials, the looks, and what it all costs.
//!
//! It owns the main thread, as window systems want it, and draws when a frame is
//! there; it never holds one up.

use std::sync::Arc;
use std::thread::Builder;
use std::time::{Duration, Instant};

use eframe::egui::{self, Color32, TextureHandle, TextureOptions, ViewportCommand};

use crate::cancel::CancelToken;
use crate::error::{Cause, Error, Result};
use crate::frame::Frame;
use crate::live::controls::ControlUpdate;
use crate::live::error::LiveError;
use crate::live::latest::{self, Received, channel};
use crate::live::memory::Memory;
use crate::live::output::open::OpenOutputs;
use crate::live::{FramePair, SessionHandle, preview};

mod bar;
mod dials;
mod drops;
mod icons;
mod keys;
mod light;
mod outputs;
mod parts;
mod picture;
mod saver;
mod strip;
mod theme;
mod tuning;

use drops::Drops;
use keys::Action;
use light::{Light, judge};
use outputs::Choices;
use saver::{Job, Saver};
use strip::Strip;

/// The picture fits into this at first: with dials, looks and a title bar the window then fits on
/// a screen of 1280x720.
const PICTURE: [f32; 2] = [960.0, 510.0];
/// The smallest window.
const LEAST: [f32; 2] = [420.0, 300.0];
/// How long a message stays.
const TOLD: Duration = Duration::from_secs(4);
/// Between two looks at numbers and notices while no frame comes.
const IDLE: Duration = Duration::from_millis(250);
/// Between two looks whether there is something to remember.
const REMEMBER: Duration = Duration::from_secs(2);
const GLOW: Color32 = Color32::from_rgb(224, 164, 88);

/// Shows a session until the window is closed or the session ends.
///
/// # Errors
/// Returns an error if no window can be opened.
pub fn show(live: &SessionHandle, open: Arc<OpenOutputs>, stop: &CancelToken) -> Result<()> {
    let failed = |source: Cause| Error::from(LiveError::Window { source });
    let size = live.info.size;
    let scale = (PICTURE[0] / size.width as f32).min(PICTURE[1] / size.height as f32);
    let options = eframe::NativeOptions {
        viewport: egui::ViewportBuilder::default()
            .with_title("stylewarp")
            .with_app_id("stylewarp")
            .with_drag_and_drop(true)
            .with_min_inner_size(LEAST)
            .with_inner_size([
                size.width as f32 * scale + dials::WIDTH,
                size.height as f32 * scale + strip::HEIGHT + bar::HEIGHT,
            ]),
        ..Default::default()
    };
    let frames = live.frames.subscribe();
    let (put, latest) = channel();
    let setup = saver::Setup { live: live.clone(), open: open.clone() };
    let saver = Saver::start(setup).map_err(|error| failed(error.into()))?;
    let (requests, asked) = channel();
    let (stats, clock) = (live.stats.clone(), live.clock);
    let (controls, info) = (live.controls.clone(), live.info.clone());
    let is_busy = move || {
        let frozen = controls.state().frozen;
        let lines = info.size.width.min(info.size.height);
        !frozen && judge(&stats.read(clock.now()), lines, frozen, None).0 == Light::Red
    };
    let previews = preview::start(asked, live.setup.clone(), is_busy)?;
    let (live, stop_window) = (live.clone(), stop.clone());
    let create = move |context: &eframe::CreationContext<'_>| -> Result<Box<dyn eframe::App>, Cause> {
        let wake = context.egui_ctx.clone();
        theme::follow(&wake);
        let memory = Memory::load();
        let dropping = wake.clone();
        let window = Window {
            saver,
            open,
            stop: stop_window,
            frames: latest,
            shown: None,
            picture: None,
            original: None,
            strip: Strip::new(previews, requests, memory.favourites.clone()),
            choices: Choices::new(live.camera.clone()),
            drops: Drops::start(move || dropping.request_repaint())?,
            tuning: tuning::Shown::default(),
            split: None,
            help: false,
            typed: false,
            dials: None,
            full: None,
            told: None,
            dismissed: Vec::new(),
            memory: (memory, Instant::now()),
            live,
        };
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
        Ok(Box::new(window))
    };
    let shown = eframe::run_native("stylewarp", options, Box::new(create));
    stop.raise();
    shown.map_err(|error| failed(error.to_string().into()))
}

struct Window {
    live: SessionHandle,
    open: Arc<OpenOutputs>,
    saver: Saver,
    stop: CancelToken,
    frames: latest::Receiver<FramePair>,
    shown: Option<FramePair>,
    picture: Option<TextureHandle>,
    original: Option<TextureHandle>,
    strip: Strip,
    choices: Choices,
    drops: Drops,
    tuning: tuning::Shown,
    /// How much of the picture, from the left, is left as it was.
    split: Option<f32>,
    help: bool,
    /// Whether something was typed in when the window was last drawn.
    typed: bool,
    /// Whether the dials are shown; `None` where the width decides.
    dials: Option<bool>,
    /// Since when the picture fills the screen.
    full: Option<Instant>,
    /// A message, and when it came.
    told: Option<(String, Instant)>,
    /// Notices that were put away.
    dismissed: Vec<String>,
    /// What was remembered last, and when that was looked at.
    memory: (Memory, Instant),
}

impl eframe::App for Window {
    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        if self.stop.is_raised() {
            ui.ctx().send_viewport_cmd(ViewportCommand::Close);
            return;
        }
        self.receive(ui.ctx());
        self.keys(ui.ctx());
        let is_back = |event: &egui::Event| matches!(event, egui::Event::WindowFocused(true));
        if ui.input(|input| input.events.iter().any(is_back)) {
            // The system may have changed its mind meanwhile.
            theme::follow(ui.ctx());
        }
        if self.full.is_none() {
            strip::show(self, ui);
            bar::show(self, ui);
            if self.shows_dials(ui.ctx()) {
                dials::show(self, ui);
            }
        }
        picture::show(self, ui);
        self.typed = ui.ctx().egui_wants_keyboard_input();
        self.remember(false);
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        // What is being tuned becomes what is worn, and is remembered as that.
        self.live.tuning.close();
        self.remember(true);
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
            self.live.stats.displayed(self.live.clock.now(), shown.finished.time);
            self.shown = Some(shown);
        }
        if let (Some(shown), Some(_)) = (&self.shown, self.split) {
            upload(ctx, &mut self.original, "original", &shown.original);
        }
        self.strip.receive(ctx);
        drops::receive(self, ctx);
        tuning::receive(self, ctx);
    }

    fn keys(&mut self, ctx: &egui::Context) {
        for action in keys::pressed(ctx, self.typed) {
            self.run(action, ctx);
        }
    }

    fn run(&mut self, action: Action, ctx: &egui::Context) {
        let state = self.live.controls.state();
        let none = ControlUpdate::default();
        match action {
            Action::Freeze => self.set_params(ControlUpdate { frozen: Some(!state.frozen), ..none }),
            Action::Mirror => self.set_params(ControlUpdate { mirror: Some(!state.mirror), ..none }),
            Action::Step(steps) => self.live.controls.step(steps),
            Action::Number(number) => {
                let controls = self.live.controls.clone();
                let shown =
                    strip::garments(&controls.looks(), controls.paintings(), &self.strip.favourites, "");
                if let Some(garment) = shown.get(number) {
                    strip::choose(self, garment);
                }
            }
            Action::Favourite if !state.original => {
                self.strip.toggle_favourite(strip::name(&strip::worn(&state)))
            }
            Action::Favourite => {}
            Action::Compare => self.compare(),
            Action::Snapshot => self.snapshot(),
            Action::Record => self.record(),
            Action::Tune => tuning::toggle(self),
            Action::Dials => self.toggle_dials(ctx),
            Action::Search if self.full.is_none() => self.strip.focus_search = true,
            Action::Search => {}
            Action::FullScreen => self.fill_screen(ctx, self.full.is_none()),
            Action::Help => self.help = !self.help,
            Action::Back => self.back(ctx),
        }
    }

    /// One step back from whatever is in the way.
    fn back(&mut self, ctx: &egui::Context) {
        match () {
            () if self.drops.asks() => self.drops.cancel(),
            () if self.help => self.help = false,
            () if self.full.is_some() => self.fill_screen(ctx, false),
            () if !self.strip.search.is_empty() => self.strip.search.clear(),
            () => self.messages().iter().for_each(|text| self.dismiss(text)),
        }
    }

    fn set_params(&mut self, turn: ControlUpdate) {
        if let Err(error) = self.live.controls.set_params(turn) {
            self.notice(error.to_string());
        }
    }

    /// Width over height of what is shown.
    fn aspect(&self) -> f32 {
        self.shown.as_ref().map_or(self.live.info.size, |shown| shown.finished.size).aspect()
    }

    fn shows_dials(&self, ctx: &egui::Context) -> bool {
        self.dials.unwrap_or(ctx.content_rect().width() >= dials::WIDE)
    }

    fn toggle_dials(&mut self, ctx: &egui::Context) {
        self.dials = Some(!self.shows_dials(ctx));
    }

    fn fill_screen(&mut self, ctx: &egui::Context, full: bool) {
        self.full = full.then(Instant::now);
        ctx.send_viewport_cmd(ViewportCommand::Fullscreen(full));
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
        self.save(Job::Record);
    }

    /// Looks at the camera that was chosen.
    fn look_at(&mut self) {
        self.live.cameras.send(self.choices.wanted());
    }

    fn save(&mut self, job: Job) {
        if !self.saver.ask(job) {
            self.notice("still busy with saving".into());
        }
    }

    fn notice(&mut self, text: String) {
        self.told = Some((text, Instant::now())).filter(|(text, _)| !text.is_empty());
    }

    /// What is to be said on the picture now.
    fn messages(&mut self) -> Vec<String> {
        self.told.take_if(|(_, since)| since.elapsed() > TOLD);
        let mut texts = self.live.controls.notices.all();
        // What is well again may be told anew.
        self.dismissed.retain(|text| texts.contains(text));
        texts.retain(|text| !self.dismissed.contains(text));
        texts.extend(self.told.as_ref().map(|(text, _)| text.clone()));
        texts
    }

    fn dismiss(&mut self, text: &str) {
        if self.told.take_if(|(told, _)| told == text).is_none() {
            self.dismissed.push(text.into());
        }
    }

    /// Keeps look, dials and favourites for the next session.
    fn remember(&mut self, now: bool) {
        let (kept, since) = &mut self.memory;
        if !now && since.elapsed() < REMEMBER {
            return;
        }
        *since = Instant::now();
        let memory = Memory::of(&self.live.controls, &self.strip.favourites);
        if *kept != memory {
            memory.save();
            *kept = memory;
        }
    }
}

fn upload(ctx: &egui::Context, texture: &mut Option<TextureHandle>, name: &str, frame: &Frame) {
    let size = [frame.size.width as usize, frame.size.height as usize];
    // What is not opaque lies over black, as egui has it.
    let image = egui::ColorImage::from_rgba_premultiplied(size, &frame.pixels);
    match texture {
        Some(texture) => texture.set(image, TextureOptions::LINEAR),
        None => *texture = Some(ctx.load_texture(name, image, TextureOptions::LINEAR)),
    }
}
