# The server and its command-line tools in one program, and nothing else but the libraries it uses.
#
#   docker build -t vagus .
#   docker run -p 4222:4222 -p 8222:8222 vagus
#
# Other settings: mount a configuration file over /etc/vagus/server.conf, or give flags.

FROM rust:1.95-slim-trixie AS build
RUN apt-get update \
    && apt-get install --no-install-recommends --yes libssl-dev make pkg-config \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
RUN cargo build --release --locked --package vagus

FROM debian:trixie-slim
RUN apt-get update \
    && apt-get install --no-install-recommends --yes ca-certificates libssl3t64 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --no-create-home --uid 10222 vagus
COPY --from=build /source/target/release/vagus /usr/local/bin/vagus
COPY configs/server.conf /etc/vagus/server.conf
USER vagus
EXPOSE 4222 8222
# Lame duck mode: whoever stops the container gives it the time that takes (lame_duck_duration).
STOPSIGNAL SIGUSR2
HEALTHCHECK --interval=10s --timeout=5s --start-period=5s CMD ["vagus", "healthcheck"]
ENTRYPOINT ["vagus"]
CMD ["-c", "/etc/vagus/server.conf", "-m", "8222"]
