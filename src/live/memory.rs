//! What the window remembers from one session to the next: the look, the dials and the favourites.
//!
//! A small TOML file in the configuration folder. It is never needed: what cannot be read is as if it were not there.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::atomic_file::AtomicFile;
use crate::error::Result;
use crate::live::controls::{ControlState, Controls};
use crate::look::LookSpec;
use crate::paint::subject::{BackdropKind, Part};
use crate::warp::search::Focus;

/// Favourites at most: number keys and eyes have their limits.
const MOST: usize = 50;

/// What is remembered.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// Names of looks and paintings, in the order in which they were chosen.
    pub favourites: Vec<String>,
    /// Whether left and right were swapped.
    pub mirror: bool,
    /// Whose shapes were bent.
    pub focus: Focus,
    /// What was painted.
    pub paint_where: Part,
    /// What was bent.
    pub warp_where: Part,
    /// What showed behind the subject; a picture is not remembered.
    pub backdrop: BackdropKind,
    /// The look, and the dials as they stood.
    pub look: LookSpec,
}

impl Memory {
    /// What the last session left, if it left anything.
    pub fn load() -> Self {
        file().map(|file| Self::read(&file)).unwrap_or_default()
    }

    fn read(file: &Path) -> Self {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        toml::from_str::<Self>(&text).map(Self::within_ranges).unwrap_or_else(|error| {
            tracing::warn!("{} is not understood, and begun anew: {}", file.display(), error.message());
            Self::default()
        })
    }

    /// Keeps what it has; a folder that cannot be written to is no reason to stop anything.
    pub(super) fn save(&self) {
        let Some(file) = file() else { return };
        if let Err(error) = self.write(&file) {
            tracing::debug!("the window forgets its look: {error}");
        }
    }

    fn write(&self, file: &Path) -> Result<()> {
        if let Some(folder) = file.parent() {
            // If it cannot be made, neither can the file, which tells why.
            let _ = std::fs::create_dir_all(folder);
        }
        let out = AtomicFile::create(file, true)?;
        let text = toml::to_string(self).map_err(|error| out.cannot_write(error))?;
        out.file().write_all(text.as_bytes()).map_err(|error| out.cannot_write(error))?;
        out.commit()
    }

    /// As the desk stands.
    pub(super) fn of(controls: &Controls, favourites: &[String]) -> Self {
        let ControlState { mirror, focus, paint_where, warp_where, backdrop, .. } = controls.state();
        let state = controls.state();
        let look = LookSpec {
            warp: Some(state.warp),
            paint: Some(state.paint),
            colors: Some(state.colors),
            stroke_size: Some(state.stroke_size),
            steady: Some(state.steady),
            relief: Some(state.relief),
            ..controls.worn()
        };
        let backdrop = if backdrop == BackdropKind::Picture { BackdropKind::Keep } else { backdrop };
        Self { favourites: favourites.to_vec(), mirror, focus, paint_where, warp_where, backdrop, look }
    }

    /// Without what nobody can have turned: the file may have been written by anyone.
    fn within_ranges(mut self) -> Self {
        let keep = |value: &mut Option<f32>, least: f32, most: f32| {
            value.take_if(|value| !(least..=most).contains(value));
        };
        keep(&mut self.look.warp, 0.0, 2.0);
        for value in [&mut self.look.paint, &mut self.look.steady, &mut self.look.relief] {
            keep(value, 0.0, 1.0);
        }
        keep(&mut self.look.stroke_size, 0.5, 2.0);
        self.favourites.truncate(MOST);
        self
    }
}

/// Where it is kept.
fn file() -> Option<PathBuf> {
    directories::ProjectDirs::from("", "", "stylewarp").map(|dirs| dirs.config_dir().join("window.toml"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::controls::{ControlUpdate, Piece, Wardrobe};
    use crate::live::latest::channel;
    use crate::look::Look;

    #[test]
    fn what_is_kept_is_remembered() {
        let (put, _take) = channel();
        let worn = LookSpec { preset: Some("moon".into()), ..LookSpec::default() };
        let state = ControlState::of(&Look::load("moon").expect("embedded"), false);
        let wardrobe = Wardrobe { worn, own: state.clone(), looks: Look::names(), paintings: Vec::new() };
        let controls = Controls::new(state, wardrobe, put);
        controls.put_on(Piece::Geometry("/a/face.jpg".into()));
        let turn = ControlUpdate { warp: Some(1.25), mirror: Some(true), ..ControlUpdate::default() };
        controls.set_params(turn).expect("in range");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("new/window.toml");
        let memory = Memory::of(&controls, &["wave".into(), "moon".into()]);
        memory.write(&file).expect("written");
        memory.write(&file).expect("written over");
        let read = Memory::read(&file);
        assert_eq!(read, memory);
        assert_eq!((read.look.preset.as_deref(), read.look.warp), (Some("moon"), Some(1.25)));
        assert_eq!(read.look.geometry.as_deref(), Some(Path::new("/a/face.jpg")));
    }

    #[test]
    fn nonsense_is_as_if_it_were_not_there() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("window.toml");
        assert_eq!(Memory::read(&file), Memory::default());
        for text in ["[", "favourites = 3", "\0", "backdrop = 'lava'"] {
            std::fs::write(&file, text).expect("written");
            assert_eq!(Memory::read(&file), Memory::default(), "{text}");
        }
        std::fs::write(&file, "[look]\nwarp = 9\npaint = nan\nsteady = 0.5").expect("written");
        let look = Memory::read(&file).look;
        assert_eq!((look.warp, look.paint, look.steady), (None, None, Some(0.5)));
    }
}
