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
use crate::live::capture::driver::{Driver, Shot};
use crate::live::capture::formats::{READ, choose, summary};
use crate::live::capture::info::live_info;
use crate::live::capture::picture::rgba;
use crate::live::clock::LiveClock;
use crate::live::error::LiveError;
use crate::time::{FrameRate, FrameTime};
use crate::video::read::{Source, VideoInfo};

/// Pictures in a row that cannot be read, after which the camera counts as broken.
const MOST_UNREADABLE: u32 = 30;

/// A camera that was found.
#[derive(Debug, Clone)]
pub struct DetectedCamera {
    /// What `--camera` takes: its number.
    pub index: u32,
    /// What the system calls it.
    pub name: String,
    /// What it offers: format, size, pictures a second; empty where it does not tell.
    pub formats: Vec<String>,
}

/// All cameras there are.
///
/// # Errors
/// Returns an error if the system does not tell.
pub fn list() -> Result<Vec<DetectedCamera>> {
    let describe = |info: CameraInfo| {
        let index = info.index().as_index().unwrap_or_default();
        let formats = offered(index).map(|(_, formats)| formats).unwrap_or_default();
        DetectedCamera { index, name: info.human_name(), formats: summary(formats) }
    };
    Ok(known()?.into_iter().map(describe).collect())
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
        let (camera, formats) = offered(index).map_err(|error| failed(Box::new(error)))?;
        let Some(format) = choose(&formats, size, fps) else {
            let reason = "it offers no pictures as NV12, YUYV or MJPEG, which are what we read";
            return Err(failed(reason.into()));
        };
        let name = camera.info().human_name();
        let driver = start(camera, index, format).map_err(failed)?;
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
        let failed = |source| Error::from(LiveError::Camera { name: self.name.clone(), source });
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
    let described = |info: &CameraInfo| format!("{} ({})", index_of(info), info.human_name());
    let found = known.iter().find(meant).map(index_of).ok_or_else(|| LiveError::CameraMissing {
        name: name.into(),
        available: known.iter().map(described).collect(),
    })?;
    Ok(found)
}

#[cfg(test)]
mod tests;
