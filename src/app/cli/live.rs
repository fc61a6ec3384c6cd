//! What `stylewarp live` takes.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::Args;

use crate::app::cli::{LookArgs, SetupArgs, seconds};
use crate::app::report::report;
use crate::error::Result;
use crate::frame::Size;
use crate::live::LiveConfig;
use crate::live::capture::request::{CameraName, CameraRequest};
use crate::live::memory::Memory;
use crate::live::output::http::{PORT, ServeOptions};
use crate::look::{self, LookSpec};
use crate::time::FrameTime;
use crate::video::read::microphone::MicrophoneName;

/// A live session.
#[derive(Debug, Clone, Args)]
pub struct LiveArgs {
    /// Camera: its number, path or name; `file:clip.mp4` plays a clip over and over, `test` a test card
    #[arg(long, value_name = "N|PATH|NAME", default_value = "0", help_heading = "Camera")]
    pub camera: CameraName,
    /// Take a clip that is a list of other files (HLS, DASH, concat)
    #[arg(long, help_heading = "Camera")]
    pub follow: bool,
    /// List cameras and what they offer, and end
    #[arg(long, help_heading = "Camera")]
    pub list: bool,
    /// Size wished for; the camera gives what comes closest
    #[arg(long, value_name = "WxH", value_parser = size, help_heading = "Camera")]
    pub resolution: Option<Size>,
    /// Frames a second to hold, painting smaller where the machine is slow; by default the camera's
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=240), help_heading = "Camera")]
    pub fps: Option<u32>,
    /// Swap left and right, in the window and for everyone else
    #[arg(long, help_heading = "Camera")]
    pub mirror: bool,
    /// Open no window
    #[arg(long, help_heading = "Where it goes")]
    pub no_window: bool,
    /// Be a camera: write to a v4l2loopback device, such as /dev/video10 (`stylewarp doctor` helps)
    #[arg(long, value_name = "DEVICE", help_heading = "Where it goes")]
    pub loopback: Option<PathBuf>,
    /// Serve a page for OBS's browser source, and one with the dials, at the addresses it prints
    ///
    /// An address, a port or both: `127.0.0.1:8787`, `8787`, `localhost`; port 0 takes one that is free.
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, default_missing_value = "localhost", value_parser = address, help_heading = "Where it goes")]
    pub serve: Option<SocketAddr>,
    /// Let other machines watch and steer too
    #[arg(long, requires = "serve", help_heading = "Where it goes")]
    pub serve_insecure: bool,
    /// Give the pages new addresses, so that those given away before no longer work
    #[arg(long, requires = "serve", help_heading = "Where it goes")]
    pub new_token: bool,
    /// Record from the beginning
    #[arg(long, value_name = "FILE", help_heading = "Where it goes")]
    pub record: Option<PathBuf>,
    /// What recordings let hear: a microphone's name or part of it, `default`, or `none`
    ///
    /// `SYSTEM:DEVICE` names a device of one of FFmpeg's sound systems, as in `alsa:hw:1`. --list shows what there is.
    #[arg(long, value_name = "NAME|none", default_value = "default", help_heading = "Where it goes")]
    pub microphone: MicrophoneName,
    /// Where snapshots and recordings made in the window or on the page go
    #[arg(long, value_name = "FOLDER", default_value = ".", help_heading = "Where it goes")]
    pub folder: PathBuf,
    /// End after this long
    #[arg(long, value_name = "TIME", value_parser = seconds, help_heading = "Where it goes")]
    pub duration: Option<FrameTime>,
    /// Say once a second how it goes, as JSON on stdout
    #[arg(long, help_heading = "Messages")]
    pub json: bool,
    #[command(flatten)]
    pub(crate) look: LookArgs,
    #[command(flatten)]
    pub(crate) setup: SetupArgs,
}

impl LiveArgs {
    /// What was asked for.
    ///
    /// # Errors
    /// Returns an error if the look cannot be read.
    pub fn plan(&self) -> Result<LiveConfig> {
        let typed = self.look.spec();
        let memory = if self.no_window { Memory::default() } else { Memory::load() };
        let named = typed.preset.is_some() || typed.geometry.is_some() || typed.texture.is_some();
        let plain = LookSpec { preset: Some(look::DEFAULT.into()), ..LookSpec::default() };
        let left = if named { plain.clone() } else { memory.look.clone() };
        let (mut look, spec) = match (named, left != LookSpec::default()) {
            (false, true) => match self.look.resolve_over(&left) {
                Ok(look) => (look, left),
                Err(error) => {
                    tracing::warn!("the last session's look is gone, because {error}");
                    (self.look.resolve()?, plain)
                }
            },
            _ => (self.look.resolve()?, if named { typed } else { plain }),
        };
        if self.look.focus.is_none() {
            look.focus = memory.focus;
        }
        if self.look.paint_where.is_none() {
            look.regions.paint = memory.paint_where;
        }
        if self.look.warp_where.is_none() {
            look.regions.warp = memory.warp_where;
        }
        if self.look.backdrop.is_none() {
            look.regions.backdrop.kind = memory.backdrop;
        }
        Ok(LiveConfig {
            camera: CameraRequest { name: self.camera.clone(), size: self.resolution, fps: self.fps },
            mirror: self.mirror || memory.mirror,
            lines: self.look.size,
            look,
            spec,
            setup: self.setup.setup(),
            report,
            window: !self.no_window,
            folder: self.folder.clone(),
            microphone: self.microphone.clone(),
        })
    }

    /// Where to serve, if at all.
    pub fn serve_options(&self) -> Option<ServeOptions> {
        self.serve.map(|address| ServeOptions {
            address,
            insecure: self.serve_insecure,
            new_token: self.new_token,
        })
    }
}

/// An address, a port or both, as typed; what is left out is as usual.
fn address(text: &str) -> Result<SocketAddr, String> {
    let wrong = || "not an address such as 127.0.0.1:8787, a port such as 8787, or localhost".to_owned();
    let here = IpAddr::from(Ipv4Addr::LOCALHOST);
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
            (host, port.parse().map_err(|_| wrong())?)
        }
        _ => match text.parse() {
            Ok(port) => ("localhost", port),
            Err(_) => (text, PORT),
        },
    };
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let host =
        if host.eq_ignore_ascii_case("localhost") { here } else { host.parse().map_err(|_| wrong())? };
    Ok(SocketAddr::new(host, port))
}

fn size(text: &str) -> Result<Size, String> {
    let sides = text.split_once('x').and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?)));
    let size = sides.and_then(|(width, height)| Size::new(width, height));
    // The clock of the test card needs a pixel a cell.
    size.filter(|size| size.width >= 32 && size.height >= 32)
        .ok_or_else(|| "not a size such as 1280x720".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_as_typed() {
        for (typed, meant) in [
            ("127.0.0.1:9000", "127.0.0.1:9000"),
            ("8787", "127.0.0.1:8787"),
            ("0", "127.0.0.1:0"),
            ("localhost", "127.0.0.1:8787"),
            ("LocalHost:0", "127.0.0.1:0"),
            ("192.168.0.7", "192.168.0.7:8787"),
            ("::1", "[::1]:8787"),
            ("[::1]:90", "[::1]:90"),
        ] {
            assert_eq!(address(typed).map(|address| address.to_string()).as_deref(), Ok(meant), "{typed}");
        }
        for wrong in [
            "",
            "example.org",
            "localhost:",
            "99999",
            "localhost:99999",
            "1.2.3",
            ":8787",
            "http://localhost",
        ] {
            assert!(address(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn sizes_as_typed() {
        assert_eq!(size("640x360"), Ok(Size { width: 640, height: 360 }));
        for wrong in ["640", "x", "640x", "0x3", "8x8", "640x360x2", "-640x360"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }
}
