//! What schedulers take: a script or a manifest that draws the parts of a film and joins them.
//!
//! Templates stand beside this file; `@NAMES@` in them are filled in, paths as the shell or YAML quotes them.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::atomic_file::AtomicFile;
use crate::error::{Error, Result};
use crate::jobs::parts::Plan;
use crate::jobs::parts::trial::Usage;

/// Who starts the parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Scheduler {
    /// Slurm: a job array, and the join when it is done
    Slurm,
    /// Kubernetes: an Indexed Job, and one that waits to join
    Kubernetes,
    /// GNU parallel, on some hosts
    Parallel,
}

impl Scheduler {
    fn template(self) -> (&'static str, &'static str) {
        match self {
            Self::Slurm => ("slurm.sh", include_str!("slurm.sh")),
            Self::Kubernetes => ("kubernetes.yaml", include_str!("kubernetes.yaml")),
            Self::Parallel => ("parallel.sh", include_str!("parallel.sh")),
        }
    }

    /// As the file's language quotes a text.
    fn quoted(self, text: &str) -> String {
        match self {
            // JSON is YAML.
            Self::Kubernetes => serde_json::Value::from(text).to_string(),
            Self::Slurm | Self::Parallel => shell_quoted(text),
        }
    }
}

/// A job that is ready to be sent.
#[derive(Debug)]
pub struct Submission<'a> {
    /// Its folder.
    pub job: &'a Path,
    /// The film to join; in the folder if not given.
    pub output: Option<&'a Path>,
    /// The film that was divided.
    pub film: &'a Path,
    /// Container image.
    pub image: &'a str,
    /// What drawing takes.
    pub usage: Usage,
}

/// Writes what a scheduler takes into the job's folder; its path.
///
/// # Errors
/// Returns an error if a path is not there or no text, or the file cannot be written.
pub fn write(scheduler: Scheduler, plan: &Plan, submission: &Submission<'_>) -> Result<PathBuf> {
    let job = absolute(submission.job)?;
    let (name, _) = scheduler.template();
    let text = fill(scheduler, plan, submission, &job)?;
    let path = submission.job.join(name);
    let file = AtomicFile::create(&path, true)?;
    file.file().write_all(text.as_bytes()).map_err(|reason| file.cannot_write(reason))?;
    file.commit()?;
    Ok(path)
}

fn fill(scheduler: Scheduler, plan: &Plan, submission: &Submission<'_>, job: &Path) -> Result<String> {
    let Submission { output, film, image, usage, .. } = submission;
    let extension = if matches!(plan.settings().codec.as_str(), "prores" | "ffv1") { "mov" } else { "mp4" };
    let output = match output {
        Some(output) => absolute_new(output)?,
        None => job.join("drawn").with_extension(extension),
    };
    let parts = plan.parts();
    let longest = parts.iter().map(|part| part.frames).max().unwrap_or_default();
    let text = |path: &Path| -> Result<String> {
        let text = path.to_str().ok_or_else(|| not_text(path))?;
        Ok(scheduler.quoted(text))
    };
    let folder = common_folder(&[job, &output, &absolute(film)?]);
    if scheduler == Scheduler::Kubernetes && folder.parent().is_none() {
        let words = "film, job and output share no folder that a volume could be; put them into one";
        return Err(Error::Write { path: submission.job.join(scheduler.template().0), source: words.into() });
    }
    let program = match scheduler {
        Scheduler::Kubernetes => "stylewarp".into(),
        _ => text(&program())?,
    };
    let fields = [
        ("PARTS", parts.len().to_string()),
        ("LAST", (parts.len() - 1).to_string()),
        ("NAME", label(job)),
        ("JOB", text(job)?),
        ("OUTPUT", text(&output)?),
        ("FOLDER", text(&folder)?),
        ("PROGRAM", program),
        ("IMAGE", scheduler.quoted(image)),
        ("CPUS", usage.cores.to_string()),
        ("MEMORY", usage.megabytes.to_string()),
        ("MINUTES", usage.minutes(longest).to_string()),
        ("MEASURED", usage.to_string()),
    ];
    let mut filled = scheduler.template().1.to_owned();
    for (name, value) in fields {
        filled = filled.replace(&format!("@{name}@"), &value);
    }
    match scheduler {
        Scheduler::Parallel => Ok(with_inner_quotes(&filled)),
        _ => Ok(filled),
    }
}

/// The command that is handed to `parallel` stands in quotes, and holds some: a quote in quotes is `'\''`.
fn with_inner_quotes(script: &str) -> String {
    let line = |line: &str| match line.split_once("\"$@\" '") {
        Some((before, rest)) => {
            let inner = rest.strip_suffix('\'').unwrap_or(rest);
            format!("{before}\"$@\" {}", shell_quoted(inner))
        }
        None => line.to_owned(),
    };
    script.lines().map(line).collect::<Vec<_>>().join("\n") + "\n"
}

/// In single quotes unless it needs none.
fn shell_quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:,".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A name of letters, digits and hyphens, as both schedulers take it.
fn label(job: &Path) -> String {
    let name = job.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let letters: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let label: String = letters.trim_matches('-').chars().take(50).collect();
    match label.trim_end_matches('-') {
        "" => "stylewarp".into(),
        label => format!("stylewarp-{label}"),
    }
}

/// The program that runs, as the scheduler finds it too: both lie side by side.
fn program() -> PathBuf {
    let beside = std::env::current_exe().ok().map(|path| path.with_file_name("stylewarp"));
    beside.filter(|path| path.with_file_name("stylewarp-video").exists()).unwrap_or("stylewarp".into())
}

fn absolute(path: &Path) -> Result<PathBuf> {
    std::fs::canonicalize(path).map_err(|source| Error::Read { path: path.into(), source })
}

/// Of a file that is not there yet.
fn absolute_new(path: &Path) -> Result<PathBuf> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok(absolute(folder)?.join(path.file_name().unwrap_or_default()))
}

fn not_text(path: &Path) -> Error {
    Error::Write { path: path.into(), source: "its name is no text, which scripts need".into() }
}

/// The deepest folder that holds all of some absolute paths.
fn common_folder(paths: &[&Path]) -> PathBuf {
    let mut common = paths[0].to_owned();
    while !paths.iter().all(|path| path.starts_with(&common)) || common.as_path() == paths[0] {
        if !common.pop() {
            break;
        }
    }
    common
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_and_labels_are_plain() {
        assert_eq!(shell_quoted("/films/a-1.job"), "/films/a-1.job");
        assert_eq!(shell_quoted("it's $HOME"), r"'it'\''s $HOME'");
        assert_eq!(label(Path::new("/a/My Film (2).job")), "stylewarp-my-film--2--job");
        assert_eq!(label(Path::new("/a/---")), "stylewarp");
        let line = "seq | parallel \"$@\" 'x --job 'a b' --part {}'";
        assert_eq!(with_inner_quotes(line), "seq | parallel \"$@\" 'x --job '\\''a b'\\'' --part {}'\n");
    }

    #[test]
    fn the_common_folder_holds_all() {
        let common = |paths: &[&str]| common_folder(&paths.iter().map(Path::new).collect::<Vec<_>>());
        assert_eq!(
            common(&["/films/a.job", "/films/a.job/drawn.mp4", "/films/in/a.mkv"]),
            Path::new("/films")
        );
        assert_eq!(common(&["/films/a.job", "/other/a.mkv"]), Path::new("/"));
    }
}
