//! One light for all readings: green, amber or red, and why.

use eframe::egui::Color32;

use crate::live::stats::StatsSnapshot;

/// Shares of the camera's rate below which it is too few, and far too few.
const FEW: f32 = 0.9;
const FAR_TOO_FEW: f32 = 0.5;
/// Share of the picture's lines below which painting smaller is seen.
const SMALL: f32 = 0.7;
/// Milliseconds from camera to screen above which lips and voice part.
const LATE: f32 = 200.0;

/// How a session goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Light {
    Green,
    Amber,
    Red,
}

impl Light {
    pub(super) fn color(self) -> Color32 {
        match self {
            Self::Green => Color32::from_rgb(72, 180, 97),
            Self::Amber => Color32::from_rgb(236, 169, 46),
            Self::Red => Color32::from_rgb(222, 66, 60),
        }
    }
}

/// How it goes, and why, of a picture of so many lines. What is amiss counts most; a picture that stands still on
/// purpose is well.
pub(super) fn judge(
    reading: &StatsSnapshot,
    lines: u32,
    frozen: bool,
    amiss: Option<&str>,
) -> (Light, String) {
    let StatsSnapshot { fps, camera_fps, latency_ms, .. } = *reading;
    if let Some(amiss) = amiss {
        return (Light::Red, amiss.into());
    }
    if frozen {
        return (Light::Green, "frozen: dials and looks change the picture that stands still".into());
    }
    let rate = format!("{fps:.0} of {camera_fps:.0} frames a second");
    if fps < FAR_TOO_FEW * camera_fps {
        return (Light::Red, format!("{rate}: this machine is far too slow, or busy"));
    }
    if fps < FEW * camera_fps {
        return (Light::Amber, format!("{rate}: this machine is a little too slow, or busy"));
    }
    if latency_ms > LATE {
        return (Light::Amber, format!("{latency_ms:.0} ms from camera to screen: movements lag behind"));
    }
    let painted = reading.lines;
    if painted > 0 && (painted as f32) < SMALL * lines as f32 {
        let why =
            format!("painted at {painted} of {lines} lines, so that the rate holds: strokes are broader");
        return (Light::Amber, why);
    }
    (Light::Green, format!("all is well: {rate}, {latency_ms:.0} ms from camera to screen"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(fps: f32, latency_ms: f32, lines: u32) -> StatsSnapshot {
        StatsSnapshot { fps, camera_fps: 30.0, latency_ms, lines, ..StatsSnapshot::default() }
    }

    #[test]
    fn it_says_why() {
        for (reading, frozen, amiss, light, word) in [
            (reading(29.8, 50.0, 360), false, None, Light::Green, "all is well"),
            (reading(24.0, 50.0, 360), false, None, Light::Amber, "a little too slow"),
            (reading(9.0, 50.0, 360), false, None, Light::Red, "far too slow"),
            (reading(30.0, 350.0, 360), false, None, Light::Amber, "lag"),
            (reading(30.0, 50.0, 180), false, None, Light::Amber, "180 of 360 lines"),
            (reading(0.0, 0.0, 360), true, None, Light::Green, "frozen"),
            (reading(30.0, 50.0, 360), true, Some("unplugged"), Light::Red, "unplugged"),
        ] {
            let (found, why) = judge(&reading, 360, frozen, amiss);
            assert!(found == light && why.contains(word), "{found:?}: {why}");
        }
    }
}
