//! Which app, and its token.

use std::fmt;
use std::path::PathBuf;

use clap::Args;
use tencent_im_callback::{SdkAppId, Token};

use crate::output::{Failure, complain, wrong};

/// The app and token of the vendor's sample.
const APP: u64 = 1_400_000_000;
const TOKEN: &str = "xxxxyyyy";

/// The token comes from the variable `IM_CALLBACK_TOKEN` or from a file. It never gets into output,
/// records or the page.
#[derive(Args)]
pub(crate) struct Credentials {
    /// The app, `SDKAppID` (1400000000 if not given)
    #[arg(long, env = "IM_SDK_APP_ID", value_name = "ID")]
    app: Option<u64>,
    /// A file that holds the token (otherwise the variable `IM_CALLBACK_TOKEN`)
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// The token; others can read it in the list of processes
    #[arg(long, conflicts_with = "token_file")]
    token: Option<String>,
}

/// Without the token.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("app", &self.app).finish_non_exhaustive()
    }
}

impl Credentials {
    pub(crate) fn app_id(&self) -> SdkAppId {
        self.given().unwrap_or(SdkAppId(APP))
    }

    /// The app, if it was given.
    pub(crate) fn given(&self) -> Option<SdkAppId> {
        self.app.map(SdkAppId)
    }

    /// The token, from wherever it was given.
    pub(crate) fn token(&self) -> Result<Token, Failure> {
        let token = if let Some(token) = &self.token {
            complain(
                "--token can be read in the list of processes; IM_CALLBACK_TOKEN or --token-file \
                cannot",
            );
            token.clone()
        } else if let Some(file) = &self.token_file {
            let text = std::fs::read_to_string(file)
                .map_err(|error| wrong(format!("{}: {error}", file.display())))?;
            text.trim_end_matches(['\r', '\n']).to_owned()
        } else {
            match std::env::var("IM_CALLBACK_TOKEN") {
                Ok(token) => token,
                Err(std::env::VarError::NotPresent) => {
                    complain(format!(
                        "no token given, so the vendor's sample token is used ({TOKEN}); set \
                        IM_CALLBACK_TOKEN"
                    ));
                    TOKEN.to_owned()
                }
                Err(error) => return Err(wrong(format!("IM_CALLBACK_TOKEN: {error}"))),
            }
        };
        Token::new(token).map_err(|error| wrong(format!("the token: {error}")))
    }
}
