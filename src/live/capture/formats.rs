//! Which of the formats that a camera offers is asked for.

use nokhwa::utils::{CameraFormat, FrameFormat, Resolution};

use crate::frame::Size;

/// Formats we read, the dearer to the bus first: YUYV of more than 640x480 seldom fits it at full rate.
pub(super) const READ: [FrameFormat; 3] = [FrameFormat::NV12, FrameFormat::YUYV, FrameFormat::MJPEG];
/// What is asked for unless something else is wished for.
const WISHED: (u32, u32, u32) = (1280, 720, 30);
/// One line a format: its sizes, each with its highest rate.
pub(super) fn summary(mut formats: Vec<CameraFormat>) -> Vec<String> {
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
pub(super) fn choose(formats: &[CameraFormat], size: Option<Size>, fps: Option<u32>) -> Option<CameraFormat> {
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
}
