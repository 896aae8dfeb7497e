#!/bin/sh
# Makes the secrets of a form of deployment, each in a file of deploy/secrets; what is there already stays as it is.
#   deploy/make-secrets.sh hapi | jupyterhealth
# The broker's are made by the image (MCP_IMAGE). BROKER_SECRETS, where set, is the command that is asked in its place.
set -eu

form=${1:-}
case $form in
  hapi | jupyterhealth) ;;
  *) echo 'usage: make-secrets.sh hapi | jupyterhealth' >&2; exit 2 ;;
esac

cd "$(dirname "$0")"
# The folder keeps others on this machine out. The files have to be readable for the users of the containers, which are not yours.
umask 077
mkdir -p secrets
chmod 700 secrets

keep() {
  cat > "secrets/$1.part"
  chmod 444 "secrets/$1.part"
  mv "secrets/$1.part" "secrets/$1"
  echo "made deploy/secrets/$1"
}
missing() { [ ! -e "secrets/$1" ]; }
random() { head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n'; }

missing postgres-password && random | keep postgres-password
missing cursor-key && random | keep cursor-key
missing audit-log-key && random | keep audit-log-key
if missing redis-conf || missing redis-url; then
  password=$(random)
  printf 'requirepass %s\n' "$password" | keep redis-conf
  printf 'redis://:%s@redis:6379' "$password" | keep redis-url
fi

if [ "$form" = jupyterhealth ]; then
  if missing broker-keys || missing broker-cookie-secrets || missing broker-encryption-key; then
    made=$(${BROKER_SECRETS:-docker run --rm --network none "${MCP_IMAGE:-fastify-fhir-mcp:local}" broker-secrets})
    value() { printf '%s\n' "$made" | sed -n "s/^$1=//p" | sed "s/^'\(.*\)'\$/\1/"; }
    value FHIR_MCP_BROKER_KEYS | keep broker-keys
    value FHIR_MCP_BROKER_COOKIE_SECRETS | keep broker-cookie-secrets
    value FHIR_MCP_BROKER_ENCRYPTION_KEY | keep broker-encryption-key
  fi
  if missing exchange.env; then
    key=$(openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 2> /dev/null)
    printf 'DB_PASSWORD=%s\nSECRET_KEY=%s\nOIDC_RSA_PRIVATE_KEY="%s"\n' \
      "$(cat secrets/postgres-password)" "$(random)" "$key" | keep exchange.env
    # Read by compose itself, for you; no container gets the file.
    chmod 400 secrets/exchange.env
  fi
  if missing client-secret; then
    echo 'Put the secret of our client at the exchange into deploy/secrets/client-secret, readable for all (0444).'
  fi
fi
