use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::*;

fn style(weight: f32, code: f32) -> Style {
    let colors = ColorMoments::from_values(&[code; 12]);
    let style = Style::new(vec![weight; 3].into(), vec![code, 1.0], vec![code + 1.0, 3.0], colors);
    style.expect("finite").with_relief(weight / 8.0)
}

#[test]
fn codes_run_from_fine_to_coarse_with_lines_and_strokes() {
    let style = style(1.0, 0.0);
    assert_eq!(style.code(256.0, 1.0), [0.0, 1.0]);
    assert_eq!(style.code(724.0, 1.0), [1.0, 3.0]);
    assert_eq!(style.code(362.0, 2.0), style.code(724.0, 1.0));
    assert_eq!(style.code(8640.0, 1.0), [1.0, 3.0]);
    assert_eq!(style.code(8640.0, 2.0), [1.5, 4.0]);
    assert_eq!(style.code(1.0, 0.5), [-0.5, 0.0]);
}

#[test]
fn mixing_is_a_weighted_mean_of_weights_codes_and_colors() {
    let mixed = Style::mix(&[(style(1.0, 0.0), 3.0), (style(5.0, 4.0), 1.0)]).expect("one network");
    assert_eq!(mixed, style(2.0, 1.0));
    let longer = Style::new(vec![1.0; 4].into(), vec![0.0; 2], vec![0.0; 2], None).expect("finite");
    assert_eq!(Style::mix(&[(style(1.0, 0.0), 1.0), (longer, 1.0)]), None);
    assert_eq!(Style::mix(&[]), None);
}

#[test]
fn what_is_not_finite_is_no_style() {
    assert_eq!(Style::new(vec![f32::NAN].into(), vec![0.0], vec![0.0], None), None);
    assert_eq!(Style::new(vec![0.0].into(), vec![], vec![], None), None);
}

#[test]
fn a_style_survives_its_file_and_a_file_cut_short_does_not() {
    for style in [style(0.5, 2.0), Style::new(vec![0.25].into(), vec![1.0], vec![2.0], None).expect("finite")]
    {
        let bytes = style.to_bytes().expect("written");
        assert_eq!(Style::parse(&bytes).expect("read"), style);
        for len in [0, 7, bytes.len() / 2, bytes.len() - 1] {
            assert!(Style::parse(&bytes[..len]).is_err(), "{len} of {} bytes", bytes.len());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(20_000), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_spoilt_style_file_is_a_finite_style_or_is_told(
        edits in vec((any::<Index>(), any::<u8>()), 0..12),
        cut in any::<Index>(),
        whole in any::<bool>(),
    ) {
        let mut bytes = style(0.5, 2.0).to_bytes().expect("written");
        for (place, value) in edits {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        bytes.truncate(if whole { bytes.len() } else { cut.index(bytes.len()) });
        match Style::parse(&bytes) {
            Ok(style) => prop_assert!(style.code(300.0, 1.5).iter().all(|value| value.is_finite())),
            Err(told) => prop_assert!(!told.to_string().is_empty()),
        }
    }
}
