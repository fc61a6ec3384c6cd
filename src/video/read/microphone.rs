//! A microphone, read through FFmpeg's own devices.
//!
//! A name is looked for among the devices that the system's sound lists; one of another of FFmpeg's systems is written
//! with it, as in `alsa:hw:1`. In: a name. Out: packets of sound, each with the device's own time.

use std::ffi::{CStr, CString};
use std::path::Path;
use std::ptr;

use ffmpeg::format::context::Input;
use ffmpeg::{Dictionary, Format, Packet, Stream, device, ffi, format, media};
use ffmpeg_next as ffmpeg;

use crate::error::Result;
use crate::time::{FrameTime, TimeBase};
use crate::video::error::VideoError;
use crate::video::libav;

/// The sound systems that are asked, in this order.
const SYSTEMS: &[&str] = if cfg!(target_os = "macos") {
    &["avfoundation"]
} else if cfg!(windows) {
    &["dshow"]
} else {
    &["pulse", "alsa"]
};

/// Which microphone, as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum MicrophoneName {
    /// No sound.
    None,
    /// The system's own choice, if there is any.
    #[default]
    Default,
    /// A device by its name or part of it, or `system:device` as FFmpeg takes it.
    Device(String),
}

impl std::str::FromStr for MicrophoneName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text {
            "" => return Err("no name at all".into()),
            "none" => Self::None,
            "default" => Self::Default,
            name => Self::Device(name.into()),
        })
    }
}

impl std::fmt::Display for MicrophoneName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Default => "default",
            Self::Device(name) => name,
        })
    }
}

/// A microphone that is listened to.
pub struct Microphone {
    input: Input,
    stream: usize,
    base: TimeBase,
    /// What it is called.
    pub name: String,
}

/// Sound that was taken at one time.
pub struct SoundPacket {
    packet: Packet,
    base: TimeBase,
    /// When its first sample was taken, on the device's own clock.
    pub time: FrameTime,
    /// How long it lasts; zero if the device does not tell.
    pub length: FrameTime,
}

impl SoundPacket {
    /// As of another time.
    pub(in crate::video) fn at(self, time: FrameTime) -> Packet {
        let Self { mut packet, base, .. } = self;
        packet.set_pts(Some(time.to_ticks(base)));
        packet.set_dts(packet.pts());
        packet
    }
}

impl Microphone {
    /// Opens a microphone; `None` if none is wanted.
    ///
    /// # Errors
    /// [`VideoError::Microphone`] if there is none of that name, or it cannot be listened to.
    pub fn open(name: &MicrophoneName) -> Result<Option<Self>> {
        libav::init();
        let candidates = match name {
            MicrophoneName::None => return Ok(None),
            MicrophoneName::Default => SYSTEMS.iter().filter_map(|system| usual(system)).collect(),
            MicrophoneName::Device(name) => named(name),
        };
        let mut said = "no sound system answers".to_owned();
        for (system, device) in candidates {
            match Self::listen(&system, &device) {
                Ok(microphone) => return Ok(Some(microphone)),
                Err(reason) => said = format!("{system} says: {reason}"),
            }
        }
        let available = microphones().into_iter().map(|(_, device)| device.label()).collect();
        Err(VideoError::Microphone { name: name.to_string(), source: said.into(), available }.into())
    }

    fn listen(system: &str, device: &str) -> Result<Self, ffmpeg::Error> {
        let format = system_format(system).ok_or(ffmpeg::Error::DemuxerNotFound)?;
        let url = match system {
            "avfoundation" => format!(":{device}"),
            "dshow" => format!("audio={device}"),
            _ => device.to_owned(),
        };
        let mut options = Dictionary::new();
        match system {
            // Bytes at a time, of what it is asked for by default: about 20 ms.
            "pulse" => options.set("fragment_size", "4096"),
            "dshow" => options.set("audio_buffer_size", "20"),
            _ => {}
        }
        let input = format::open_with(&url, &format, options)?.input();
        let stream = input.streams().best(media::Type::Audio).ok_or(ffmpeg::Error::StreamNotFound)?;
        let (stream, base) = (stream.index(), libav::time_base(&stream));
        Ok(Self { input, stream, base, name: device.to_owned() })
    }

    /// Waits for the next sound; `None` if there will be no more.
    ///
    /// # Errors
    /// Returns an error if the device cannot be listened to any more.
    pub fn read(&mut self) -> Result<Option<SoundPacket>> {
        loop {
            let next = libav::next_packet(&mut self.input);
            let lost = |source| VideoError::Ffmpeg { doing: "listening to the microphone", source };
            let Some(packet) = next.map_err(|reason| lost(reason.into()))? else { return Ok(None) };
            if packet.stream() != self.stream {
                continue;
            }
            let Some(ticks) = packet.pts().or(packet.dts()) else { continue };
            let time = FrameTime::from_ticks(ticks, self.base);
            let length = libav::length_of(packet.duration(), self.base);
            return Ok(Some(SoundPacket { packet, base: self.base, time, length }));
        }
    }

    /// Its stream of sound.
    pub(in crate::video) fn stream(&self) -> Option<Stream<'_>> {
        self.input.stream(self.stream)
    }
}

/// A device of a sound system.
struct Listed {
    name: String,
    description: String,
    is_default: bool,
}

impl Listed {
    fn label(&self) -> String {
        match self.description.is_empty() || self.description == self.name {
            true => self.name.clone(),
            false => format!("{} ({})", self.description, self.name),
        }
    }

    fn is_called(&self, part: &str) -> bool {
        let has = |text: &str| text.to_lowercase().contains(&part.to_lowercase());
        has(&self.name) || has(&self.description)
    }
}

/// Names of the microphones that the system's sound lists, for people.
pub fn names() -> Vec<String> {
    libav::init();
    microphones().into_iter().map(|(_, device)| device.label()).collect()
}

fn microphones() -> Vec<(&'static str, Listed)> {
    // ALSA lists what it makes of other sound, too.
    let is_one = |system: &str, device: &Listed| system != "alsa" || device.name.contains("CARD=");
    let devices = |system| listed(system).into_iter().filter(move |device| is_one(system, device));
    SYSTEMS.iter().flat_map(|system| devices(system).map(move |device| (*system, device))).collect()
}

/// The system's own choice.
fn usual(system: &str) -> Option<(String, String)> {
    let device = match system {
        // Its library complains on stderr where there is no sound at all.
        "alsa" if !Path::new("/dev/snd").exists() => return None,
        // It has no name for its choice.
        "dshow" => {
            let devices = listed(system);
            let chosen = devices.iter().find(|device| device.is_default).or(devices.first());
            chosen.map(|device| device.name.clone())?
        }
        _ => "default".to_owned(),
    };
    Some((system.to_owned(), device))
}

/// What a name can mean, the likeliest first.
fn named(name: &str) -> Vec<(String, String)> {
    if let Some((system, device)) = name.split_once(':')
        && system_format(system).is_some()
    {
        return vec![(system.to_owned(), device.to_owned())];
    }
    let found = microphones().into_iter().filter(|(_, device)| device.is_called(name));
    let found: Vec<_> = found.map(|(system, device)| (system.to_owned(), device.name)).collect();
    if !found.is_empty() {
        return found;
    }
    SYSTEMS.iter().map(|system| ((*system).to_owned(), name.to_owned())).collect()
}

fn system_format(name: &str) -> Option<Format> {
    device::input::audio().find(|format| format.name().split(',').any(|known| known == name))
}

/// The devices of a sound system; none where it does not run.
fn listed(system: &str) -> Vec<Listed> {
    let Ok(system) = CString::new(system) else { return Vec::new() };
    let text = |text: *const std::ffi::c_char| match text.is_null() {
        true => String::new(),
        #[expect(unsafe_code, reason = "the binding lists devices of an open context only")]
        // SAFETY: FFmpeg ends its strings with a zero, and keeps them as long as the list.
        false => unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned(),
    };
    #[expect(unsafe_code, reason = "the binding lists devices of an open context only")]
    // SAFETY: the list is FFmpeg's own, has as many devices as it says, each with as many kinds as it says, and is
    // given back once nothing of it is used.
    unsafe {
        let mut list: *mut ffi::AVDeviceInfoList = ptr::null_mut();
        let count =
            ffi::avdevice_list_input_sources(ptr::null(), system.as_ptr(), ptr::null_mut(), &raw mut list);
        if count < 0 || list.is_null() {
            return Vec::new();
        }
        let devices = (0..(*list).nb_devices)
            .filter_map(|k| {
                let device = &**(*list).devices.offset(k as isize);
                let kinds = (0..device.nb_media_types).map(|n| *device.media_types.offset(n as isize));
                let kinds: Vec<_> = kinds.collect();
                let is_heard = kinds.is_empty() || kinds.contains(&ffi::AVMediaType::AVMEDIA_TYPE_AUDIO);
                is_heard.then(|| Listed {
                    name: text(device.device_name),
                    description: text(device.device_description),
                    is_default: k == (*list).default_device,
                })
            })
            .collect();
        ffi::avdevice_free_list_devices(&raw mut list);
        devices
    }
}
