import type { Configuration, Environment } from '../config/env.ts'
import type { Options } from '../config/options.ts'
import { fhirMcpError } from '../errors.ts'
import type { TokenPair, Tokens } from '../identity/stdio.ts'
import { createLoginTokens } from '../login/login-tokens.ts'
import { signInByBrowser } from '../login/sign-in.ts'
import { signInPatience } from './login.ts'
import { loginParts } from './login-parts.ts'
import type { OpenBrowser } from './surroundings.ts'

/** Where stdio gets its tokens from. */
export interface TokenSource {
  /** The options that go with them. */
  readonly options: Options
  readonly tokens: Tokens
  /** The tokens that can be had without anybody signing in. */
  readonly kept: (signal: AbortSignal) => Promise<TokenPair | undefined>
}

/** What a sign-in takes from its process. */
export interface SignInSurroundings {
  readonly environment: Environment
  readonly openBrowser: OpenBrowser
  /** Tells the person what to do: one line. */
  readonly tell: (line: string) => void
  /** Ends a sign-in under way. */
  readonly signal: AbortSignal
}

/** How long one call waits for the person, in milliseconds: less than the 60 s after which many clients give a call up. */
const callPatience = 50_000

/** The tokens of the environment, or else those of a sign-in. Throws CONFIG when neither is configured. */
export function tokenSource(configuration: Configuration, surroundings: SignInSurroundings): TokenSource {
  const { FHIR_MCP_ACCESS_TOKEN: accessToken, FHIR_MCP_ID_TOKEN: idToken } = configuration.command
  if (accessToken !== undefined) {
    const pair = { accessToken, idToken }
    return { options: configuration.options, tokens: async () => pair, kept: async () => pair }
  }
  const { environment, openBrowser, tell, signal } = surroundings
  const parts = loginParts(configuration, environment)
  if (parts === undefined) {
    throw fhirMcpError('CONFIG', {
      detail: 'FHIR_MCP_ACCESS_TOKEN, or FHIR_MCP_LOGIN_CLIENT_ID to sign in with, is required.',
    })
  }
  const { settings, file, options, accept } = parts
  const signIn = async () => {
    const byBrowser = signInByBrowser(openBrowser)
    return (await byBrowser({ settings, tell, patience: signInPatience }, accept, signal)).tokens
  }
  const { tokens, kept } = createLoginTokens({ settings, file, signIn, callPatience, now: () => Date.now() })
  return { options, tokens, kept }
}
