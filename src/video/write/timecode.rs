//! Time codes: the hour, minute, second and frame that a camera wrote on its film.
//!
//! A part that begins later begins with a later code. FFmpeg's own reckoning is used, drop
//! frames and all.

use std::ffi::{CStr, CString, c_char};

use ffmpeg::ffi::{self, AVRational, AVTimecode};
use ffmpeg_next as ffmpeg;

use crate::time::{FrameRate, FrameTime};

/// Room for the longest code, as FFmpeg counts it.
const ROOM: usize = 64;

/// The code of the picture on screen at `start`, if that of the first picture is `first`;
/// `None` if that is no code.
pub(super) fn at(first: &str, rate: FrameRate, start: FrameTime) -> Option<String> {
    let base = rate.frame_base();
    let nearest = start.to_ticks(base);
    let frames = if FrameTime::from_ticks(nearest, base) > start { nearest - 1 } else { nearest };
    let frames = i32::try_from(frames).ok()?;
    let text = CString::new(first).ok()?;
    let (num, den) = rate.parts();
    let mut room = [0 as c_char; ROOM];
    #[expect(unsafe_code, reason = "the binding knows no time codes")]
    // SAFETY: plain numbers that may all be zero; FFmpeg fills them from a text that ends with
    // a zero, or says that it cannot.
    let code = unsafe {
        let mut code: AVTimecode = std::mem::zeroed();
        let rate = AVRational { num, den };
        if ffi::av_timecode_init_from_string(&mut code, rate, text.as_ptr(), std::ptr::null_mut()) < 0 {
            return None;
        }
        // SAFETY: the room is longer than the 23 bytes that FFmpeg asks for, and it ends the
        // text with a zero.
        CStr::from_ptr(ffi::av_timecode_make_string(&code, room.as_mut_ptr(), frames))
    };
    code.to_str().ok().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_count_on_and_drop_frames() {
        let at = |first, rate: (i32, i32), secs| {
            at(first, FrameRate::new(rate.0, rate.1).expect("positive"), FrameTime::from_secs_f64(secs))
        };
        assert_eq!(at("01:00:00:00", (25, 1), 2.5).as_deref(), Some("01:00:02:12"));
        assert_eq!(at("01:00:00:00", (25, 1), 0.0).as_deref(), Some("01:00:00:00"));
        assert_eq!(at("00:00:59;29", (30_000, 1001), 0.034).as_deref(), Some("00:01:00;02"));
        assert_eq!(at("not a code", (25, 1), 1.0), None);
    }
}
