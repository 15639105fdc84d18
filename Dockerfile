# corslint alone in an image: docker run --rm -v "$PWD:/work:ro" corslint
FROM rust:1-slim-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo install --locked --path . --root /out

# The C library and nothing else: no shell, no package manager, no root.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /out/bin/corslint /usr/local/bin/corslint
WORKDIR /work
ENTRYPOINT ["/usr/local/bin/corslint"]
