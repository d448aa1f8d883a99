# The server and its command-line tools in one program, with the libraries it uses and nothing else: no shell, no package
# manager. It takes the paths and arguments of nats-server's images.
#
#   docker build -t vagus .
#   docker run -p 4222:4222 -p 8222:8222 vagus
#
# Other settings: mount a configuration file over /etc/vagus/server.conf, /nats-server.conf or
# /etc/nats/nats-server.conf, which are one, or give flags.

FROM rust:1.95-slim-trixie AS build
RUN apt-get update \
    && apt-get install --no-install-recommends --yes libssl-dev make pkg-config \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
# Its log names places of the source without symbols.
ENV CARGO_PROFILE_RELEASE_STRIP=symbols
RUN cargo build --release --locked --package vagus \
    && mkdir /program \
    && mv target/release/vagus /program/vagus

# What the program loads, where it looks for it, and who runs it.
FROM debian:trixie-slim AS image
RUN apt-get update \
    && apt-get install --no-install-recommends --yes ca-certificates libssl3t64 \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /program/vagus /image/usr/local/bin/vagus
COPY configs/server.conf /image/etc/vagus/server.conf
WORKDIR /image
RUN set -eu; \
    ldd usr/local/bin/vagus | grep -o '/[^ ]*' | xargs cp --parents --dereference --target-directory=.; \
    cp --parents --dereference /etc/ssl/certs/ca-certificates.crt .; \
    mkdir --parents etc/nats data tmp; \
    chmod 1777 tmp; \
    chown 10222:10222 data; \
    echo 'vagus:x:10222:10222::/data:/nonexistent' >etc/passwd; \
    echo 'vagus:x:10222:' >etc/group; \
    echo 'hosts: files dns' >etc/nsswitch.conf; \
    ln -s vagus usr/local/bin/nats-server; \
    ln -s /usr/local/bin/vagus nats-server; \
    ln -s /etc/vagus/server.conf nats-server.conf; \
    ln -s /etc/vagus/server.conf etc/nats/nats-server.conf

FROM scratch
COPY --from=image /image/ /
ENV PATH=/usr/local/bin SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
# By number, so that it can be seen from outside not to be root's.
USER 10222:10222
VOLUME /data
# Clients, monitoring over HTTP, other servers.
EXPOSE 4222 8222 6222
# SIGTERM, as by default, ends it at once. Whoever stops it and gives it the time may send SIGUSR2: lame duck mode.
ENTRYPOINT ["vagus"]
CMD ["-c", "/etc/vagus/server.conf", "-m", "8222"]
