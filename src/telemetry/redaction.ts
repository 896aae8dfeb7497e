/** Stands where something was that a log may not hold. */
export const redacted = '[redacted]'

/** Members whose text is a secret wherever they are, and lists of such texts. */
const secretMembers =
  /("(?:[\w-]*authorization|(?:set-)?cookie|[\w-]*token|[\w-]*secret|[\w-]*assertion|password|code_?verifier|dpop)"):(?:"(?:[^"\\]|\\.)*"|\[[^[\]{}]*\])/gi

/** Schemes of the Authorization header with what follows them. */
const credentials = /\b(bearer|basic|dpop)(\s+|%20|\+)[\w\-.~+/%]{4,}=*/gi

/** A compact JWS or JWE (RFC 7515, §3.1): its first part is the base64url of `{"`. */
const jwt = /\beyJ[\w-]{5,}(?:\.[\w-]*){1,4}/g

/** The query of a URL or a path, and a fragment, which may hold an answer of OAuth too. */
const query = /(\/[^\s"'?#<>\\]*)[?#][^\s"'<>\\]+/g

/** Parameters of OAuth by name, as a form or a query has them. */
const parameters =
  /\b((?:[a-z]+_)?token(?:_hint)?|code|state|nonce|code_verifier|client_secret|client_assertion|assertion|password|request_uri|sessionId)=[^\s&"'\\]+/gi

/**
 * A line of the log, or any text, without what may be a secret in it: named members of JSON at any depth, credentials, JWTs, and
 * the queries of URLs. The last of several guards: whoever logs does not give such things in the first place.
 */
export function withoutSecrets(line: string): string {
  return line
    .replace(secretMembers, `$1:"${redacted}"`)
    .replace(credentials, `$1 ${redacted}`)
    .replace(jwt, redacted)
    .replace(query, `$1?${redacted}`)
    .replace(parameters, `$1=${redacted}`)
}
