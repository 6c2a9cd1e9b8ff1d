//! What is known about an event beside its fields: `event!`, which stands below its struct.

use crate::types::{GroupId, Id, SdkAppId, UserId};

use super::key::{OrderKey, Parts};

/// Makes a struct the event of a command: gives it the vendor's page, and rules.
///
/// ```text
/// event! {
///     Type, "vendor's page",
///     items |event| field,
///     time |event| field or (field, field),
///     id |event| field,
///     order scope |event| [field, …]
/// }
/// ```
///
/// - `items`: the list, if it is a batch.
/// - `time`: when it happened. Of a tuple, the first that is not `None` counts.
/// - `id`: a field that no two events of the command share, so that the body tells a second
///   delivery from another event even without a time.
/// - `order`: events of one group, room or account must be handled one after the other. Of two
///   fields, such as the people of a conversation, it does not matter which one comes first.
///
/// All of them may be absent.
macro_rules! event {
    (
        $event:ident, $page:literal
        $(, items |$batch:ident| $items:expr)?
        $(, time |$timed:ident| $time:expr)?
        $(, id |$known:ident| $id:expr)?
        $(, order $scope:ident |$ordered:ident| [$($part:expr),+])?
    ) => {
        impl $crate::event::sealed::Documented for $event {
            const PAGE: &'static str = $page;

            $(
                #[cfg(test)]
                const ORDER: Option<&'static str> = Some(stringify!($scope));
            )?
        }

        #[doc = concat!("Source: <", $page, ">")]
        impl $crate::event::AsEvent for $event {}

        impl $crate::event::sealed::Rules for $event {
            $( fn time_by_rule(&self) -> Option<$crate::event::EventTime> {
                let $timed = self;
                $crate::event::time::Timed::time($time)
            } )?

            $( fn has_id(&self) -> bool {
                let $known = self;
                $crate::event::rules::Given::is_given(&$id)
            } )?

            $( fn order_by_rule(
                &self,
                app: $crate::types::SdkAppId,
            ) -> Option<$crate::event::OrderKey> {
                let $ordered = self;
                $crate::event::rules::order(
                    app,
                    stringify!($scope),
                    [$( $crate::event::rules::Part::text(&$part) ),+],
                )
            } )?

            fn written(&self) -> Option<String> {
                serde_json::to_string(self).ok()
            }

            $( fn has_unknown_item(&self) -> bool {
                let $batch = self;
                $items.iter().any(|item| item.typed().is_none())
            } )?
        }
    };
}

pub(super) use event;

/// The order key of these parts. `None` if one of them is.
pub(super) fn order<const N: usize>(
    app: SdkAppId,
    scope: &str,
    mut parts: [Option<&str>; N],
) -> Option<OrderKey> {
    parts.sort_unstable();
    let mut key = Parts::new(app, scope);
    for part in parts {
        key = key.bytes(part?.as_bytes());
    }
    Some(key.order())
}

/// What an order key can be made of. An empty text counts as absent.
pub(super) trait Part {
    fn text(&self) -> Option<&str>;
}

/// What can be an id, and whether it is there.
pub(super) trait Given {
    fn is_given(&self) -> bool;
}

macro_rules! text_parts {
    ($($name:ident)*) => { $(
        impl Part for $name {
            fn text(&self) -> Option<&str> {
                Some(self.as_str()).filter(|text| !text.is_empty())
            }
        }
    )* };
}

text_parts!(UserId GroupId Id);

impl<P: Part> Part for &P {
    fn text(&self) -> Option<&str> {
        P::text(self)
    }
}

impl<P: Part> Part for Option<P> {
    fn text(&self) -> Option<&str> {
        self.as_ref()?.text()
    }
}

impl Given for Id {
    fn is_given(&self) -> bool {
        self.text().is_some()
    }
}

impl Given for i64 {
    fn is_given(&self) -> bool {
        true
    }
}

impl<G: Given> Given for Option<G> {
    fn is_given(&self) -> bool {
        self.as_ref().is_some_and(G::is_given)
    }
}
