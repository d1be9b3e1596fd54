# One image with all actors; docker-compose.yml and deploy/kubernetes choose which one a container is.
FROM debian:bookworm-slim AS build
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
    gcc libc6-dev cmake ninja-build pkg-config dpkg-dev file gzip libzmq3-dev libczmq-dev libwebsockets-dev libev-dev libmsgpack-dev libjansson-dev \
    libspeexdsp-dev libpocketsphinx-dev libsphinxbase-dev libsqlite3-dev libpq-dev libsndfile1-dev libmpg123-dev libcurl4-openssl-dev libssl-dev libjs-chart.js libedit-dev libjwt-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY CMakeLists.txt CHANGELOG.md README.md SECURITY.md ./
COPY proto proto
COPY broker broker
COPY actors actors
COPY deploy deploy
RUN cmake -S . -B /build -G Ninja -DEARSHOT_TESTS=OFF -DCMAKE_INSTALL_PREFIX=/usr && cmake --build /build && cd /build && cpack -G DEB

FROM debian:bookworm-slim
# A number that volumes and orchestrators may rely on.
RUN useradd --system --uid 10001 --user-group --home-dir /var/lib/earshot --no-create-home --shell /usr/sbin/nologin earshot
COPY --from=build /build/earshot_*.deb /tmp/
# The package knows which libraries the programs need.
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends /tmp/earshot_*.deb pocketsphinx-en-us \
    && rm -rf /var/lib/apt/lists/* /tmp/earshot_*.deb
COPY deploy/containers/health deploy/containers/keys /usr/lib/earshot/
# Where keys are mounted, empty volumes begin as these directories are.
RUN install -d -o earshot -g earshot -m 0700 /keys /keys/broker /keys/edge /keys/transcriber-1 /keys/transcriber-2 /keys/room-1 /keys/jobs-1 /keys/analysis-1
USER 10001:10001
ENV EARSHOT_DATA=/var/lib/earshot
EXPOSE 8000
# Within the container alone, until flags say who may come and how.
CMD ["earshot", "up"]
