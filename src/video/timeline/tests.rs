use super::*;

const PICTURES: usize = 0;
const SOUND: usize = 1;

fn millis(millis: i64) -> FrameTime {
    FrameTime::from_nanos(millis * 1_000_000)
}

fn stamp(at: i64, length: i64) -> Stamp {
    Stamp {
        decoded: millis(at),
        shown: Some(millis(at)),
        length: millis(length),
        is_key: true,
        is_dated: true,
    }
}

/// 25 pictures a second, and sound in packets of 20 ms; gaps of 10 s are believed.
fn timeline() -> Timeline {
    Timeline::new(&[Some(millis(40)), Some(millis(20)), None], Some(PICTURES), millis(10_000), true)
}

/// Where packets end up, as the reader places them: eight of the stream are looked at ahead.
fn placed(timeline: &mut Timeline, packets: &[(usize, Stamp)]) -> Vec<(usize, i64)> {
    let place = |(n, (stream, stamp)): (usize, &(usize, Stamp))| {
        let ahead = if timeline.is_suspect(*stream, *stamp) { &packets[n + 1..] } else { &[] };
        let shift = timeline.shift(*stream, *stamp, ahead);
        (*stream, (stamp.shown.unwrap_or(stamp.decoded) + shift).as_nanos() / 1_000_000)
    };
    packets.iter().enumerate().map(place).collect()
}

/// One second of both streams from a time on.
fn second(from: i64) -> Vec<(usize, Stamp)> {
    let mut packets: Vec<_> = (0..25).map(|n| (PICTURES, stamp(from + n * 40, 40))).collect();
    packets.extend((0..50).map(|n| (SOUND, stamp(from + n * 20 - 10, 20))));
    packets.sort_by_key(|(_, stamp)| stamp.decoded);
    packets
}

fn times(placed: &[(usize, i64)], of: usize) -> Vec<i64> {
    placed.iter().filter(|(stream, _)| *stream == of).map(|(_, time)| *time).collect()
}

#[test]
fn a_restart_goes_on_by_one_frame_with_its_sound() {
    for second_start in [1400, 700, 0, 18_000_000] {
        let mut timeline = timeline();
        let packets = [second(1400), second(second_start)].concat();
        let placed = placed(&mut timeline, &packets);
        assert_eq!(times(&placed, PICTURES), (0..50).map(|n| 1400 + n * 40).collect::<Vec<_>>());
        assert_eq!(times(&placed, SOUND), (0..100).map(|n| 1390 + n * 20).collect::<Vec<_>>());
        assert!(timeline.broken().is_some_and(|at| at >= millis(2380) && at <= millis(2400)));
    }
}

#[test]
fn one_wrong_stamp_moves_its_own_packet_only() {
    for wrong in [10_000_000, 6_000, 0] {
        let mut timeline = timeline();
        let mut packets = second(1400);
        let at = packets.iter().position(|(_, stamp)| stamp.decoded == millis(1800)).expect("a picture");
        packets[at].1 = stamp(wrong, 40);
        let placed = placed(&mut timeline, &packets);
        assert_eq!(times(&placed, PICTURES), (0..25).map(|n| 1400 + n * 40).collect::<Vec<_>>(), "{wrong}");
        assert_eq!(times(&placed, SOUND), (0..50).map(|n| 1390 + n * 20).collect::<Vec<_>>(), "{wrong}");
    }
}

#[test]
fn gaps_and_held_pictures_stay() {
    let mut timeline = timeline();
    let gap = [second(0), second(8_000)].concat();
    let told: Vec<_> =
        gap.iter().map(|(stream, stamp)| (*stream, stamp.decoded.as_nanos() / 1_000_000)).collect();
    assert_eq!(placed(&mut timeline, &gap), told);
    // A picture held for half a minute, while the sound goes on.
    let mut held = vec![(PICTURES, stamp(9_000, 40))];
    held.extend((0..1500).map(|n| (SOUND, stamp(9_000 + n * 20, 20))));
    held.push((PICTURES, stamp(39_000, 40)));
    assert_eq!(times(&placed(&mut timeline, &held), PICTURES), [9_000, 39_000]);
    assert_eq!(timeline.broken(), None);
}

#[test]
fn a_leap_amid_reordered_pictures_keeps_their_order() {
    let frame = |decoded, shown| {
        (
            PICTURES,
            Stamp {
                decoded: millis(decoded),
                shown: Some(millis(shown)),
                length: millis(40),
                is_key: false,
                is_dated: true,
            },
        )
    };
    let mut packets = vec![frame(0, 80), frame(40, 240), frame(80, 160), frame(120, 120), frame(160, 200)];
    let after: Vec<_> = packets
        .iter()
        .map(|(_, stamp)| stamp.moved(millis(200 + 18_000_000)))
        .map(|stamp| (PICTURES, stamp))
        .collect();
    packets.extend(after);
    let mut shown = times(&placed(&mut timeline(), &packets), PICTURES);
    shown.sort_unstable();
    assert_eq!(shown, (0..10).map(|n| 80 + n * 40).collect::<Vec<_>>());
}

#[test]
fn pictures_without_a_time_of_decoding_are_no_breaks() {
    let undated = |shown| {
        let stamp = stamp(shown, 40);
        (PICTURES, Stamp { is_dated: false, ..stamp })
    };
    let mut packets: Vec<_> = [0, 640, 320, 160, 80, 40].map(undated).into();
    packets.push((PICTURES, Stamp { decoded: millis(-80), ..stamp(120, 40) }));
    packets.push((PICTURES, Stamp { decoded: millis(-40), ..stamp(240, 40) }));
    let mut timeline = timeline();
    assert_eq!(times(&placed(&mut timeline, &packets), PICTURES), [0, 640, 320, 160, 80, 40, 120, 240]);
    assert_eq!(timeline.broken(), None);
}

#[test]
fn a_splice_that_goes_back_by_one_picture_goes_on() {
    let mut timeline = timeline();
    let pictures = |from: i64| (0..25).map(move |n| (PICTURES, stamp(from + n * 40, 40)));
    let packets: Vec<_> = pictures(0).chain(pictures(920)).collect();
    assert_eq!(
        times(&placed(&mut timeline, &packets), PICTURES),
        (0..50).map(|n| n * 40).collect::<Vec<_>>()
    );
}

#[test]
fn a_seam_is_whole_where_few_pictures_say_when_they_are_shown() {
    // As in a joined VOB: of a picture that others lean on only the decoding is told, each part is
    // shown one picture later than it is decoded, and its last sound comes after the next part began.
    let picture = |decoded, shown: Option<i64>, is_key| {
        let (decoded, shown) = (millis(decoded), shown.map(millis));
        (PICTURES, Stamp { decoded, shown, length: millis(40), is_key, is_dated: true })
    };
    let part = || {
        let later = (1..25).map(|n| picture(500 + 40 * n, (n % 3 != 1).then_some(500 + 40 * n), false));
        [picture(500, Some(540), true)].into_iter().chain(later)
    };
    let sound = |at| (SOUND, stamp(at, 20));
    let mut packets: Vec<_> = part().chain((27..76).map(|n| sound(20 * n))).collect();
    let mut next = part();
    packets.extend(next.next());
    packets.push(sound(1520));
    packets.extend((27..30).map(|n| sound(20 * n)));
    packets.extend(next);
    packets.extend((30..77).map(|n| sound(20 * n)));
    let mut timeline = timeline();
    let mut decoded = Vec::new();
    let mut heard = Vec::new();
    for (n, (stream, stamp)) in packets.iter().enumerate() {
        let ahead = if timeline.is_suspect(*stream, *stamp) { &packets[n + 1..] } else { &[] };
        let moved = stamp.moved(timeline.shift(*stream, *stamp, ahead)).decoded.as_nanos() / 1_000_000;
        if *stream == PICTURES { decoded.push(moved) } else { heard.push(moved) }
    }
    assert_eq!(decoded, (0..50).map(|n| 500 + 40 * n).collect::<Vec<_>>());
    assert_eq!(heard, (27..127).map(|n| 20 * n).collect::<Vec<_>>());
}

#[test]
fn rare_streams_follow_the_others() {
    let mut timeline = timeline();
    let packets = [second(5_000), second(0), vec![(2, stamp(500, 2_000))]].concat();
    assert_eq!(placed(&mut timeline, &packets).last(), Some(&(2, 6_500)));
}

#[test]
fn streams_that_disagree_for_good_do_not_stretch_the_clock() {
    let mut packets = second(0);
    let far = second(1_000).into_iter().map(|(stream, stamp)| match stream {
        PICTURES => (stream, stamp.moved(millis(1_000_000))),
        _ => (stream, stamp),
    });
    packets.extend(far);
    let placed = placed(&mut timeline(), &packets);
    assert_eq!(times(&placed, SOUND), (0..100).map(|n| n * 20 - 10).collect::<Vec<_>>());
    assert_eq!(times(&placed, PICTURES), (0..50).map(|n| n * 40).collect::<Vec<_>>());
}
