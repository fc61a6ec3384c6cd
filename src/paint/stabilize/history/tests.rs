use super::*;
use crate::frame::tests::picture;

/// The formula, a pixel at a time, in floats.
fn expected(past: &History, x: usize, y: usize, [painted, guide]: [&[u8]; 2], shift: [f32; 2]) -> [f32; 3] {
    let (width, height) = (past.size.width as usize, past.size.height as usize);
    let at = (y * width + x) * 4;
    let now = [0, 1, 2].map(|k| f32::from(painted[at + k]));
    let [px, py] = [x as f32 + whole(shift[0]), y as f32 + whole(shift[1])];
    if px <= -0.5 || py <= -0.5 || px >= width as f32 - 0.5 || py >= height as f32 - 0.5 {
        return now;
    }
    let inside = |column: i32, row: i32| past.index(column, row);
    let (left, top) = (px.floor(), py.floor());
    let (fx, fy) = (px - left, py - top);
    let mut off = 0.0;
    for k in 0..3 {
        let mut looked = 0.0;
        for (row, share_y) in [(0, 1.0 - fy), (1, fy)] {
            for (column, share_x) in [(0, 1.0 - fx), (1, fx)] {
                let pixel = inside(left as i32 + column, top as i32 + row) * 4;
                looked += share_x * share_y * f32::from(past.guide[pixel + k]);
            }
        }
        off += (looked - f32::from(guide[at + k])).powi(2);
    }
    let share = 0.8 / (1.0 + (off / (3.0 * TOLERANCE * TOLERANCE)).powi(2));
    [0, 1, 2].map(|k| {
        let mut before = 0.0;
        for (share_y, row) in cubic(fy).iter().zip(top as i32 - 1..) {
            for (share_x, column) in cubic(fx).iter().zip(left as i32 - 1..) {
                before += share_x * share_y * levels(past.shown[inside(column, row)])[k];
            }
        }
        (now[k] + (before - now[k]) * share).clamp(0.0, 255.0)
    })
}

#[test]
fn a_row_is_what_the_formula_says_inside_and_at_every_edge() {
    let (now, before) = (picture(37, 21), picture(37, 21));
    let mut guide = before.pixels.clone();
    guide.iter_mut().step_by(5).for_each(|value| *value = value.saturating_add(20));
    let painted: Vec<u8> = now.pixels.iter().rev().copied().collect();
    let mut shown = vec![Color::default(); 37 * 21];
    remember(&before.pixels, &mut shown);
    let past = History { size: now.size, guide: before.pixels, shown: shown.clone() };
    for shift in [[0.0, 0.0], [0.04, -3.0], [1.3, -0.7], [-2.5, 2.5], [40.0, 0.0], [f32::NAN, 0.0]] {
        for y in 0..21 {
            let (from, to) = (y * 37 * 4, (y + 1) * 37 * 4);
            let mut out = vec![Color::default(); 37];
            blend_row(&past, y, [&painted[from..to], &guide[from..to]], &[shift; 37], 0.8, &mut out);
            for (x, out) in out.iter().enumerate() {
                let wanted = match shift[0].is_nan() {
                    true => [0, 1, 2].map(|k| f32::from(painted[from + x * 4 + k])),
                    false => expected(&past, x, y, [&painted, &guide], shift),
                };
                let off = levels(*out).into_iter().zip(wanted).map(|(level, wanted)| (level - wanted).abs());
                let most = off.fold(0.0, f32::max);
                assert!(most < 0.05, "{shift:?} at {x}, {y}: {most}");
            }
        }
    }
}
