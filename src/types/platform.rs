//! The platform of the client that caused an event.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::text::Escaped;

macro_rules! platforms {
    ($( $(#[$doc:meta])* $variant:ident $canonical:literal $($spelling:literal)*; )*) => {
        /// The platform of the client that caused an event (the URL parameter `OptPlatform`, and
        /// fields of the same name).
        ///
        /// The vendor spells its values in several ways. They are compared case-insensitively and
        /// written in one spelling. A value that is not documented is kept in
        /// [`OptPlatform::Other`].
        ///
        /// Source: <https://trtc.io/document/34354>
        ///
        /// ```
        /// use tencent_im_callback::OptPlatform;
        ///
        /// assert_eq!(OptPlatform::from("iOs"), OptPlatform::Ios);
        /// assert_eq!(OptPlatform::from("Harmony").as_str(), "Harmony");
        /// ```
        #[derive(Clone, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum OptPlatform {
            $( $(#[$doc])* $variant, )*
            /// A value that no vendor page lists, as received.
            Other(Box<str>),
        }

        impl OptPlatform {
            /// The value in its usual spelling.
            pub fn as_str(&self) -> &str {
                match self {
                    $( OptPlatform::$variant => $canonical, )*
                    OptPlatform::Other(other) => other,
                }
            }
        }

        impl From<&str> for OptPlatform {
            fn from(text: &str) -> Self {
                $(
                    if text.eq_ignore_ascii_case($canonical)
                        $(|| text.eq_ignore_ascii_case($spelling))*
                    {
                        return OptPlatform::$variant;
                    }
                )*
                OptPlatform::Other(text.into())
            }
        }

        impl fmt::Debug for OptPlatform {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $( OptPlatform::$variant => f.write_str(stringify!($variant)), )*
                    OptPlatform::Other(other) => write!(f, "Other(\"{}\")", Escaped(other)),
                }
            }
        }
    };
}

platforms! {
    /// A REST API call: a server caused the event, not a user's client.
    RestApi "RESTAPI" "rest_api";
    /// A browser, through the Web SDK.
    Web "Web";
    /// An Android device.
    Android "Android";
    /// An iPhone.
    Ios "iOS";
    /// A Windows computer.
    Windows "Windows";
    /// A Mac.
    Mac "Mac" "macOS";
    /// An iPad.
    Ipad "iPad";
    /// A mini program inside another app.
    MiniProgram "miniProgram";
    /// The vendor's own "Unknown": a device of unknown kind.
    Unknown "Unknown";
}

impl fmt::Display for OptPlatform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for OptPlatform {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for OptPlatform {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Platform;

        impl serde::de::Visitor<'_> for Platform {
            type Value = OptPlatform;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a platform")
            }

            fn visit_str<E>(self, text: &str) -> Result<OptPlatform, E> {
                Ok(text.into())
            }
        }

        deserializer.deserialize_str(Platform)
    }
}

#[cfg(test)]
mod tests {
    use super::OptPlatform::{self, *};

    #[test]
    fn every_documented_spelling_is_known() {
        for (spelling, platform) in [
            ("RESTAPI", RestApi),
            ("Web", Web),
            ("Android", Android),
            ("iOS", Ios),
            ("IOS", Ios),
            ("iOs", Ios),
            ("Windows", Windows),
            ("Mac", Mac),
            ("macOS", Mac),
            ("MacOS", Mac),
            ("iPad", Ipad),
            ("Unknown", Unknown),
            ("rest_api", RestApi),
            ("miniProgram", MiniProgram),
        ] {
            assert_eq!(OptPlatform::from(spelling), platform, "{spelling}");
        }
    }

    #[test]
    fn an_undocumented_value_is_kept_and_escaped_in_debug() {
        let platform = OptPlatform::from("Harmony\nOS");
        assert_eq!(platform.as_str(), "Harmony\nOS");
        assert_eq!(platform.to_string(), "Harmony\nOS");
        let error = serde_json::from_str::<OptPlatform>("7").unwrap_err().to_string();
        assert!(error.contains("expected the name of a platform"), "{error}");
        assert_eq!(format!("{platform:?}"), r#"Other("Harmony\nOS")"#);
    }
}
