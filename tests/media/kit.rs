//! What these tests have in common: copies, and ways to look at them.

use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use stylewarp::Result;
use stylewarp::cancel::CancelToken;
use stylewarp::time::FrameTime;
use stylewarp::video::read::{Clip, FileSource, Source};
use stylewarp::video::write::{FileOutput, FileSink, Sink};

use crate::clips::run;
pub(crate) use crate::clips::{Folder, packets, probe, stream_times, times, video};

/// Where to write with nothing special asked for.
pub(crate) fn output(path: &Path) -> FileOutput {
    FileOutput::new(path)
}

/// Copies a video picture by picture; the number of pictures.
pub(crate) fn copy(input: &Path, to: &Path) -> Result<u64> {
    copy_part(input, &output(to), Clip::default(), u64::MAX)
}

/// Copies a part, as if interrupted after `most` pictures.
pub(crate) fn copy_part(input: &Path, output: &FileOutput, clip: Clip, most: u64) -> Result<u64> {
    let stop = CancelToken::new();
    let mut source = FileSource::open(input, clip, stop.clone())?;
    let mut sink = Box::new(FileSink::create(output, source.info(), input)?);
    let mut count = 0;
    while let Some(frame) = source.next()? {
        sink.write(frame)?;
        count += 1;
        if count == most {
            stop.raise();
        }
    }
    if let Some(end) = source.end() {
        sink.last_until(end);
    }
    sink.finish()?;
    Ok(count)
}

pub(crate) fn seconds(secs: f64) -> Option<FrameTime> {
    Some(FrameTime::from_secs_f64(secs))
}

/// A decoded picture: packed RGB.
pub(crate) struct Picture {
    pub(crate) width: usize,
    pub(crate) height: usize,
    rgb: Vec<u8>,
}

impl Picture {
    /// The first picture of a video as `ffmpeg` decodes it, by the matrix and
    /// range it is told. Turned upright as players do.
    pub(crate) fn of(path: &Path, matrix: &str, range: &str) -> Self {
        let filter = format!(
            "scale=in_color_matrix={matrix}:in_range={range}:out_range=full\
             :flags=accurate_rnd+full_chroma_int+full_chroma_inp+neighbor,format=rgb24"
        );
        Self::through(path, &filter)
    }

    /// The first picture that a filter lets through.
    fn through(path: &Path, filter: &str) -> Self {
        let mut command = Command::new("ffmpeg");
        command.args("-v error -nostdin -i".split(' ')).arg(path).args(["-vf", filter]);
        // PPM: the size in text, then the pixels.
        let bytes = run(command.args("-frames:v 1 -f image2pipe -c:v ppm -".split(' ')));
        let mut fields = bytes.splitn(4, |byte| byte.is_ascii_whitespace());
        let mut number = || std::str::from_utf8(fields.next().expect("a header")).expect("text").parse().ok();
        assert_eq!(number(), None::<usize>, "the magic word");
        let (width, height) = (number().expect("a width"), number().expect("a height"));
        let rgb = bytes[bytes.len() - width * height * 3..].to_vec();
        Self { width, height, rgb }
    }

    /// A later picture of a video, of limited range and BT.601.
    pub(crate) fn of_number(path: &Path, number: usize) -> Self {
        let filter = format!(
            "select=eq(n\\,{number}),scale=in_color_matrix=bt601:in_range=limited:out_range=full:flags=accurate_rnd,format=rgb24"
        );
        Self::through(path, &filter)
    }

    pub(crate) fn at(&self, x: usize, y: usize) -> [u8; 3] {
        let start = (y * self.width + x) * 3;
        [self.rgb[start], self.rgb[start + 1], self.rgb[start + 2]]
    }

    /// The largest difference to another picture at these points.
    pub(crate) fn distance(&self, other: &Self, points: &[(usize, usize)]) -> u8 {
        let differences = points.iter().flat_map(|&(x, y)| {
            self.at(x, y).into_iter().zip(other.at(x, y)).map(|(a, b)| a.abs_diff(b)).collect::<Vec<_>>()
        });
        differences.max().expect("some points")
    }
}

/// What is logged on this thread in the meantime.
pub(crate) fn log_of(run: impl FnOnce()) -> String {
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);
    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("one thread").write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let lines = Lines::default();
    let writer = lines.clone();
    let log = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    tracing::subscriber::with_default(log, run);
    let bytes = lines.0.lock().expect("one thread");
    String::from_utf8_lossy(&bytes).into_owned()
}
