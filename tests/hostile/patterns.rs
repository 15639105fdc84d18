//! Patterns that blow up a backtracking matcher, or the automaton that stands for them.

use super::{FLASK, OPEN, RULE, folder, run, survives, text};

/// It is decided, and lets in nobody whom a rule minds.
const DECIDED: &str = "decided";
/// The policy says that it cannot be decided, and why.
const UNKNOWN: &str = "unknown";
/// The rule for one that lets in strangers.
const LOOSE: &str = "loose-origin-pattern";
/// The problem that says that strangers were not searched for.
const LARGE: &str = "budget-spent";

/// What is said of each: one of the words above, or the rule or the problem that is told.
#[test]
fn patterns_that_blow_up() {
    let nested = format!("{}a{}", "(".repeat(2_000), ")*".repeat(2_000));
    let optional = "a?".repeat(300) + &"a".repeat(300);
    // As a literal, made of a text, in Flask-CORS, in nginx.
    for (pattern, said) in [
        (r"^(a+)+$", [DECIDED; 4]),
        // nginx tests the origin twice, and adds `Vary` to neither.
        (r"^https:\/\/((a|a)*)*b$", [DECIDED, DECIDED, DECIDED, "missing-vary"]),
        (r"^(.*a){20}$", [DECIDED; 4]),
        // Flask-CORS compares without case, and `null` is an origin.
        (r"^(([a-z])+.)+[A-Z]([a-z])+$", [DECIDED, DECIDED, "null-origin", DECIDED]),
        // Flask-CORS looks at the beginning only.
        (r"(x+x+)+y", [LOOSE, LOOSE, DECIDED, LOOSE]),
        (r"(a|b)*a(a|b){24}", [LARGE; 4]),
        (r"(?=(a+))a*b\1", [UNKNOWN; 4]),
        (r"((((a{1,60}){1,60}){1,60}){1,60}){1,60}", [UNKNOWN; 4]),
        (r"[\s\S]{1,60000}", [UNKNOWN; 4]),
        // Without its flag, JavaScript's `\p` is a `p`. Python refuses it, so it is compared as a text.
        (r"\p{L}{500}[^]*\u{10FFFF}", [DECIDED, DECIDED, "dead-policy", UNKNOWN]),
        (r"(?<a>(?<b>(?<c>.)))\k<c>", [UNKNOWN, UNKNOWN, "dead-policy", UNKNOWN]),
        (r"(?<=a{1,9999})b", [UNKNOWN; 4]),
        // nginx does not start with a pattern that is none.
        ("[", ["syntax-error", UNKNOWN, "dead-policy", DECIDED]),
        ("(", [UNKNOWN, UNKNOWN, "dead-policy", DECIDED]),
        ("a{2,1}", [UNKNOWN, UNKNOWN, "invalid-origin", DECIDED]),
        (&nested, [UNKNOWN, UNKNOWN, UNKNOWN, "syntax-error"]),
        (&optional, [LARGE; 4]),
    ] {
        let slashes = pattern.replace("\\/", "/").replace('/', "\\/");
        let plain = pattern.replace("\\/", "/");
        let quoted = serde_json::to_string(pattern).unwrap();
        let files = [
            ("literal.js", OPEN.replace("origin: true", &format!("origin: /{slashes}/"))),
            ("made.js", OPEN.replace("origin: true", &format!("origin: new RegExp({quoted})"))),
            ("app.py", FLASK.replace("'*'", &format!("r'{plain}'"))),
            (
                "nginx.conf",
                format!(
                    "http {{ map $http_origin $o {{ \"~{plain}\" $http_origin; }} server {{ listen 80; add_header Access-Control-Allow-Origin $o; if ($http_origin ~ \"{plain}\") {{ return 204; }} }} }}"
                ),
            ),
        ];
        for ((name, source), said) in files.into_iter().zip(said) {
            let folder = folder(&[(name, source)]);
            let report = survives(&folder);
            let policy = text(&run(&folder, &["policy"]).stdout);
            let found = report.rules().first().copied().or(report.problems().first().map(|(_, kind)| *kind));
            let known = if policy.contains("unknown, because") { UNKNOWN } else { DECIDED };
            let found = found.unwrap_or(known);
            assert_eq!(found, said, "{name}: {pattern:.60}\n{policy}");
        }
    }
}

/// Each is large enough to take its time: their searches share what a run may spend, and what was not searched is told.
#[test]
fn hundreds_of_large_patterns() {
    let pattern = |at: usize| format!(r"/^https:\/\/a{at}\.example\.com\/?[\s\S]{{1,600}}x$/");
    let routes: String = (0..300)
        .map(|at| {
            let cors = format!("require('cors')({{ origin: {}, credentials: true }})", pattern(at));
            format!("app.get('/{at}', {cors}, (req, res) => res.send('x'));\n")
        })
        .collect();
    let folder = folder(&[("app.js", OPEN.replace("app.listen", &format!("{routes}app.listen")))]);
    let report = survives(&folder);
    assert!(report.rules().contains(&RULE));
    let told: Vec<&str> = report.json["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| problem["message"].as_str().unwrap())
        .filter(|message| message.contains("tests of the origin"))
        .collect();
    assert!(matches!(told[..], [one] if one.contains("300")), "{told:?}");
}
