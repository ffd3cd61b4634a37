# Two images: `hook`, beside a ZoneMinder container, and `remote`, a remote server for models.
# docs/docker.md tells how to use them. `make container` runs these steps without Docker.

FROM debian:bookworm-slim AS base
# perl: the hook's fast client. setpriv (util-linux) and the rest: what install.sh needs.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates perl-base python3 python3-venv util-linux \
    && rm -rf /var/lib/apt/lists/*
COPY . /usr/src/zmhook

FROM base AS hook
ARG PARTS=zoneminder,yolo,face,cli,alpr,notify,remote
RUN /usr/src/zmhook/install.sh --yes --no-models --user www-data --with "$PARTS" \
    && rm -rf /root/.cache
USER www-data
WORKDIR /
# The hook starts the service when it is needed. Run it with an init (docker run --init).
CMD ["zmhook", "watch", "run"]
HEALTHCHECK --interval=30s --timeout=20s --start-period=60s --retries=3 \
    CMD ["zmhook", "watch", "status"]

FROM base AS remote
ARG PARTS=yolo,face,cli,alpr,serve
RUN /usr/src/zmhook/install.sh --yes --no-models --user www-data --with "$PARTS" \
    && rm -rf /root/.cache
USER www-data
WORKDIR /
EXPOSE 5000
CMD ["zmhook", "serve", "--listen", "0.0.0.0:5000"]
HEALTHCHECK --interval=30s --timeout=20s --start-period=60s --retries=3 \
    CMD ["zmhook", "service", "status"]
