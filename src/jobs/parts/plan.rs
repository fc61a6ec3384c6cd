//! The plan of a film in parts: one file, `plan.toml`, in the job's folder, that every machine reads and none
//! writes.
//!
//! It says of what it was made (film, look, networks, version), so that whoever has another is told, and it
//! carries a digest of itself: what was changed by hand is refused, since parts made before and after would
//! not fit together.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::atomic_file::AtomicFile;
use crate::engine::EngineConfig;
use crate::error::{Cause, Difference, Error, Result};
use crate::jobs::parts::error::PartsError;
use crate::jobs::parts::film::{fingerprint, hex};
use crate::jobs::parts::look_record::LookRecord;
use crate::look::{Look, LookSpec};
use crate::nn::device::Device;
use crate::nn::models::Models;
use crate::time::{FrameTime, TimeBase};
use crate::video::write::{Codec, JoinPart, part_extension};
use crate::warp::features::EncoderChoice;

/// The plan's name in the job's folder.
const NAME: &str = "plan.toml";
/// What stands before the digest.
const HEAD: &str = "# Written by `stylewarp split`; what is changed here is refused.\n\
                    # A part: stylewarp-video --job FOLDER --part N. The film: stylewarp join FOLDER OUTPUT.\n";
const DIGEST: &str = "sha256 = \"";
/// The version that plans are for.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// How a film is divided, and what it is to become.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    version: String,
    pub(super) settings: Settings,
    pub(super) film: FilmSpec,
    look: LookRecord,
    /// SHA-256 of every network by its file's name, and of all styles together.
    networks: BTreeMap<String, String>,
    pub(super) part: Vec<PartSpec>,
    /// Of the text; the plan's name for its parts.
    #[serde(skip)]
    digest: String,
}

/// How parts are drawn and stored, beside the look.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Lines to paint at.
    pub size: Option<u32>,
    /// What the networks run on, by its name.
    pub device: String,
    /// What finds matches, by its name.
    pub encoder: String,
    /// How pictures are stored, by its name.
    pub codec: String,
    /// Constant rate factor.
    pub crf: Option<u8>,
    /// What shows through transparent pictures.
    pub background: [u8; 3],
    /// Whether the film may be a list of other files.
    pub follow: bool,
}

/// The film that is divided.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FilmSpec {
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
    pub(super) sha256: String,
    /// Seconds in a tick of its pictures: numerator, denominator.
    pub(super) time_base: [i32; 2],
    pub(super) frames: u64,
    /// Ticks at which the last picture is shown.
    pub(super) last: i64,
    /// Nanoseconds until which it is shown.
    pub(super) end: i64,
    /// Whether moments can be looked up in it.
    pub(super) search: bool,
}

/// A part: times are ticks of the film's pictures.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PartSpec {
    /// The first picture.
    pub from: i64,
    /// The first picture of the next part.
    pub until: Option<i64>,
    /// How many pictures.
    pub frames: u64,
    /// Whether it is bit for bit what a single run makes: it begins at a cut, or all before it is read.
    pub exact: bool,
    /// The first picture that is read; from the beginning if not given.
    pub(super) lead: Option<i64>,
    /// The first picture that is drawn; the first that is read if not given.
    pub(super) drawn: Option<i64>,
    /// The first picture that is not read any more.
    pub(super) tail: Option<i64>,
    /// Mean colours of the first picture's quarters.
    pub(super) picture: [u8; 12],
}

impl Plan {
    pub(super) fn new(
        settings: Settings,
        film: FilmSpec,
        look: &LookSpec,
        models: &Models,
        part: Vec<PartSpec>,
    ) -> Result<Self> {
        let look = LookRecord::new(look)?;
        let (version, networks) = (VERSION.to_owned(), network_digests(models));
        Ok(Self { version, settings, film, look, networks, part, digest: String::new() })
    }

    /// Writes it into a job's folder; refuses if there is one.
    pub(super) fn write(&mut self, job: &Path) -> Result<()> {
        let path = job.join(NAME);
        let cannot = |source: Cause| PartsError::PlanInvalid { path: path.clone(), source };
        let body = toml::to_string(self).map_err(|reason| cannot(reason.into()))?;
        self.digest = hex(&Sha256::digest(&body));
        let file = AtomicFile::create(&path, false)?;
        let text = format!("{HEAD}{DIGEST}{}\"\n{body}", self.digest);
        file.file().write_all(text.as_bytes()).map_err(|reason| file.cannot_write(reason))?;
        file.commit()
    }

    /// Reads a job's plan, if it is one of this version that nobody changed.
    ///
    /// # Errors
    /// [`Error::Read`], [`PartsError::PlanInvalid`] or [`PartsError::PlanMismatch`].
    pub fn read(job: &Path) -> Result<Self> {
        let path = job.join(NAME);
        let text =
            std::fs::read_to_string(&path).map_err(|source| Error::Read { path: path.clone(), source })?;
        Self::parse(&text, &path)
    }

    fn parse(text: &str, path: &Path) -> Result<Self> {
        let invalid = |source: Cause| Error::from(PartsError::PlanInvalid { path: path.into(), source });
        let found = text.split_once(DIGEST).and_then(|(_, rest)| rest.split_once("\"\n"));
        let Some((digest, body)) = found else { return Err(invalid("it has no digest of itself".into())) };
        let version = body.lines().find_map(|line| line.strip_prefix("version = \"")?.strip_suffix('"'));
        if let Some(version) = version.filter(|version| *version != VERSION) {
            return Err(mismatch(path, "another version", version, VERSION));
        }
        if digest != hex(&Sha256::digest(body)) {
            return Err(invalid("it was changed after it was written".into()));
        }
        let mut plan: Self = toml::from_str(body).map_err(|error| invalid(error.message().into()))?;
        plan.digest = digest.into();
        plan.check().map_err(|words| invalid(words.into()))?;
        Ok(plan)
    }

    /// Whether it says something that can be done: a digest can be made by anyone.
    fn check(&self) -> Result<(), &'static str> {
        let ordered = self.part.windows(2).all(|pair| pair[0].until == Some(pair[1].from));
        let filled = self.part.iter().all(|part| {
            part.frames > 0
                && part.until.is_none_or(|until| until > part.from)
                && part.lead.is_none_or(|lead| lead <= part.drawn.unwrap_or(part.from))
                && part.drawn.is_none_or(|drawn| drawn <= part.from)
                && part.tail.is_none_or(|tail| part.until.is_some_and(|until| until <= tail))
        });
        let all: u64 = self.part.iter().map(|part| part.frames).fold(0, u64::saturating_add);
        let ends = self.part.last().is_some_and(|last| last.until.is_none() && self.film.last >= last.from);
        match () {
            () if !(ordered && filled && ends && all == self.film.frames) => {
                Err("its parts do not fit together")
            }
            () if TimeBase::new(self.film.time_base[0], self.film.time_base[1]).is_none() => {
                Err("its film has no clock")
            }
            () if self.codec().is_none() || self.config(None).is_none() => {
                Err("it names a codec, device or encoder that there is not")
            }
            () => Ok(()),
        }
    }

    /// Its parts, in order.
    pub fn parts(&self) -> &[PartSpec] {
        &self.part
    }

    /// How parts are drawn and stored.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Pictures of the film.
    pub fn frames(&self) -> u64 {
        self.film.frames
    }

    /// The codec of the parts.
    pub(super) fn codec(&self) -> Option<Codec> {
        self.settings.codec.parse().ok()
    }

    /// What the networks run on, out of this folder of networks.
    pub(super) fn config(&self, models: Option<&Path>) -> Option<EngineConfig> {
        let device: Device = self.settings.device.parse().ok()?;
        let encoder: EncoderChoice = self.settings.encoder.parse().ok()?;
        Some(EngineConfig { models: models.map(Path::to_owned), device, encoder })
    }

    pub(super) fn time_base(&self) -> TimeBase {
        let [num, den] = self.film.time_base;
        TimeBase::new(num, den).expect("checked when the plan was read")
    }

    /// A moment of the film.
    pub(super) fn time(&self, ticks: i64) -> FrameTime {
        FrameTime::from_ticks(ticks, self.time_base())
    }

    /// Every part as its file has to be.
    pub(super) fn files(&self, job: &Path) -> Vec<JoinPart> {
        let (count, extension) = (self.part.len(), self.codec().map_or("mp4", part_extension));
        let width = (count.max(2) - 1).to_string().len();
        let file = |(number, part): (usize, &PartSpec)| JoinPart {
            path: job.join(format!("part-{number:0width$}.{extension}")),
            from: self.time(part.from),
            until: part.until.map(|until| self.time(until)),
            frames: part.frames,
            comment: format!("part {number} of {count}, plan {}", &self.digest[..16]),
        };
        self.part.iter().enumerate().map(file).collect()
    }

    /// The film's file: where it was, beside the job's folder, or as given; if it is still that film.
    pub(super) fn film_at(&self, job: &Path, given: Option<&Path>) -> Result<PathBuf> {
        let path = match (given, self.film.path.file_name()) {
            (Some(given), _) => given.to_owned(),
            (None, Some(name)) if !self.film.path.is_file() => {
                let beside = job.join("..").join(name);
                if beside.is_file() { beside } else { self.film.path.clone() }
            }
            _ => self.film.path.clone(),
        };
        let (bytes, sha256) = fingerprint(&path)?;
        if (bytes, &sha256) == (self.film.bytes, &self.film.sha256) {
            return Ok(path);
        }
        let said = |bytes: u64, digest: &str| format!("{bytes} bytes with digest {}", &digest[..16]);
        let planned = said(self.film.bytes, &format!("{:0<16}", self.film.sha256));
        Err(mismatch(&job.join(NAME), "another film", &planned, &said(bytes, &sha256)))
    }

    /// The look, if it is still that of the plan.
    pub(super) fn look(&self, job: &Path) -> Result<Look> {
        self.look
            .resolve()?
            .map_err(|found| mismatch(&job.join(NAME), "another look", &self.look.sha256, &found))
    }

    /// Refuses other networks than those of the plan.
    pub(super) fn check_networks(&self, job: &Path, models: &Models) -> Result<()> {
        let found = network_digests(models);
        let differs = |name: &&String| self.networks.get(*name) != found.get(*name);
        let Some(name) = self.networks.keys().chain(found.keys()).find(differs) else { return Ok(()) };
        let said = |of: &BTreeMap<String, String>| match of.get(name) {
            Some(digest) => format!("{name} with digest {digest}"),
            None => format!("no {name}"),
        };
        Err(mismatch(&job.join(NAME), "other networks", &said(&self.networks), &said(&found)))
    }
}

fn mismatch(path: &Path, what: &'static str, expected: &str, found: &str) -> Error {
    PartsError::PlanMismatch { path: path.into(), what, source: Difference::new(expected, found) }.into()
}

fn network_digests(models: &Models) -> BTreeMap<String, String> {
    let mut styles = Sha256::new();
    let mut digests = BTreeMap::new();
    for file in models.files() {
        if file.name.contains('/') {
            styles.update(&file.sha256);
        } else {
            digests.insert(file.name.clone(), file.sha256.clone());
        }
    }
    digests.insert("styles".into(), hex(&styles.finalize()));
    digests
}

#[cfg(test)]
mod tests;
