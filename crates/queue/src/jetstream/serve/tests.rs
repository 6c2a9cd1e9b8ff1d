use bytes::Bytes;

use super::*;

fn message(reply: &str, meta: Option<&Meta>) -> Message {
    Message {
        subject: "test.0".into(),
        reply: Some(reply.into()),
        payload: Bytes::from_static(b"{}"),
        headers: meta.map(|meta| meta.headers(None)),
        status: None,
        description: None,
        length: 0,
    }
}

/// Its numbers are in the subject to which it would be acknowledged.
#[test]
fn where_a_message_was_stored_is_read_with_and_without_a_domain() {
    let meta = Meta { at: 5, ..Meta::default() };
    for reply in [
        "$JS.ACK.test.consumer.1.42.7.1700000000123456789.3",
        "$JS.ACK.domain.account.test.consumer.1.42.7.1700000000123456789.3",
        "$JS.ACK.domain.account.test.consumer.1.42.7.1700000000123456789.3.token",
    ] {
        let (job, delivery) = read(Lane::Retry, message(reply, Some(&meta))).unwrap();
        let at = Position { sequence: 42, stored: 1_700_000_000_123_456_789 };
        assert_eq!((job.place, delivery), (Place { at, lane: Lane::Retry }, 7), "{reply}");
        assert_eq!((job.readable, job.meta), (true, meta.clone()));
    }
    assert!(read(Lane::New, message("$JS.ACK.test.consumer.1.x.7.8.3", None)).is_none());
}

#[test]
fn of_a_message_without_metadata_it_is_known_when_it_was_stored() {
    let reply = "$JS.ACK.test.consumer.1.42.7.1700000000123456789.3";
    let (job, _) = read(Lane::New, message(reply, None)).unwrap();
    assert_eq!((job.readable, job.meta.at), (false, 1_700_000_000_123));
}
