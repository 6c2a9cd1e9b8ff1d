#![doc = include_str!("../docs/moderation.md")]

mod edit;
mod finding;
mod fold;
mod forms;
mod kinds;
mod layer;
mod replace;
mod rewrite;
mod rules;
mod runs;
mod service;
mod settings;
mod shown;
mod text;
mod walk;

pub use self::edit::Edit;
pub use self::finding::{Finding, Findings, FindingsFuture, Judge};
pub use self::fold::fold;
pub use self::layer::ModerateLayer;
pub use self::runs::Join;
pub use self::service::{Moderate, ModerateFuture};
pub use self::shown::{Incomplete, Shown};
pub use self::text::{Place, Text};
