import { Agent, request } from 'undici'
import { z } from 'zod'
import { fhirMcpError } from '../../errors.ts'
import { isBearerForm } from '../../identity/token-form.ts'
import { type TokenRefused, tokenRefusal } from '../../token-refusal.ts'
import { startDeadline } from '../deadline.ts'
import { noCredential } from './no-credential.ts'

/** A request for a token (RFC 6749, §3.2). */
export interface TokenRequest {
  readonly url: string
  readonly form: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string>>
  /** What it means when the endpoint does not take the grant: a fault of the caller's token, or of ours. */
  readonly invalidGrant: 'TOKEN_INVALID' | 'EXCHANGE_REJECTED'
}

/** A token for the exchange, and for how many seconds it may be used from when it was asked for. */
export interface IssuedToken {
  readonly token: string
  readonly lifetime: number
}

/** Asks a token endpoint. Throws TOKEN_INVALID as the request says, EXCHANGE_REJECTED or ISSUER_UNAVAILABLE. */
export type AskToken = (request: TokenRequest, signal: AbortSignal) => Promise<IssuedToken>

const maxBytes = 65_536
const jsonType = /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i
/** Lifetime of a token whose endpoint does not say, in seconds. */
const unsaidLifetime = 60

const tokenType = 'urn:ietf:params:oauth:token-type:'
const issuedSchema = z.object({
  access_token: z.string().refine(isBearerForm),
  token_type: z.string().regex(/^bearer$/i),
  expires_in: z
    .union([z.number(), z.string().regex(/^\d+$/).transform(Number)])
    .pipe(z.number().positive())
    .nullish(),
  // RFC 8693, §2.2.1: an ID token or a refresh token is not to be sent to the exchange.
  issued_token_type: z.enum([`${tokenType}access_token`, `${tokenType}jwt`]).nullish(),
})
const errorSchema = z.object({ error: z.string() })
const refusalSchema = z.object({ error: z.enum(['invalid_grant', 'invalid_token']) })

/**
 * Token endpoints: a form by POST, at most `timeout` milliseconds and 64 KB, no redirect is followed. Nothing of an answer is
 * ever repeated but the token; `refused` hears of what was refused.
 */
export function createAskToken(refused: TokenRefused = () => undefined, timeout = 10_000): AskToken {
  const dispatcher = new Agent({ maxResponseSize: maxBytes, pipelining: 0 })

  async function send({ url, form, headers }: TokenRequest, signal: AbortSignal) {
    const answer = await request(url, {
      dispatcher,
      signal,
      method: 'POST',
      headers: {
        accept: 'application/json',
        'content-type': 'application/x-www-form-urlencoded',
        ...headers,
      },
      body: new URLSearchParams(form).toString(),
    })
    const type = answer.headers['content-type']
    const text = await answer.body.text()
    const isJson = typeof type === 'string' && jsonType.test(type)
    return { status: answer.statusCode, body: isJson ? parsed(text) : undefined }
  }

  return async (asked, signal) => {
    const deadline = startDeadline(signal, timeout)
    const { status, body } = await send(asked, deadline.signal)
      .catch(() => {
        signal.throwIfAborted()
        throw fhirMcpError('ISSUER_UNAVAILABLE', { detail: 'The token endpoint did not answer.' })
      })
      .finally(() => deadline.stop())
    if (status !== 200) refused(tokenRefusal(asked.url, status, errorSchema.safeParse(body).data?.error))
    if (status === 429 || status >= 500) {
      throw fhirMcpError('ISSUER_UNAVAILABLE', { detail: 'The token endpoint gave no token now.' })
    }
    if ((status === 400 || status === 401) && refusalSchema.safeParse(body).success) {
      throw asked.invalidGrant === 'TOKEN_INVALID' ? fhirMcpError('TOKEN_INVALID') : noCredential()
    }
    const issued = issuedSchema.safeParse(status === 200 ? body : undefined)
    if (!issued.success) throw noCredential()
    return { token: issued.data.access_token, lifetime: issued.data.expires_in ?? unsaidLifetime }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
