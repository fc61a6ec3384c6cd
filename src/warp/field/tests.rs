use super::*;
use proptest::prelude::*;

fn affine(width: usize, height: usize, m: [f32; 4], shift: [f32; 2]) -> WarpField {
    let values = (0..width * height)
        .map(|k| {
            let x = ((k % width) as f32 + 0.5) / width as f32;
            let y = ((k / width) as f32 + 0.5) / height as f32;
            [m[0] * x + m[1] * y + shift[0], m[2] * x + m[3] * y + shift[1]]
        })
        .collect();
    WarpField::new(width, height, values).expect("finite")
}

fn any_field(reach: f32) -> impl Strategy<Value = WarpField> {
    (1usize..12, 1usize..12).prop_flat_map(move |(w, h)| {
        proptest::collection::vec([-reach..reach, -reach..reach], w * h)
            .prop_map(move |v| WarpField::new(w, h, v).expect("finite"))
    })
}

proptest! {
    #[test]
    fn affine_maps_are_exact_inside(m in [-0.5f32..0.5, -0.5..0.5, -0.5..0.5, -0.5..0.5], x in 0.22f32..0.78, y in 0.31f32..0.69) {
        let got = affine(7, 5, m, [0.1, -0.2]).sample([x, y]);
        prop_assert!((got[0] - (m[0] * x + m[1] * y + 0.1)).abs() < 1e-5);
        prop_assert!((got[1] - (m[2] * x + m[3] * y - 0.2)).abs() < 1e-5);
    }

    #[test]
    fn unfolded_fields_never_fold(field in any_field(0.6), x in 0.01f32..0.99, y in 0.01f32..0.99) {
        let field = field.unfold();
        prop_assert!(field.determinant([x, y]) > 0.0);
    }

    #[test]
    fn gentle_fields_are_left_alone(field in any_field(0.015)) {
        prop_assert_eq!(field.clone().unfold(), field);
    }
}

#[test]
fn a_fold_is_seen_by_the_determinant() {
    let mirror = affine(6, 6, [-2.0, 0.0, 0.0, 0.0], [1.0, 0.0]);
    assert!(mirror.determinant([0.5, 0.5]) < 0.0, "negative control");
    assert!(mirror.unfold().determinant([0.5, 0.5]) > 0.0);
}

#[test]
fn a_confined_field_leaves_the_rest_alone() {
    let bent = WarpField::new(16, 16, vec![[0.02, 0.0]; 256]).expect("finite");
    let confined = bent.clone().confined(|[x, _]| if x < 0.5 { 1.0 } else { 0.0 });
    assert!((confined.sample([0.25, 0.5])[0] - 0.02).abs() < 1e-4);
    assert!(confined.sample([0.8, 0.5])[0].abs() < 1e-6);
    assert_eq!(bent.clone().confined(|_| 1.0), bent);
    assert!(bent.confined(|_| 0.0).is_identity());
}

proptest! {
    #[test]
    fn a_confined_field_never_folds(field in any_field(0.3), at in 0f32..1.0, x in 0.01f32..0.99, y in 0.01f32..0.99) {
        let field = field.unfold().confined(|[x, _]| f32::from(x > at));
        prop_assert!(field.determinant([x, y]) > 0.0);
    }
}

#[test]
fn refuses_what_is_not_finite_or_not_full() {
    assert!(WarpField::new(1, 1, vec![[f32::NAN, 0.0]]).is_none());
    assert!(WarpField::new(2, 1, vec![[0.0; 2]]).is_none());
    assert!(WarpField::new(0, 0, vec![]).is_none());
}

#[test]
fn stretch_of_a_scaling_is_its_factor() {
    let size = Size::new(640, 360).expect("positive");
    let stretch = affine(8, 8, [1.0, 0.0, 0.0, -0.25], [0.0, 0.0]).cell_stretch(size);
    assert_eq!(stretch.len(), 81);
    assert!((stretch[40][0] - 2.0).abs() < 1e-4 && (stretch[40][1] - 0.75).abs() < 1e-4);
}
