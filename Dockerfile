# The gateway, alone, as a user without rights:
#
#     docker build -t sluicegate .
#     docker run -p 8080:8080 -v sluicegate:/data -v ./routes.yaml:/etc/sluicegate/routes.yaml:ro sluicegate

FROM rust:1-bookworm AS build
WORKDIR /build
# The dependencies, under an empty crate: this layer is made anew only when they change.
COPY Cargo.toml Cargo.lock ./
COPY .cargo .cargo
RUN for path in src/main.rs $(sed -n 's/^path = "\(.*\)"$/\1/p' Cargo.toml); do \
        mkdir -p "$(dirname "$path")" && echo 'fn main() {}' > "$path"; \
    done \
    && touch src/lib.rs \
    && cargo build --release --locked --bin sluicegate
COPY src src
# Their times are older than the empty crate's, and Cargo goes by that.
RUN touch src/main.rs src/lib.rs \
    && cargo build --release --locked --bin sluicegate

# Debian's own small image: it has the C library that the binary was linked with, certificates come
# from its packages, and there is a shell for whoever must look inside.
FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin sluicegate \
    && install --directory --owner=sluicegate --mode=0700 /data
COPY --from=build /build/target/release/sluicegate /usr/local/bin/sluicegate
COPY routes.yaml /etc/sluicegate/routes.yaml
ENV SLUICEGATE_CONFIG=/etc/sluicegate/routes.yaml \
    SLUICEGATE_DATA=/data \
    SLUICEGATE_LISTEN=0.0.0.0:8080 \
    SLUICEGATE_ADMIN_LISTEN=127.0.0.1:8081
USER sluicegate
WORKDIR /data
VOLUME /data
# 8080 takes webhooks. 8081 is the admin API: reached with `docker exec` until its address is widened.
EXPOSE 8080 8081
HEALTHCHECK --interval=10s --timeout=6s --start-period=20s CMD ["sluicegate", "health"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["sluicegate"]
CMD ["serve"]
