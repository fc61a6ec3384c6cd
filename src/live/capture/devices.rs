//! What a video device is besides its name: where it is plugged in, and whether it is a camera at all.
//!
//! On Linux a camera has more devices than one: a second one for what belongs to its pictures, and virtual cameras that
//! are written to stand among them. Only Linux tells; elsewhere everything that is listed is a camera.

use std::io;

/// What is known of a device.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Device {
    /// Where it is plugged in, such as `usb-0000:00:14.0-2`.
    pub bus: Option<String>,
    /// Why it cannot be used, if it cannot.
    pub trouble: Option<String>,
}

/// Looks at the device of a number.
#[cfg(target_os = "linux")]
pub(super) fn examine(index: u32) -> Device {
    let device = match v4l::Device::new(index as usize) {
        Ok(device) => device,
        Err(error) => return Device { bus: None, trouble: Some(sentence(&error)) },
    };
    match device.query_caps() {
        Ok(caps) => {
            let bus = Some(caps.bus).filter(|bus| !bus.is_empty());
            Device { bus, trouble: no_camera(caps.capabilities).map(str::to_owned) }
        }
        Err(error) => Device { bus: None, trouble: Some(sentence(&error)) },
    }
}

/// Looks at the device of a number.
#[cfg(not(target_os = "linux"))]
pub(super) fn examine(_index: u32) -> Device {
    Device::default()
}

/// Devices that a virtual camera can be written to.
#[cfg(target_os = "linux")]
pub(super) fn outputs() -> Vec<std::path::PathBuf> {
    let takes_pictures = |node: &v4l::context::Node| {
        let caps = v4l::Device::new(node.index()).and_then(|device| device.query_caps());
        caps.is_ok_and(|caps| caps.capabilities.contains(v4l::capability::Flags::VIDEO_OUTPUT))
    };
    let nodes = v4l::context::enum_devices();
    let mut found: Vec<_> =
        nodes.iter().filter(|node| takes_pictures(node)).map(|node| node.path().to_owned()).collect();
    found.sort();
    found
}

/// Devices that a virtual camera can be written to.
#[cfg(not(target_os = "linux"))]
pub(super) fn outputs() -> Vec<std::path::PathBuf> {
    Vec::new()
}

/// Why a device of these abilities is no camera, if it is none.
#[cfg(target_os = "linux")]
fn no_camera(abilities: v4l::capability::Flags) -> Option<&'static str> {
    use v4l::capability::Flags;
    match () {
        () if abilities.contains(Flags::VIDEO_CAPTURE) => None,
        () if abilities.contains(Flags::VIDEO_OUTPUT) => {
            Some("it is a virtual camera that nobody writes to; --loopback makes this program do so")
        }
        () if abilities.contains(Flags::META_CAPTURE) => {
            Some("it gives no pictures, only what belongs to those of the camera beside it")
        }
        () => Some("it gives no pictures"),
    }
}

/// What a system says, as a sentence for people.
pub(super) fn sentence(error: &io::Error) -> String {
    /// `ENODEV` of Unix: it was unplugged.
    const GONE: i32 = 19;
    match error.kind() {
        io::ErrorKind::ResourceBusy => "it is busy: another program uses it".into(),
        io::ErrorKind::PermissionDenied => "permission to use it is denied".into(),
        io::ErrorKind::NotFound => "it is not there".into(),
        _ if cfg!(unix) && error.raw_os_error() == Some(GONE) => "it was unplugged".into(),
        _ => plain(&error.to_string()),
    }
}

/// A library's message without what only programmers read: `Broken pipe (os error 32)`, `Error: x`.
pub(super) fn plain(message: &str) -> String {
    let text = message.trim().trim_start_matches("Error: ");
    let text = text.split(" (os error").next().unwrap_or(text).trim_end_matches('.');
    let lower = text.to_lowercase();
    match () {
        () if lower.contains("busy") => "it is busy: another program uses it".into(),
        () if lower.contains("permission denied") => "permission to use it is denied".into(),
        () if lower.contains("no such device") => "it was unplugged".into(),
        () if lower.contains("no such file") => "it is not there".into(),
        // What `nokhwa` says where a device offers nothing.
        () if lower.contains("fufill") => {
            "it offers no pictures; if it is a virtual camera, nobody writes to it".into()
        }
        () => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_sentences() {
        for (number, told) in [(16, "busy"), (13, "permission"), (19, "unplugged"), (2, "not there")] {
            let error = io::Error::from_raw_os_error(number);
            if cfg!(target_os = "linux") {
                assert!(sentence(&error).contains(told), "{error}: {}", sentence(&error));
                assert!(plain(&error.to_string()).contains(told), "{error}: {}", plain(&error.to_string()));
            }
        }
        assert_eq!(plain("Error: Failed to read (os error 5)"), "Failed to read");
        assert!(plain("Could not get device property: Failed to Fufill").contains("nobody writes to it"));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_is_no_camera_is_told() {
        use v4l::capability::Flags;
        assert_eq!(no_camera(Flags::VIDEO_CAPTURE | Flags::STREAMING | Flags::VIDEO_OUTPUT), None);
        let told = |flags| no_camera(flags).expect("no camera");
        assert!(told(Flags::VIDEO_OUTPUT).contains("nobody writes to"));
        assert!(told(Flags::META_CAPTURE | Flags::STREAMING).contains("the camera beside it"));
        assert!(told(Flags::empty()).contains("no pictures"));
        assert_eq!(examine(9999).trouble.as_deref(), Some("it is not there"));
    }
}
