# tools: everything that script/bootstrap installs, and the sources.
FROM debian:12 AS tools
WORKDIR /src
COPY script/bootstrap script/bootstrap
RUN script/bootstrap --with-package
COPY . .

# build: the package. What was compiled before is in ccache, of this engine, and is not compiled again.
FROM tools AS build
RUN --mount=type=cache,target=/root/.cache/ccache \
    cmake --preset package && cmake --build build/package && cd build/package && cpack -G DEB && mv pgsluice_*.deb pgsluice.deb

# tests: the suite, compiled. It runs against the server that PGSLUICE_TEST_URL names.
FROM tools AS tests
RUN apt-get update && apt-get install -y --no-install-recommends tini
RUN --mount=type=cache,target=/root/.cache/ccache \
    cmake --preset test && cmake --build build/test
ENTRYPOINT ["tini", "--"]
CMD ["ctest", "--test-dir", "build/test", "--output-on-failure", "--parallel", "4"]

# run: the program as its package installs it, with the libraries that it needs.
FROM debian:12-slim AS run
RUN --mount=from=build,source=/src/build/package,target=/package \
    apt-get update && apt-get install -y --no-install-recommends /package/pgsluice.deb ca-certificates tini \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt /var/log/apt /var/log/dpkg.log \
 && install -d -o 65534 -g 65534 /rejects
LABEL org.opencontainers.image.title="pgsluice" \
      org.opencontainers.image.description="Loads CSV into PostgreSQL: fast, exactly once, and with every row accounted for" \
      org.opencontainers.image.licenses="Apache-2.0"
# A number, so that Kubernetes sees that it is not root's (runAsNonRoot).
USER 65534:65534
# Where files of bad records are put: a volume, or they are gone with the container.
WORKDIR /rejects
VOLUME /rejects
ENV HOME=/rejects
# What a program of a job leaves behind when it ends has somebody who waits for it.
ENTRYPOINT ["tini", "--", "pgsluice"]
CMD ["--help"]
