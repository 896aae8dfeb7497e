import { randomInt } from 'node:crypto'
import type { Configuration, TokenEndpointResponse } from 'openid-client'
import {
  calculatePKCECodeChallenge,
  initiateDeviceAuthorization,
  pollDeviceAuthorizationGrant,
  randomPKCECodeVerifier,
} from 'openid-client'
import { fhirMcpError } from '../errors.ts'
import { beginAuthorization } from './authorization.ts'
import { openIssuer, resourceParameter, scopeFor } from './issuer-client.ts'
import { listenForRedirect, redirectPath } from './redirect-listener.ts'
import { isClosedGrant, refusalOf, signInFirst } from './refusal.ts'
import type { LoginSettings } from './settings.ts'

/** What a sign-in is made of. */
export interface SignInParts {
  readonly settings: LoginSettings
  /** Tells the person who signs in what to do: one line. */
  readonly tell: (line: string) => void
  /** How long to wait for the person, in milliseconds. */
  readonly patience: number
}

/** Deals with the tokens of a sign-in before the person is told that it worked. */
export type Accept<T> = (answer: TokenEndpointResponse) => Promise<T>

/** Signs a person in; resolves with what `accept` makes of the tokens. Throws FhirMcpError, and nothing is kept then. */
export type SignIn = <T>(parts: SignInParts, accept: Accept<T>, signal: AbortSignal) => Promise<T>

/** Through the browser of this machine, which comes back to a loopback port (RFC 8252, §7.3). */
export function signInByBrowser(openBrowser: (url: string) => Promise<void>): SignIn {
  return async ({ settings, tell, patience }, accept, signal) => {
    const issuer = await openIssuer(settings)
    const listener = await listenForRedirect(settings.port)
    try {
      const authorization = await beginAuthorization(issuer, settings, listener.redirectUri)
      tell(`Sign in in your browser; where it does not open, visit ${authorization.url.href}`)
      // The address stands above for whoever has no browser here.
      openBrowser(authorization.url.href).catch(() => undefined)
      const deal = async (redirect: URL) => accept(await authorization.redeem(redirect))
      return await inTime(patience, signal, (ends) => listener.next(authorization.state, deal, ends))
    } finally {
      await listener.close()
    }
  }
}

/** Through a browser elsewhere: whoever signs in brings the address back that it ended on. Nothing listens there. */
export function signInByPaste(ask: (signal: AbortSignal) => Promise<string>): SignIn {
  return async ({ settings, tell, patience }, accept, signal) => {
    const issuer = await openIssuer(settings)
    const port = settings.port === 0 ? randomInt(49_152, 65_536) : settings.port
    const redirectUri = `http://127.0.0.1:${port}${redirectPath}`
    const { url, redeem } = await beginAuthorization(issuer, settings, redirectUri)
    tell(`Sign in at ${url.href}`)
    tell('The browser ends on a page that does not load. Paste its whole address here:')
    const pasted = (await inTime(patience, signal, ask)).trim()
    if (!isAt(redirectUri, pasted)) {
      throw fhirMcpError('TOKEN_INVALID', { detail: `The address must begin with ${redirectUri}?` })
    }
    return accept(await redeem(new URL(pasted)))
  }
}

/** On another device, by a code that is typed in there (RFC 8628). Throws CONFIG where the issuer does not offer it. */
export const signInByDevice: SignIn = async ({ settings, tell, patience }, accept, signal) => {
  const issuer = await openIssuer(settings)
  const metadata = issuer.serverMetadata()
  if (metadata.device_authorization_endpoint === undefined) {
    throw fhirMcpError('CONFIG', {
      detail: 'The issuer does not offer the device grant; use login --no-browser.',
    })
  }
  const scope = scopeFor(settings, metadata)
  const resource = resourceParameter(settings.resource)
  return accept(
    await inTime(patience, signal, (ends) => granted(issuer, { scope, ...resource }, resource, tell, ends)),
  )
}

async function granted(
  issuer: Configuration,
  parameters: Record<string, string>,
  resource: Record<string, string>,
  tell: (line: string) => void,
  ends: AbortSignal,
): Promise<TokenEndpointResponse> {
  try {
    const verifier = randomPKCECodeVerifier()
    const device = await initiateDeviceAuthorization(issuer, {
      ...parameters,
      // RFC 8628 does not speak of PKCE; Keycloak demands it of a client that has to use it.
      code_challenge: await calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    }).catch((thrown: unknown) => {
      throw isClosedGrant(thrown) ? deviceGrantClosed() : thrown
    })
    // RFC 8628, §6.1: a code that people can type; whatever else it held would be written to a terminal.
    if (!/^[\w -]{1,64}$/.test(device.user_code)) throw fhirMcpError('TOKEN_INVALID')
    const page = new URL(device.verification_uri)
    tell(`On any device, visit ${page.href} and enter the code ${device.user_code}`)
    const proof = { ...resource, code_verifier: verifier }
    return await pollDeviceAuthorizationGrant(issuer, device, proof, { signal: ends })
  } catch (thrown) {
    throw refusalOf(thrown)
  }
}

function deviceGrantClosed() {
  return fhirMcpError('CONFIG', {
    detail:
      'The issuer does not let this client sign in by a code (device grant): allow it there, or use login --no-browser.',
  })
}

/** Waits until `patience` milliseconds are over or the signal ends; either is UNAUTHENTICATED. */
async function inTime<T>(
  patience: number,
  signal: AbortSignal,
  wait: (ends: AbortSignal) => Promise<T>,
): Promise<T> {
  const ends = new AbortController()
  const stop = () => ends.abort(signInFirst('The sign-in was stopped.'))
  const timer = setTimeout(() => ends.abort(signInFirst('Nobody signed in in time.')), patience)
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  try {
    ends.signal.throwIfAborted()
    return await wait(ends.signal)
  } catch (thrown) {
    throw ends.signal.aborted ? ends.signal.reason : thrown
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
  }
}

function isAt(redirectUri: string, text: string): boolean {
  if (!URL.canParse(text)) return false
  const { origin, pathname } = new URL(text)
  return `${origin}${pathname}` === redirectUri
}
