//! What Matroska and WebM say of the last picture's length.
//!
//! Their blocks of video carry no length; the last picture lasts until the end that the track's
//! statistics name. A file that was cut short names it too: such a picture is not held until
//! then. Whether a file is whole, the size in the head of its one big element tells (RFC 8794
//! and 9559).

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use ffmpeg_next::Stream;

use crate::time::FrameTime;

/// Identifiers of the first two elements of a file: its head, and everything else.
const HEAD: [u8; 4] = [0x1a, 0x45, 0xdf, 0xa3];
const SEGMENT: [u8; 4] = [0x18, 0x53, 0x80, 0x67];

/// Where a track ends by its own statistics, on the file's clock.
pub(super) fn end_of_track(stream: &Stream) -> Option<FrameTime> {
    let tags = stream.metadata();
    let text = tags.get("DURATION").or(tags.get("DURATION-eng"))?;
    let mut parts = text.trim().split(':').map(|part| part.parse::<f64>().ok());
    let (hours, minutes, secs) = (parts.next()??, parts.next()??, parts.next()??);
    let secs = (hours * 60.0 + minutes) * 60.0 + secs;
    secs.is_finite().then(|| FrameTime::from_secs_f64(secs))
}

/// Whether all of a Matroska file is there; `false` also for what is none.
pub(super) fn is_whole(path: &Path) -> bool {
    let mut start = [0; 256];
    let Ok(mut file) = File::open(path) else { return false };
    let Ok(read) = file.read(&mut start) else { return false };
    let length = file.metadata().map(|about| about.len()).unwrap_or_default();
    segment_end(&start[..read]).is_some_and(|end| end <= length)
}

/// Where the file's one big element ends, by its head.
fn segment_end(start: &[u8]) -> Option<u64> {
    let (size, head) = element(start, HEAD, 0)?;
    let segment = head + usize::try_from(size).ok()?;
    let (size, body) = element(start, SEGMENT, segment)?;
    (body as u64).checked_add(size)
}

/// Size of the body of an element, and where the body begins; `None` if the size is not told.
fn element(bytes: &[u8], id: [u8; 4], at: usize) -> Option<(u64, usize)> {
    let rest = bytes.get(at..)?.strip_prefix(&id)?;
    let width = rest.first()?.leading_zeros() as usize + 1;
    let digits = rest.get(..width).filter(|_| width <= 8)?;
    let marked = digits.iter().fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
    let mask = (1_u64 << (7 * width)) - 1;
    let size = marked & mask;
    (size != mask).then_some((size, at + id.len() + width))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_read_from_the_head() {
        let file = |size: &[u8]| [&HEAD[..], &[0x82, 7, 7], &SEGMENT[..], size, &[0; 20]].concat();
        assert_eq!(segment_end(&file(&[0x94])), Some(7 + 4 + 1 + 20));
        assert_eq!(segment_end(&file(&[0x40, 20])), Some(7 + 4 + 2 + 20));
        // Live recordings do not know their size.
        assert_eq!(segment_end(&file(&[0xff])), None);
        assert_eq!(segment_end(&file(&[0x01, 255, 255, 255, 255, 255, 255, 255])), None);
        for cut in 0..11 {
            assert_eq!(segment_end(&file(&[0x94])[..cut]), None, "{cut}");
        }
    }
}
