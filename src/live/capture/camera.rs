//! A camera: V4L2 on Linux, AVFoundation on macOS, Media Foundation on Windows.
//!
//! What it offers is asked through `nokhwa`, and one format asked for exactly, because its own ways of choosing prefer
//! odd ones (320x180 raw pictures at 500 frames a second). A [`Driver`] gives the pictures, which are converted here.
//! Cables and hubs tear pictures; a torn one is passed over, but not many in a row.

use image::codecs::jpeg::JpegDecoder;
use image::{DynamicImage, ImageDecoder as _};
use nokhwa::utils::{
    CameraFormat, CameraIndex, CameraInfo, FrameFormat, RequestedFormat, RequestedFormatType, Resolution,
};
use nokhwa::{Camera, NokhwaError};
use yuv::{
    YuvBiPlanarImage, YuvConversionMode, YuvPackedImage, YuvRange, YuvStandardMatrix, yuv_nv12_to_rgba,
    yuyv422_to_rgba,
};

use crate::cancel::CancelToken;
use crate::error::{Cause, Error, Result};
use crate::frame::{Frame, Size};
use crate::live::capture::driver::{Driver, Shot};
use crate::live::capture::info::live_info;
use crate::live::clock::LiveClock;
use crate::time::{FrameRate, FrameTime};
use crate::video::read::{Source, VideoInfo};

/// Formats we read, the dearer to the bus first: YUYV of more than 640x480 seldom fits it at full rate.
const READ: [FrameFormat; 3] = [FrameFormat::NV12, FrameFormat::YUYV, FrameFormat::MJPEG];
/// What is asked for unless something else is wished for.
const WISHED: (u32, u32, u32) = (1280, 720, 30);
/// Pictures in a row that cannot be read, after which the camera counts as broken.
const MOST_UNREADABLE: u32 = 30;

/// A camera that was found.
#[derive(Debug, Clone)]
pub struct Found {
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
pub fn list() -> Result<Vec<Found>> {
    let describe = |info: CameraInfo| {
        let index = info.index().as_index().unwrap_or_default();
        let formats = offered(index).map(|(_, formats)| formats).unwrap_or_default();
        Found { index, name: info.human_name(), formats: summary(formats) }
    };
    Ok(known()?.into_iter().map(describe).collect())
}

fn known() -> Result<Vec<CameraInfo>> {
    let found = nokhwa::query(nokhwa::utils::ApiBackend::Auto);
    let mut found =
        found.map_err(|source| Error::Camera { name: "any camera".into(), source: Box::new(source) })?;
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

/// One line a format: its sizes, each with its highest rate.
fn summary(mut formats: Vec<CameraFormat>) -> Vec<String> {
    formats.sort_by_key(|f| (f.format(), f.width() * f.height(), f.frame_rate()));
    let mut lines: Vec<String> = Vec::new();
    for format in formats {
        let line = format!("{} {}x{}", format.format(), format.width(), format.height());
        let rate = format.frame_rate();
        match lines.last_mut().filter(|last| last.starts_with(&format!("{line} "))) {
            Some(last) => *last += &format!(", {rate}"),
            None => lines.push(format!("{line} at {rate}")),
        }
    }
    lines
}

/// The format that comes closest: first in size, then in rate (a little too fast rather than too
/// slow), then the one that is cheapest to read.
fn choose(formats: &[CameraFormat], size: Option<Size>, fps: Option<u32>) -> Option<CameraFormat> {
    let (width, height) = size.map_or((WISHED.0, WISHED.1), |size| (size.width, size.height));
    let fps = fps.unwrap_or(WISHED.2);
    let cost = |format: &CameraFormat| {
        let Resolution { width_x, height_y } = format.resolution();
        let rate = format.frame_rate();
        let slow = if rate < fps { 4 * (fps - rate) } else { rate - fps };
        let dear = READ.iter().position(|read| *read == format.format());
        // A rate too low for a picture that moves weighs more than some pixels.
        let stutters = size.is_none() && rate < 15.min(fps);
        (stutters, width_x.abs_diff(width) + height_y.abs_diff(height), slow, dear)
    };
    formats.iter().min_by_key(|format| cost(format)).copied()
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
        let failed = |source: Cause| Error::Camera { name: name.to_owned(), source };
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
        let failed = |source| Error::Camera { name: self.name.clone(), source };
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
    known.iter().find(meant).map(index_of).ok_or_else(|| Error::CameraMissing {
        name: name.into(),
        available: known.iter().map(|info| format!("{} ({})", index_of(info), info.human_name())).collect(),
    })
}

/// A driver's picture as packed RGBA.
fn rgba(format: FrameFormat, size: Size, bytes: &[u8]) -> Result<Vec<u8>, Cause> {
    let Size { width, height } = size;
    let (matrix, range) = (YuvStandardMatrix::Bt601, YuvRange::Limited);
    let enough = |wanted: usize| {
        bytes
            .get(..wanted)
            .ok_or_else(|| format!("it has {} bytes, where {wanted} make a picture", bytes.len()))
    };
    // Only for a picture that is whole.
    let pixels = || vec![0; size.rgba_bytes()];
    match format {
        FrameFormat::YUYV => {
            let yuy = enough(width as usize * height as usize * 2)?;
            let picture = YuvPackedImage { yuy, yuy_stride: width * 2, width, height };
            let mut pixels = pixels();
            yuyv422_to_rgba(&picture, &mut pixels, width * 4, range, matrix)?;
            Ok(pixels)
        }
        FrameFormat::NV12 => {
            let luma = size.pixels();
            let (y_plane, uv_plane) = enough(luma + luma / 2)?.split_at(luma);
            let picture =
                YuvBiPlanarImage { y_plane, y_stride: width, uv_plane, uv_stride: width, width, height };
            let mode = YuvConversionMode::Balanced;
            let mut pixels = pixels();
            yuv_nv12_to_rgba(&picture, &mut pixels, width * 4, range, matrix, mode)?;
            Ok(pixels)
        }
        _ => {
            let decoder = JpegDecoder::new(std::io::Cursor::new(bytes))?;
            // By the header: a picture of another size is never decoded.
            let (wide, high) = decoder.dimensions();
            if (wide, high) != (width, height) {
                return Err(format!("it is {wide}x{high}, where {size} was agreed").into());
            }
            Ok(DynamicImage::from_decoder(decoder)?.into_rgba8().into_raw())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(format: FrameFormat, width: u32, height: u32, fps: u32) -> CameraFormat {
        CameraFormat::new_from(width, height, format, fps)
    }

    #[test]
    fn the_closest_size_then_a_rate_then_the_cheapest_format() {
        use FrameFormat::{MJPEG, YUYV};
        let webcam = [
            format(YUYV, 640, 480, 30),
            format(YUYV, 1280, 720, 10),
            format(MJPEG, 1280, 720, 30),
            format(MJPEG, 1280, 720, 60),
            format(MJPEG, 1920, 1080, 30),
        ];
        let chosen = |size: Option<(u32, u32)>, fps| {
            let size = size.and_then(|(width, height)| Size::new(width, height));
            choose(&webcam, size, fps).expect("one of them")
        };
        assert_eq!(chosen(None, None), webcam[2]);
        assert_eq!(chosen(None, Some(60)), webcam[3]);
        assert_eq!(chosen(Some((640, 360)), None), webcam[0]);
        assert_eq!(chosen(Some((4000, 3000)), None), webcam[4]);
        assert_eq!(choose(&[], None, None), None);
        // One that can only crawl at the size nobody asked for.
        assert_eq!(choose(&webcam[..2], None, None), Some(webcam[0]));
        assert_eq!(summary(webcam.to_vec()).len(), 4);
    }

    #[test]
    fn pictures_shorter_than_they_should_be_are_refused() {
        let size = Size { width: 16, height: 8 };
        for (format, bytes) in [(FrameFormat::YUYV, 256), (FrameFormat::NV12, 192)] {
            // Longer is what drivers give.
            let grey = vec![128; bytes + 512];
            let pixels = rgba(format, size, &grey).expect("whole");
            assert!(pixels.len() == 512 && (130..=131).contains(&pixels[0]) && pixels[3] == 255);
            assert!(rgba(format, size, &grey[..bytes - 1]).is_err());
        }
        assert!(rgba(FrameFormat::MJPEG, size, b"\xff\xd8 nonsense").is_err());
    }

    /// A driver whose pictures go round, and that tells when it is given back.
    struct Fake {
        pictures: Vec<Option<Vec<u8>>>,
        asked: usize,
        closed: CancelToken,
    }

    impl Driver for Fake {
        fn shoot(&mut self) -> Result<Shot<'_>, Cause> {
            self.asked += 1;
            if self.asked.is_multiple_of(2) {
                return Ok(Shot::Nothing);
            }
            match &self.pictures[self.asked / 2 % self.pictures.len()] {
                Some(bytes) => Ok(Shot::Picture { bytes, age: std::time::Duration::ZERO }),
                None => Ok(Shot::Damaged),
            }
        }
    }

    impl Drop for Fake {
        fn drop(&mut self) {
            self.closed.raise();
        }
    }

    const SIZE: Size = Size { width: 16, height: 8 };

    fn camera(
        format: FrameFormat,
        pictures: Vec<Option<Vec<u8>>>,
    ) -> (CameraSource, CancelToken, CancelToken) {
        let (closed, stop) = (CancelToken::new(), CancelToken::new());
        let driver = Box::new(Fake { pictures, asked: 0, closed: closed.clone() });
        let info = live_info(SIZE, FrameRate::new(30, 1).expect("positive"));
        let clock = LiveClock::new();
        let source = CameraSource { driver, name: "fake".into(), info, format, clock, stop: stop.clone() };
        (source, closed, stop)
    }

    fn jpeg(size: Size) -> Vec<u8> {
        let mut bytes = Vec::new();
        let picture = image::RgbImage::from_pixel(size.width, size.height, image::Rgb([200, 90, 20]));
        picture.write_to(&mut std::io::Cursor::new(&mut bytes), image::ImageFormat::Jpeg).expect("encoded");
        bytes
    }

    #[test]
    fn a_camera_of_torn_pictures_only_ends_in_an_error() {
        let whole = jpeg(SIZE);
        // A header that promises a gigabyte.
        let mut bomb = whole.clone();
        let size_at = bomb.windows(2).position(|two| two == [0xff, 0xc0]).expect("a frame header") + 5;
        bomb[size_at..size_at + 4].copy_from_slice(&[0x3f, 0xff, 0x3f, 0xff]);
        for (format, picture, told) in [
            (FrameFormat::YUYV, Some(Vec::new()), "0 bytes"),
            (FrameFormat::YUYV, Some(vec![128; 255]), "255 bytes"),
            (FrameFormat::NV12, Some(vec![128; 191]), "191 bytes"),
            (FrameFormat::YUYV, None, "damaged"),
            (FrameFormat::MJPEG, Some(Vec::new()), "30 pictures"),
            (FrameFormat::MJPEG, Some(whole[..whole.len() / 4].to_vec()), "30 pictures"),
            (FrameFormat::MJPEG, Some(jpeg(Size { width: 32, height: 8 })), "32x8"),
            (FrameFormat::MJPEG, Some(bomb), "16383x16383"),
        ] {
            let (mut source, closed, _stop) = camera(format, vec![picture]);
            let error = source.next().expect_err(told);
            assert!(error.explained("").contains(told), "{}", error.explained(""));
            drop(source);
            assert!(closed.is_raised(), "the device is given back");
        }
    }

    #[test]
    fn a_torn_picture_now_and_then_is_passed_over() {
        let torn = vec![None; MOST_UNREADABLE as usize - 1];
        let pictures = torn.into_iter().chain([Some(vec![128; 256])]).collect();
        let (mut source, _closed, stop) = camera(FrameFormat::YUYV, pictures);
        for _ in 0..5 {
            assert_eq!(source.next().expect("goes on").expect("a picture").size, SIZE);
        }
        stop.raise();
        assert!(source.next().expect("no failure").is_none());
    }

    #[test]
    fn a_camera_that_is_silent_stops_when_told() {
        struct Silent;
        impl Driver for Silent {
            fn shoot(&mut self) -> Result<Shot<'_>, Cause> {
                std::thread::sleep(std::time::Duration::from_millis(1));
                Ok(Shot::Nothing)
            }
        }
        let (source, _closed, stop) = camera(FrameFormat::YUYV, vec![None]);
        let mut source = CameraSource { driver: Box::new(Silent), ..source };
        std::thread::scope(|scope| {
            let read = scope.spawn(move || source.next());
            stop.raise();
            assert!(read.join().expect("no panic").expect("no failure").is_none());
        });
    }
}
