use super::callback::event;
use crate::callback::Callback;
use crate::event::{c2c, group};
use crate::message::{MsgElement, RelayElem, RelayMessage, TextElem};

/// A one-to-one text message that is about to be sent.
///
/// ```
/// use tencent_im_callback::message::TextElem;
/// use tencent_im_callback::testing::text_message;
///
/// let callback = text_message("jared", "jonh", "red packet");
/// assert_eq!(callback.event.msg_body[0], TextElem::new("red packet").into());
/// ```
pub fn text_message(from: &str, to: &str, text: &str) -> Callback<c2c::BeforeSendMsg> {
    message(from, to, [TextElem::new(text)])
}

/// A one-to-one message with these elements that is about to be sent.
///
/// ```
/// use tencent_im_callback::testing::{bundle, message};
///
/// let callback = message("jared", "jonh", [bundle("chat", ["hi", "red packet"])]);
/// assert!(callback.event.msg_body.is_complete());
/// ```
pub fn message<M: Into<MsgElement>>(
    from: &str,
    to: &str,
    elements: impl IntoIterator<Item = M>,
) -> Callback<c2c::BeforeSendMsg> {
    event(|event: &mut c2c::BeforeSendMsg| {
        event.from_account = from.into();
        event.to_account = to.into();
        event.msg_body = elements.into_iter().map(Into::into).collect();
    })
}

/// A text message to a group that is about to be sent.
///
/// ```
/// use tencent_im_callback::testing::group_text_message;
///
/// let callback = group_text_message("@TGS#1", "jared", "red packet");
/// assert_eq!(callback.event.group_id, "@TGS#1");
/// ```
pub fn group_text_message(group: &str, from: &str, text: &str) -> Callback<group::BeforeSendMsg> {
    group_message(group, from, [TextElem::new(text)])
}

/// A message to a group with these elements that is about to be sent.
pub fn group_message<M: Into<MsgElement>>(
    group: &str,
    from: &str,
    elements: impl IntoIterator<Item = M>,
) -> Callback<group::BeforeSendMsg> {
    event(|event: &mut group::BeforeSendMsg| {
        event.group_id = group.into();
        event.from_account = Some(from.into());
        event.msg_body = elements.into_iter().map(Into::into).collect();
    })
}

/// A bundle of text messages, as an element. A user sends it by forwarding several messages as one.
pub fn bundle<'a>(title: &str, texts: impl IntoIterator<Item = &'a str>) -> MsgElement {
    let messages: Vec<RelayMessage> = texts
        .into_iter()
        .map(|text| RelayMessage {
            from_account: Some("user".into()),
            msg_body: std::iter::once(MsgElement::from(TextElem::new(text))).collect(),
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
