# Chores. `just ready` is what has to pass before a change lands.

# List the recipes.
default:
    @just --list

# Everything that continuous integration asks for, and a little more.
ready: format-check lint generated test docs self

# Check the format.
format-check:
    cargo fmt --all --check

# Clippy, with warnings denied.
lint:
    cargo clippy --workspace --all-targets -- -D warnings

# All tests.
test:
    cargo test --workspace

# Licences, sources and doubles of the dependencies; `cargo deny check advisories` needs the network besides.
deny:
    cargo deny check licenses bans sources

# Fuzz one target for some seconds; see fuzz/README.md.
fuzz TARGET SECONDS="600":
    cd fuzz && RUSTC_BOOTSTRAP=1 cargo fuzz run -s none {{TARGET}} -- -max_total_time={{SECONDS}} -timeout=60 -rss_limit_mb=1500 -dict=dictionaries/{{TARGET}}

# The documentation of the crates, with warnings denied.
docs:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

# corslint on this repository, but for the faults that its tests are made of.
self:
    cargo run --quiet -- check --strict --no-config --exclude 'fixtures/**' .

# Write the generated parts anew: the README's table of rules and outputs.
gen:
    cargo xtask gen

# Check that the generated parts are fresh, and that the design is kept.
generated:
    cargo test --quiet --test readme --test architecture

# Write the skeleton of a rule: `just new-rule ID exposure|breakage|hygiene`.
new-rule ID CATEGORY:
    cargo xtask new-rule {{ID}} {{CATEGORY}}

# Write the skeleton of a framework.
new-framework NAME:
    cargo xtask new-framework {{NAME}}

# How many answers of real servers and browsers the model gives.
figures:
    cargo test --test observed --test observed_flask --test observed_nginx --test browser -- --nocapture

# Record what real servers answer; see fixtures/observed/README.md.
observe *ARGS:
    cargo xtask observe {{ARGS}}
