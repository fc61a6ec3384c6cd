//! Two encoders, one warp network.

use stylewarp::engine::Trace;
use stylewarp::warp::features::EncoderChoice;

use crate::kit::{bend, picture};
use crate::quality::judge;

/// How far apart two answers have the counterparts of the cells that both are sure
/// of, on average, in fractions of the frame; and how many cells those are.
fn apart(a: &Trace, b: &Trace) -> (f32, usize) {
    let place = |seen: &Trace, cell| {
        seen.subjects[0].place(cell, seen.solver.exemplar_aspect, seen.solver.frame_aspect)
    };
    let sure = |seen: &Trace, cell: usize| seen.subjects[0].confidence[cell] > 0.5;
    let cells: Vec<_> = (0..256).filter(|cell| sure(a, *cell) && sure(b, *cell)).collect();
    let distance = |cell| {
        let (a, b) = (place(a, cell), place(b, cell));
        (a[0] - b[0]).hypot(a[1] - b[1])
    };
    (cells.iter().map(|cell| distance(*cell)).sum::<f32>() / cells.len().max(1) as f32, cells.len())
}

#[test]
fn the_fast_encoder_finds_what_the_reference_finds() {
    for (content, shapes, other) in [("gothic", "vangogh", "moon"), ("vangogh", "matisse", "squire")] {
        let seen = |shapes, encoder| bend(&picture(content), picture(shapes), encoder);
        let reference = seen(shapes, EncoderChoice::Reference);
        let (near, cells) = apart(&reference, &seen(shapes, EncoderChoice::Fast));
        println!("{content} as {shapes}");
        judge("shapes.encoders-agree", near.into());
        judge("shapes.cells-agreed", cells as f64);
        let (far, _) = apart(&reference, &seen(other, EncoderChoice::Reference));
        judge("shapes.other-exemplar", (far / near).into());
    }
}
