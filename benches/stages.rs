//! Every stage on the processor that is no network, one thread's work or all cores' as the programs run it.
//!
//! `cargo bench` measures; `stylewarp bench` measures the networks too, each against the machine's peak.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use stylewarp::cancel::CancelToken;
use stylewarp::frame::{Frame, Size};
use stylewarp::paint::composite::{BlendParams, Colors, Compositor, Painting};
use stylewarp::paint::flow::FlowEstimator;
use stylewarp::paint::recolor::{ColorMap, ColorMoments};
use stylewarp::paint::stabilize::TemporalStabilizer;
use stylewarp::time::{FrameRate, FrameTime};
use stylewarp::video::read::{Clip, FileSource, Source as _};
use stylewarp::video::write::{Codec, FileOutput, FileSink, Sink as _};
use stylewarp::warp::field::WarpField;
use stylewarp::warp::remap::CpuRemap;

const SIZES: [Size; 2] = [Size { width: 640, height: 360 }, Size { width: 1280, height: 720 }];

/// Smooth shades with fine detail over them, some pixels further right at every number.
fn picture(size: Size, number: u32) -> Frame {
    let time = FrameTime::from_ticks(number.into(), FrameRate::new(25, 1).expect("a rate").frame_base());
    let mut frame = Frame::filled(size, time, [0, 0, 0, 255]);
    for (k, pixel) in frame.pixels.chunks_exact_mut(4).enumerate() {
        let (x, y) = (k as u32 % size.width + 3 * number, k as u32 / size.width);
        pixel[0] = (x * 255 / size.width) as u8;
        pixel[1] = (y * 255 / size.height) as u8;
        pixel[2] = ((x ^ y) & 0xff) as u8;
    }
    frame
}

/// Up to a tenth of the frame, with places that shrink.
fn bend() -> WarpField {
    const SIDE: usize = 32;
    let wave = |k: usize| {
        let (x, y) = ((k % SIDE) as f32 / SIDE as f32, (k / SIDE) as f32 / SIDE as f32);
        [0.1 * (6.0 * y).sin(), 0.1 * (6.0 * x).cos()]
    };
    WarpField::new(SIDE, SIDE, (0..SIDE * SIDE).map(wave).collect()).expect("finite").unfold()
}

/// A map of colours to themselves.
fn no_change() -> ColorMap {
    let moments = ColorMoments::of::<4>(&picture(SIZES[0], 0).pixels, SIZES[0].width as usize);
    ColorMap::between(&moments, &moments)
}

fn painting(frame: &Frame, lines: u32) -> Painting {
    let size = Size { width: frame.size.width * lines / frame.size.height, height: lines };
    let small = picture(size, 1);
    Painting {
        size,
        guide: Some(small.pixels.clone().into()),
        painted: small.pixels.into(),
        colors: no_change(),
        relief: None,
    }
}

/// Measures `work` for every size, in pixels a second.
fn stage(criterion: &mut Criterion, name: &str, mut work: impl FnMut(&mut criterion::Bencher, Size)) {
    let mut group = criterion.benchmark_group(name);
    for size in SIZES {
        group.throughput(Throughput::Elements(size.pixels() as u64));
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| work(bencher, size));
    }
    group.finish();
}

fn remap(criterion: &mut Criterion) {
    let field = bend();
    stage(criterion, "remap", |bencher, size| {
        let (mut remap, frame) = (CpuRemap::default(), picture(size, 0));
        bencher.iter(|| remap.run(black_box(&frame), &field));
    });
}

fn flow(criterion: &mut Criterion) {
    stage(criterion, "flow", |bencher, size| {
        // A film that pans: of one that stands still every search would end at once.
        let (mut flow, mut film) = (FlowEstimator::default(), picture(size, 0));
        bencher.iter(|| {
            film.time = film.time + FrameTime::from_secs_f64(0.04);
            film.pixels.rotate_left(12);
            flow.run(black_box(&film))
        });
    });
}

fn stabilize(criterion: &mut Criterion) {
    stage(criterion, "stabilize", |bencher, size| {
        let (mut flow, frame) = (FlowEstimator::default(), picture(size, 1));
        flow.run(&picture(size, 0));
        let motion = flow.run(&frame);
        let painted = frame.pixels.clone().into();
        let mut painting = Painting { size, guide: None, painted, colors: no_change(), relief: None };
        let mut stabilizer = TemporalStabilizer::default();
        bencher.iter(|| stabilizer.run(&frame, black_box(&mut painting), motion.as_ref(), 1.0));
    });
}

fn composite(criterion: &mut Criterion) {
    for (name, colors) in [("composite", Colors::Paint), ("composite, own colours", Colors::Keep)] {
        stage(criterion, name, |bencher, size| {
            let frame = picture(size, 0);
            let painting = painting(&frame, size.height / 2);
            let mut compositor = Compositor::new(None).expect("the processor's needs nothing");
            let blend = BlendParams { strength: 0.7, colors };
            bencher.iter_batched(
                || (frame.clone(), painting.clone()),
                |(frame, painting)| compositor.run(frame, painting, blend, None),
                criterion::BatchSize::LargeInput,
            );
        });
    }
}

fn recolor(criterion: &mut Criterion) {
    let painting = ColorMoments::of::<4>(&picture(SIZES[0], 40).pixels, SIZES[0].width as usize);
    stage(criterion, "recolor, the map", |bencher, size| {
        let frame = picture(size, 0);
        bencher.iter(|| {
            let own = ColorMoments::of::<4>(black_box(&frame.pixels), size.width as usize);
            ColorMap::between(&own, &painting)
        });
    });
}

/// Reading a film of plain pictures is little else than converting them.
fn convert(criterion: &mut Criterion) {
    const PICTURES: u32 = 8;
    let folder = tempfile::tempdir().expect("a temporary folder");
    stage(criterion, "convert, 8 pictures of FFV1", |bencher, size| {
        let path = folder.path().join(format!("{size}.mkv"));
        write_film(&path, size, PICTURES);
        bencher.iter(|| {
            let mut film = FileSource::open(&path, Clip::default(), CancelToken::new()).expect("a film");
            while let Some(frame) = film.next().expect("readable") {
                black_box(frame);
            }
        });
    });
}

fn write_film(path: &std::path::Path, size: Size, pictures: u32) {
    // What a film is about is told by one: the bundled clip, at another size.
    let clip = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/bunny.mp4");
    let source = FileSource::open(&clip, Clip::default(), CancelToken::new()).expect("the bundled clip");
    let info = stylewarp::video::read::VideoInfo { size, pixel_aspect: (1, 1), ..source.info().clone() };
    let output = FileOutput { codec: Some(Codec::Ffv1), overwrite: true, ..FileOutput::new(path) };
    let mut sink = Box::new(FileSink::create(&output, &info, &clip).expect("a sink"));
    for number in 0..pictures {
        sink.write(picture(size, number)).expect("written");
    }
    sink.finish().expect("finished");
}

criterion_group!(stages, remap, flow, stabilize, composite, recolor, convert);
criterion_main!(stages);
