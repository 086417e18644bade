ARG GO_IMAGE=golang:1.26

FROM ${GO_IMAGE} AS build
ARG VERSION=devel
ARG REVISION=unknown
ENV CGO_ENABLED=0
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

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /icws_exporter /icws_exporter
USER 65532:65532
EXPOSE 10018
ENTRYPOINT ["/icws_exporter"]
CMD ["serve", "--config.file=/etc/icws_exporter/icws.yaml"]
