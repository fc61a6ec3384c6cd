use super::*;
use crate::paint::recolor::ColorMap;
use crate::time::FrameTime;

const WHOLE: BlendParams = BlendParams { strength: 1.0, colors: Colors::Paint };

/// A frame, black on the left and white on the right, and a red and green painting of a quarter its size whose
/// border is in the middle of a canvas pixel.
fn edge() -> (Frame, Painting) {
    let mut frame = Frame::filled(Size { width: 16, height: 4 }, FrameTime::ZERO, [0, 0, 0, 255]);
    for (k, pixel) in frame.pixels.chunks_exact_mut(4).enumerate() {
        pixel[..3].fill(if k % 16 >= 7 { 255 } else { 0 });
    }
    let guide = [[0, 0, 0, 255], [30, 30, 30, 255], [255; 4], [255; 4]].concat();
    let painted = [[255, 0, 0, 255], [255, 0, 0, 255], [0, 255, 0, 255], [0, 255, 0, 255]].concat();
    (
        frame,
        Painting {
            size: Size { width: 4, height: 1 },
            guide: Some(guide.into()),
            painted: painted.into(),
            colors: ColorMap::IDENTITY,
            relief: None,
        },
    )
}

#[test]
fn enlarging_follows_the_frames_edges() {
    let (frame, painting) = edge();
    let done = CpuCompositor::default().run(frame, &painting, WHOLE, None);
    let row: Vec<_> = done.pixels[..64].chunks_exact(4).map(|p| (p[0] > 230, p[1] > 230)).collect();
    assert!(
        row[..7].iter().all(|p| *p == (true, false)) && row[7..].iter().all(|p| *p == (false, true)),
        "{row:?}"
    );
}

#[test]
fn a_mask_follows_the_frames_edges() {
    let (frame, painting) = edge();
    let size = painting.size;
    let mut pixels = painting.guide.as_ref().expect("small").to_vec();
    for (pixel, subject) in pixels.chunks_exact_mut(4).zip([0, 0, 255, 255]) {
        pixel[3] = subject;
    }
    let mut cutout = Cutout { size, pixels, paint: [0.0, 1.0], behind: None };
    let at =
        |cutout: &Cutout| CpuCompositor::default().run(frame.clone(), &painting, WHOLE, Some(cutout)).pixels;
    let (done, painted) =
        (at(&cutout), CpuCompositor::default().run(frame.clone(), &painting, WHOLE, None).pixels);
    for x in 0..16 {
        let wanted = if x < 7 { &painted[4 * x..][..4] } else { &frame.pixels[4 * x..][..4] };
        let off = done[4 * x..][..4].iter().zip(wanted).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(off.is_some_and(|off| off < 30), "{x}: {:?}, not {wanted:?}", &done[4 * x..][..4]);
    }
    // Something else behind: the subject alone is left.
    cutout.behind = Some((Size { width: 1, height: 1 }, std::sync::Arc::new(vec![0, 0, 250, 255])));
    let done = at(&cutout);
    assert!(done[2] > 220 && done[4 * 15..][..4] == frame.pixels[4 * 15..][..4], "{done:?}");
}

#[test]
fn strength_runs_from_the_frame_to_the_painting() {
    let (frame, painting) = edge();
    let at = |strength| {
        CpuCompositor::default().run(frame.clone(), &painting, BlendParams { strength, ..WHOLE }, None).pixels
    };
    assert_eq!(at(0.0), frame.pixels);
    assert_eq!(at(0.5)[0], 128);
}

#[test]
fn kept_colours_have_the_frames_hue_and_the_paintings_light() {
    let (mut frame, mut painting) = super::super::tests::painted((8, 8), (8, 8));
    frame.pixels.copy_from_slice(&[200, 60, 40, 255].repeat(64));
    painting.painted.copy_from_slice(&[30, 30, 90, 255].repeat(64));
    let done = CpuCompositor::default().run(
        frame.clone(),
        &painting,
        BlendParams { strength: 1.0, colors: Colors::Keep },
        None,
    );
    let lab = |pixels: &[u8]| to_lab([pixels[0], pixels[1], pixels[2]].map(|v| LINEAR[v as usize]));
    let (kept, own, over) = (lab(&done.pixels), lab(&frame.pixels), lab(&painting.painted));
    assert!((kept[0] - over[0]).abs() < 0.03, "{kept:?} {over:?}");
    let turn = (kept[2].atan2(kept[1]) - own[2].atan2(own[1])).abs();
    assert!(turn.min(std::f32::consts::TAU - turn) < 0.1, "{kept:?} {own:?}");
}

#[test]
fn lab_turns_back() {
    for rgb in [[0, 0, 0], [255, 255, 255], [200, 60, 40], [1, 2, 250]] {
        let back = from_lab(to_lab(rgb.map(|v: u8| LINEAR[v as usize])));
        assert!(
            back.iter().zip(rgb).all(|(b, v)| (b * 255.0 - f32::from(v)).abs() < 0.6),
            "{rgb:?} {back:?}"
        );
    }
}
