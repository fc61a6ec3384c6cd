//! Time. The only place that converts between time bases.
//!
//! A container counts time in *ticks* of a *time base*, a rational number of
//! seconds: 1/90000 in MPEG-TS, 1/1000 in Matroska, 1001/30000 in many MP4
//! files. Inside the program there is one unit, whole nanoseconds, wide enough
//! for 292 years and fine enough that every tick longer than a nanosecond comes
//! back as itself: [`FrameTime::from_ticks`] then [`FrameTime::to_ticks`] is
//! exact, so variable frame rates stay variable and 30000/1001 stays 30000/1001.
//! No time is ever held in a float, but for display and for filters.

use std::ops::{Add, Sub};

const NANOS_PER_SEC: i128 = 1_000_000_000;

/// Seconds per tick, `num / den`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeBase {
    num: u32,
    den: u32,
}

impl TimeBase {
    /// `None` unless both are positive.
    pub fn new(num: i32, den: i32) -> Option<Self> {
        match (u32::try_from(num), u32::try_from(den)) {
            (Ok(num), Ok(den)) if num > 0 && den > 0 => Some(Self { num, den }),
            _ => None,
        }
    }

    /// Numerator and denominator.
    pub fn parts(self) -> (i32, i32) {
        (self.num as i32, self.den as i32)
    }
}

/// Frames per second, `num / den`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameRate {
    num: u32,
    den: u32,
}

impl FrameRate {
    /// `None` unless both are positive.
    pub fn new(num: i32, den: i32) -> Option<Self> {
        TimeBase::new(num, den).map(|TimeBase { num, den }| Self { num, den })
    }

    /// Numerator and denominator.
    pub fn parts(self) -> (i32, i32) {
        (self.num as i32, self.den as i32)
    }

    fn reduced(self) -> Self {
        let (mut a, mut b) = (self.num, self.den);
        while b > 0 {
            (a, b) = (b, a % b);
        }
        Self { num: self.num / a, den: self.den / a }
    }

    /// For display.
    pub fn as_f64(self) -> f64 {
        f64::from(self.num) / f64::from(self.den)
    }

    /// The time base that counts frames: seconds per frame.
    pub fn frame_base(self) -> TimeBase {
        TimeBase { num: self.den, den: self.num }
    }
}

/// As typed: `24`, `23.976` or `24000/1001`.
impl std::str::FromStr for FrameRate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "not a rate such as 25, 23.976 or 24000/1001".to_owned();
        if let Some((num, den)) = text.split_once('/') {
            let number = |text: &str| text.parse().map_err(|_| wrong());
            return Self::new(number(num)?, number(den)?).ok_or_else(wrong);
        }
        let rate: f64 = text.parse().map_err(|_| wrong())?;
        if !(0.001..=10_000.0).contains(&rate) {
            return Err(wrong());
        }
        // The rates of television are written so, and meant so.
        let ntsc = (rate * 1.001).round();
        if (rate - rate.round()).abs() > 1e-9 && (ntsc / 1.001 - rate).abs() < 0.005 {
            return Self::new((ntsc * 1000.0) as i32, 1001).ok_or_else(wrong);
        }
        Self::new((rate * 1000.0).round() as i32, 1000).map(Self::reduced).ok_or_else(wrong)
    }
}

impl std::fmt::Display for FrameRate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.den {
            1 => write!(f, "{}", self.num),
            _ => write!(f, "{}/{}", self.num, self.den),
        }
    }
}

/// A moment on the input's clock (or the length between two), in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub struct FrameTime(i64);

impl FrameTime {
    /// The clock's origin.
    pub const ZERO: Self = Self(0);

    /// From nanoseconds.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// From seconds as typed on a command line; saturates at the type's range.
    pub fn from_secs_f64(secs: f64) -> Self {
        Self((secs * 1e9).round() as i64)
    }

    /// From ticks, rounded to the nearest nanosecond; saturates.
    pub fn from_ticks(ticks: i64, base: TimeBase) -> Self {
        let nanos = round_div(i128::from(ticks) * i128::from(base.num) * NANOS_PER_SEC, i128::from(base.den));
        Self(saturate(nanos))
    }

    /// To the nearest tick; saturates.
    pub fn to_ticks(self, base: TimeBase) -> i64 {
        saturate(round_div(i128::from(self.0) * i128::from(base.den), i128::from(base.num) * NANOS_PER_SEC))
    }

    /// Nanoseconds.
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// Seconds, for filters and display.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 * 1e-9
    }
}

impl Sub for FrameTime {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Add for FrameTime {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl std::fmt::Display for FrameTime {
    /// `1:02:03.456`, hours only where there are any.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let millis = self.0.unsigned_abs() / 1_000_000;
        let (hours, minutes) = (millis / 3_600_000, millis / 60_000 % 60);
        let (secs, millis) = (millis / 1000 % 60, millis % 1000);
        let sign = if self.0 < 0 { "-" } else { "" };
        match hours {
            0 => write!(f, "{sign}{minutes}:{secs:02}.{millis:03}"),
            _ => write!(f, "{sign}{hours}:{minutes:02}:{secs:02}.{millis:03}"),
        }
    }
}

/// Nearest integer, halves away from zero; `den` is positive.
fn round_div(num: i128, den: i128) -> i128 {
    let half = den / 2;
    if num >= 0 { (num + half) / den } else { (num - half) / den }
}

fn saturate(value: i128) -> i64 {
    value.clamp(i64::MIN.into(), i64::MAX.into()) as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Any tick of a base coarser than a nanosecond survives, over 50 years.
        #[test]
        fn ticks_round_trip(num in 1..2000i32, den in 1..100_000_000i32, secs in -1_000_000_000i64..1_600_000_000) {
            let base = TimeBase::new(num, den).expect("both positive");
            let ticks = secs.saturating_mul(i64::from(den)) / i64::from(num) + secs % 7;
            prop_assert_eq!(FrameTime::from_ticks(ticks, base).to_ticks(base), ticks);
        }

        #[test]
        fn extremes_never_panic(ticks in any::<i64>(), num in 1..i32::MAX, den in 1..i32::MAX) {
            let base = TimeBase::new(num, den).expect("both positive");
            let _ = FrameTime::from_ticks(ticks, base).to_ticks(base);
        }
    }

    #[test]
    fn ntsc_frames_do_not_drift() {
        let base = TimeBase::new(1001, 30000).expect("both positive");
        let hour = 107_892;
        assert_eq!(FrameTime::from_ticks(hour, base).as_nanos(), 3_599_996_400_000);
    }

    #[test]
    fn rejects_meaningless_bases() {
        assert!(
            TimeBase::new(0, 1).is_none() && TimeBase::new(1, -1).is_none() && FrameRate::new(1, 0).is_none()
        );
    }

    #[test]
    fn rates_as_typed() {
        let parts = |text: &str| text.parse::<FrameRate>().map(FrameRate::parts);
        for (text, expected) in [
            ("25", (25, 1)),
            ("23.976", (24_000, 1001)),
            ("29.97", (30_000, 1001)),
            ("59.94", (60_000, 1001)),
            ("12.5", (25, 2)),
            ("30000/1001", (30_000, 1001)),
        ] {
            assert_eq!(parts(text), Ok(expected), "{text}");
        }
        for wrong in ["", "0", "-1", "nan", "1/0", "x", "1e9"] {
            assert!(parts(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn reads_as_a_clock() {
        assert_eq!(FrameTime::from_secs_f64(62.25).to_string(), "1:02.250");
        assert_eq!(FrameTime::from_secs_f64(-3723.5).to_string(), "-1:02:03.500");
    }
}
