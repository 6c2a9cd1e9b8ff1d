use super::*;

#[derive(Debug)]
struct Outer(std::num::ParseIntError);

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no number")
    }
}

impl Error for Outer {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

/// Has a text and is no [`Error`].
struct OnlyText(BoxError);

impl fmt::Display for OnlyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[test]
fn what_carries_an_error_to_others_keeps_its_sources() {
    let boxed = BoxError::from(HandlerError::new(outer()));
    assert_eq!(boxed.to_string(), "no number");
    assert_eq!(boxed.source().unwrap().to_string(), outer().0.to_string());
    let shared = HandlerError::shared(Arc::new(HandlerError::new(outer())));
    assert_eq!(shared.error.source().unwrap().to_string(), outer().0.to_string());
}

fn outer() -> Outer {
    Outer("x".parse::<u8>().unwrap_err())
}

#[test]
fn sources_are_shown_and_found_whatever_the_error_went_through() {
    let chain = "no number: invalid digit found in string";
    let boxed: BoxError = outer().into();
    let through_a_box: BoxError = HandlerError::from(outer()).into();
    for error in [
        HandlerError::from(outer()),
        HandlerError::new(outer()),
        HandlerError::of(HandlerError::from(outer())),
        HandlerError::of(boxed),
        HandlerError::of(through_a_box),
    ] {
        assert_eq!(format!("{error}"), "no number");
        assert_eq!(format!("{error:#}"), chain);
        assert_eq!(format!("{error:?}"), chain);
        assert_eq!(describe(&error), chain);
        assert!(error.downcast_ref::<Outer>().is_some());
        assert!(error.downcast_ref::<std::num::ParseIntError>().is_some());
        assert!(error.downcast_ref::<fmt::Error>().is_none());
    }
    let plain = HandlerError::of(outer());
    assert!(plain.downcast_ref::<Outer>().is_some());
    assert_eq!(plain.to_string(), "no number");
}

#[test]
fn advice_survives_a_box() {
    let later = Duration::from_secs(7);
    for (error, advice) in [
        (HandlerError::permanent(outer()), Retry::Never),
        (HandlerError::retry_after("busy", later), Retry::After(later)),
        (HandlerError::new("broken"), Retry::Default),
    ] {
        let text = format!("{error:#}");
        let boxed: BoxError = error.into();
        assert_eq!(describe(&boxed), text);
        let error = HandlerError::of(boxed);
        assert_eq!((error.retry(), format!("{error:#}")), (advice, text.clone()));
        let error = HandlerError::new(BoxError::from(error));
        assert_eq!((error.retry(), format!("{error:#}")), (advice, text));
    }
}

#[test]
fn no_room_is_told_from_other_errors() {
    let shed: BoxError = tower::load_shed::error::Overloaded::new().into();
    assert!(had_no_room(&shed));
    assert!(HandlerError::of(shed).is_overloaded());
    assert!(HandlerError::of(HandlerError::of(HandlerError::overloaded())).is_overloaded());
    let full = HandlerError::overloaded_by(outer());
    assert!(had_no_room(&full) && full.is_overloaded());
    assert!(full.downcast_ref::<std::num::ParseIntError>().is_some());
    let ours = HandlerError::overloaded();
    assert!(had_no_room(&ours));
    let boxed: BoxError = ours.into();
    assert!(had_no_room(&boxed));
    assert!(!had_no_room(&HandlerError::new("no room")));
    assert!(!HandlerError::new("no room").is_overloaded());
}

#[test]
fn a_time_out_is_told_from_an_error_that_says_so() {
    let elapsed = || BoxError::from(tower::timeout::error::Elapsed::new());
    assert!(was_late(&elapsed()) && HandlerError::new(elapsed()).is_timed_out());
    for late in [
        HandlerError::timed_out(),
        HandlerError::of(elapsed()),
        HandlerError::of(OnlyText(elapsed())),
    ] {
        assert!(was_late(&late) && late.is_timed_out());
        // Boxed by a layer, and behind `Dedup`.
        let boxed = BoxError::from(late);
        assert!(was_late(&boxed));
        let late = HandlerError::of(boxed);
        assert!(late.is_timed_out());
        let shared = HandlerError::shared(Arc::new(late));
        assert!(was_late(&shared) && shared.is_timed_out());
    }
    for text in ELAPSED.into_iter().chain([LATE]) {
        // All there is, is the text.
        assert!(
            was_late(&text) && HandlerError::of(text.to_owned()).is_timed_out() == (text != LATE)
        );
        // A handler's own words, boxed or not.
        let says_so = HandlerError::new(text);
        assert!(!was_late(&says_so) && !says_so.is_timed_out(), "{text}");
        assert!(!was_late(&BoxError::from(says_so)));
    }
    assert!(!was_late(&"no") && !HandlerError::overloaded().is_timed_out());
}

#[test]
fn a_long_or_hostile_error_is_one_bounded_line() {
    let error = HandlerError::new(format!(
        "unknown variant `x\n2026-01-01 INFO admin`{}",
        "y".repeat(100_000)
    ));
    let shown = describe(&error);
    assert!(shown.contains("x\\n2026") && !shown.contains('\n'), "{shown}");
    assert!(shown.len() < 2_000 && shown.ends_with('…'));
    assert_eq!(format!("{error:?}"), shown);
}
