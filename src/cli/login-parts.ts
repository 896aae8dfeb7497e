import type { Principal } from '../access/principal.ts'
import { noAudit } from '../audit/create-audit.ts'
import type { Configuration, Environment } from '../config/env.ts'
import type { Options } from '../config/options.ts'
import { fhirMcpError } from '../errors.ts'
import type { TokenPair } from '../identity/stdio.ts'
import { type LoginSettings, loginSettings, withLoginClient } from '../login/settings.ts'
import type { Accept } from '../login/sign-in.ts'
import { type TokenFile, tokenFile } from '../login/token-file.ts'
import { pairOf, type TokenSet, tokenSetOf } from '../login/token-set.ts'
import { createStdioService } from '../mcp/create-mcp-service.ts'

/** What the commands that sign in and out share. */
export interface LoginParts {
  readonly settings: LoginSettings
  readonly file: TokenFile
  /** The options with our client among those that are accepted. */
  readonly options: Options
  /** Keeps the tokens of a sign-in once they are known to be of use: whose they are is found out first. */
  readonly accept: Accept<Entry>
}

/** A sign-in that was kept. */
export interface Entry {
  readonly tokens: TokenSet
  readonly principal: Principal
}

/** The sign-in that the configuration describes; undefined without FHIR_MCP_LOGIN_CLIENT_ID. Throws CONFIG. */
export function loginParts(configuration: Configuration, environment: Environment): LoginParts | undefined {
  const settings = loginSettings(configuration)
  if (settings === undefined) return undefined
  const options = withLoginClient(configuration.options, settings.clientId)
  const file = tokenFile(settings)
  return {
    settings,
    file,
    options,
    async accept(answer) {
      const tokens = tokenSetOf(answer, settings, Date.now())
      const principal = await principalOf(options, pairOf(tokens), environment)
      await file.locked(() => file.write(tokens))
      return { tokens, principal }
    },
  }
}

/** The same for a command that cannot do without. Throws CONFIG. */
export function requiredLoginParts(configuration: Configuration, environment: Environment): LoginParts {
  const parts = loginParts(configuration, environment)
  if (parts === undefined) {
    throw fhirMcpError('CONFIG', { detail: 'FHIR_MCP_LOGIN_CLIENT_ID is required.' })
  }
  return parts
}

/** Finds out whose a pair is. Throws what identification throws. */
export async function principalOf(
  options: Options,
  pair: TokenPair,
  environment: Environment,
): Promise<Principal> {
  const surroundings = { now: () => Date.now(), audit: noAudit, environment }
  const service = createStdioService(options, async () => pair, surroundings)
  try {
    return (await service.bearer(new AbortController().signal)).principal
  } finally {
    await service.close()
  }
}
