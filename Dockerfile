# One image with all actors; docker-compose.yml chooses which one a container is.
FROM debian:bookworm-slim AS build
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
    gcc libc6-dev cmake ninja-build pkg-config libzmq3-dev libczmq-dev libwebsockets-dev libev-dev libmsgpack-dev libjansson-dev \
    libspeexdsp-dev libpocketsphinx-dev libsphinxbase-dev libsqlite3-dev libpq-dev libsndfile1-dev libmpg123-dev libcurl4-openssl-dev libssl-dev libjs-chart.js libedit-dev libjwt-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY CMakeLists.txt ./
COPY proto proto
COPY broker broker
COPY actors actors
COPY deploy deploy
RUN cmake -S . -B /build -G Ninja -DEARSHOT_TESTS=OFF -DCMAKE_INSTALL_PREFIX=/usr && cmake --build /build && DESTDIR=/out cmake --install /build

FROM debian:bookworm-slim
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
    libzmq5 libczmq4 libwebsockets17 libwebsockets-evlib-ev libev4 libmsgpackc2 libjansson4 libspeexdsp1 libpocketsphinx3 libsphinxbase3 \
    pocketsphinx-en-us libsqlite3-0 libpq5 libsndfile1 libmpg123-0 libcurl4 libssl3 ca-certificates libedit2 libjwt0 && rm -rf /var/lib/apt/lists/* && useradd --system --home-dir /var/lib/earshot --create-home earshot
COPY --from=build /out/usr /usr
USER earshot
ENV EARSHOT_DATA=/var/lib/earshot
EXPOSE 8000
CMD ["earshot", "up", "--host", "0.0.0.0"]
