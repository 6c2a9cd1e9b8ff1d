//! English and Chinese.

use std::fmt;

use clap::ValueEnum;

/// A language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Lang {
    /// English
    En,
    /// Chinese, 中文
    Zh,
}

impl Lang {
    /// That of the locale.
    pub(crate) fn of_locale() -> Self {
        let first = ["LC_ALL", "LC_MESSAGES", "LANG"]
            .into_iter()
            .filter_map(|name| std::env::var(name).ok())
            .find(|value| !value.is_empty());
        match first {
            Some(locale) if locale.starts_with("zh") => Lang::Zh,
            _ => Lang::En,
        }
    }

    pub(crate) fn of(self, text: Text) -> &'static str {
        match self {
            Lang::En => text.0,
            Lang::Zh => text.1,
        }
    }
}

/// A text in both: English, Chinese.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text(pub(crate) &'static str, pub(crate) &'static str);

/// The same with values in it.
#[derive(Clone, Debug)]
pub(crate) struct Said(pub(crate) String, pub(crate) String);

impl Said {
    pub(crate) fn of(self, lang: Lang) -> String {
        match lang {
            Lang::En => self.0,
            Lang::Zh => self.1,
        }
    }
}

impl From<Text> for Said {
    fn from(Text(en, zh): Text) -> Self {
        Said(en.to_owned(), zh.to_owned())
    }
}

/// In English, for the commands that speak no other language.
impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
