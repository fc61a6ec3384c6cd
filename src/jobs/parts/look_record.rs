//! The look of a plan: what it was made of, and a digest by which every machine sees that it makes the same of it.

use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::error::{Error, Result};
use crate::jobs::parts::film::hex;
use crate::look::{Look, LookSpec};

/// A look, as a plan keeps it.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LookRecord {
    /// Of the exemplar's pixels, the texture's files and all numbers.
    pub(super) sha256: String,
    pub(super) made_of: LookSpec,
}

impl LookRecord {
    /// Of a look as it was asked for.
    pub(super) fn new(spec: &LookSpec) -> Result<Self> {
        let look = spec.resolve()?;
        Ok(Self { sha256: digest_of(&look)?, made_of: absolute(spec, &look)? })
    }

    /// The look, if this machine makes the same of it; else the digest of what it makes.
    pub(super) fn resolve(&self) -> Result<Result<Look, String>> {
        let look = self.made_of.resolve()?;
        let found = digest_of(&look)?;
        Ok(if found == self.sha256 { Ok(look) } else { Err(found) })
    }
}

/// Of everything that a look makes a difference by.
fn digest_of(look: &Look) -> Result<String> {
    let mut digest = Sha256::new();
    for value in [look.warp, look.paint, look.stroke_size, look.steady, look.relief] {
        digest.update(value.to_le_bytes());
    }
    digest.update(look.colors.name());
    digest.update(look.align.name());
    if let Some(exemplar) = &look.geometry {
        digest.update(exemplar.width().to_le_bytes());
        digest.update(exemplar.as_raw());
    }
    if let Some(texture) = &look.texture {
        digest.update(texture.absolute()?.text());
        for path in texture.files() {
            let bytes = std::fs::read(path).map_err(|source| Error::Read { path: path.into(), source })?;
            digest.update(Sha256::digest(bytes));
        }
    }
    Ok(hex(&digest.finalize()))
}

/// The same look by names that hold in every folder, with every number as it is now.
fn absolute(spec: &LookSpec, look: &Look) -> Result<LookSpec> {
    let there =
        |path: &Path| std::fs::canonicalize(path).map_err(|source| Error::Read { path: path.into(), source });
    let preset = match &spec.preset {
        Some(name) if Path::new(name).is_file() => Some(there(name.as_ref())?.to_string_lossy().into_owned()),
        preset => preset.clone(),
    };
    Ok(LookSpec {
        preset,
        geometry: spec.geometry.as_deref().map(there).transpose()?,
        texture: match &spec.texture {
            Some(_) => look
                .texture
                .as_ref()
                .map(|texture| texture.absolute())
                .transpose()?
                .map(|own| own.text().into()),
            None => None,
        },
        warp: Some(look.warp),
        paint: Some(look.paint),
        colors: Some(look.colors),
        stroke_size: Some(look.stroke_size),
        steady: Some(look.steady),
        relief: Some(look.relief),
        align: Some(look.align),
    })
}
