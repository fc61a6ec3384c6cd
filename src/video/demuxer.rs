//! Opening an input by what it is: which demuxer takes it is known before that opens anything.
//!
//! Some formats are lists of other files, on this machine or another. A film from a stranger
//! that is such a list would choose what is read and shown, so these formats are refused unless
//! the user says otherwise, and then nothing but files is opened. All of the reader's `unsafe`
//! is here: the binding opens no name that is not UTF-8, and does not tell demuxers apart.

use std::ffi::{CStr, CString};
use std::path::Path;
use std::{io, ptr};

use ffmpeg::ffi;
use ffmpeg::format::context::Input;
use ffmpeg::{Dictionary, Stream};
use ffmpeg_next as ffmpeg;

use crate::time::FrameRate;

/// Demuxers that open other files than the one they are given, by FFmpeg's names.
const LISTS: &[&str] = &[
    "applehttp",
    "avisynth",
    "concat",
    "dash",
    "hls",
    "imf",
    "mlv",
    "rtp",
    "rtsp",
    "sap",
    "sdp",
    "vapoursynth",
    "vobsub",
    "webm_dash_manifest",
];

/// Why an input is not opened.
#[derive(Debug)]
pub(super) enum Refusal {
    /// It is a list of other files, in this format.
    List(String),
    /// FFmpeg's reason.
    Failed(ffmpeg::Error),
}

impl From<i32> for Refusal {
    fn from(code: i32) -> Self {
        Self::Failed(ffmpeg::Error::from(code))
    }
}

/// A file's name as FFmpeg takes it: `file:` in front keeps a name like `12:30.mp4` from being
/// read as a protocol.
pub(super) fn url(path: &Path) -> io::Result<CString> {
    let wrong = |words: &str| io::Error::new(io::ErrorKind::InvalidInput, words);
    #[cfg(unix)]
    let name = path.as_os_str().as_encoded_bytes();
    #[cfg(not(unix))]
    let name = path.to_str().ok_or_else(|| wrong("the name is no text that FFmpeg takes"))?.as_bytes();
    CString::new([b"file:", name].concat()).map_err(|_| wrong("there is a zero byte in the name"))
}

/// Keeps a header from choosing how much memory is taken: no block that FFmpeg asks for is larger
/// than a gigabyte and a little, which a picture of the largest size is. Of the whole process.
pub(super) fn limit_memory() {
    #[expect(unsafe_code, reason = "the binding knows no way to do it")]
    // SAFETY: it sets one number.
    unsafe {
        ffi::av_max_alloc((1 << 30) + (1 << 20));
    }
}

/// The sides of a stream's pictures, as its header has them; 0 where it has none.
pub(super) fn stated_size(stream: &Stream) -> [u32; 2] {
    let parameters = stream.parameters();
    #[expect(unsafe_code, reason = "no getter in the binding")]
    // SAFETY: the pointer is that of the parameters on the line above, which are not changed.
    let sides = unsafe { [(*parameters.as_ptr()).width, (*parameters.as_ptr()).height] };
    sides.map(|side| u32::try_from(side).unwrap_or_default())
}

/// Opens a file and looks into its streams; a list of other files only if they may be followed.
pub(super) fn open(url: &CStr, follow: bool) -> Result<Input, Refusal> {
    let demuxer = guess(url)?;
    if !follow && demuxer.name.split(',').any(|name| LISTS.contains(&name)) {
        return Err(Refusal::List(demuxer.name));
    }
    let mut options = Dictionary::new();
    options.set("protocol_whitelist", if follow { "file,crypto,data" } else { "file" });
    match &*demuxer.name {
        // A picture whose name happens to be a pattern is that picture.
        "image2" => options.set("pattern_type", "none"),
        // One that is followed may name any file of this machine: it is trusted.
        "concat" => options.set("safe", "0"),
        _ => {}
    }
    open_with(url, &demuxer, options)
}

/// Opens standard input, which has to be YUV4MPEG2: nothing else is guessed at, since what is read from a pipe is
/// gone.
pub(super) fn open_pipe() -> Result<Input, Refusal> {
    let options = [("protocol_whitelist", "pipe")].into_iter().collect();
    open_with(c"pipe:0", &named(c"yuv4mpegpipe")?, options)
}

/// Opens a numbered sequence of pictures, of a name such as `file:%05d.png`, from a number on.
pub(super) fn open_sequence(url: &CStr, first: u64, rate: Option<FrameRate>) -> Result<Input, Refusal> {
    let mut options = Dictionary::new();
    options.set("protocol_whitelist", "file");
    options.set("pattern_type", "sequence");
    options.set("start_number", &first.to_string());
    options.set("start_number_range", "1");
    if let Some((num, den)) = rate.map(FrameRate::parts) {
        options.set("framerate", &format!("{num}/{den}"));
    }
    // The demuxer takes the name as it is, protocol and all, and so does its pattern.
    open_with(url, &named(c"image2")?, options)
}

fn named(name: &'static CStr) -> Result<Demuxer, Refusal> {
    #[expect(unsafe_code, reason = "the binding knows no way to do it")]
    // SAFETY: the name ends with a zero; formats are FFmpeg's own and never freed.
    let format = unsafe { ffi::av_find_input_format(name.as_ptr()) };
    if format.is_null() {
        return Err(Refusal::Failed(ffmpeg::Error::DemuxerNotFound));
    }
    Ok(Demuxer { format, name: name.to_string_lossy().into_owned() })
}

fn open_with(url: &CStr, demuxer: &Demuxer, options: Dictionary) -> Result<Input, Refusal> {
    let mut context = ptr::null_mut();
    #[expect(unsafe_code, reason = "the binding knows no way to do it")]
    // SAFETY: the name and the options live longer than the calls; a context that fails to open
    // is freed and set to null by FFmpeg, one that opens is handed to `Input` or closed here;
    // the dictionary that is given out of hand is taken back.
    unsafe {
        let mut given = options.disown();
        let opened = ffi::avformat_open_input(
            &raw mut context,
            url.as_ptr(),
            demuxer.format.cast_mut(),
            &raw mut given,
        );
        drop(Dictionary::own(given));
        if opened < 0 {
            return Err(opened.into());
        }
        let found = ffi::avformat_find_stream_info(context, ptr::null_mut());
        if found < 0 {
            ffi::avformat_close_input(&raw mut context);
            return Err(found.into());
        }
        Ok(Input::wrap(context))
    }
}

/// One of FFmpeg's demuxers.
struct Demuxer {
    format: *const ffi::AVInputFormat,
    name: String,
}

/// The demuxer that a file's first bytes, and its name, speak for.
fn guess(url: &CStr) -> Result<Demuxer, Refusal> {
    let mut stream = ptr::null_mut();
    let mut format: *const ffi::AVInputFormat = ptr::null();
    #[expect(unsafe_code, reason = "the binding knows no way to do it")]
    // SAFETY: the stream is open between the calls and closed after them; formats and their
    // names are FFmpeg's own and never freed.
    unsafe {
        let opened = ffi::avio_open(&raw mut stream, url.as_ptr(), ffi::AVIO_FLAG_READ);
        if opened < 0 {
            return Err(opened.into());
        }
        let out = (&raw mut format).cast();
        let score = ffi::av_probe_input_buffer2(stream, out, url.as_ptr(), ptr::null_mut(), 0, 0);
        ffi::avio_closep(&raw mut stream);
        if score < 0 {
            return Err(score.into());
        }
        let name = CStr::from_ptr((*format).name).to_string_lossy().into_owned();
        Ok(Demuxer { format, name })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colons_do_not_make_a_protocol() {
        assert_eq!(url(Path::new("12:30.mp4")).expect("plain name").as_bytes(), b"file:12:30.mp4");
        assert!(url(Path::new("a\0b")).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn names_that_are_no_text_are_names() {
        use std::os::unix::ffi::OsStrExt as _;
        let name = std::ffi::OsStr::from_bytes(b"caf\xe9.mp4");
        assert_eq!(url(Path::new(name)).expect("a name").as_bytes(), b"file:caf\xe9.mp4");
    }
}
