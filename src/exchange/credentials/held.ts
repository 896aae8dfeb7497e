import type { Principal } from '../../access/principal.ts'
import type { HeldToken } from '../../config/fhir.ts'
import { isFhirMcpError } from '../../errors.ts'
import { isBearerForm } from '../../identity/token-form.ts'
import type { Credential } from '../exchange.ts'
import { noCredential } from './no-credential.ts'

/**
 * What a person was given by the exchange's own issuer, as `heldToken` has it now: a refresh there may have ended the token
 * that was sent a moment ago. Throws what it throws of the catalog, else EXCHANGE_REJECTED.
 */
export function createHeld(heldToken: HeldToken): (principal: Principal) => Credential['authorization'] {
  return (principal) => async (signal) => {
    try {
      const token = await heldToken(principal, signal)
      if (isBearerForm(token)) return `Bearer ${token}`
    } catch (thrown) {
      signal.throwIfAborted()
      // Anybody's error may have a token in it.
      if (isFhirMcpError(thrown)) throw thrown
    }
    throw noCredential()
  }
}
