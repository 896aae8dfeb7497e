import { type Scopes, whyScopesNarrow } from '../access/scopes.ts'
import { errorOf, type Finding, fail, ok, skipped, warn, wordsOf } from './finding.ts'
import type { Probes } from './probes.ts'

/** What a person does to have the token looked at as well. */
export const howToGiveOne =
  'Set FHIR_MCP_ACCESS_TOKEN_FILE to a file with an access token, or set FHIR_MCP_LOGIN_CLIENT_ID and run fastify-fhir-mcp login.'

/** Whether the token is accepted: its form, signature, issuer and time. */
export async function checkToken(probes: Probes): Promise<Finding> {
  const unusable = await errorOf(probes.tokensThere())
  if (unusable !== undefined) return fail(wordsOf(unusable), cures[unusable.code] ?? unusable.entry.cure)
  if ((await probes.tokens()) === undefined) return skipped('There is none to look at.', howToGiveOne)
  const error = await errorOf(probes.principal())
  // What it says of permissions is for the check of claims.
  if (error === undefined) return ofScopes((await probes.principal()).scopes)
  if (error.code === 'FHIR_MCP_NO_PERMISSIONS') return ok('It is accepted.')
  if (error.code === 'FHIR_MCP_AUDIENCE') return skipped('It is of another audience.')
  return fail(wordsOf(error), cures[error.code] ?? error.entry.cure)
}

/** What its scopes leave of what its claims permit. */
function ofScopes(scopes: Scopes): Finding {
  if (!scopes.present) return ok('It is accepted. It has no SMART scopes, so they narrow nothing.')
  const why = whyScopesNarrow(scopes)
  return scopes.clauses.size > 0
    ? ok(`It is accepted. ${why}`)
    : warn(
        `It is accepted and reads nothing. ${why} None of its scopes is for data.`,
        'Have the issuer grant scopes for data, such as user/Patient.rs, user/Observation.rs and user/ResearchStudy.rs.',
      )
}

const cures: Readonly<Record<string, string>> = {
  FHIR_MCP_TOKEN_EXPIRED:
    'Get a new one (fastify-fhir-mcp login). Where it was issued just now, look at the clocks; where only its claims are old, raise FHIR_MCP_AUTH_MAX_CLAIMS_AGE or add a source that can read them again.',
  FHIR_MCP_TOKEN_INVALID:
    'It has to be an access token of FHIR_MCP_AUTH_ISSUER, signed by one of FHIR_MCP_AUTH_ALGORITHMS, whose typ is in FHIR_MCP_AUTH_TOKEN_TYPES; an opaque one needs introspection, userinfo or exchange among FHIR_MCP_AUTH_SOURCES.',
  FHIR_MCP_ISSUER_UNAVAILABLE:
    'What it is verified with cannot be read: see the checks of the issuer and its keys, and FHIR_MCP_AUTH_INTROSPECTION_URL and FHIR_MCP_AUTH_USERINFO_URL where they are sources.',
  FHIR_MCP_EXCHANGE_UNAVAILABLE:
    'What it permits cannot be read: see the check of the exchange, and FHIR_MCP_FHIR_API_URL.',
}
