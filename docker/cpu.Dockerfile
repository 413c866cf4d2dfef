# Lockstep on the CPU. Two images: `runtime` has the models of the zoo, `devel` compiles models of your own as well.
# docker/README.md says how to use them; docker/prove.sh builds them and tries them out.
#
#   docker build -f docker/cpu.Dockerfile -t lockstep .
#   docker build -f docker/cpu.Dockerfile -t lockstep:devel --target devel .

# A Debian or an Ubuntu that has all packages of the script `lockstep` (Debian 12, Ubuntu 24.04 or newer).
ARG BASE=debian:bookworm-slim

# ---------------------------------------------------------------- the program, and what it was built with

FROM ${BASE} AS build
# Certificates: the sources of Kokkos come by https.
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*
# Where the devel image has the headers that models are compiled with, too: the program knows this path.
WORKDIR /opt/lockstep
COPY lockstep ./
RUN ./lockstep setup && rm -rf /var/lib/apt/lists/*
COPY . .
# The processor to compile for (-march), models of your own included. Default: any 64-bit ARM; x86 from about 2013 on (AVX2).
ARG LOCKSTEP_ARCH=
RUN arch=${LOCKSTEP_ARCH:-$(if [ "$(uname -m)" = x86_64 ]; then echo x86-64-v3; else echo armv8-a; fi)} && \
    LOCKSTEP_PRESET=release LOCKSTEP_CMAKE_OPTIONS="-DLOCKSTEP_ARCH=$arch" ./lockstep version && \
    docker/libraries.sh build/release/lockstep >build/libraries

# ---------------------------------------------------------------- the program alone

FROM ${BASE} AS program
COPY --from=build /opt/lockstep/build/libraries /tmp/
# tini hands signals on, and ends what does not handle them: the kernel would not, for process 1.
RUN apt-get update && xargs apt-get install -y --no-install-recommends tini </tmp/libraries && \
    rm -rf /var/lib/apt/lists/* /tmp/libraries
COPY --from=build /opt/lockstep/build/release/lockstep /usr/local/bin/
COPY LICENSE /usr/share/doc/lockstep/copyright
# Any user may be told to run this (docker run --user), and needs a place for compiled models.
RUN lockstep version && mkdir -m 1777 /var/cache/lockstep && mkdir /work && chown 1000:1000 /work
ENV LOCKSTEP_CACHE=/var/cache/lockstep
WORKDIR /work
ENTRYPOINT ["tini", "--", "lockstep"]
CMD ["help"]
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Lockstep" \
      org.opencontainers.image.description="Bayesian inference: many NUTS chains in lockstep, on the CPU" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision="${REVISION}"

# ---------------------------------------------------------------- with a compiler

FROM program AS devel
RUN apt-get update && apt-get install -y --no-install-recommends g++ libxsimd-dev && rm -rf /var/lib/apt/lists/*
COPY include /opt/lockstep/include
COPY kernels /opt/lockstep/kernels
COPY models /opt/lockstep/models
USER 1000:1000

# ---------------------------------------------------------------- without: the default

FROM program AS runtime
USER 1000:1000
