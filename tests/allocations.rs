//! Once it runs, redrawing a frame takes no memory of a frame's size: what a stage needs, it keeps.
//!
//! Counted is what Rust's own allocator gives, on all threads; ONNX Runtime has another one. What is left is of the same
//! size whatever the frame's: grids of the warp (32x32 places, made anew for every field), the matches (16x16), weights of
//! the resizer, shapes and values handed to ONNX Runtime, and the jobs that threads hand to each other.

#![allow(unsafe_code, reason = "an allocator can only be written so")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use stylewarp::engine::{EngineConfig, FrameMut, FrameRef, PixelFormat, Stylizer};
use stylewarp::look::Look;
use stylewarp::nn::device::Device;
use stylewarp::time::FrameTime;

/// The system's allocator, which counts.
struct Counting;

static BYTES: AtomicUsize = AtomicUsize::new(0);
static LARGEST: AtomicUsize = AtomicUsize::new(0);

fn count(bytes: usize) {
    BYTES.fetch_add(bytes, Ordering::Relaxed);
    LARGEST.fetch_max(bytes, Ordering::Relaxed);
}

// SAFETY: every call is handed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const WIDTH: u32 = 480;
const HEIGHT: u32 = 270;
const PIXELS: usize = (WIDTH * HEIGHT) as usize;
/// Frames until everything has its size (what tells shots apart looks 0.4 s back), and frames that are counted.
const FIRST: u32 = 14;
const COUNTED: u32 = 10;
/// Bytes taken at once: half of the smallest plane of a frame, which has a float for every cell of 4x4 pixels.
const LARGEST_ALLOWED: usize = 16 << 10;
/// Bytes taken for a frame, whose pixels alone have 518 thousand.
const BYTES_ALLOWED: usize = 256 << 10;

/// A film that pans, with fine detail over smooth shades; RGB.
fn picture(number: u32) -> Vec<u8> {
    let value = |k: u32| {
        let (x, y) = (k % WIDTH + 2 * number, k / WIDTH);
        [(x * 255 / WIDTH) as u8, (y * 255 / HEIGHT) as u8, ((x / 3) ^ (y / 3)) as u8]
    };
    (0..WIDTH * HEIGHT).flat_map(value).collect()
}

/// Redraws frames of the film into the same buffer.
fn redraw(stylizer: &mut Stylizer, film: &[Vec<u8>], first: u32, drawn: &mut [u8]) {
    for (picture, number) in film.iter().zip(first..) {
        let time = FrameTime::from_nanos(i64::from(number) * 40_000_000);
        let (from, to) = (WIDTH as usize * 3, WIDTH as usize * 4);
        let input = FrameRef::new(WIDTH, HEIGHT, PixelFormat::Rgb8, from, picture, time);
        let output = FrameMut::new(WIDTH, HEIGHT, PixelFormat::Bgra8, to, drawn);
        stylizer.process(input.expect("whole"), &mut output.expect("whole")).expect("drawn");
    }
}

#[test]
fn a_frame_takes_no_memory_of_a_frames_size() {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/models");
    let film: Vec<_> = (0..FIRST + COUNTED).map(picture).collect();
    let (first, counted) = film.split_at(FIRST as usize);
    // Painted as large as the frame and shown whole; painted smaller, enlarged, and laid over the frame.
    for (lines, paint) in [(None, 1.0), (Some(180), 0.8)] {
        let mut look = Look::load("modigliani").expect("the program's own");
        (look.relief, look.steady) = (1.0, 1.0);
        let config =
            EngineConfig { models: Some(models.clone()), device: Device::Cpu, ..EngineConfig::default() };
        let mut stylizer = Stylizer::builder().look(look).config(config).build().expect("it opens");
        let mut params = stylizer.params();
        (params.lines, params.paint) = (lines, paint);
        stylizer.set_params(params);
        let mut drawn = vec![0; 4 * PIXELS];
        redraw(&mut stylizer, first, 0, &mut drawn);
        let before = drawn.clone();
        BYTES.store(0, Ordering::Relaxed);
        LARGEST.store(0, Ordering::Relaxed);
        redraw(&mut stylizer, counted, FIRST, &mut drawn);
        let (bytes, largest) = (BYTES.load(Ordering::Relaxed), LARGEST.load(Ordering::Relaxed));
        let bytes = bytes / COUNTED as usize;
        println!("{lines:?} lines: {bytes} bytes a frame, at most {largest} at once");
        assert!(bytes > 1000 && before != drawn, "negative control: there is something to count");
        assert!(largest <= LARGEST_ALLOWED, "{lines:?} lines: {largest} bytes at once");
        assert!(bytes <= BYTES_ALLOWED, "{lines:?} lines: {bytes} bytes a frame");
    }
}
