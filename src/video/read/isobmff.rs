//! What MP4 and QuickTime say of the last picture's length.
//!
//! Samples are kept in the order of decoding, and so are their lengths: that of the picture shown
//! last may stand with another sample. The track's own length holds all of it. A file that was cut
//! short says the length of the whole; whether it is all there, the sizes of its boxes tell
//! (ISO/IEC 14496-12, 4.2).

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use ffmpeg_next::Stream;

use crate::time::FrameTime;
use crate::video::libav;

/// Boxes at the top of a file that are looked at: there are five or so, of a file in fragments
/// thousands.
const MOST: usize = 64;

/// Where a track ends by its own length, on the file's clock.
pub(super) fn end_of_track(stream: &Stream) -> Option<FrameTime> {
    let length = libav::length_of(stream.duration(), libav::time_base(stream));
    Some(libav::start_of(stream)? + length).filter(|_| length > FrameTime::ZERO)
}

/// Whether all of a file of this format is there and none of it in fragments; `false` also for
/// what is none.
pub(super) fn is_whole(path: &Path) -> bool {
    File::open(path).and_then(|mut file| walk(&mut file)).unwrap_or(false)
}

fn walk(file: &mut (impl Read + Seek)) -> std::io::Result<bool> {
    let end = file.seek(SeekFrom::End(0))?;
    let (mut at, mut has_index) = (0, false);
    for _ in 0..MOST {
        if at == end {
            return Ok(has_index);
        }
        file.seek(SeekFrom::Start(at))?;
        let mut head = [0; 16];
        file.read_exact(&mut head[..8])?;
        let (size, kind) = head[..8].split_at(4);
        let size = match u32::from_be_bytes([size[0], size[1], size[2], size[3]]) {
            // Up to the end of the file.
            0 => return Ok(has_index),
            1 => {
                let large = &mut [0; 8];
                file.read_exact(large)?;
                u64::from_be_bytes(*large)
            }
            size => u64::from(size),
        };
        match kind {
            b"moov" => has_index = true,
            b"moof" => return Ok(false),
            _ => {}
        }
        match at.checked_add(size.max(8)) {
            Some(next) if next <= end => at = next,
            _ => return Ok(false),
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn boxed(kind: &[u8; 4], body: usize) -> Vec<u8> {
        [&(body as u32 + 8).to_be_bytes(), &kind[..], &vec![0; body]].concat()
    }

    #[test]
    fn a_file_is_whole_if_its_boxes_end_where_it_does() {
        let whole = |bytes: &[u8]| walk(&mut Cursor::new(bytes)).unwrap_or(false);
        let file = [boxed(b"ftyp", 12), boxed(b"moov", 30), boxed(b"mdat", 50)].concat();
        assert!(whole(&file));
        for cut in 0..file.len() {
            // Cut exactly behind the index, nobody can tell.
            assert_eq!(whole(&file[..cut]), cut == 58, "{cut}");
        }
        let large = [&[0, 0, 0, 1][..], b"mdat", &20_u64.to_be_bytes(), &[0; 4], &boxed(b"moov", 4)].concat();
        assert!(whole(&large));
        assert!(whole(&[&boxed(b"moov", 4)[..], &[0, 0, 0, 0], b"mdat", &[0; 9]].concat()));
        assert!(!whole(&[boxed(b"moov", 4), boxed(b"moof", 4), boxed(b"mdat", 4)].concat()), "in fragments");
        assert!(!whole(b"RIFF....AVI LIST"));
    }
}
