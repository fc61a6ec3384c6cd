//! Two fields of different moments become one picture.
//!
//! Interlaced video, drawn as it is stored, has combs wherever something moves, and a painter
//! paints every tooth. FFmpeg's bwdif makes a whole picture of each pair of fields, at its own
//! time; pictures that are not marked as interlaced pass through untouched. It looks at the
//! next picture too, so everything comes out one picture later.

use std::collections::VecDeque;

use ffmpeg_next as ffmpeg;

use crate::frame::Size;
use crate::time::TimeBase;
use crate::video::colour::Colour;
use crate::video::read::decode::Decoded;
use crate::video::read::filters::{Chain, Shape, can_deinterlace};

/// Makes whole pictures; idle until the first interlaced one.
pub(super) struct Deinterlacer {
    base: TimeBase,
    chain: Option<Chain>,
    /// When pictures inside the chain are shown, and for how long.
    inside: VecDeque<(i64, Option<i64>)>,
    ready: VecDeque<Decoded>,
    has_told: bool,
}

impl Deinterlacer {
    /// For pictures that count in `base`.
    pub(super) fn new(base: TimeBase) -> Self {
        Self { base, chain: None, inside: VecDeque::new(), ready: VecDeque::new(), has_told: false }
    }

    /// The next whole picture of those that `decode` gives.
    pub(super) fn next<E>(
        &mut self,
        mut decode: impl FnMut() -> Result<Option<Decoded>, E>,
    ) -> Result<Option<Decoded>, E> {
        while self.ready.is_empty() {
            match decode()? {
                Some(decoded) => self.push(decoded),
                None => {
                    self.empty();
                    break;
                }
            }
        }
        Ok(self.ready.pop_front())
    }

    fn push(&mut self, mut decoded: Decoded) {
        if self.chain.is_none() && !(decoded.frame.is_interlaced() && self.is_able()) {
            return self.ready.push_back(decoded);
        }
        let size = Size { width: decoded.frame.width(), height: decoded.frame.height() };
        let shape = Shape::of(&decoded.frame, Colour::of(&decoded.frame, size));
        if self.chain.as_ref().is_some_and(|chain| chain.shape != shape) {
            self.empty();
        }
        decoded.frame.set_pts(Some(decoded.ticks));
        match self.through(shape, &decoded) {
            Ok(()) => self.pull(),
            Err(reason) => {
                tracing::debug!(%reason, "a picture cannot be deinterlaced");
                self.empty();
                self.ready.push_back(decoded);
            }
        }
    }

    fn through(&mut self, shape: Shape, decoded: &Decoded) -> Result<(), ffmpeg::Error> {
        if self.chain.is_none() {
            self.chain = Some(Chain::deinterlacing(shape, self.base)?);
        }
        self.chain.as_mut().map_or(Ok(()), |chain| chain.push(Some(&decoded.frame)))?;
        self.inside.push_back((decoded.ticks, decoded.length));
        Ok(())
    }

    /// Takes out what is left in the chain, and drops it.
    fn empty(&mut self) {
        if let Some(chain) = &mut self.chain
            && let Err(reason) = chain.push(None)
        {
            tracing::debug!(%reason, "the last picture is lost in deinterlacing");
        }
        self.pull();
        self.chain = None;
        self.inside.clear();
    }

    fn pull(&mut self) {
        let Some(chain) = &mut self.chain else { return };
        while let Some(frame) = chain.pull() {
            let Some((ticks, length)) = self.inside.pop_front() else { break };
            self.ready.push_back(Decoded { ticks, length, frame });
        }
    }

    /// Whether this FFmpeg can; says so, once, if it cannot.
    fn is_able(&mut self) -> bool {
        let is_able = can_deinterlace();
        if !std::mem::replace(&mut self.has_told, true) {
            if is_able {
                tracing::info!("the input is interlaced: each pair of fields becomes one picture");
            } else {
                tracing::warn!("the input is interlaced, and this FFmpeg has no bwdif: its combs are drawn");
            }
        }
        is_able
    }
}
