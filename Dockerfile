# syntax=docker/dockerfile:1

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY .cargo .cargo
COPY config config
COPY crates crates
COPY fuzz fuzz
COPY migrations migrations
COPY tests tests
COPY xtask xtask
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --package orgate-server \
    && cp target/release/orgate /usr/local/bin/orgate

FROM debian:bookworm-slim
RUN useradd --system --uid 10001 --no-create-home orgate
COPY --from=build /usr/local/bin/orgate /usr/local/bin/orgate
USER 10001
ENV ORGATE__SERVER__LISTEN=0.0.0.0:8080 \
    ORGATE__SERVER__INTERNAL_LISTEN=0.0.0.0:9464 \
    ORGATE__LOG__FORMAT=json
EXPOSE 8080 9464
# The image has no HTTP client, but bash can speak enough of it.
HEALTHCHECK --interval=10s --timeout=5s --start-period=40s \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/9464 && printf 'GET /readyz HTTP/1.0\\r\\n\\r\\n' >&3 && head -n 1 <&3 | grep -q ' 200 '"]
ENTRYPOINT ["orgate"]
CMD ["serve"]
