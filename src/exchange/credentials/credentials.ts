import type { Principal } from '../../access/principal.ts'
import type { FhirOptions, HeldToken } from '../../config/fhir.ts'
import { fhirMcpError } from '../../errors.ts'
import { credentialIdentity } from '../../identity/credential-identity.ts'
import { createAskJson } from '../../identity/json-endpoint.ts'
import type { TokenRefused } from '../../token-refusal.ts'
import type { Credential } from '../exchange.ts'
import { createBackendServices } from './backend-services.ts'
import { createHeld } from './held.ts'
import { createAskToken } from './token-endpoint.ts'
import { createTokenExchange } from './token-exchange.ts'

/** Whose call it is: a verified principal, and the access token that showed it. */
export interface TokenHolder {
  readonly principal: Principal
  readonly token: string
}

/** The credential for a caller. It sends nothing: that is done when the credential is used. */
export type CredentialOf = (holder: TokenHolder) => Credential

export interface CredentialsDependencies {
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** What holds the tokens of signed-in people, where something does. */
  readonly heldToken?: HeldToken | undefined
  /** Hears of what a token endpoint refused. */
  readonly tokenRefused?: TokenRefused | undefined
}

/**
 * The credentials that `fhir.credentials` chooses. `none` and `backend-services` are the plugin's own and the same for all
 * callers: the exchange cannot check the person. The others are each caller's. Throws CONFIG for a key that cannot be used, and
 * for `held` without anything that holds.
 */
export function createCredentials(fhir: FhirOptions, dependencies: CredentialsDependencies): CredentialOf {
  const ask = createAskToken(dependencies.tokenRefused)
  switch (fhir.credentials) {
    case 'none':
      return sharedBy(async () => undefined)
    case 'backend-services':
      return sharedBy(createBackendServices(fhir, dependencies.now, { ask, askJson: createAskJson() }))
    case 'forward':
      return ofEach(
        ({ token }) =>
          async () =>
            `Bearer ${token}`,
      )
    case 'token-exchange': {
      const exchanged = createTokenExchange(fhir, dependencies.now, ask)
      return ofEach(({ token }) => exchanged(token))
    }
    case 'held': {
      const heldToken = fhir.heldToken ?? dependencies.heldToken
      if (heldToken === undefined) {
        throw fhirMcpError('CONFIG', {
          detail: 'fhir.credentials held needs the broker, registered before the plugin, or fhir.heldToken.',
        })
      }
      const held = createHeld(heldToken)
      return ofEach(({ principal }) => held(principal))
    }
  }
}

/** One credential for all callers: so they share what is read with it. */
function sharedBy(authorization: Credential['authorization']): CredentialOf {
  const own: Credential = { identity: 'exchange', authorization }
  return () => own
}

function ofEach(authorizationOf: (holder: TokenHolder) => Credential['authorization']): CredentialOf {
  return (holder) => ({
    identity: credentialIdentity(holder.principal),
    authorization: authorizationOf(holder),
  })
}
