//! Listens to the microphone while a recording runs, and tells when what it hears was said.
//!
//! A sound device counts evenly, but from anywhere and by a clock of its own, and its packets arrive late, by more or
//! less. So what is known is where its clock stands against the session's: at once where it counts in wall-clock time, as
//! FFmpeg's devices for Linux do (they know how long the sound was on its way), and else by the packets that came
//! soonest.

use std::thread::Builder;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

use crate::error::{Error, Result};
use crate::live::clock::LiveClock;
use crate::time::FrameTime;
use crate::video::error::VideoError;
use crate::video::read::microphone::{Microphone, MicrophoneName, SoundPacket};

/// How long a device may take to open.
const PATIENCE: Duration = Duration::from_secs(3);
/// Seconds of sound that are held back at first: what a device has ready when it is opened comes all at once, and tells
/// nothing about the time.
const SETTLING: f64 = 0.3;
/// Packets that may wait to be recorded: some seconds.
const WAITING: usize = 256;

/// Sound and when it began, on the session's clock.
pub(super) type TimedSound = (SoundPacket, FrameTime);

/// Opens a microphone; `None` if none is wanted. A driver may never answer, so it is waited for in a thread of its own.
///
/// # Errors
/// [`VideoError::Microphone`] if it cannot be listened to.
pub(super) fn open(name: &MicrophoneName) -> Result<Option<Microphone>> {
    if *name == MicrophoneName::None {
        return Ok(None);
    }
    let (opened, answer) = bounded(1);
    let wanted = name.clone();
    let thread = Builder::new().name("microphone".into()).spawn(move || {
        // Nobody waits any more for what comes too late.
        let _ = opened.send(Microphone::open(&wanted));
    });
    thread.map_err(|_| Error::Stage { name: "microphone" })?;
    answer.recv_timeout(PATIENCE).unwrap_or_else(|_| {
        let (name, source) = (name.to_string(), "it does not answer".into());
        // There is one, so a recording without it is told.
        Err(VideoError::Microphone { available: vec![name.clone()], name, source }.into())
    })
}

/// Listens until nobody takes what is heard; `ended` hears why there will be no more, if it ends before.
///
/// # Errors
/// Returns an error if no thread can be started.
pub(super) fn listen(
    mut microphone: Microphone,
    clock: LiveClock,
    ended: impl FnOnce(String) + Send + 'static,
) -> Result<Receiver<TimedSound>> {
    let (heard, sounds) = bounded(WAITING);
    let thread = Builder::new().name("microphone".into()).spawn(move || {
        if let Some(why) = hear(&mut microphone, clock, &heard) {
            ended(format!(
                "the recording goes on without sound, because the microphone {} {why}",
                microphone.name
            ));
        }
    });
    thread.map(|_| sounds).map_err(|_| Error::Stage { name: "microphone" })
}

/// Hands on what is heard; why there will be no more, unless nobody takes it.
fn hear(microphone: &mut Microphone, clock: LiveClock, heard: &Sender<TimedSound>) -> Option<String> {
    let mut device = DeviceClock::default();
    let (opened, mut held) = (clock.now(), Vec::new());
    loop {
        let sound = match microphone.read() {
            Ok(Some(sound)) => sound,
            Ok(None) => return Some("has ended".into()),
            Err(error) => return Some(format!("was lost: {}", error.in_a_line())),
        };
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |wall| wall.as_secs_f64());
        let told = (sound.time.as_secs_f64(), sound.length.as_secs_f64());
        let offset = FrameTime::from_secs_f64(device.run(told, clock.now().as_secs_f64(), wall));
        held.push(sound);
        if (clock.now() - opened).as_secs_f64() < SETTLING {
            continue;
        }
        for sound in held.drain(..) {
            let time = sound.time + offset;
            // What a full disk holds up for seconds is lost; the recording fills it with silence.
            if let Err(TrySendError::Disconnected(_)) = heard.try_send((sound, time)) {
                return None;
            }
        }
    }
}

/// Where a device's clock stands against the session's, in seconds.
#[derive(Default)]
struct DeviceClock {
    offset: Option<f64>,
    counts_wall_time: bool,
    /// When the last sound began, on the device's clock.
    before: Option<f64>,
}

impl DeviceClock {
    /// A device counts in wall-clock time if it is off by less than this many seconds.
    const WALL: f64 = 10.0;
    /// Share of the difference that is taken over from a packet that came later than was thought; one that came sooner
    /// is believed.
    const LATER: f64 = 0.002;

    /// The session's clock minus the device's: it tells when a sound began and how long it was, and it has arrived now.
    fn run(&mut self, (began, length): (f64, f64), now: f64, wall: f64) -> f64 {
        // Not every device tells the length.
        let since = self.before.replace(began).map_or(0.0, |before| began - before);
        let length = if length > 0.0 { length } else { since.clamp(0.0, 1.0) };
        let at_once = now - length - began;
        let offset = match self.offset {
            None if (wall - began).abs() < Self::WALL => {
                self.counts_wall_time = true;
                now - wall
            }
            None => at_once,
            Some(known) if self.counts_wall_time => known,
            Some(known) if at_once < known => at_once,
            Some(known) => known + (at_once - known) * Self::LATER,
        };
        *self.offset.insert(offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How late a packet is, in seconds: between 2 and 40 ms, mostly little.
    fn delay(k: u32) -> f64 {
        let chance = f64::from(k.wrapping_mul(2_654_435_761) >> 8) / f64::from(1 << 24);
        0.002 + 0.038 * chance.powi(4)
    }

    #[test]
    fn a_clock_from_anywhere_is_told_by_the_packets_that_come_soonest() {
        for tells_length in [true, false] {
            is_told_in_time(tells_length);
        }
    }

    /// Packets of 20 ms, the first one said at 7 s, of a device that counts from 1000 s and 100 ppm too fast.
    fn is_told_in_time(tells_length: bool) {
        let mut device = DeviceClock::default();
        let mut off = Vec::new();
        for k in 0..30_000 {
            let said = 7.0 + 0.02 * f64::from(k);
            let told = 1000.0 + (said - 7.0) * 1.0001;
            let length = if tells_length { 0.02 } else { 0.0 };
            let heard = told + device.run((told, length), said + 0.02 + delay(k), 1e9);
            off.push(heard - said);
        }
        assert!(off[100..].iter().all(|off| (0.0..0.012).contains(off)), "{:?}", &off[100..110]);
        assert!(off[1000..].windows(2).all(|pair| (pair[1] - pair[0]).abs() < 0.001), "evenly");
    }

    #[test]
    fn a_device_that_counts_wall_time_is_believed() {
        let mut device = DeviceClock::default();
        for k in 0..100 {
            let said = 3.0 + 0.02 * f64::from(k);
            let (now, wall) = (said + 0.3, said + 0.3 + 1e9);
            let heard = said + 1e9 + device.run((said + 1e9, 0.02), now, wall);
            assert!((heard - said).abs() < 1e-6, "however late it comes");
        }
    }
}
