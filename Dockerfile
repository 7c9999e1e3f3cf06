# Three stages: the page, the binary with the page inside, and nothing else.
FROM node:20-bookworm-slim AS page
WORKDIR /src/web/app
COPY web/app/package.json web/app/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY web/app ./
COPY web/sdk ../sdk
RUN npm run build

FROM golang:1.26-bookworm AS binary
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
COPY --from=page /src/web/app/dist ./web/app/dist
ARG VERSION=dev COMMIT=none
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$VERSION -X main.commit=$COMMIT" -o /anihub . \
 && mkdir -p /data

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=binary /anihub /anihub
COPY --from=binary --chown=nonroot:nonroot /data /data
# In a container the internal listener must be reachable by the probe and by
# scrapers of the same network; it is never published.
ENV ANIHUB_PLATFORM_STORAGE_DATA_DIR=/data ANIHUB_MODULES_ADDR=:8081
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["/anihub", "healthcheck"]
ENTRYPOINT ["/anihub"]
CMD ["serve"]
