# Both bases may be images of your own: --build-arg GO_IMAGE=… --build-arg BASE_IMAGE=…
ARG GO_IMAGE=golang:1.26.8-bookworm
ARG BASE_IMAGE=scratch

# The toolchain runs on the platform that builds and compiles for the one asked for.
# Builders that set no TARGETOS and TARGETARCH build for their own.
FROM --platform=$BUILDPLATFORM ${GO_IMAGE} AS build
ARG VERSION=devel
ARG REVISION=unknown
ARG GOPROXY
ARG TARGETOS
ARG TARGETARCH
ENV CGO_ENABLED=0 GOTOOLCHAIN=local GOPROXY=${GOPROXY} GOOS=${TARGETOS} GOARCH=${TARGETARCH}
# Nothing of the machine gets into the binary: the same source gives the same bytes.
ENV GOFLAGS="-trimpath -buildvcs=false '-ldflags=-s -w -X github.com/prometheus/common/version.Version=${VERSION} -X github.com/prometheus/common/version.Revision=${REVISION}'"
WORKDIR /src
COPY go.mod go.sum ./
RUN ["go", "mod", "download"]
COPY main.go ./
COPY alerts alerts
COPY dashboards dashboards
COPY exporter exporter
COPY probe probe
RUN ["go", "build", "-o", "/icws_exporter", "."]

FROM ${BASE_IMAGE}
ARG VERSION=devel
ARG REVISION=unknown
LABEL org.opencontainers.image.title="icws_exporter" \
      org.opencontainers.image.description="Prometheus exporter for ICWS, the web API of Genesys PureConnect" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /icws_exporter /icws_exporter
USER 65532:65532
EXPOSE 10018
# Asks at the default address; Kubernetes has probes of its own.
HEALTHCHECK --interval=30s --timeout=6s CMD ["/icws_exporter", "health"]
ENTRYPOINT ["/icws_exporter"]
CMD ["serve", "--config.file=/etc/icws_exporter/icws.yaml"]
