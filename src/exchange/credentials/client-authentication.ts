import type { ClientOptions } from '../../config/client.ts'
import { clientSecretBasic } from '../../identity/client-secret-basic.ts'
import { createSignAssertion } from './client-assertion.ts'
import type { TokenRequest } from './token-endpoint.ts'

/** What a token request has to carry for the endpoint to know us. */
export type AuthenticateClient = (tokenUrl: string) => Promise<Pick<TokenRequest, 'headers' | 'form'>>

/** `private_key_jwt` with a key (RFC 7523, §2.2), else `client_secret_basic`. Throws CONFIG for an unusable key. */
export function createAuthenticateClient(client: ClientOptions, now: () => number): AuthenticateClient {
  const { id, key, secret = '' } = client
  if (key === undefined) {
    const headers = { authorization: clientSecretBasic(id, secret) }
    return async () => ({ headers, form: {} })
  }
  const sign = createSignAssertion(client, key, now)
  return async (tokenUrl) => ({
    headers: {},
    form: {
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: await sign(tokenUrl),
    },
  })
}
