use super::*;
use crate::cors::pattern::{Anchoring, Engine, Flags, Pattern};

fn js(text: &str) -> StringTest {
    StringTest::Matches(Pattern::javascript(text, "").unwrap_or_else(|error| panic!("{text}: {error}")))
}

fn python(text: &str) -> StringTest {
    StringTest::Matches(
        Pattern::new(text, Engine::Python, Anchoring::Prefix, Flags::IGNORE_CASE)
            .unwrap_or_else(|error| panic!("{text}: {error}")),
    )
}

fn starts(text: &str) -> StringTest {
    StringTest::StartsWith(text.to_owned())
}

fn ends(text: &str) -> StringTest {
    StringTest::EndsWith(text.to_owned())
}

fn contains(text: &str) -> StringTest {
    StringTest::Contains(text.to_owned())
}

fn search(test: impl Into<OriginTest>) -> Option<Witness> {
    let test = test.into();
    find_witness(&test, &Meant::of(&test), &mut Effort::default()).expect("the search ends")
}

fn witness(test: &StringTest) -> Option<Witness> {
    let found = search(test);
    if let Some(witness) = &found {
        assert_eq!(test.matches(&witness.origin), Some(true), "{test:?}: {}", witness.origin);
        assert!(Origin::parse(&witness.origin).is_ok(), "{test:?}: {}", witness.origin);
    }
    found
}

#[test]
fn loose_tests_have_a_readable_witness() {
    use WitnessKind::*;
    let cases = [
        (js(r"example\.com$"), "https://evilexample.com", NameExtended),
        (js("^https://app.example.com$"), "https://appxexample.com", LookalikeDot),
        (js(r"^https:\/\/app\.example\.com"), "https://app.example.com.evil.net", PrefixExtended),
        (js(r"^https:\/\/.*example\.com$"), "https://evilexample.com", NameExtended),
        (js(r"^https?:\/\/[a-z]+.example\.com$"), "https://evilexample.com", LookalikeDot),
        (js("example.com"), "https://example.com.evil.net", PrefixExtended),
        (python(r"https://.*\.example\.com"), "https://app.example.com.evil.net", PrefixExtended),
        (python(r"https://(app|admin).example.com"), "https://app.example.com.evil.net", PrefixExtended),
        (python("http://localhost:*"), "http://localhost.evil.net", PrefixExtended),
        (starts("https://app.example.com"), "https://app.example.com.evil.net", PrefixExtended),
        (starts("http://localhost"), "http://localhost.evil.net", PrefixExtended),
        (starts("https://app."), "https://app.evil.net", OtherRegistrableDomain),
        (ends("example.com"), "https://evilexample.com", NameExtended),
        (ends(".com"), "https://evil.com", OtherRegistrableDomain),
        (contains("example.com"), "https://example.com.evil.net", PrefixExtended),
        (contains("localhost"), "https://localhost.evil.net", PrefixExtended),
        (js("localhost"), "https://localhost.evil.net", PrefixExtended),
        (js(r"^https:\/\/example\.[a-z]+$"), "https://example.net", OtherRegistrableDomain),
        (js(r"my-app\.vercel\.app$"), "https://evilmy-app.vercel.app", NameExtended),
        (js(r"\.vercel\.app"), "https://app.vercel.app.evil.net", PrefixExtended),
        (js(r"^http:\/\/192\.168\.\d+\.\d+"), "http://192.168.1.1.evil.net", PrefixExtended),
        (starts("https://app.example.com:3000"), "https://app.example.com:30000", OtherPort),
    ];
    for (test, origin, why) in cases {
        assert_eq!(witness(&test), Some(Witness { origin: origin.to_owned(), why }), "{test:?}");
    }
}

#[test]
fn tight_tests_have_none() {
    let cases = [
        js(r"^https:\/\/[a-z0-9-]+\.example\.com$"),
        js(r"^https:\/\/app\.example\.com$"),
        js(r"\.example\.com$"),
        js(r"^https?:\/\/(?:[^\/]+\.)?example\.com(:\d+)?$"),
        // The last dot cannot be another letter: no host ends in `examplexcom`.
        js(r"^https:\/\/(.*\.)?example.com$"),
        js(r"^https:\/\/my-app\.vercel\.app$"),
        js(r"^https:\/\/my-app-[a-z0-9]+\.vercel\.app$"),
        js(r"^https:\/\/.+-myteam\.vercel\.app$"),
        js(r"\.vercel\.app$"),
        js(r"^http:\/\/localhost:\d+$"),
        js(r"^https?:\/\/(localhost|127\.0\.0\.1)(:[0-9]+)?$"),
        js(r"^http:\/\/192\.168\.\d{1,3}\.\d{1,3}(:\d+)?$"),
        js(r"^https:\/\/(www\.|shop\.)?example\.(com|co\.uk)$"),
        js(r"^https:\/\/(a|b)\.example\.com$|^https:\/\/other\.example$"),
        js(r"^https:\/\/[^.]+\.example\.com$"),
        js(r"^https:\/\/app\.example\.com(?::\d{1,5})?$"),
        js(r"^https://example[.]com$"),
        js(r"^https?:\/\/([a-z0-9-]+\.)*localhost(:[0-9]+)?$"),
        js(r"^https?:\/\/(?:(?:[^:]+\.)?localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$"),
        js(
            r"^https?:\/\/(localhost|app\.example\.com|10\.\d+\.\d+\.\d+|172\.(1[6-9]|2\d|3[0-1])\.\d+\.\d+):(3002|517[3-9])$",
        ),
        js(r"^http:\/\/(localhost|.*\.local):\d+$"),
        js(r"^https?:\/\/(one.ext|www.one.ext)$"),
        js(r"^(http|https):\/\/(.+\.)?example\.com(:\d+)?$"),
        js(r"^https:\/\/\S+\.example\.com$"),
        js(r"^chrome-extension:\/\/[a-z]+$"),
        python(r"^(https?://)?(\w+\.)?example\.com$"),
        python(r"^https:\/\/example[a-zA-Z0-9_-]*\.web\.app$"),
        python("https://example.com/"),
        python(r"http://localhost:.*$"),
        ends("://example.com"),
        ends("localhost:3000"),
        ends(".example.com"),
        starts("https://app.example.com:"),
        starts("http://localhost:"),
        StringTest::Equals("https://app.example.com".to_owned()),
        js("(?:)$^x"),
    ];
    for test in cases {
        assert_eq!(witness(&test), None, "{test:?}");
    }
}

#[test]
fn tests_that_hold_together_are_searched_together() {
    let both = |tests: &[StringTest]| OriginTest::All(tests.iter().map(OriginTest::from).collect());
    let found = |test: &OriginTest| search(test).map(|witness| witness.origin);
    let safe = both(&[starts("https://"), ends(".example.com")]);
    assert_eq!(found(&safe), None);
    let loose = both(&[starts("https://app"), ends("example.com")]);
    let origin = found(&loose).expect("a witness");
    assert!(origin.starts_with("https://app") && origin.ends_with("example.com"), "{origin}");
    let either = OriginTest::Any(vec![(&ends(".example.com")).into(), (&ends("other.org")).into()]);
    assert_eq!(found(&either).as_deref(), Some("https://evilother.org"));
    let but =
        OriginTest::All(vec![(&ends("example.com")).into(), OriginTest::Not(Box::new((&contains("evil")).into()))]);
    let origin = found(&but).expect("a witness");
    assert!(!origin.contains("evil") && origin.ends_with("example.com"), "{origin}");
}

#[test]
fn tests_of_the_host_see_the_host_only() {
    let found = |test: StringTest| {
        let test = OriginTest::Host(test);
        search(&test).map(|witness| witness.origin)
    };
    assert_eq!(found(ends(".example.com")), None);
    assert_eq!(found(StringTest::Equals("example.com".to_owned())), None);
    assert_eq!(found(js(r"^(.+\.)?example\.com$")), None);
    assert_eq!(found(ends("example.com")).as_deref(), Some("https://evilexample.com"));
    assert_eq!(found(starts("app.example.com")).as_deref(), Some("https://app.example.com.evil.net"));
    // Only the search finds this one.
    let odd = found(js(r"^[a-z]{3}-[0-9]example\.com$")).expect("a witness");
    assert!(odd.ends_with("example.com"), "{odd}");
}

#[test]
fn the_search_finds_what_no_recipe_does() {
    for text in [
        r"^https:\/\/[a-f]{4}[0-9]{2}example\.com$",
        r"^https:\/\/app\.example\.com[x-z][0-9]\.(net|org)$",
        r"^https:\/\/(shop|www)[.-]example\.com(:443)?$",
        r"^https:\/\/.\w+example\.co\.uk$",
    ] {
        let test = js(text);
        let meant = Meant::hosts_of(["app.example.com", "example.com", "example.co.uk"]);
        let found = search(&test).unwrap_or_else(|| panic!("{text}"));
        assert_eq!(test.matches(&found.origin), Some(true), "{text}: {}", found.origin);
        assert!(!meant.covers(&Origin::parse(&found.origin).expect("an origin")), "{text}: {}", found.origin);
    }
}

#[test]
fn what_is_meant_is_read_from_the_test() {
    let names = |test: &StringTest| Meant::of(test).names().into_iter().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(names(&js(r"^https:\/\/(app|admin)\.example\.com$")), ["app.example.com", "admin.example.com"]);
    assert_eq!(names(&js(r"^https?:\/\/(.*\.)?example\.com(:\d+)?$")), ["example.com"]);
    assert_eq!(names(&js(r"^https:\/\/[a-z]+-preview\.example\.com$")), ["example.com"]);
    assert_eq!(names(&js(r"^https:\/\/my-app-.*\.vercel\.app$")), ["vercel.app"]);
    assert_eq!(names(&js(r"^http:\/\/10\.0\.\d+\.\d+$")), ["10.0"]);
    assert_eq!(names(&js(r"^http:\/\/127\.0\.0\.1:\d+$")), ["127.0.0.1"]);
    assert_eq!(names(&ends(".example.com")), ["example.com"]);
    assert_eq!(names(&ends(".com")), Vec::<String>::new());
    assert_eq!(names(&js(".*")), Vec::<String>::new());
    let many = js(&"(a|b|c|d)".repeat(12));
    assert!(!Meant::of(&many).is_complete());
    let meant = Meant::of(&many);
    assert_eq!(find_witness(&many, &meant, &mut Effort::default()), Err(GivenUp), "what was meant is not known");
}

#[test]
fn everybody_is_everybody() {
    for test in [
        js(".*"),
        js(""),
        js(r"^https?:\/\/.*$"),
        js(r"^https:\/\/[\w.-]+$"),
        js(r"^https:\/\/[a-z]+\.[a-z]+$"),
        python(".*"),
        starts("https://"),
        starts("http"),
        contains(""),
        contains("://"),
        ends(".com"),
        js("example|.*"),
    ] {
        assert_eq!(admits_anybody(&test), Some(true), "{test:?}");
    }
    for test in [
        js("example.com"),
        ends("example.com"),
        starts("https://app."),
        js(r"\.vercel\.app$"),
        js(r"^https:\/\/example\.[a-z]+$"),
        StringTest::Equals("*".to_owned()),
    ] {
        assert_eq!(admits_anybody(&test), Some(false), "{test:?}");
    }
}

#[test]
fn shared_hosts_are_not_strangers_domains_but_strangers_they_are() {
    let tenant = |test: &StringTest| {
        find_tenant(test, &mut Effort::default()).expect("it ends").map(|tenant| (tenant.suffix, tenant.origin))
    };
    let owned = |suffix: &str, origin: &str| Some((suffix.to_owned(), origin.to_owned()));
    assert_eq!(tenant(&js(r"\.vercel\.app$")), owned("vercel.app", "https://evil.vercel.app"));
    assert_eq!(tenant(&ends(".github.io")), owned("github.io", "https://evil.github.io"));
    assert_eq!(
        tenant(&js(r"^https:\/\/my-app-[a-z0-9]+\.vercel\.app$")),
        owned("vercel.app", "https://my-app-evil.vercel.app")
    );
    let (suffix, origin) = tenant(&js(r"^https:\/\/[a-z]+-myteam\.netlify\.app$")).expect("a tenant");
    assert_eq!(suffix, "netlify.app");
    assert!(origin.ends_with("-myteam.netlify.app"), "{origin}");
    assert_eq!(tenant(&js(r"^https:\/\/[\w-]+\.replit\.dev$")), owned("replit.dev", "https://evil.replit.dev"));
    assert_eq!(tenant(&js(r"^https:\/\/.*\.railway\.app$")), owned("up.railway.app", "https://evil.up.railway.app"));
    assert_eq!(tenant(&js(r"project.*\.vercel\.app$")).map(|(suffix, _)| suffix).as_deref(), Some("vercel.app"));
    // Names with two hyphens are kept for the owner of the site behind them.
    assert_eq!(tenant(&js(r"^https:\/\/[0-9a-z-]+--my-site\.netlify\.app$")), None);
    assert_eq!(tenant(&js(r"^https:\/\/my-app\.vercel\.app$")), None);
    assert_eq!(tenant(&js(r"\.example\.com$")), None);
    assert_eq!(tenant(&ends(".co.uk")), None);
}

#[test]
fn a_search_that_is_given_up_is_no_clean_bill() {
    let many = js(r"^https:\/\/example\.com\/?([\s\S]{0,900}x){2}$");
    let mut effort = Effort::default();
    assert_eq!(find_witness(&many, &Meant::of(&many), &mut effort), Err(GivenUp));
    // What the searches of a run may cost together is bounded as well: at last the smallest is not begun.
    let plain = js(r"^https:\/\/[a-z]+\.example\.com$");
    let meant = Meant::of(&plain);
    assert_eq!(find_witness(&plain, &meant, &mut effort), Ok(None));
    for _ in 0..30 {
        assert_eq!(find_witness(&many, &Meant::of(&many), &mut effort), Err(GivenUp));
    }
    assert_eq!(find_witness(&plain, &meant, &mut effort), Err(GivenUp));
}

/// Patterns put together at random: whatever is found is accepted, and lies outside of what was meant.
#[test]
fn every_witness_is_accepted_and_not_meant() {
    let pieces = [
        "^",
        "$",
        "https://",
        "https?://",
        "http://",
        "example",
        ".",
        r"\.",
        "com",
        "net",
        ".*",
        "[a-z]+",
        "(app|www)",
        "localhost",
        r":\d+",
        "(",
        ")",
        "?",
        "[a-z0-9-]",
        "{2}",
        "|",
        r"\/",
        "vercel",
        "app",
        "*",
        "+",
        "-",
    ];
    let mut state = 42u64;
    let mut found = 0;
    for _ in 0..150 {
        let mut text = String::new();
        for _ in 0..7 {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            text.push_str(pieces[(state >> 33) as usize % pieces.len()]);
        }
        for engine in [Engine::JavaScript, Engine::Python] {
            let anchoring = if engine == Engine::Python { Anchoring::Prefix } else { Anchoring::Search };
            let Ok(pattern) = Pattern::new(text.as_str(), engine, anchoring, Flags::NONE) else { continue };
            let test = StringTest::Matches(pattern);
            let meant = Meant::of(&test);
            if let Ok(Some(witness)) = find_witness(&test, &meant, &mut Effort::default()) {
                found += 1;
                let origin = Origin::parse(&witness.origin).unwrap_or_else(|_| panic!("{text}: {}", witness.origin));
                assert_eq!(test.matches(&witness.origin), Some(true), "{text}: {}", witness.origin);
                assert!(witness.why == WitnessKind::OtherPort || !meant.covers(&origin), "{text}: {}", witness.origin);
            }
        }
    }
    assert!(found > 10, "{found} witnesses");
}
