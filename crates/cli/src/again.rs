//! A callback that was received, as a request that can be sent again.

use bytes::Bytes;
use tencent_im_callback::testing::SignedRequest;
use tencent_im_callback::{Params, SdkAppId};

/// Longest URL that is made, percent-encoded.
const LONGEST: usize = 60_000;

/// Parameters that are made anew.
const OWN: [&str; 5] = ["sdkappid", "callbackcommand", "contenttype", "sign", "requesttime"];

/// The same parameters and body, to be signed anew; `None` if the URL would be too long.
pub(crate) fn again(
    params: &Params,
    body: Bytes,
    path: &str,
    app: Option<SdkAppId>,
) -> Option<SignedRequest> {
    let mut request = SignedRequest::new(params.command.clone())
        .app(app.unwrap_or(params.sdk_app_id))
        .url(path)
        .body(body);
    // Each byte may become three.
    let mut length = path.len() + 3 * params.command.as_str().len() + 300;
    for (name, value) in params.iter() {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if OWN.contains(&&*name.to_ascii_lowercase()) || name.is_empty() || !name.bytes().all(plain)
        {
            continue;
        }
        length += name.len() + 3 * value.len() + 2;
        request = request.parameter(&name, &value);
    }
    (length <= LONGEST).then_some(request)
}
