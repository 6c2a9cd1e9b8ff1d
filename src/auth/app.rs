//! The apps a server answers for, and their tokens.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::token::Token;
use crate::types::SdkAppId;

/// One app, with the tokens that may sign its callbacks.
///
/// To change a token without downtime: [`accept`](Self::accept) the new token beside the old one,
/// change the token in the console (that takes effect within minutes), then [`Apps::set`] the app
/// with the new token alone. [`Outcome::token_index`](crate::Outcome::token_index) shows when the
/// old token is no longer used.
///
/// ```
/// use tencent_im_callback::{App, Token};
///
/// let app = App::signed(1400000000, Token::new("old")?).accept(Token::new("new")?);
/// # Ok::<(), tencent_im_callback::InvalidTokenError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct App {
    id: SdkAppId,
    /// Empty if signatures are not checked, which only `App::unsigned` asks for.
    tokens: Vec<Token>,
}

impl App {
    /// An app whose callbacks are signed with `token` ("authentication" in the console).
    pub fn signed(id: impl Into<SdkAppId>, token: Token) -> Self {
        App { id: id.into(), tokens: vec![token] }
    }

    /// An app whose signatures are **not** checked. Only its `SdkAppid` is, which is not secret:
    /// anyone who finds the URL can send callbacks. For apps with authentication turned off in the
    /// console, behind other protection.
    pub fn unsigned(id: impl Into<SdkAppId>) -> Self {
        App { id: id.into(), tokens: Vec::new() }
    }

    /// Accepts one more token. An unsigned app becomes a signed one.
    pub fn accept(mut self, token: Token) -> Self {
        self.tokens.push(token);
        self
    }

    /// The id of the app.
    pub fn id(&self) -> SdkAppId {
        self.id
    }

    /// Whether signatures are checked.
    pub fn is_signed(&self) -> bool {
        !self.tokens.is_empty()
    }

    pub(crate) fn tokens(&self) -> &[Token] {
        &self.tokens
    }
}

/// The set of apps that a [`Verifier`](crate::Verifier) accepts; it can be changed while the server
/// runs.
///
/// A cheap handle: all clones share one set. Keep a clone to reload tokens. Each request is checked
/// against the set as it was at one moment. An empty set refuses everything.
///
/// If an id occurs twice, the tokens of both are accepted, and a signed app wins over an unsigned
/// one.
///
/// ```
/// use tencent_im_callback::{App, Apps, Token, Verifier};
///
/// let apps = Apps::from(App::signed(1400000000, Token::new("xxxxyyyy")?));
/// let verifier = Verifier::new(apps.clone());
/// // Later, perhaps on SIGHUP:
/// apps.set(App::signed(1400000000, Token::new("a new one")?));
/// # Ok::<(), tencent_im_callback::InvalidTokenError>(())
/// ```
#[derive(Clone)]
pub struct Apps {
    set: Arc<ArcSwap<Vec<App>>>,
}

impl Apps {
    /// A set of these apps.
    pub fn new(apps: impl IntoIterator<Item = App>) -> Self {
        Apps { set: Arc::new(ArcSwap::from_pointee(merge(apps))) }
    }

    /// Adds an app. An app with the same id is replaced, with its tokens.
    pub fn set(&self, app: App) {
        self.set.rcu(|apps| {
            let mut apps = Vec::clone(apps);
            match apps.binary_search_by_key(&app.id, App::id) {
                Ok(found) => apps[found] = app.clone(),
                Err(place) => apps.insert(place, app.clone()),
            }
            apps
        });
    }

    /// Removes an app. Its callbacks are refused from the next request on.
    pub fn remove(&self, id: impl Into<SdkAppId>) {
        let id = id.into();
        self.set.rcu(|apps| {
            let mut apps = Vec::clone(apps);
            apps.retain(|app| app.id != id);
            apps
        });
    }

    /// Replaces all apps in one step.
    pub fn replace(&self, apps: impl IntoIterator<Item = App>) {
        self.set.store(Arc::new(merge(apps)));
    }

    /// The set as it is now.
    pub(crate) fn load(&self) -> Snapshot {
        Snapshot(self.set.load())
    }
}

/// A snapshot of the set.
pub(crate) struct Snapshot(arc_swap::Guard<Arc<Vec<App>>>);

impl Snapshot {
    pub(crate) fn get(&self, id: SdkAppId) -> Option<&App> {
        let found = self.0.binary_search_by_key(&id, App::id).ok()?;
        self.0.get(found)
    }

    pub(crate) fn tokens(&self) -> impl Iterator<Item = &Token> {
        self.0.iter().flat_map(App::tokens)
    }
}

fn merge(apps: impl IntoIterator<Item = App>) -> Vec<App> {
    let mut merged: Vec<App> = Vec::new();
    for app in apps {
        match merged.binary_search_by_key(&app.id, App::id) {
            Ok(found) => merged[found].tokens.extend(app.tokens),
            Err(place) => merged.insert(place, app),
        }
    }
    merged
}

impl From<App> for Apps {
    fn from(app: App) -> Self {
        Apps::new([app])
    }
}

impl fmt::Debug for Apps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Apps").field(&*self.set.load()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(text: &str) -> Token {
        Token::new(text).unwrap()
    }

    fn shape(apps: &Apps) -> Vec<(u64, usize)> {
        apps.load().0.iter().map(|app| (app.id.0, app.tokens.len())).collect()
    }

    #[test]
    fn an_id_is_read_from_a_number_and_from_a_text() {
        let read = |json| serde_json::from_str::<SdkAppId>(json);
        assert_eq!((read("7").unwrap(), read("\"7\"").unwrap()), (SdkAppId(7), SdkAppId(7)));
        assert!(read("\"+7\"").is_err() && read("-7").is_err());
        let error = read("null").unwrap_err().to_string();
        assert!(error.contains("expected the id of an app"), "{error}");
    }

    #[test]
    fn equal_ids_merge_and_signed_beats_unsigned() {
        let apps = Apps::new([
            App::unsigned(2),
            App::signed(1, token("a")),
            App::signed(2, token("b")),
            App::signed(1, token("c")),
            App::unsigned(1),
            App::unsigned(3),
        ]);
        assert_eq!(shape(&apps), [(1, 2), (2, 1), (3, 0)]);
    }

    #[test]
    fn set_replaces_and_clones_share() {
        let apps = Apps::from(App::signed(2, token("a")).accept(token("b")));
        let handle = apps.clone();
        handle.set(App::signed(2, token("c")));
        handle.set(App::signed(1, token("d")));
        handle.set(App::unsigned(3));
        assert_eq!(shape(&apps), [(1, 1), (2, 1), (3, 0)]);
        handle.remove(SdkAppId(1));
        assert_eq!(shape(&apps), [(2, 1), (3, 0)]);
        handle.replace([]);
        assert_eq!(shape(&apps), []);
        assert!(apps.load().get(SdkAppId(2)).is_none());
    }
}
