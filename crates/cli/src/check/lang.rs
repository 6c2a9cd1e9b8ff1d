//! English and Chinese.

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
