import { createBackendServices } from '../exchange/credentials/backend-services.ts'
import { createAskToken } from '../exchange/credentials/token-endpoint.ts'
import { createTokenExchange } from '../exchange/credentials/token-exchange.ts'
import type { Credential } from '../exchange/exchange.ts'
import { createAskJson } from '../identity/json-endpoint.ts'
import type { TokenRefusal } from '../token-refusal.ts'
import { errorOf, type Finding, fail, ok, skipped, wordsOf } from './finding.ts'
import type { Probes } from './probes.ts'
import { howToGiveOne } from './token.ts'

/** Whether the credential for the exchange can be had: it is got as a call gets it, and sent to nobody. */
export async function checkCredential(probes: Probes): Promise<Finding> {
  const { options, now, signal } = probes
  const { credentials } = options.fhir
  if (credentials === 'none') return ok('None is sent: the claims alone protect the exchange.')
  if (credentials === 'forward') return ok("The caller's own token is sent on.")
  if (credentials === 'held') return skipped('The broker holds it; only the server has it.')
  let refusal: TokenRefusal | undefined
  const ask = createAskToken((refused) => {
    refusal = refused
  })
  let authorization: Credential['authorization']
  if (credentials === 'token-exchange') {
    const pair = await probes.tokens()
    if (pair === undefined) return skipped('It takes a token to exchange.', howToGiveOne)
    if ((await errorOf(probes.principal())) !== undefined) return skipped('The token is not accepted.')
    authorization = createTokenExchange(options.fhir, now, ask)(pair.accessToken)
  } else authorization = createBackendServices(options.fhir, now, { ask, askJson: createAskJson() })
  const error = await errorOf(authorization(signal))
  if (error === undefined) return ok(`The token endpoint gives one, by ${credentials}.`)
  const said = refusal === undefined ? '' : ` HTTP status ${refusal.status}, OAuth error ${refusal.error}.`
  return fail(`${wordsOf(error)}${said}`, cures[refusal?.error ?? ''] ?? cure)
}

const cure =
  'Look at FHIR_MCP_FHIR_CLIENT_* (docs/credentials.md) and at the log of the token endpoint, which says why.'
const cures: Readonly<Record<string, string>> = {
  invalid_client:
    'Correct FHIR_MCP_FHIR_CLIENT_ID and its secret or key, and register the public half of the key at the issuer.',
  invalid_scope: 'Have the issuer give this client the scopes of FHIR_MCP_FHIR_CLIENT_SCOPES.',
  invalid_target: 'Correct FHIR_MCP_FHIR_AUDIENCE; at Keycloak it is the id of a client.',
}
