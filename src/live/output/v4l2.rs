//! A virtual camera: writes to a v4l2loopback device, which OBS, Zoom and
//! browsers take for a webcam.
//!
//! The size is fixed for the session, because readers do not follow a change of
//! it, and stays what it was while one of them holds the device: pictures of another size are scaled into it, black
//! bars filling what is left. Readers come and go as they please. While the picture stands still, it
//! is written again and again, so that a reader never waits in vain.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use v4l::buffer::Type;
use v4l::capability::Flags;
use v4l::v4l2::ioctl;
use v4l::v4l2::vidioc::VIDIOC_STREAMON;
use v4l::video::Output as _;
use v4l::{Device, Format, FourCC};
use yuv::{
    BufferStoreMut, YuvChromaSubsampling, YuvConversionMode, YuvError, YuvPackedImageMut, YuvPlanarImageMut,
    YuvRange, YuvStandardMatrix, rgba_to_yuv422, yuv422_to_yuyv422,
};

use crate::cancel::CancelToken;
use crate::error::{Cause, Error, Result};
use crate::frame::resize::{Filter, Pixels, Resizer};
use crate::frame::{Frame, Size};
use crate::live::FramePair;
use crate::live::controls::Controls;
use crate::live::error::LiveError;
use crate::live::latest::{Received, Receiver};

/// After so long without a new picture the last one is written again.
const STILL: Duration = Duration::from_millis(100);

/// What the driver of virtual cameras calls itself.
const LOOPBACK: &str = "v4l2 loopback";

/// An open virtual camera.
pub struct VirtualCamera {
    path: PathBuf,
    device: Device,
    size: Size,
    resizer: Resizer,
    bytes: Vec<u8>,
}

impl VirtualCamera {
    /// Opens the device for pictures of a size, made even, or of the size at which somebody reads it.
    ///
    /// # Errors
    /// Returns an error if it is missing, forbidden, no output, or will not take YUYV of that size.
    pub fn open(path: &Path, size: Size) -> Result<Self> {
        let failed = |source: Cause| Error::from(LiveError::VirtualCamera { path: path.into(), source });
        let size = Size { width: (size.width & !1).max(2), height: (size.height & !1).max(2) };
        let device = Device::with_path(path).map_err(|error| failed(error.into()))?;
        let caps = device.query_caps().map_err(|error| failed(error.into()))?;
        if let Some(reason) = no_output(&caps.driver, caps.capabilities) {
            return Err(failed(reason.into()));
        }
        let wanted = Format::new(size.width, size.height, FourCC::new(b"YUYV"));
        let got = device.set_format(&wanted).map_err(|error| failed(error.into()))?;
        let held =
            Size::new(got.width, got.height).filter(|held| held.width % 2 == 0 && held.height % 2 == 0);
        let Some(held) = held.filter(|_| got.fourcc == wanted.fourcc) else {
            let reason = format!(
                "it insists on {}x{} {}, where {size} YUYV is wanted: another program holds it",
                got.width, got.height, got.fourcc
            );
            return Err(failed(reason.into()));
        };
        if held != size {
            tracing::info!("{} stays at {held}, at which somebody reads it", path.display());
        }
        if let Err(reason) = announce(&device) {
            tracing::debug!(%reason, "the driver knows its writers by their writing");
        }
        Ok(Self { path: path.into(), device, size: held, resizer: Resizer::default(), bytes: Vec::new() })
    }

    /// Starts a thread that writes every frame, until the session stops.
    ///
    /// # Errors
    /// Returns an error if the thread cannot be started.
    pub fn start(
        mut self,
        frames: Receiver<FramePair>,
        controls: Arc<Controls>,
        stop: CancelToken,
    ) -> Result<JoinHandle<()>> {
        let name = "loopback";
        let work = move || {
            while !stop.is_raised() {
                match frames.take(STILL) {
                    Received::Item(shown) => self.bytes = self.yuyv(&shown.finished),
                    Received::Nothing => {}
                    Received::Closed => break,
                }
                let written = if self.bytes.is_empty() { Ok(()) } else { self.write() };
                let path = self.path.display();
                let trouble = |error| format!("the virtual camera {path} takes no pictures: {error}");
                controls.notices.tell("virtual camera", written.err().map(trouble));
            }
        };
        Builder::new().name(name.into()).spawn(work).map_err(|_| Error::Stage { name })
    }

    fn write(&mut self) -> io::Result<()> {
        match self.device.write(&self.bytes) {
            Ok(written) if written == self.bytes.len() => Ok(()),
            Ok(written) => Err(io::Error::other(format!("{written} bytes of a picture were taken"))),
            // No buffer is free: the reader is slow, and gets the next picture.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn yuyv(&mut self, frame: &Frame) -> Vec<u8> {
        let fitted = if frame.size == self.size { None } else { fit(&mut self.resizer, frame, self.size) };
        let pixels = fitted.as_deref().unwrap_or(&frame.pixels);
        yuyv(self.size, pixels).unwrap_or_else(|error| {
            tracing::debug!("a picture cannot be converted for the virtual camera: {error}");
            Vec::new()
        })
    }
}

/// Tells the driver that a writer is here: version 0.12 gives the device back only when one that did so closes it, and
/// takes no pictures from anyone after one that did not.
fn announce(device: &Device) -> io::Result<()> {
    let mut kind = Type::VideoOutput as u32;
    #[expect(unsafe_code, reason = "the binding starts a stream only with buffers that are mapped")]
    // SAFETY: the device is open, and VIDIOC_STREAMON reads one number, which is there.
    unsafe {
        ioctl(device.handle().fd(), VIDIOC_STREAMON, (&raw mut kind).cast())
    }
}

/// Why a device takes no pictures, if it does not. A virtual camera that was left by a writer whom the driver has
/// forgotten has no abilities at all, and takes them all the same.
fn no_output(driver: &str, abilities: Flags) -> Option<&'static str> {
    let (is_output, is_camera) =
        (abilities.contains(Flags::VIDEO_OUTPUT), abilities.contains(Flags::VIDEO_CAPTURE));
    match driver == LOOPBACK {
        _ if is_output => None,
        true if !is_camera => None,
        true => Some("another program is this camera already, or was and still has a reader: end both"),
        false => Some("it is a camera, or something else that takes no pictures"),
    }
}

/// Packed RGBA as YUYV, the one format that every reader takes; the width is even.
fn yuyv(size: Size, pixels: &[u8]) -> Result<Vec<u8>, YuvError> {
    let Size { width, height } = size;
    let (range, matrix) = (YuvRange::Limited, YuvStandardMatrix::Bt601);
    let mut planes = YuvPlanarImageMut::alloc(width, height, YuvChromaSubsampling::Yuv422);
    rgba_to_yuv422(&mut planes, pixels, width * 4, range, matrix, YuvConversionMode::Balanced)?;
    let mut bytes = vec![0; size.pixels() * 2];
    let yuy = BufferStoreMut::Borrowed(&mut bytes);
    let mut packed = YuvPackedImageMut { yuy, yuy_stride: width * 2, width, height };
    yuv422_to_yuyv422(&mut packed, &planes.to_fixed())?;
    Ok(bytes)
}

/// The frame, as large as fits, in the middle of black.
fn fit(resizer: &mut Resizer, frame: &Frame, size: Size) -> Option<Vec<u8>> {
    let scale =
        (size.width as f32 / frame.size.width as f32).min(size.height as f32 / frame.size.height as f32);
    let side = |of: u32, most: u32| ((of as f32 * scale).round() as u32).clamp(1, most);
    let inner =
        Size { width: side(frame.size.width, size.width), height: side(frame.size.height, size.height) };
    let source = Pixels { bytes: &frame.pixels, size: frame.size };
    let small = resizer.pixels(source, inner, Filter::Bilinear).ok()?;
    let mut pixels = [0, 0, 0, 255].repeat(size.pixels());
    let (left, top) = ((size.width - inner.width) / 2, (size.height - inner.height) / 2);
    let row_bytes = inner.width as usize * 4;
    for (y, row) in small.chunks_exact(row_bytes).enumerate() {
        let at = ((top as usize + y) * size.width as usize + left as usize) * 4;
        pixels[at..at + row_bytes].copy_from_slice(row);
    }
    Some(pixels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::FrameTime;

    #[test]
    fn what_takes_no_pictures_says_why() {
        let (output, camera) = (Flags::VIDEO_OUTPUT, Flags::VIDEO_CAPTURE);
        assert_eq!(no_output(LOOPBACK, output), None);
        assert_eq!(no_output(LOOPBACK, output | camera), None);
        assert_eq!(no_output(LOOPBACK, Flags::READ_WRITE), None, "left by a writer that was forgotten");
        assert!(no_output(LOOPBACK, camera).is_some_and(|reason| reason.contains("already")));
        assert!(no_output("uvcvideo", camera).is_some_and(|reason| reason.contains("it is a camera")));
    }

    #[test]
    fn another_shape_is_fitted_between_bars() {
        let frame = Frame::filled(Size { width: 40, height: 40 }, FrameTime::ZERO, [200, 100, 50, 255]);
        let size = Size { width: 32, height: 16 };
        let pixels = fit(&mut Resizer::default(), &frame, size).expect("fits");
        let at = |x: usize| pixels[(8 * 32 + x) * 4];
        assert_eq!([0, 7, 8, 23, 24].map(at), [0, 0, 200, 200, 0]);
    }

    #[test]
    fn grey_and_red_as_every_reader_expects_them() {
        let size = Size { width: 4, height: 2 };
        let red = [255, 0, 0, 255].repeat(4);
        let picture = [[128, 128, 128, 255].repeat(4), red].concat();
        let bytes = yuyv(size, &picture).expect("even");
        let near = |a: &[u8], b: [u8; 4]| a.iter().zip(b).all(|(a, b)| a.abs_diff(b) <= 1);
        assert!(
            near(&bytes[..4], [126, 128, 126, 128]) && near(&bytes[8..12], [81, 90, 81, 240]),
            "{bytes:?}"
        );
    }

    #[test]
    fn what_is_no_virtual_camera_says_so() {
        let error = VirtualCamera::open("/dev/null".as_ref(), Size { width: 4, height: 4 });
        let report = error.err().expect("no camera").to_string();
        assert!(report.contains("/dev/null"), "{report}");
    }
}
