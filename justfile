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

# The documentation of the crates, with warnings denied.
docs:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

# corslint on this repository.
self:
    cargo run --quiet -- check --strict .

# How many answers of real servers and browsers the model gives.
figures:
    cargo test --test observed --test observed_flask --test observed_nginx --test browser -- --nocapture

# Record what real servers answer; see fixtures/observed/README.md.
observe *ARGS:
    cargo xtask observe {{ARGS}}
