//! Redraws raw frames from a pipe, without allocating pictures of its own:
//!
//! `ffmpeg -i in.mp4 -s 640x360 -f rawvideo -pix_fmt bgra - | cargo run --release --example raw_frames |
//! ffplay -f rawvideo -pixel_format bgra -video_size 640x360 -`

use std::io::{Read as _, Write as _};

use stylewarp::engine::{FrameMut, FrameRef, PixelFormat, Stylizer};
use stylewarp::time::FrameTime;

const WIDTH: u32 = 640;
const HEIGHT: u32 = 360;
const STRIDE: usize = WIDTH as usize * 4;
const RATE: f64 = 25.0;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut stylizer = Stylizer::builder().build()?;
    let (mut input, mut output) = (std::io::stdin().lock(), std::io::stdout().lock());
    let mut frame = vec![0; STRIDE * HEIGHT as usize];
    let mut drawn = frame.clone();
    let mut number = 0;
    while input.read_exact(&mut frame).is_ok() {
        let time = FrameTime::from_secs_f64(f64::from(number) / RATE);
        let from = FrameRef::new(WIDTH, HEIGHT, PixelFormat::Bgra8, STRIDE, &frame, time)?;
        let mut to = FrameMut::new(WIDTH, HEIGHT, PixelFormat::Bgra8, STRIDE, &mut drawn)?;
        stylizer.process(from, &mut to)?;
        output.write_all(&drawn)?;
        number += 1;
    }
    Ok(())
}
