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

/// Adds a context to an error, which is its source.
#[derive(Debug)]
struct Context(BoxError);

impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("in the handler")
    }
}

impl Error for Context {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.0)
    }
}

#[track_caller]
fn stands_for(error: HandlerError, cause: Cause) {
    assert_eq!(error.cause(), cause);
    assert_eq!(error.is_overloaded(), cause == Cause::Overloaded);
    assert_eq!(error.is_rate_limited(), cause == Cause::RateLimited);
    assert_eq!(error.is_timed_out(), cause == Cause::TimedOut);
    assert_eq!(cause_of(&error), cause);
    // Behind `Dedup`, boxed by a layer, and as the source of another error.
    let shared = HandlerError::shared(Arc::new(error));
    assert_eq!((shared.cause(), cause_of(&shared)), (cause, cause));
    let boxed = BoxError::from(shared);
    assert_eq!(cause_of(&boxed), cause);
    let context = HandlerError::permanent(Context(boxed));
    assert_eq!((context.cause(), cause_of(&context)), (cause, cause));
    let twice = HandlerError::new(Context(context.into()));
    assert_eq!((twice.cause(), cause_of(&twice)), (cause, cause));
}

#[test]
fn an_error_stands_for_one_cause_whatever_it_went_through() {
    let elapsed = || BoxError::from(tower::timeout::error::Elapsed::new());
    let shed = || BoxError::from(tower::load_shed::error::Overloaded::new());
    assert_eq!([cause_of(&elapsed()), cause_of(&shed())], [Cause::TimedOut, Cause::Overloaded]);
    for boxed in [HandlerError::new, HandlerError::of, |error| HandlerError::of(OnlyText(error))] {
        stands_for(boxed(elapsed()), Cause::TimedOut);
        stands_for(boxed(shed()), Cause::Overloaded);
    }
    stands_for(HandlerError::timed_out(), Cause::TimedOut);
    stands_for(HandlerError::overloaded(), Cause::Overloaded);
    stands_for(HandlerError::overloaded_by(elapsed()), Cause::Overloaded);
    stands_for(HandlerError::rate_limited(Duration::ZERO), Cause::RateLimited);
    stands_for(HandlerError::of(OnlyText(HandlerError::timed_out().into())), Cause::TimedOut);
    stands_for(outer().into(), Cause::Failed);
    let full = HandlerError::overloaded_by(outer());
    assert!(full.downcast_ref::<std::num::ParseIntError>().is_some());
}

#[test]
fn a_text_says_nothing_unless_it_is_all_there_is() {
    for (text, cause) in [
        ("request timed out", Cause::TimedOut),
        ("deadline has elapsed", Cause::TimedOut),
        ("service overloaded", Cause::Overloaded),
        (NO_ROOM, Cause::Failed),
        (LIMITED, Cause::Failed),
        (LATE, Cause::Failed),
        ("no database", Cause::Failed),
    ] {
        // Of such a type only the text is known.
        assert_eq!((cause_of(&text), HandlerError::of(text).cause()), (cause, cause), "{text}");
        // A handler's own words, boxed or not.
        stands_for(HandlerError::new(text), Cause::Failed);
        stands_for(HandlerError::overloaded_by(text), Cause::Overloaded);
    }
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
