//! What the programs share: settings from the environment.

use std::env;
use std::error::Error;

use tencent_im_callback::{App, SdkAppId, Token};

pub mod traced;

/// A setting, or what it is without one.
///
/// # Errors
///
/// If it is not UTF-8.
pub fn setting(name: &str, default: &str) -> Result<String, String> {
    match env::var(name) {
        Ok(value) => Ok(value),
        Err(env::VarError::NotPresent) => Ok(default.to_owned()),
        Err(error) => Err(format!("{name}: {error}")),
    }
}

/// The app of `SDK_APP_ID` (`1400000000`) with the token `CALLBACK_TOKEN` (`xxxxyyyy`).
///
/// # Errors
///
/// If one of the two cannot be right.
pub fn app() -> Result<App, Box<dyn Error + Send + Sync>> {
    let id: SdkAppId = setting("SDK_APP_ID", "1400000000")?.parse()?;
    Ok(App::signed(id, Token::new(setting("CALLBACK_TOKEN", "xxxxyyyy")?)?))
}
