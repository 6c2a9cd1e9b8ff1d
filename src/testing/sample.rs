use crate::command::Command;
use crate::table::for_each_command;
use crate::types::SdkAppId;

macro_rules! define_samples {
    ($( $family:ident $module:ident $prefix:literal {
        $(
            $phase:ident $variant:ident $word:literal $docs:literal => $event:ident $(-> $reply:ident)?
            $(, time $time:expr)? $(, id $id:expr)? $(, order $scope:ident $order:expr)?;
        )*
    } )*) => {
        /// A body that the vendor's pages show for a command; `None` for a command that this version does not know.
        pub fn sample(command: &Command) -> Option<&'static str> {
            match command {
                $( $( Command::$variant => Some(include_str!(concat!("payloads/", $word, ".json"))), )* )*
                Command::Unknown(_) => None,
            }
        }
    };
}

for_each_command!(define_samples);

/// The app that a body names, which only `ContentCallback.ResultNotify` does.
pub(super) fn app_of(json: &[u8]) -> Option<SdkAppId> {
    #[derive(serde::Deserialize)]
    struct Body {
        #[serde(rename = "SdkAppId")]
        sdk_app_id: Option<SdkAppId>,
    }

    serde_json::from_slice::<Body>(json).ok()?.sdk_app_id
}

/// [`sample`], for this app.
pub(super) fn sample_for(command: &Command, app: SdkAppId) -> Option<String> {
    let sample = sample(command)?;
    Some(match app_of(sample.as_bytes()) {
        Some(other) => sample.replace(&other.to_string(), &app.to_string()),
        None => sample.to_owned(),
    })
}
