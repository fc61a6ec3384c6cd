//! Looks at what this machine has of what the program needs, and says what to do
//! about the rest.

use std::path::Path;

use serde::Serialize;

use crate::app::report::hint;
use crate::engine::EngineConfig;
use crate::error::Error;
use crate::gpu::adapter::Gpu;
use crate::live::capture::camera;
use crate::nn::device::Device;
use crate::nn::models::Models;
use crate::nn::runtime::Runtime;
use crate::video::libav;

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// As it should be.
    Ok,
    /// Something is lacking that not everybody needs.
    Lacking,
    /// Nothing will work.
    Broken,
}

/// One thing that was looked at.
#[derive(Debug, Clone, Serialize)]
pub struct Check {
    /// What.
    pub name: &'static str,
    /// How it is.
    pub health: Health,
    /// What was found.
    pub found: String,
    /// What to do about it.
    pub advice: Option<String>,
}

impl Check {
    fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, health: Health::Ok, found: found.into(), advice: None }
    }

    fn lacking(name: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { name, health: Health::Lacking, found: found.into(), advice: Some(advice.into()) }
    }

    fn broken(name: &'static str, error: &Error) -> Self {
        let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
        Self { name, health: Health::Broken, found: format!("{error}{cause}"), advice: hint(error) }
    }

    /// For people: a line, and one more if something is to be done.
    pub fn text(&self) -> String {
        let mark = match self.health {
            Health::Ok => "ok",
            Health::Lacking => "--",
            Health::Broken => "!!",
        };
        let advice = self.advice.as_ref().map(|advice| {
            let lines: Vec<_> = advice.lines().map(|line| format!("                     {line}\n")).collect();
            lines.concat()
        });
        format!("{mark}  {:<16} {}\n{}", self.name, self.found, advice.unwrap_or_default())
    }
}

/// Every check, in the order in which things are needed.
pub fn examine(setup: &EngineConfig) -> Vec<Check> {
    vec![networks(setup), runtime(setup), gpu(), ffmpeg(), cameras(), virtual_camera(), display()]
}

fn networks(setup: &EngineConfig) -> Check {
    let read = || {
        let models = Models::find(setup.models.as_deref())?;
        for file in models.files() {
            models.read(&file.name)?;
        }
        Ok::<_, Error>((models.folder().to_owned(), models.files().len()))
    };
    match read() {
        Ok((folder, files)) => {
            Check::ok("networks", format!("{files} files in {}, all whole", folder.display()))
        }
        Err(error) => Check::broken("networks", &error),
    }
}

fn runtime(setup: &EngineConfig) -> Check {
    match Runtime::load(setup.device) {
        Ok(runtime) => {
            let found = format!("on {}, by {}", runtime.device().name(), runtime.library().display());
            match runtime.device() {
                Device::Cpu if setup.device == Device::Auto => Check {
                    advice: Some(
                        "with an NVIDIA GPU: ./setup.sh --cuda; stylewarp -v says why others are not used"
                            .into(),
                    ),
                    ..Check::ok("ONNX Runtime", found)
                },
                _ => Check::ok("ONNX Runtime", found),
            }
        }
        Err(error) => Check::broken("ONNX Runtime", &error),
    }
}

fn gpu() -> Check {
    match Gpu::real() {
        Some(gpu) => Check::ok("GPU", gpu.name()),
        None => Check::lacking(
            "GPU",
            "none for warping; the processor does it",
            "a GPU's own Vulkan driver, if there is a GPU",
        ),
    }
}

fn ffmpeg() -> Check {
    libav::init();
    let version = ffmpeg_next::util::version();
    let version = format!("libavutil {}.{}", version >> 16, version >> 8 & 0xff);
    match ffmpeg_next::encoder::find_by_name("libx264") {
        Some(_) => Check::ok("FFmpeg", format!("{version}, H.264 by libx264")),
        None => {
            Check::lacking("FFmpeg", format!("{version}, without libx264"), "--codec, or FFmpeg with libx264")
        }
    }
}

fn cameras() -> Check {
    match camera::list() {
        Ok(found) if found.is_empty() => {
            Check::lacking("cameras", "none", "stylewarp live --camera test, or --camera file:clip.mp4")
        }
        Ok(found) => {
            let names: Vec<_> =
                found.iter().map(|camera| format!("{} {}", camera.index, camera.name)).collect();
            Check::ok("cameras", names.join(", "))
        }
        Err(error) => Check { health: Health::Lacking, ..Check::broken("cameras", &error) },
    }
}

/// How to get a virtual camera. `exclusive_caps=1`: Chromium and everything built on it takes a device
/// for a camera only if it does not also say that it can be written to.
const LOAD: &str = "sudo modprobe v4l2loopback video_nr=10 card_label=stylewarp exclusive_caps=1\n\
    (exclusive_caps=1, or browsers and Zoom do not take it for a camera)\n\
    then: stylewarp live --loopback /dev/video10";
const INSTALL: &str = "sudo apt install v4l2loopback-dkms v4l2loopback-utils   (Fedora: v4l2loopback; Arch: v4l2loopback-dkms)\n";

#[cfg(target_os = "linux")]
fn virtual_camera() -> Check {
    let name = "virtual camera";
    let mut writable = Vec::new();
    for node in v4l::context::enum_devices() {
        let driver = v4l::Device::with_path(node.path()).and_then(|device| device.query_caps());
        if let Ok(caps) = driver
            && caps.driver.starts_with("v4l2 loopback")
        {
            writable.push(format!("{} ({})", node.path().display(), caps.card));
        }
    }
    let loaded = Path::new("/sys/module/v4l2loopback").exists();
    let first = || writable[0].split(' ').next().unwrap_or_default().to_owned();
    match (writable.is_empty(), loaded) {
        (false, _) => Check {
            advice: Some(format!("stylewarp live --loopback {}", first())),
            ..Check::ok(name, writable.join(", "))
        },
        (true, true) => Check::lacking(
            name,
            "the module v4l2loopback is loaded, but none of its devices can be opened",
            "sudo usermod -aG video $USER and a new login; or load it with a device:\n\
             sudo modprobe -r v4l2loopback\n"
                .to_owned()
                + LOAD,
        ),
        (true, false) if installed() => Check::lacking(name, "the module v4l2loopback is not loaded", LOAD),
        (true, false) => Check::lacking(
            name,
            "the module v4l2loopback is not installed",
            INSTALL.to_owned()
                + LOAD
                + "\nor, without it: stylewarp live --serve, and a browser source in OBS",
        ),
    }
}

#[cfg(target_os = "linux")]
fn installed() -> bool {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let listed = Path::new("/lib/modules").join(release.trim()).join("modules.dep");
    std::fs::read_to_string(listed).is_ok_and(|modules| modules.contains("v4l2loopback"))
}

#[cfg(not(target_os = "linux"))]
fn virtual_camera() -> Check {
    Check::lacking(
        "virtual camera",
        "only Linux lets programs be cameras without a driver of their own",
        "stylewarp live --serve, a browser source in OBS with its address, and OBS's own virtual camera",
    )
}

fn display() -> Check {
    let named = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if !cfg!(target_os = "linux") || named("DISPLAY") || named("WAYLAND_DISPLAY") {
        return Check::ok("display", "windows can be opened");
    }
    Check::lacking(
        "display",
        "none: no window can be opened",
        "stylewarp live --no-window, with --serve or --loopback",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_looked_at_and_what_is_wrong_has_advice() {
        let checks = examine(&EngineConfig { device: Device::Cpu, ..EngineConfig::default() });
        assert_eq!(checks.len(), 7);
        for check in &checks {
            assert!(check.health == Health::Ok || check.advice.is_some(), "{check:?}");
            assert!(check.text().contains(&check.found));
        }
        assert_eq!((checks[0].health, checks[1].health), (Health::Ok, Health::Ok), "{checks:?}");
        let nowhere = EngineConfig { models: Some("no/such/folder".into()), ..EngineConfig::default() };
        assert_eq!(examine(&nowhere)[0].health, Health::Broken);
    }
}
