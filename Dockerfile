# The image of `fastify-fhir-mcp serve`. How it is used, and how the digests are renewed: docs/deployment.md.

# Node 24.18.0
FROM node:24-bookworm-slim@sha256:6f7b03f7c2c8e2e784dcf9295400527b9b1270fd37b7e9a7285cf83b6951452d AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY plugins ./plugins
COPY src ./src
COPY scripts/bundled-thread.mjs ./scripts/
RUN npm run build
# The broker and Redis are optional for others; an image has to have what it may be asked for, as the lockfile says.
RUN npm pkg set \
      dependencies.oidc-provider="$(node -p "require('./package.json').peerDependencies['oidc-provider']")" \
      dependencies.redis="$(node -p "require('./package.json').peerDependencies.redis")" \
    && npm pkg delete devDependencies.oidc-provider devDependencies.redis
RUN npm prune --omit=dev --ignore-scripts --no-audit --no-fund
# Types and source maps are for those who write code.
RUN find node_modules dist -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -delete \
    && find node_modules -type d -empty -delete
# The folder of the audit, as it will be in the image: its owner's alone.
RUN rm -rf dist/src/demo dist/src/charts/bundled-thread.* && mkdir -p -m 755 state && mkdir -m 700 state/fastify-fhir-mcp

# Node 24 and the libraries that it needs: no shell, no package manager, no npm.
FROM gcr.io/distroless/nodejs24-debian13:nonroot@sha256:fbbdda866ea71aef98c4abece17e3d61fbf820cc2ef3961522caa2478716171a
LABEL org.opencontainers.image.title="fastify-fhir-mcp" \
      org.opencontainers.image.description="An MCP server in front of a FHIR server, with the caller's claims checked before any request" \
      org.opencontainers.image.source="https://github.com/fastify-fhir-mcp/fastify-fhir-mcp" \
      org.opencontainers.image.documentation="https://github.com/fastify-fhir-mcp/fastify-fhir-mcp/blob/main/docs/deployment.md" \
      org.opencontainers.image.licenses="Apache-2.0"
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY LICENSE ./
COPY --from=build --chown=65532:65532 /app/state/ /var/lib/
# Records of calls go to the volume below, unless FHIR_MCP_AUDIT_PATH or FHIR_MCP_AUDIT_DESCRIPTOR says otherwise.
ENV XDG_STATE_HOME=/var/lib \
    HOME=/home/nonroot \
    NODE_ENV=production \
    NODE_OPTIONS="--max-old-space-size=512 --max-semi-space-size=4" \
    FHIR_MCP_HOST=0.0.0.0 \
    FHIR_MCP_PORT=8765
VOLUME ["/var/lib/fastify-fhir-mcp"]
EXPOSE 8765
USER 65532:65532
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s --retries=3 \
  CMD ["/nodejs/bin/node", "-e", "fetch(new URL('health', 'http://127.0.0.1:' + process.env.FHIR_MCP_PORT + (process.env.FHIR_MCP_PATH || '/mcp'))).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["/nodejs/bin/node", "dist/src/cli/main.js"]
CMD ["serve"]
