# Lockstep on NVIDIA GPUs (and on the CPU where there is none). Two images: `runtime` has the models of the zoo, `devel` compiles
# models of your own as well. docker/README.md says how to use them; docker/prove.sh builds them and tries them out.
#
#   docker build -f docker/cuda.Dockerfile -t lockstep:cuda .
#   docker build -f docker/cuda.Dockerfile -t lockstep:cuda-devel --target devel .

ARG CUDA=13.0.2
ARG DEVEL_BASE=nvidia/cuda:${CUDA}-devel-ubuntu24.04
ARG RUNTIME_BASE=nvidia/cuda:${CUDA}-base-ubuntu24.04

# ---------------------------------------------------------------- the program, and what it was built with

FROM ${DEVEL_BASE} AS build
# Certificates: the sources of Kokkos come by https.
RUN apt-get update && apt-get install -y --no-install-recommends --no-upgrade ca-certificates && rm -rf /var/lib/apt/lists/*
# Where the devel image has the headers that models are compiled with, too: the program knows this path.
WORKDIR /opt/lockstep
COPY lockstep ./
RUN ./lockstep setup && rm -rf /var/lib/apt/lists/*
COPY . .
# The processor to compile for (-march), models of your own included. Default: any 64-bit ARM; x86 from about 2013 on (AVX2).
ARG LOCKSTEP_ARCH=
# The GPUs to compile for. Default: Ampere and Ada; Hopper; what is newer, by PTX that the driver translates at the start.
ARG CUDA_ARCHITECTURES=80-real;90-real;90-virtual
RUN arch=${LOCKSTEP_ARCH:-$(if [ "$(uname -m)" = x86_64 ]; then echo x86-64-v3; else echo armv8-a; fi)} && \
    export LOCKSTEP_PRESET=cuda && \
    LOCKSTEP_CMAKE_OPTIONS="-DLOCKSTEP_ARCH=$arch -DCMAKE_CUDA_ARCHITECTURES=$CUDA_ARCHITECTURES" ./lockstep version && \
    docker/libraries.sh build/cuda/lockstep >build/libraries

# ---------------------------------------------------------------- with compilers

FROM ${DEVEL_BASE} AS devel
COPY --from=build /opt/lockstep/build/libraries /tmp/
# tini hands signals on, and ends what does not handle them: the kernel would not, for process 1.
RUN apt-get update && \
    xargs apt-get install -y --no-install-recommends --no-upgrade tini g++ libxsimd-dev </tmp/libraries && \
    rm -rf /var/lib/apt/lists/* /tmp/libraries
COPY --from=build /opt/lockstep/build/cuda/lockstep /usr/local/bin/
COPY LICENSE /usr/share/doc/lockstep/copyright
COPY include /opt/lockstep/include
COPY kernels /opt/lockstep/kernels
COPY models /opt/lockstep/models
# Any user may be told to run this (docker run --user), and needs a place for compiled models and for kernels made from PTX.
RUN lockstep version && mkdir -m 1777 /var/cache/lockstep && mkdir /work && chown 1000:1000 /work
ENV LOCKSTEP_CACHE=/var/cache/lockstep CUDA_CACHE_PATH=/var/cache/lockstep/ptx
WORKDIR /work
USER 1000:1000
ENTRYPOINT ["tini", "--", "lockstep"]
CMD ["help"]
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Lockstep" \
      org.opencontainers.image.description="Bayesian inference: many NUTS chains in lockstep, on NVIDIA GPUs and the CPU" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision="${REVISION}"

# ---------------------------------------------------------------- without: the default

FROM ${RUNTIME_BASE} AS runtime
COPY --from=build /opt/lockstep/build/libraries /tmp/
RUN apt-get update && xargs apt-get install -y --no-install-recommends --no-upgrade tini </tmp/libraries && \
    rm -rf /var/lib/apt/lists/* /tmp/libraries
COPY --from=build /opt/lockstep/build/cuda/lockstep /usr/local/bin/
COPY LICENSE /usr/share/doc/lockstep/copyright
RUN lockstep version && mkdir -m 1777 /var/cache/lockstep && mkdir /work && chown 1000:1000 /work
ENV LOCKSTEP_CACHE=/var/cache/lockstep CUDA_CACHE_PATH=/var/cache/lockstep/ptx
WORKDIR /work
USER 1000:1000
ENTRYPOINT ["tini", "--", "lockstep"]
CMD ["help"]
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Lockstep" \
      org.opencontainers.image.description="Bayesian inference: many NUTS chains in lockstep, on NVIDIA GPUs and the CPU" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision="${REVISION}"
