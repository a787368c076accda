# build: everything that script/bootstrap installs, and the sources; the test suite runs in it.
FROM debian:12 AS build
WORKDIR /src
COPY script/bootstrap script/bootstrap
RUN script/bootstrap
COPY . .
RUN cmake --preset release && cmake --build build/release

# run: the program and the shared libraries that it needs.
FROM debian:12-slim AS run
RUN apt-get update && apt-get install -y --no-install-recommends libpq5 libpqxx-6.4 libssl3 libfmt9 libxxhash0 libdate-tz3 libisal2 zlib1g libzstd1 liblz4-1 liblzma5 libbz2-1.0 libarchive13 libcurl4 libexpat1 tzdata ca-certificates \
 && rm -rf /var/lib/apt/lists/*
COPY --from=build /src/build/release/pgsluice /usr/local/bin/pgsluice
USER nobody
ENTRYPOINT ["pgsluice"]
