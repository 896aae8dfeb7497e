#!/usr/bin/env bash
# Holds what the tools and the audit write in the tests against HL7's own validator, R4 4.0.1 and R5 5.0.0:
#   scripts/fhir-validator.sh            runs the tests that make answers, then validates these
#   scripts/fhir-validator.sh FOLDER     validates FOLDER/R4/*.json and FOLDER/R5/*.json
# Needs a JDK 17 and Maven, and fetches 180 MB once. Exits with 1 where an answer has an error.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=${XDG_CACHE_HOME:-$HOME/.cache}/fastify-fhir-mcp/fhir-validator
mkdir -p "$build"
cp -r "$here/fhir-validator/." "$build"
mvn -q -B -f "$build/pom.xml" package
answers=${1:-}
if [ -z "$answers" ]; then
  answers=$(mktemp -d)
  trap 'rm -rf "$answers"' EXIT
  (cd "$here/.." && FHIR_ANSWERS=$answers npx vitest run test/e2e test/audit)
fi
java -cp "$build/target/classes:$build/target/lib/*" ValidateAnswers "$answers"
