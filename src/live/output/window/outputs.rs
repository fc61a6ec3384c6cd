//! Which camera is looked at, and where its picture goes.

use std::path::PathBuf;

use crossbeam_channel::{Receiver, bounded};
use eframe::egui::{self, Ui};

use super::Window;
use super::saver::Job;
use crate::frame::Size;
use crate::live::capture::camera;
use crate::live::capture::request::{CameraName, CameraRequest};

/// Sizes that cameras can be asked for.
const SIZES: [(u32, u32); 4] = [(640, 360), (640, 480), (1280, 720), (1920, 1080)];

/// What can be chosen, and what is.
pub(super) struct Choices {
    wanted: CameraRequest,
    found: Found,
    finding: Option<Receiver<Found>>,
}

/// What the machine has.
#[derive(Default)]
struct Found {
    /// Cameras: how `--camera` takes them, and their names.
    cameras: Vec<(String, String)>,
    /// Devices at which we can be a camera.
    virtual_cameras: Vec<PathBuf>,
}

impl Choices {
    pub(super) fn new(wanted: CameraRequest) -> Self {
        Self { wanted, found: Found::default(), finding: None }
    }

    /// The camera that was chosen.
    pub(super) fn wanted(&self) -> CameraRequest {
        self.wanted.clone()
    }

    /// Looks what there is, without waiting for drivers.
    fn find(&mut self) {
        let (put, take) = bounded(1);
        let find = move || {
            let cameras = camera::names().unwrap_or_default();
            let virtual_cameras = camera::outputs();
            // If nobody waits any more, nobody minds.
            let _ = put.send(Found { cameras, virtual_cameras });
        };
        match std::thread::Builder::new().name("cameras".into()).spawn(find) {
            Ok(_) => self.finding = Some(take),
            Err(error) => tracing::debug!("cameras are not looked for: {error}"),
        }
    }

    fn receive(&mut self) {
        if let Some(found) = self.finding.as_ref().and_then(|finding| finding.try_recv().ok()) {
            (self.found, self.finding) = (found, None);
        }
    }
}

/// The lists, folded up at first.
pub(super) fn show(window: &mut Window, ui: &mut Ui) {
    window.choices.receive();
    let folded = egui::CollapsingHeader::new("camera and outputs").show(ui, |ui| {
        camera(window, ui);
        size(window, ui);
        if cfg!(target_os = "linux") {
            virtual_camera(window, ui);
        }
        page(window, ui);
    });
    let about =
        "which camera is looked at, and where its picture goes: a virtual camera, OBS's browser source";
    if folded.header_response.on_hover_text(about).clicked() {
        window.choices.find();
    }
}

fn camera(window: &mut Window, ui: &mut Ui) {
    let now = window.choices.wanted.name.clone();
    let mut chosen = now.clone();
    let mut known = window.choices.found.cameras.clone();
    known.push(("test".into(), "test card".into()));
    let title = |name: &CameraName| {
        let text = name.to_string();
        known.iter().find(|(key, _)| *key == text).map_or(text, |(_, title)| title.clone())
    };
    ui.label("camera");
    let list = egui::ComboBox::from_id_salt("camera").width(200.0).truncate().selected_text(title(&now));
    let shown = list.show_ui(ui, |ui| {
        for (key, title) in &known {
            if let Ok(name) = key.parse() {
                ui.selectable_value(&mut chosen, name, title);
            }
        }
    });
    if shown
        .response
        .on_hover_text("what is looked at; the picture stands still until another camera answers")
        .clicked()
    {
        window.choices.find();
    }
    if chosen != now {
        window.choices.wanted.name = chosen;
        window.look_at();
    }
}

fn size(window: &mut Window, ui: &mut Ui) {
    let now = window.choices.wanted.size;
    let mut chosen = now;
    let title = |size: Option<Size>| size.map_or("as usual".into(), |size| size.to_string());
    ui.label("size");
    let list = egui::ComboBox::from_id_salt("size").width(200.0).selected_text(title(now));
    let shown = list.show_ui(ui, |ui| {
        let sizes = SIZES.iter().map(|(width, height)| Size::new(*width, *height));
        for size in std::iter::once(None).chain(sizes) {
            ui.selectable_value(&mut chosen, size, title(size));
        }
    });
    shown.response.on_hover_text("what the camera is asked for; it gives what comes closest");
    if chosen != now {
        window.choices.wanted.size = chosen;
        window.look_at();
    }
}

fn virtual_camera(window: &mut Window, ui: &mut Ui) {
    let now = window.open.camera();
    let mut chosen = now.clone();
    let mut known = window.choices.found.virtual_cameras.clone();
    known.extend(now.clone().filter(|path| !known.contains(path)));
    let title =
        |path: &Option<PathBuf>| path.as_ref().map_or("off".into(), |path| path.display().to_string());
    ui.label("virtual camera");
    let list = egui::ComboBox::from_id_salt("virtual camera").width(200.0).selected_text(title(&now));
    let shown = list.show_ui(ui, |ui| {
        for path in std::iter::once(None).chain(known.iter().cloned().map(Some)) {
            ui.selectable_value(&mut chosen, path.clone(), title(&path));
        }
        if known.is_empty() {
            ui.weak("none here; `stylewarp doctor` says how to make one");
        }
    });
    shown.response.on_hover_text("OBS, Zoom and browsers take it for a camera (v4l2loopback)");
    if chosen != now {
        window.save(Job::VirtualCamera(chosen));
    }
}

fn page(window: &mut Window, ui: &mut Ui) {
    let address = window.open.page();
    let mut served = address.is_some();
    let about = "a page with the dials, and the picture alone for OBS; only this machine can watch";
    if ui.checkbox(&mut served, "browser source").on_hover_text(about).changed() {
        window.save(Job::Page(served));
    }
    let Some(page) = address else { return };
    for (name, address, about) in [
        ("copy for OBS", format!("{page}source"), "the picture alone: paste it into a browser source of OBS"),
        ("copy for a browser", page.clone(), "the page with the dials"),
    ] {
        if ui.button(name).on_hover_text(format!("{about}\n{address}")).clicked() {
            ui.ctx().copy_text(address.clone());
            window.notice(format!("copied: {about}"));
        }
        ui.add(egui::Label::new(egui::RichText::new(address).small().weak()).truncate());
    }
}
