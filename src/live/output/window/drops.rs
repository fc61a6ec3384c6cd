//! Pictures that are dropped onto the window: asked is whether their brushwork or their shapes are meant.

use std::path::PathBuf;
use std::thread::Builder;

use crossbeam_channel::{Receiver, bounded};
use eframe::egui::{self, Align2, Color32, FontId, Rect, Sense, TextureHandle, Ui, pos2, vec2};

use super::{GLOW, Window, upload};
use crate::error::{Error, Result};
use crate::frame::Frame;
use crate::image_file::{exemplar, frame_of};
use crate::live::controls::Piece;
use crate::live::latest::{self, Received, channel};

/// A longer side of the picture that is shown is made smaller.
const SHOWN: u32 = 512;

/// Files that were dropped, of which the last one counts.
pub(super) struct Drops {
    dropped: latest::Sender<PathBuf>,
    looked_at: Receiver<(PathBuf, Result<Frame>)>,
    /// What is asked about.
    question: Option<(PathBuf, TextureHandle)>,
}

impl Drops {
    /// Starts the thread that looks at what is dropped: a picture can take long to read, and forty of them longer.
    ///
    /// # Errors
    /// Returns an error if the system has no thread to give.
    pub(super) fn start(wake: impl Fn() + Send + 'static) -> Result<Self> {
        let (dropped, paths) = channel::<PathBuf>();
        let (out, looked_at) = bounded(1);
        let name = "drops";
        let look = move || {
            loop {
                match paths.take(std::time::Duration::from_secs(1)) {
                    Received::Item(path) => {
                        let picture = small(&path);
                        if out.send((path, picture)).is_err() {
                            return;
                        }
                        wake();
                    }
                    Received::Nothing => {}
                    Received::Closed => return,
                }
            }
        };
        Builder::new().name(name.into()).spawn(look).map_err(|_| Error::Stage { name })?;
        Ok(Self { dropped, looked_at, question: None })
    }

    pub(super) fn asks(&self) -> bool {
        self.question.is_some()
    }

    pub(super) fn cancel(&mut self) {
        self.question = None;
    }
}

fn small(path: &std::path::Path) -> Result<Frame> {
    let picture = exemplar(path)?;
    let (width, height) = picture.dimensions();
    let scale = (SHOWN as f32 / width.max(height) as f32).min(1.0);
    let side = |side: u32| ((side as f32 * scale) as u32).max(1);
    Ok(frame_of(&image::imageops::thumbnail(&picture, side(width), side(height))))
}

/// Takes what is dropped, and what was looked at.
pub(super) fn receive(window: &mut Window, ctx: &egui::Context) {
    if let Some(file) = ctx.input(|input| input.raw.dropped_files.last().cloned()) {
        window.drops.dropped.send(file.path().to_owned());
    }
    while let Ok((path, picture)) = window.drops.looked_at.try_recv() {
        match picture {
            Ok(picture) => {
                let mut texture = None;
                upload(ctx, &mut texture, "dropped", &picture);
                window.drops.question = texture.map(|texture| (path, texture));
            }
            Err(error) => {
                let told = (window.live.report)(&error, "not taken");
                window.notice(told);
            }
        }
    }
}

/// The question, in two big halves over the whole picture.
pub(super) fn question(window: &mut Window, room: Rect, ui: &mut Ui) {
    if ui.input(|input| !input.raw.hovered_files.is_empty()) {
        ui.painter().rect_filled(room, 0.0, Color32::from_black_alpha(190));
        let text = "drop it: its brushwork or its shapes will be yours";
        ui.painter().text(
            room.center(),
            Align2::CENTER_CENTER,
            text,
            FontId::proportional(16.0),
            Color32::WHITE,
        );
    }
    let Some((path, texture)) = window.drops.question.clone() else { return };
    ui.painter().rect_filled(room, 0.0, Color32::from_black_alpha(235));
    let halves = [
        ("brushwork", "painted like it", Piece::Texture(path.clone()), 0.0),
        ("shapes", "bent like it", Piece::Geometry(path), 0.5),
    ];
    for (title, about, piece, left) in halves {
        let corner = room.min + vec2(left * room.width(), 0.0);
        let half = Rect::from_min_size(corner, vec2(room.width() / 2.0, room.height())).shrink(8.0);
        let response = ui.interact(half, ui.scope_id().with(title), Sense::click());
        let color = if response.hovered() { GLOW } else { Color32::GRAY };
        ui.painter().rect_stroke(half, 8.0, egui::Stroke::new(2.0, color), egui::StrokeKind::Inside);
        let (foot, size) = (44.0, texture.size_vec2());
        let inner = Rect::from_min_max(half.min, pos2(half.max.x, half.max.y - foot)).shrink(10.0);
        let scale = (inner.width() / size.x).min(inner.height() / size.y).max(0.0);
        let place = Rect::from_center_size(inner.center(), size * scale);
        egui::Image::new(&texture).paint_at(ui, place);
        let at = pos2(half.center().x, half.max.y - foot);
        ui.painter().text(at, Align2::CENTER_TOP, title, FontId::proportional(17.0), Color32::WHITE);
        let at = at + vec2(0.0, 20.0);
        ui.painter().text(at, Align2::CENTER_TOP, about, FontId::proportional(13.0), Color32::LIGHT_GRAY);
        if response.on_hover_text("Esc: neither").clicked() {
            if matches!(piece, Piece::Texture(_)) {
                window.notice("t makes its strokes better, while the picture goes on".into());
            }
            window.live.controls.put_on(piece);
            window.drops.question = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn of_forty_drops_the_last_one_counts_and_what_is_no_picture_is_told() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = |name: String| folder.path().join(name);
        let picture = image::RgbImage::from_pixel(900, 300, image::Rgb([9, 99, 200]));
        for k in 0..40 {
            picture.save(path(format!("{k}.png"))).expect("written");
        }
        let drops = Drops::start(|| {}).expect("started");
        (0..40).for_each(|k| assert!(drops.dropped.send(path(format!("{k}.png")))));
        let mut seen = Vec::new();
        while seen.last() != Some(&path("39.png".into())) {
            let (path, looked_at) = drops.looked_at.recv_timeout(Duration::from_secs(60)).expect("looked at");
            assert_eq!(looked_at.expect("a picture").size.width, SHOWN);
            seen.push(path);
        }
        assert!(seen.len() < 40, "not all are read: {}", seen.len());
        std::fs::write(path("text.jpg".into()), "no picture").expect("written");
        for name in ["text.jpg", "gone.png", ""] {
            drops.dropped.send(path(name.into()));
            let (_, looked_at) = drops.looked_at.recv_timeout(Duration::from_secs(60)).expect("looked at");
            assert!(looked_at.is_err(), "{name}");
        }
    }
}
