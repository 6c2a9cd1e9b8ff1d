//! One judge for everything that people write: messages, edits, names of groups, friend requests.
//!
//! ```
//! use tencent_im_callback::EventRouter;
//! use tencent_im_callback::moderation::{Finding, Text};
//!
//! let router = EventRouter::new().moderate(|text: &Text<'_>| {
//!     if text.contains("spam") {
//!         Finding::Reject
//!     } else if text.contains("damn") {
//!         Finding::Replace(text.replace("damn", "****"))
//!     } else {
//!         Finding::Allow
//!     }
//! });
//! ```
//!
//! # What is judged
//!
//! | command | what people write in it | what a replacement does |
//! | --- | --- | --- |
//! | `C2C.CallbackBeforeSendMsg`, `Group.CallbackBeforeSendMsg`, `OfficialAccount.CallbackBeforeSendMsg` | the message and its custom data | rewrites the message |
//! | `Group.CallbackBeforeCreateGroup`, `Group.CallbackBeforeCreateTopic`, `OfficialAccount.CallbackBeforeCreateOfficialAccount` | the name | rejects |
//! | `Group.CallbackBeforeApplyJoinGroup` | the introduction | rejects |
//! | `Sns.CallbackPrevFriendAdd`, `Sns.CallbackPrevFriendResponse` | remarks, names of lists, the greeting | rejects |
//! | `C2C.CallbackAfterModifyMsg`, `Group.CallbackAfterModifyMsg` | the edited message | see [`ModerateLayer::on_edit`] |
//!
//! In the other *before* callbacks people write nothing: they contain ids, counts and times. They go
//! to the inner service unjudged.
//!
//! # How the verdict is made
//!
//! 1. A callback that is [incomplete](Incomplete) is rejected, unless
//!    [`ModerateLayer::allow_incomplete`] says otherwise.
//! 2. The judge gives a [`Finding`] for each [`Text`] of [`Shown`]. One [`Finding::Reject`] rejects.
//! 3. With replacements, the message is rewritten and judged again. Anything but
//!    [`Finding::Allow`] in the second look rejects, so a word that could not be replaced (a word
//!    that is split over two elements, or written in escapes) never gets through.
//! 4. What is allowed goes to the inner service. Its verdict counts, and is joined with the
//!    rewritten message. If an [`EventRouter`](crate::EventRouter) has neither a handler for it nor
//!    a fallback, it is allowed.
//!
//! # What is not covered
//!
//! - Pictures, sounds, videos, files and the pages behind addresses. Tencent's own moderation looks
//!   into some of these.
//! - Ids of users, groups and topics, also those in bundles, and addresses: they are not shown to
//!   the judge, though a client may display them.
//! - What only your app decodes: base64, percent-encoding (`%73`), HTML (`&#115;`), Markdown and
//!   markup between letters, octal escapes (`\163`). Decode it in the judge, from
//!   [`Text::as_str`].
//! - A word that is split within one text in a format of your app, such as `["sp","am"]` in the
//!   custom data, or over lines.
//! - Look-alikes: letters of other alphabets, digits for letters, letters with an accent
//!   (`śpam`), spaces and dots between letters.
//! - Where a word begins and ends: `contains("ass")` finds `class`, and, since German ß folds to
//!   `ss`, a word with that letter.
//! - A backslash that some parsers drop (`s\pam`) or take for a backspace (`sp\bam`), unless the
//!   text looks like JSON: it begins like it, or has a bracket before a quote.

mod edit;
mod finding;
mod fold;
mod forms;
mod kinds;
mod layer;
mod rewrite;
mod rules;
mod runs;
mod service;
mod shown;
mod text;
mod walk;

pub use self::edit::Edit;
pub use self::finding::{Finding, Findings, FindingsFuture, Judge};
pub use self::layer::ModerateLayer;
pub use self::runs::Join;
pub use self::service::{Moderate, ModerateFuture};
pub use self::shown::{Incomplete, Shown};
pub use self::text::{Place, Text};
