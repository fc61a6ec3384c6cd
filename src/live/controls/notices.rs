//! What is amiss with parts of a session: the camera, a recording, a look.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What is amiss, by the part that it is amiss with.
#[derive(Default)]
pub struct Notices(Mutex<BTreeMap<&'static str, String>>);

impl Notices {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, String>> {
        // Every change is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells what is amiss with a part; `None` when it is well again.
    pub fn tell(&self, part: &'static str, notice: Option<String>) {
        match (self.show(part, notice.as_deref()), notice) {
            (true, Some(text)) => tracing::warn!("{text}"),
            (true, None) => tracing::warn!("the {part} is well again"),
            (false, _) => {}
        }
    }

    /// Shows what is amiss with a part and was logged already; whether that is news.
    pub(in crate::live) fn show(&self, part: &'static str, notice: Option<&str>) -> bool {
        let mut notices = self.lock();
        match notice {
            Some(text) if notices.get(part).is_none_or(|before| before != text) => {
                notices.insert(part, text.into());
                true
            }
            Some(_) => false,
            None => notices.remove(part).is_some(),
        }
    }

    /// What is amiss with one part.
    pub fn of(&self, part: &str) -> Option<String> {
        self.lock().get(part).cloned()
    }

    /// All that is amiss, in the order of the parts' names.
    pub fn all(&self) -> Vec<String> {
        self.lock().values().cloned().collect()
    }

    /// The same in one line; `None` if all is well.
    pub fn line(&self) -> Option<String> {
        Some(self.all()).filter(|all| !all.is_empty()).map(|all| all.join("; "))
    }
}
