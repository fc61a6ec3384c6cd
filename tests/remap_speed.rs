use std::time::Instant;
use stylewarp::{field::WarpField, frame::*, remap::CpuRemap, time::FrameTime};
#[test]
fn speed() {
    let size = Size { width: 1280, height: 720 };
    let mut f = Frame::filled(size, FrameTime::ZERO, [1, 2, 3, 255]);
    for (k, p) in f.pixels.iter_mut().enumerate() {
        *p = (k * 7 % 251) as u8;
    }
    let mk = |a: f32| {
        WarpField::new(
            32,
            32,
            (0..1024)
                .map(|k| {
                    let (x, y) = ((k % 32) as f32 / 32., (k / 32) as f32 / 32.);
                    [a * (6.0 * y).sin(), a * (6.0 * x).cos()]
                })
                .collect(),
        )
        .unwrap()
        .unfold()
    };
    for a in [0.0001, 0.02, 0.05, 0.1] {
        let field = mk(a);
        let mut r = CpuRemap::default();
        let mut best = f64::MAX;
        for _ in 0..12 {
            let t = Instant::now();
            std::hint::black_box(r.run(&f, &field));
            best = best.min(t.elapsed().as_secs_f64());
        }
        println!("{a}: {:.2} ms", best * 1e3);
    }
}
