//! A camera: V4L2 on Linux, AVFoundation on macOS, Media Foundation on Windows.
//!
//! What it offers is asked through `nokhwa`, and one format asked for exactly, because its own ways of choosing prefer
//! odd ones (320x180 raw pictures at 500 frames a second). A `Driver` gives the pictures.
//! Cables and hubs tear pictures; a torn one is passed over, but not many in a row.

use nokhwa::utils::{
    CameraFormat, CameraIndex, CameraInfo, FrameFormat, RequestedFormat, RequestedFormatType,
};
use nokhwa::{Camera, NokhwaError};

use crate::cancel::CancelToken;
use crate::error::{Cause, Error, Result};
use crate::frame::{Frame, Size};
use crate::live::capture::devices::{self, Device};
use crate::live::capture::driver::{Driver, Shot};
use crate::live::capture::formats::{READ, choose, summary};
use crate::live::capture::info::live_info;
use crate::live::capture::picture::rgba;
use crate::live::clock::LiveClock;
use crate::live::error::LiveError;
use crate::time::{FrameRate, FrameTime};
use crate::video::read::{Source, VideoInfo};

const NOTHING_READ: &str = "it offers no pictures as NV12, YUYV or MJPEG, which are what we read";
/// Pictures in a row that cannot be read, after which the camera counts as broken.
const MOST_UNREADABLE: u32 = 30;

/// A camera that was found.
#[derive(Debug, Clone)]
pub struct DetectedCamera {
    /// What `--camera` takes: its number.
    pub index: u32,
    /// What the system calls it, and where it is plugged in if another one is called the same.
    pub name: String,
    /// Why it cannot be used, if it cannot.
    pub trouble: Option<String>,
    /// What it offers: format, size, pictures a second; empty where it does not tell.
    pub formats: Vec<String>,
}

/// All cameras there are.
///
/// # Errors
/// Returns an error if the system does not tell.
pub fn list() -> Result<Vec<DetectedCamera>> {
    let mut buses = Vec::new();
    let describe = |info: CameraInfo| {
        let index = info.index().as_index().unwrap_or_default();
        let Device { bus, mut trouble } = devices::examine(index);
        buses.push(bus);
        let formats = match (&trouble, offered(index)) {
            (Some(_), _) => Vec::new(),
            (None, Ok((_, formats))) if formats.is_empty() => {
                trouble = Some(NOTHING_READ.into());
                formats
            }
            (None, Ok((_, formats))) => formats,
            (None, Err(error)) => {
                trouble = Some(devices::plain(&error.to_string()));
                Vec::new()
            }
        };
        DetectedCamera { index, name: info.human_name(), trouble, formats: summary(formats) }
    };
    let mut found: Vec<_> = known()?.into_iter().map(describe).collect();
    let names: Vec<_> = found.iter().map(|camera| camera.name.clone()).collect();
    for (camera, title) in found.iter_mut().zip(titles(&names, &buses)) {
        camera.name = title;
    }
    Ok(found)
}

/// Cameras as `--camera` takes them, and their names, without asking what they offer.
///
/// # Errors
/// Returns an error if the system does not tell.
pub fn names() -> Result<Vec<(String, String)>> {
    let known = known()?;
    let number = |info: &CameraInfo| info.index().as_index().unwrap_or_default();
    let devices: Vec<_> = known.iter().map(|info| devices::examine(number(info))).collect();
    let buses: Vec<_> = devices.iter().map(|device| device.bus.clone()).collect();
    let names: Vec<_> = known.iter().map(CameraInfo::human_name).collect();
    let titles = titles(&names, &buses);
    let usable = known.iter().zip(titles).zip(devices).filter(|(_, device)| device.trouble.is_none());
    Ok(usable.map(|((info, title), _)| (number(info).to_string(), title)).collect())
}

/// Devices at which this program can be a camera.
pub fn outputs() -> Vec<std::path::PathBuf> {
    devices::outputs()
}

/// Names, with the bus of those that others have too.
fn titles(names: &[String], buses: &[Option<String>]) -> Vec<String> {
    let is_twin = |name: &String| names.iter().filter(|other| *other == name).count() > 1;
    let title = |(name, bus): (&String, &Option<String>)| match bus {
        Some(bus) if is_twin(name) => format!("{name} ({bus})"),
        _ => name.clone(),
    };
    names.iter().zip(buses).map(title).collect()
}

fn known() -> Result<Vec<CameraInfo>> {
    let found = nokhwa::query(nokhwa::utils::ApiBackend::Auto);
    let mut found =
        found.map_err(|source| LiveError::Camera { name: "any camera".into(), source: Box::new(source) })?;
    found.sort_by_key(|info| info.index().as_index().unwrap_or(u32::MAX));
    Ok(found)
}

/// Opens a camera far enough to ask what it offers.
fn offered(index: u32) -> Result<(Camera, Vec<CameraFormat>), NokhwaError> {
    let any = RequestedFormat::with_formats(RequestedFormatType::None, &READ);
    let mut camera = Camera::new(CameraIndex::Index(index), any)?;
    let mut formats = camera.compatible_camera_formats()?;
    formats.retain(|format| READ.contains(&format.format()));
    Ok((camera, formats))
}

/// An open camera.
pub(super) struct CameraSource {
    driver: Box<dyn Driver>,
    name: String,
    info: VideoInfo,
    format: FrameFormat,
    clock: LiveClock,
    stop: CancelToken,
}

impl CameraSource {
    pub(super) fn open(
        name: &str,
        size: Option<Size>,
        fps: Option<u32>,
        clock: LiveClock,
        stop: CancelToken,
    ) -> Result<Self> {
        let failed = |source: Cause| Error::from(LiveError::Camera { name: name.to_owned(), source });
        let index = find(name)?;
        if let Some(trouble) = devices::examine(index).trouble {
            return Err(failed(trouble.into()));
        }
        let plain = |error: NokhwaError| failed(devices::plain(&error.to_string()).into());
        let (camera, formats) = offered(index).map_err(plain)?;
        let Some(format) = choose(&formats, size, fps) else {
            return Err(failed(NOTHING_READ.into()));
        };
        let name = camera.info().human_name();
        let driver = start(camera, index, format).map_err(|reason| failed(plain_cause(reason)))?;
        let found = Size::new(format.width(), format.height()).ok_or_else(|| failed("of no size".into()))?;
        let rate = FrameRate::new(format.frame_rate().max(1) as i32, 1).expect("positive");
        tracing::info!("camera {index}: {} {found} at {rate}", format.format());
        Ok(Self { driver, name, info: live_info(found, rate), format: format.format(), clock, stop })
    }
}

/// The driver of a camera, streaming in a format that it offers.
#[cfg(target_os = "linux")]
fn start(camera: Camera, index: u32, format: CameraFormat) -> Result<Box<dyn Driver>, Cause> {
    let fourcc = match format.format() {
        FrameFormat::MJPEG => b"MJPG",
        FrameFormat::NV12 => b"NV12",
        _ => b"YUYV",
    };
    // Whoever has it open decides on its format.
    drop(camera);
    let size = [format.width(), format.height()];
    Ok(Box::new(super::v4l2::V4l2Driver::open(index, fourcc, size, format.frame_rate())?))
}

/// The driver of a camera, streaming in a format that it offers.
#[cfg(not(target_os = "linux"))]
fn start(mut camera: Camera, _index: u32, format: CameraFormat) -> Result<Box<dyn Driver>, Cause> {
    let exactly = RequestedFormatType::Exact(format);
    camera.set_camera_requset(RequestedFormat::with_formats(exactly, &[format.format()]))?;
    Ok(Box::new(super::nokhwa::NokhwaDriver::start(camera)?))
}

impl Source for CameraSource {
    fn info(&self) -> &VideoInfo {
        &self.info
    }

    fn next(&mut self) -> Result<Option<Frame>> {
        let failed =
            |source| Error::from(LiveError::Camera { name: self.name.clone(), source: plain_cause(source) });
        let mut unreadable = 0;
        while !self.stop.is_raised() {
            let read = match self.driver.shoot().map_err(failed)? {
                Shot::Nothing => continue,
                Shot::Damaged => Err("its driver calls it damaged".into()),
                Shot::Picture { bytes, age } => {
                    let time = self.clock.now() - FrameTime::from_nanos(age.as_nanos() as i64);
                    rgba(self.format, self.info.size, bytes).map(|pixels| Frame {
                        size: self.info.size,
                        time,
                        pixels,
                    })
                }
            };
            let reason = match read {
                Ok(frame) => return Ok(Some(frame)),
                Err(reason) => reason,
            };
            tracing::debug!("a picture of the camera is passed over: {reason}");
            unreadable += 1;
            if unreadable == MOST_UNREADABLE {
                return Err(failed(
                    format!("{unreadable} pictures in a row cannot be read: {reason}").into(),
                ));
            }
        }
        Ok(None)
    }
}

/// A driver's reason as a sentence.
fn plain_cause(reason: Cause) -> Cause {
    match reason.downcast::<std::io::Error>() {
        Ok(error) => devices::sentence(&error).into(),
        Err(reason) => devices::plain(&reason.to_string()).into(),
    }
}

/// The number of the camera meant by a number, a path or part of a name.
fn find(name: &str) -> Result<u32> {
    let known = known()?;
    let index_of = |info: &CameraInfo| info.index().as_index().unwrap_or_default();
    let number: Option<u32> = name.parse().ok().or_else(|| {
        let path = std::fs::canonicalize(name).ok()?;
        path.to_str()?.strip_prefix("/dev/video")?.parse().ok()
    });
    let meant = |info: &&CameraInfo| match number {
        Some(ref number) => index_of(info) == *number,
        None => info.human_name().to_lowercase().contains(&name.to_lowercase()),
    };
    let by_bus = |info: &&CameraInfo| {
        let bus = devices::examine(index_of(info)).bus;
        number.is_none()
            && bus.is_some_and(|bus| name == bus || name == format!("{} ({bus})", info.human_name()))
    };
    let described = |info: &CameraInfo| format!("{} ({})", index_of(info), info.human_name());
    let found = known.iter().find(meant).or_else(|| known.iter().find(by_bus));
    let found = found.map(index_of).ok_or_else(|| LiveError::CameraMissing {
        name: name.into(),
        available: known.iter().map(described).collect(),
    })?;
    Ok(found)
}

#[cfg(test)]
mod tests;
