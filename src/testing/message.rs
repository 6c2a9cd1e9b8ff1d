use super::callback::event;
use crate::callback::Callback;
use crate::event::{c2c, group};
use crate::message::{MsgBody, MsgElement, RelayElem, RelayMessage};

/// A one-to-one message that is about to be sent. It has a text, an element, or a [`MsgBody`].
///
/// ```
/// use tencent_im_callback::message::TextElem;
/// use tencent_im_callback::testing::{bundle, c2c_message};
///
/// let callback = c2c_message("jared", "jonh", "red packet");
/// assert_eq!(callback.event.msg_body[0], TextElem::new("red packet").into());
///
/// let callback = c2c_message("jared", "jonh", bundle("chat", ["hi", "red packet"]));
/// assert!(callback.event.msg_body.is_complete());
/// ```
pub fn c2c_message(from: &str, to: &str, body: impl Into<MsgBody>) -> Callback<c2c::BeforeSendMsg> {
    event(|event: &mut c2c::BeforeSendMsg| {
        event.from_account = from.into();
        event.to_account = to.into();
        event.msg_body = body.into();
    })
}

/// A message to a group that is about to be sent. It has a text, an element, or a [`MsgBody`].
///
/// ```
/// use tencent_im_callback::testing::group_message;
///
/// let callback = group_message("@TGS#1", "jared", "red packet");
/// assert_eq!(callback.event.group_id, "@TGS#1");
/// ```
pub fn group_message(
    group: &str,
    from: &str,
    body: impl Into<MsgBody>,
) -> Callback<group::BeforeSendMsg> {
    event(|event: &mut group::BeforeSendMsg| {
        event.group_id = group.into();
        event.from_account = Some(from.into());
        event.msg_body = body.into();
    })
}

/// A bundle of text messages, as an element. A user sends it by forwarding several messages as one.
pub fn bundle<'a>(title: &str, texts: impl IntoIterator<Item = &'a str>) -> MsgElement {
    let messages: Vec<RelayMessage> = texts
        .into_iter()
        .map(|text| RelayMessage {
            from_account: Some("user".into()),
            msg_body: text.into(),
            ..RelayMessage::default()
        })
        .collect();
    MsgElement::from(RelayElem {
        title: Some(title.to_owned()),
        msg_num: i64::try_from(messages.len()).ok(),
        msg_list: Some(messages),
        ..RelayElem::default()
    })
}
