import { isFhirMcpError } from '../errors.ts'
import type { IdentifyPair, TokenPair, Tokens } from '../identity/stdio.ts'
import type { Bearer } from './bearers.ts'

/** Says who asks over stdio, at each request anew. Throws what `Tokens` and `IdentifyPair` throw. */
export type StdioBearer = (signal: AbortSignal) => Promise<Bearer>

/**
 * Identifies the pair that is to be used now. One that has expired, or that the issuer does not know any more, is asked for
 * anew, once.
 */
export function createStdioBearer(tokens: Tokens, identify: IdentifyPair): StdioBearer {
  async function bearerOf(pair: TokenPair, signal: AbortSignal): Promise<Bearer> {
    return { principal: await identify(pair, signal), token: pair.accessToken }
  }
  return async (signal) => {
    const pair = await tokens(signal)
    try {
      return await bearerOf(pair, signal)
    } catch (thrown) {
      if (!isFhirMcpError(thrown, 'TOKEN_EXPIRED') && !isFhirMcpError(thrown, 'TOKEN_INVALID')) throw thrown
      const newer = await tokens(signal, pair)
      if (newer.accessToken === pair.accessToken && newer.idToken === pair.idToken) throw thrown
      return bearerOf(newer, signal)
    }
  }
}
