#!/bin/sh
# Starts the server beside it, with serve.env and secrets that it makes once.
set -eu
cd "$(dirname "$0")"
fhir_mcp=node_modules/.bin/fastify-fhir-mcp

[ -f broker.env ] || "$fhir_mcp" broker-secrets --out broker.env

set -a
. ./serve.env
. ./broker.env
set +a
exec "$fhir_mcp" serve
