import type { Principal } from '../access/principal.ts'
import { noAudit } from '../audit/create-audit.ts'
import { type Configuration, type Environment, readEnvironment } from '../config/env.ts'
import type { Options } from '../config/options.ts'
import type { Tokens } from '../identity/stdio.ts'
import { createLoginTokens } from '../login/login-tokens.ts'
import { createStdioService } from '../mcp/create-mcp-service.ts'
import { oneLine, someOf } from '../results/line.ts'
import { requiredLoginParts } from './login-parts.ts'
import type { Surroundings } from './surroundings.ts'

/** `whoami`: who is signed in, or whose FHIR_MCP_ACCESS_TOKEN is. Throws UNAUTHENTICATED when nobody is. */
export async function whoami(
  environment: Environment,
  { stdout, stopped }: Pick<Surroundings, 'stdout' | 'stopped'>,
): Promise<void> {
  const configuration = readEnvironment(environment)
  const { options, tokens } = sourceOf(configuration, environment)
  const surroundings = { now: () => Date.now(), audit: noAudit, environment }
  const service = createStdioService(options, tokens, surroundings)
  const stop = new AbortController()
  void stopped.then(() => stop.abort())
  try {
    const { principal } = await service.bearer(stop.signal)
    stdout.write(`${whoLines(principal).join('\n')}\n`)
  } finally {
    await service.close()
  }
}

/** Nobody signs in for a question: tokens that are given or kept, or none. */
function sourceOf(
  configuration: Configuration,
  environment: Environment,
): { readonly options: Options; readonly tokens: Tokens } {
  const { FHIR_MCP_ACCESS_TOKEN: accessToken, FHIR_MCP_ID_TOKEN: idToken } = configuration.command
  if (accessToken !== undefined) {
    return { options: configuration.options, tokens: async () => ({ accessToken, idToken }) }
  }
  const { settings, file, options } = requiredLoginParts(configuration, environment)
  const parts = { settings, file, signIn: undefined, callPatience: 0, now: () => Date.now() }
  return { options, tokens: createLoginTokens(parts).tokens }
}

/** A principal in lines for a terminal. Names come from the issuer: control characters go. */
export function whoLines({ issuer, subject, client, permissions, expiresAt }: Principal): string[] {
  const studies = [...permissions.studies.values()].map(({ id }) => id)
  const organizations = [...permissions.organizations.values()].map(({ id, name, roles }) =>
    [
      id,
      name === undefined ? undefined : oneLine(name),
      roles.length === 0 ? undefined : `(${oneLine(roles.join(', '), 64)})`,
    ]
      .filter((word) => word !== undefined)
      .join(' '),
  )
  return [
    `issuer         ${oneLine(issuer)}`,
    `subject        ${oneLine(subject)}`,
    `client         ${oneLine(client ?? 'not named')}`,
    ...(permissions.superuser ? ['superuser      every study and every patient of the exchange'] : []),
    `studies        ${listed(studies)}`,
    `organizations  ${listed(organizations)}`,
    `expires        ${new Date(Math.min(expiresAt * 1000, lastInstant)).toISOString()}`,
  ]
}

/** The last instant that a Date has. */
const lastInstant = 8.64e15

function listed(words: readonly string[]): string {
  return words.length === 0 ? 'none' : `${words.length}: ${someOf(words)}`
}
