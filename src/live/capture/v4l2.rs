//! A camera of Linux, read through V4L2 itself: `nokhwa` waits for ever for a picture, hands out whole buffers
//! instead of what was written to them, and does not tell which pictures are damaged.

use std::io;
use std::time::Duration;

use v4l::buffer::{Flags, Type};
use v4l::io::mmap::Stream;
use v4l::io::traits::{CaptureStream, Stream as _};
use v4l::video::Capture as _;
use v4l::video::capture::Parameters;
use v4l::{Device, Format, FourCC};

use crate::error::Cause;
use crate::live::capture::driver::{Driver, Shot};

/// Buffers that the driver fills: one is read while another is written, and two are in reserve.
const BUFFERS: u32 = 4;
/// For a picture, before whoever reads may look around.
const PATIENCE_MILLIS: i32 = 200;
/// `POLLIN` of Linux.
const READABLE: i16 = 1;
/// `ENODEV` of Linux: the camera is unplugged.
const UNPLUGGED: i32 = 19;

/// A V4L2 camera that streams.
pub(super) struct V4l2Driver {
    /// Always there, until it is dropped.
    stream: Option<Stream<'static>>,
}

impl V4l2Driver {
    /// Opens the camera of a number and begins to stream.
    ///
    /// # Errors
    /// Returns an error if it is busy or forbidden, or will not have this format and size.
    pub(super) fn open(index: u32, fourcc: &[u8; 4], size: [u32; 2], fps: u32) -> Result<Self, Cause> {
        let device = Device::new(index as usize)?;
        let wanted = Format::new(size[0], size[1], FourCC::new(fourcc));
        let got = device.set_format(&wanted)?;
        if (got.width, got.height, got.fourcc) != (wanted.width, wanted.height, wanted.fourcc) {
            let [width, height] = size;
            let given = format!("{}x{} {}", got.width, got.height, got.fourcc);
            return Err(
                format!("it gives {given}, where {width}x{height} {} was agreed", wanted.fourcc).into()
            );
        }
        // Not all can be told; the rate that they have then is measured.
        if let Err(error) = device.set_params(&Parameters::with_fps(fps)) {
            tracing::debug!("the camera keeps its rate: {error}");
        }
        let stream = Stream::with_buffers(&device, Type::VideoCapture, BUFFERS)?;
        let mut driver = Self { stream: Some(stream) };
        if let Some(stream) = &mut driver.stream {
            // The first stays here: every reading gives the buffer of the picture before back.
            for buffer in 1..BUFFERS as usize {
                match CaptureStream::queue(stream, buffer) {
                    // The driver has fewer.
                    Err(error) if buffer > 1 && error.kind() == io::ErrorKind::InvalidInput => break,
                    queued => queued?,
                }
            }
            stream.start()?;
        }
        Ok(driver)
    }
}

impl Driver for V4l2Driver {
    fn shoot(&mut self) -> Result<Shot<'_>, Cause> {
        let Some(stream) = &mut self.stream else { return Err("it is closed".into()) };
        match stream.handle().poll(READABLE, PATIENCE_MILLIS) {
            Ok(0) => return Ok(Shot::Nothing),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(Shot::Nothing),
            Err(error) => return Err(error.into()),
        }
        let (buffer, about) = CaptureStream::next(stream)?;
        if about.flags.contains(Flags::ERROR) {
            return Ok(Shot::Damaged);
        }
        let written = (about.bytesused as usize).min(buffer.len());
        Ok(Shot::Picture { bytes: &buffer[..written], age: Duration::ZERO })
    }
}

impl Drop for V4l2Driver {
    fn drop(&mut self) {
        let Some(mut stream) = self.stream.take() else { return };
        match stream.stop() {
            Err(error) if error.raw_os_error() != Some(UNPLUGGED) => {
                tracing::warn!("the camera does not stop: {error}");
                // Its own end would try again and panic; so its buffers stay until the program ends.
                std::mem::forget(stream);
            }
            _ => drop(stream),
        }
    }
}
