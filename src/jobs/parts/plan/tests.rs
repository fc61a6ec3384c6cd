use proptest::prelude::*;
use proptest::sample::Index;

use super::*;

fn plan() -> Plan {
    let part = |from, until, frames, lead| PartSpec {
        from,
        until,
        frames,
        exact: true,
        lead,
        drawn: None,
        tail: until,
        picture: [7; 12],
    };
    Plan {
        version: VERSION.into(),
        settings: Settings {
            size: Some(360),
            device: "cpu".into(),
            encoder: "fast".into(),
            codec: "h264".into(),
            crf: None,
            background: [0; 3],
            follow: false,
        },
        film: FilmSpec {
            path: "/films/a \"b\".mkv".into(),
            bytes: 12,
            sha256: "ab".repeat(32),
            time_base: [1, 1000],
            frames: 30,
            last: 1160,
            end: 1_200_000_000,
            search: true,
        },
        look: LookRecord {
            made_of: LookSpec { preset: Some("moon".into()), warp: Some(0.7), ..LookSpec::default() },
            sha256: "cd".repeat(32),
        },
        networks: BTreeMap::from([("warper.onnx".into(), "ef".repeat(32))]),
        part: vec![part(0, Some(400), 10, None), part(400, None, 20, Some(280))],
        digest: String::new(),
    }
}

fn written(mut plan: Plan) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    plan.write(folder.path()).expect("written");
    std::fs::read_to_string(folder.path().join(NAME)).expect("there")
}

fn read(text: &str) -> Result<Plan> {
    Plan::parse(text, Path::new("plan.toml"))
}

/// What an error says, and of what kind it is.
fn refused(text: &str) -> String {
    read(text).expect_err("refused").explained("x")
}

#[test]
fn a_plan_comes_back_as_it_was_written() {
    let text = written(plan());
    let found = read(&text).expect("a plan");
    assert_eq!(Plan { digest: String::new(), ..found.clone() }, plan());
    assert_eq!(found.digest.len(), 64);
    let files = found.files(Path::new("job"));
    assert_eq!(files[1].path, Path::new("job/part-1.mp4"));
    assert!(files[1].comment.starts_with("part 1 of 2, plan "), "{}", files[1].comment);
    assert!(toml::from_str::<toml::Table>(&text).is_ok(), "as a whole it is TOML");
}

#[test]
fn a_plan_that_was_changed_or_is_of_another_version_is_refused() {
    let text = written(plan());
    let changed = text.replace("frames = 10", "frames = 11");
    assert!(changed != text && refused(&changed).contains("changed after it was written"));
    let other = text.replace(&format!("version = \"{VERSION}\""), "version = \"9.9.9\"");
    let said = refused(&other);
    assert!(said.contains("is for another version") && said.contains("9.9.9"), "{said}");
    assert!(refused("part = 1").contains("no digest"));
}

#[test]
fn parts_that_do_not_fit_together_are_refused_with_a_digest_too() {
    let wrong: [fn(&mut Plan); 9] = [
        |plan| plan.part[0].until = Some(300),
        |plan| plan.part.swap(0, 1),
        |plan| plan.part.clear(),
        |plan| plan.part[1].frames = 0,
        |plan| plan.part[1].drawn = Some(plan.part[1].from + 1),
        |plan| plan.part[1].drawn = plan.part[1].lead.map(|lead| lead - 1),
        |plan| plan.film.frames = 31,
        |plan| plan.film.time_base = [0, 1],
        |plan| plan.settings.codec = "mpeg1".into(),
    ];
    for change in wrong {
        let mut plan = plan();
        change(&mut plan);
        assert!(refused(&written(plan)).contains("because: it"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// A digest is as good as its plan.
    #[test]
    fn any_change_is_told(place in any::<Index>(), letter in any::<u8>()) {
        let text = written(plan());
        let mut bytes = text.clone().into_bytes();
        let body = text.find(DIGEST).expect("there");
        let place = body + place.index(bytes.len() - body);
        let changes = bytes[place] != letter;
        bytes[place] = letter;
        if let Ok(text) = String::from_utf8(bytes) {
            prop_assert_eq!(read(&text).is_err(), changes);
        }
    }
}
