import { parseArgs } from 'node:util'
import { startExchange } from '../test-kit/exchange.ts'
import { countNetwork } from '../test-kit/network.ts'
import { type Cast, discoverCast, syntheticCast } from './cast.ts'
import { startGateway } from './gateway.ts'
import { startDemoIssuer } from './issuer.ts'
import { choosePorts, usualPorts } from './ports.ts'
import { field, heading, paint, say } from './screen.ts'
import { managerSteps, play, strangerSteps, viewerSteps } from './session.ts'
import { signIn } from './sign-in.ts'

/** The exchange of the demo, and how many requests reached it. */
interface Source {
  readonly url: string
  readonly about: string
  readonly cast: Cast
  readonly sent: () => number
  close(): Promise<void>
}

async function embedded(): Promise<Source> {
  const exchange = await startExchange({ dialect: 'hapi', fhirVersion: 'R4' })
  return {
    url: exchange.url,
    about: 'embedded, FHIR R4, a synthetic cohort',
    cast: syntheticCast(),
    sent: () => exchange.count,
    close: () => exchange.close(),
  }
}

async function onHapi(url: string): Promise<Source> {
  const baseUrl = url.replace(/\/+$/, '')
  const cast = await discoverCast(baseUrl)
  const network = countNetwork({ only: [new URL(baseUrl).origin] })
  return {
    url: baseUrl,
    about: 'yours; only read',
    cast,
    sent: () => network.count,
    close: async () => network.stop(),
  }
}

function howToConnect(mcpUrl: string, serving: boolean): void {
  heading(
    'Connect your own assistant',
    serving
      ? 'it opens a page in your browser on which you choose whom to be'
      : 'npm run demo -- --serve stays up at this address',
  )
  field(
    'Browser',
    `${new URL('/', mcpUrl).href}  ${paint('dim', 'how each client is set up, and what you may reach')}`,
  )
  field('Claude', `claude mcp add --transport http fhir ${mcpUrl}`)
  field('', 'then in Claude Code: /mcp, fhir, Authenticate')
  field('VS Code', `.vscode/mcp.json: { "servers": { "fhir": { "type": "http", "url": "${mcpUrl}" } } }`)
  field('stdio only', `command "npx", args ["-y", "mcp-remote", "${mcpUrl}"]`)
}

function showTokens(mcpUrl: string, tokens: ReadonlyMap<string, string>): void {
  heading('Tokens', 'in place of the sign-in; good for 8 hours, for this run of the demo only')
  field('Claude', `claude mcp add --transport http fhir ${mcpUrl} --header "Authorization: Bearer $TOKEN"`)
  field('Inspector', `npx @modelcontextprotocol/inspector --cli ${mcpUrl} --transport http \\`)
  field('', '  --method tools/list --header "Authorization: Bearer $TOKEN"')
  for (const [name, token] of tokens) field(name, token)
  say('', 'Ctrl-C ends it.')
}

/**
 * Plays the demo with the arguments of its command line. Returns the exit code: 0 when every call came out as it should.
 * With `--serve` it stays up, at the same address each time, until `stopped` settles; then MCP clients sign in at its issuer.
 * Throws when the arguments, the ports or the FHIR server are not usable.
 */
export async function runDemo(args: readonly string[], stopped: () => Promise<unknown>): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      serve: { type: 'boolean', default: false },
      hapi: { type: 'string' },
      port: { type: 'string' },
    },
  })
  const started: { close(): Promise<void> }[] = []
  const start = async <T extends { close(): Promise<void> }>(part: Promise<T>): Promise<T> => {
    const running = await part
    started.unshift(running)
    return running
  }
  try {
    const source = await start(values.hapi === undefined ? embedded() : onHapi(values.hapi))
    const ports = await choosePorts({ serve: values.serve, asked: values.port })
    const mcpUrl = mcpUrlAt(ports.gateway)
    const people = [source.cast.manager, source.cast.viewer, source.cast.stranger]
    const issuer = await start(
      startDemoIssuer({
        port: ports.issuer,
        resource: mcpUrl,
        people,
        foreignData: values.hapi !== undefined,
      }),
    )
    await start(
      startGateway({ port: ports.gateway, fhirUrl: source.url, issuer: issuer.url, audience: mcpUrl }),
    )
    say(paint('bold', 'fastify-fhir-mcp: claims decide, then the exchange is asked'))
    field('exchange', `${source.url}  ${paint('dim', source.about)}`)
    field('issuer', `${issuer.url}  ${paint('dim', 'oidc-provider; authorization code + PKCE')}`)
    field('gateway', `${mcpUrl}  ${paint('dim', 'Fastify with the plugin')}`)
    const tokens = new Map<string, string>()
    for (const { name } of people) tokens.set(name, await signIn(issuer.url, mcpUrl, name))
    const surprises = await playAll(mcpUrl, source, tokens)
    howToConnect(values.serve ? mcpUrl : mcpUrlAt(usualPorts.gateway), values.serve)
    if (values.serve) {
      showTokens(mcpUrl, tokens)
      for (const port of ports.taken) say(paint('yellow', movedFrom(port)))
      await stopped()
    }
    return surprises === 0 ? 0 : 1
  } finally {
    for (const part of started) await part.close()
  }
}

function mcpUrlAt(port: number): string {
  return `http://127.0.0.1:${port}/mcp`
}

function movedFrom(port: number): string {
  const part = port === usualPorts.gateway ? 'gateway' : 'issuer'
  return `Port ${port} is taken by another program, so the ${part} is elsewhere this time (see above).`
}

async function playAll(
  mcpUrl: string,
  { cast, sent }: Source,
  tokens: ReadonlyMap<string, string>,
): Promise<number> {
  let surprises = 0
  for (const [person, steps] of [
    [cast.manager, managerSteps(cast)],
    [cast.viewer, viewerSteps(cast)],
    [cast.stranger, strangerSteps(cast)],
  ] as const) {
    surprises += await play(mcpUrl, tokens.get(person.name) ?? '', person, steps, sent)
  }
  const wrong = `${surprises} calls did not come out as they should.`
  say('', surprises === 0 ? paint('green', 'Every call came out as it should.') : paint('red', wrong))
  return surprises
}
