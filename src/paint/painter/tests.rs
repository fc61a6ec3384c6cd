use super::*;

fn size(width: u32, height: u32) -> Size {
    Size { width, height }
}

#[test]
fn padding_mirrors_and_is_never_too_small() {
    assert_eq!(padded(size(641, 1)), [648, 32]);
    assert_eq!((0..7).map(|x| mirrored(x, 3)).collect::<Vec<_>>(), [0, 1, 2, 2, 1, 0, 0]);
    assert_eq!(mirrored(31, 1), 0);
}

#[test]
fn cells_become_pixels() {
    // Every value is its pixel's place: 10 x + y, and 100 for each colour.
    let [across, down] = [2, 1];
    let place = |k: usize| {
        let (channel, cell) = (k / (across * down), k % (across * down));
        let (colour, y, x) = (channel / 16, channel / 4 % 4, channel % 4 + 4 * cell);
        (100 * colour + 10 * y + x) as f32 / 255.0
    };
    let cells: Vec<_> = (0..48 * across * down).map(place).collect();
    let expected = |x: usize, y: usize| [10 * y + x, 100 + 10 * y + x, 200 + 10 * y + x].map(|v| v as u8);
    let mut pixels = vec![9; 3];
    write_pixels(&cells, [across, down], size(7, 3), &mut pixels);
    for (x, y) in (0..3).flat_map(|y| (0..7).map(move |x| (x, y))) {
        let at = (y * 7 + x) * 4;
        assert_eq!(pixels[at..at + 3], expected(x, y), "({x}, {y})");
    }
}

#[test]
fn pictures_have_the_lines_asked_for_and_a_bounded_size() {
    assert_eq!(paint_size(size(1280, 720), Some(360)), size(640, 360));
    assert_eq!(paint_size(size(640, 360), Some(720)), size(640, 360));
    assert_eq!(paint_size(size(7680, 4320), None), size(1280, 720));
    assert_eq!(paint_size(size(1, 16_384), Some(64)), size(1, 16_384));
    assert!(paint_size(size(16_384, 16_384), Some(4320)).pixels() as f64 <= MOST_PIXELS * 1.01);
}
