import { PassThrough } from 'node:stream'
import Fastify, { type FastifyInstance } from 'fastify'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { fhirMcp, type HeldToken } from '../../plugins/index.ts'
import { run } from '../../src/cli/run.ts'
import {
  countNetwork,
  permissionsClaim,
  startExchange,
  startIssuer,
  type TestExchange,
  type TestIssuer,
} from '../../src/test-kit/index.ts'
import {
  type AskedToken,
  issued,
  keyPair,
  startTokenEndpoint,
  type TokenAnswer,
  type TokenEndpoint,
} from '../exchange/credentials/token-endpoint-double.ts'
import { mcpHeaders, rpc } from '../plugins/gateway.ts'
import { connectHttp, connectModern, connectSse, connectStdio, type TestClient } from './clients.ts'

const audience = 'https://mcp.test/mcp'
const exchangeAudience = 'https://fhir.example.org/fhir'
const kinds = ['forward', 'held', 'token-exchange', 'backend-services', 'none'] as const
type Kind = (typeof kinds)[number]
const clientSecret = 'client-secret-hunter2'
const upstreamWords = 'upstream-words-hunter2'

let issuer: TestIssuer
let exchange: TestExchange<unknown>
/** Which credentials the exchange takes. */
let taken: (authorization: string | undefined) => boolean
let keys: Awaited<ReturnType<typeof keyPair>>

beforeAll(async () => {
  keys = await keyPair('ES384')
  issuer = await startIssuer()
  exchange = await startExchange({
    dialect: 'hapi',
    fhirVersion: 'R4',
    authorize: (authorization) => taken(authorization),
  })
})
afterAll(async () => {
  await issuer.close()
  await exchange.close()
})

const tokenOf = (sub: string, studies = ['study-a'], aud: readonly string[] = [audience, exchangeAudience]) =>
  issuer.token({ sub, aud: [...aud], ...permissionsClaim({ studies }) })

/** What reaches the exchange for a person, by kind. */
const expected: Readonly<Record<Kind, (person: string, token: string) => RegExp>> = {
  forward: (_, token) => new RegExp(`^Bearer ${token.replaceAll('.', '\\.')}$`),
  held: (person) => new RegExp(`^Bearer held-for-${person}-\\d+$`),
  'token-exchange': (person) => new RegExp(`^Bearer exchanged-for-${person}-\\d+$`),
  'backend-services': () => /^Bearer own-\d+$/,
  none: () => /^undefined$/,
}

/** What an honest token endpoint does: it verifies what it is sent, and gives a token that says for whom it is. */
async function honest({ form, headers }: AskedToken, nth: number): Promise<TokenAnswer> {
  if (form.get('grant_type') === 'client_credentials') {
    await jwtVerify(form.get('client_assertion') ?? '', keys.publicKey, {
      algorithms: ['ES384'],
      issuer: 'our-client',
      subject: 'our-client',
      audience: `http://${headers.host}/token`,
    })
    return issued(`own-${nth}`)
  }
  const basic = Buffer.from(`our-client:${clientSecret}`).toString('base64')
  if (headers.authorization !== `Basic ${basic}`) return { status: 401, body: { error: 'invalid_client' } }
  const { payload } = await jwtVerify(
    form.get('subject_token') ?? '',
    createRemoteJWKSet(new URL(issuer.jwksUri)),
    { audience },
  )
  return issued(`exchanged-for-${payload.sub}-${nth}`)
}

interface Stage {
  readonly app: FastifyInstance
  readonly origin: string
  readonly endpoint: TokenEndpoint
  /** Whose held tokens were asked for. */
  readonly held: string[]
  /** The log of the gateway, at its most talkative. */
  readonly lines: string[]
  connect(token: string, by?: 'http' | 'http-2026' | 'sse'): Promise<TestClient>
}

/** A gateway with these credentials, and everything around it; it ends with the test. */
async function stage(
  kind: Kind,
  answer: (asked: AskedToken, nth: number) => TokenAnswer | Promise<TokenAnswer> = honest,
): Promise<Stage> {
  taken = (authorization) => kind === 'none' || authorization !== undefined
  exchange.reset()
  const endpoint = await startTokenEndpoint(answer)
  const held: string[] = []
  const lines: string[] = []
  const stream = { write: (line: string) => void lines.push(line) }
  const app = Fastify({ logger: { level: 'trace', stream }, forceCloseConnections: true })
  const heldToken: HeldToken = async ({ subject }) => {
    held.push(subject)
    return `held-for-${subject}-${held.length}`
  }
  const client = {
    'token-exchange': { tokenUrl: endpoint.url, id: 'our-client', secret: clientSecret },
    'backend-services': { tokenUrl: endpoint.url, id: 'our-client', key: keys.pem, scopes: ['system/*.rs'] },
  }
  await app.register(fhirMcp, {
    fhir: {
      baseUrl: exchange.url,
      dialect: 'hapi',
      credentials: kind,
      audience: exchangeAudience,
      ...(kind === 'token-exchange' || kind === 'backend-services' ? { client: client[kind] } : {}),
      ...(kind === 'held' ? { heldToken } : {}),
    },
    auth: { issuer: issuer.url, audience },
    // How many calls one person may have under way is not what is tested here.
    limits: { callsAtOnce: 100 },
  })
  const origin = await app.listen({ port: 0, host: '127.0.0.1' })
  const clients: TestClient[] = []
  onTestFinished(async () => {
    for (const one of clients) await one.close()
    await app.close()
  })
  return {
    app,
    origin,
    endpoint,
    held,
    lines,
    async connect(token, by = 'http') {
      const connecting = {
        http: () => connectHttp(`${origin}/mcp`, token),
        'http-2026': () => connectModern(`${origin}/mcp`, token),
        sse: () => connectSse(`${origin}/sse`, token),
      }
      const one = await connecting[by]()
      clients.push(one)
      return one
    },
  }
}

/** What the exchange was asked with, in order, each once. */
const sent = () => [...new Set(exchange.requests.map(({ headers }) => String(headers.authorization)))]

/** Nothing that is nobody's business is in a text. */
function expectNoSecrets(text: string, ...more: string[]) {
  const [, keyLine = ''] = keys.pem.split('\n')
  for (const secret of [clientSecret, upstreamWords, keyLine, 'PRIVATE KEY', 'client_assertion', ...more]) {
    expect(text).not.toContain(secret)
  }
  expect(text).not.toMatch(/own-\d|held-for-|exchanged-for-/)
}

describe.each(kinds)('with credentials %s', (kind) => {
  it.each(['http', 'http-2026', 'sse'] as const)(
    'a call by %s reaches the exchange with them alone',
    async (by) => {
      const { connect, endpoint, held, lines } = await stage(kind)
      const token = await tokenOf('ada')
      const called = await (await connect(token, by)).call('get_patient_demographics', {
        patient_id: 'pat-1',
      })
      expect(called.isError, called.text).toBe(false)
      expect(exchange.count).toBeGreaterThan(1)
      for (const authorization of exchange.requests.map(({ headers }) => String(headers.authorization))) {
        expect(authorization).toMatch(expected[kind]('ada', token))
      }
      const tokenRequests = kind === 'token-exchange' || kind === 'backend-services' ? 1 : 0
      expect(endpoint.asked).toHaveLength(tokenRequests)
      expect(new Set(held)).toEqual(new Set(kind === 'held' ? ['ada'] : []))
      if (kind !== 'forward') expect(JSON.stringify(exchange.requests)).not.toContain(token)
      if (kind !== 'token-exchange')
        expect(JSON.stringify(endpoint.asked.map(({ form }) => `${form}`))).not.toContain(token)
      expectNoSecrets(JSON.stringify(called) + lines.join(''), token)
      expect(lines.join('')).toContain('get_patient_demographics')
    },
  )

  it('a call that the claims forbid asks nobody: no exchange, no token endpoint, nothing that holds', async () => {
    const { connect, endpoint, held } = await stage(kind)
    const client = await connect(await tokenOf('ada'))
    const network = countNetwork({ only: [exchange.origin, endpoint.origin] })
    onTestFinished(() => network.stop())
    for (const [tool, given] of [
      ['get_study_metadata', { study_id: 'study-c' }],
      ['list_study_patients', { study_id: 'study-b' }],
      ['get_patient_demographics', { study_id: 'study-c', patient_id: 'C010' }],
    ] as const) {
      const denied = await client.call(tool, given)
      expect(denied.text).toContain('FHIR_MCP_FORBIDDEN')
    }
    await client.call('get_my_access')
    expect([network.requests, exchange.requests, endpoint.asked, held]).toEqual([[], [], [], []])
    const allowed = await client.call('get_study_metadata', { study_id: 'study-a' })
    expect(allowed.isError, allowed.text).toBe(false)
    expect(exchange.count).toBe(1)
    expect(network.count).toBe(1 + endpoint.asked.length)
    expect(endpoint.asked.length + held.length).toBe(kind === 'none' || kind === 'forward' ? 0 : 1)
  })

  it('two people who call at once are never mixed up', async () => {
    const { connect, endpoint } = await stage(kind)
    const people = [
      { person: 'ada', study: 'study-a', token: await tokenOf('ada', ['study-a']) },
      { person: 'ben', study: 'study-b', token: await tokenOf('ben', ['study-b']) },
    ]
    const clients = await Promise.all(people.map(({ token }) => connect(token)))
    const calls = Array.from({ length: 15 }, () =>
      people.flatMap(({ study }, n) => [
        clients[n]?.call('get_study_metadata', { study_id: study }),
        clients[n]?.call('list_study_patients', { study_id: study }),
      ]),
    )
    for (const called of await Promise.all(calls.flat())) expect(called?.isError, called?.text).toBe(false)
    for (const { person, study, token } of people) {
      const about = exchange.requests.filter(({ path, body }) => `${path} ${body}`.includes(study))
      expect(about.length).toBeGreaterThan(15)
      for (const { headers } of about)
        expect(String(headers.authorization)).toMatch(expected[kind](person, token))
    }
    const asked = { 'token-exchange': 2, 'backend-services': 1, forward: 0, held: 0, none: 0 }
    expect(endpoint.asked).toHaveLength(asked[kind])
  })

  it('what one person was shown of a roster is another’s too only where the exchange is asked in our own name', async () => {
    const { connect } = await stage(kind)
    for (const person of ['ada', 'ben']) {
      const client = await connect(await tokenOf(person))
      await client.call('list_study_patients', { study_id: 'study-a' })
    }
    const rosters = exchange.requests.filter(({ path }) => path.includes('/ResearchSubject'))
    expect(rosters).toHaveLength(kind === 'none' || kind === 'backend-services' ? 1 : 2)
  })
})

describe('a credential that the exchange does not take any more', () => {
  it.each(['held', 'token-exchange', 'backend-services'] as const)(
    'is replaced without the caller noticing: %s',
    async (kind) => {
      const { connect, endpoint, held } = await stage(kind)
      const client = await connect(await tokenOf('ada'))
      const call = () => client.call('get_study_metadata', { study_id: 'study-a' })
      expect((await call()).isError).toBe(false)
      const [old] = sent()
      taken = (authorization) => authorization !== undefined && authorization !== old
      // It counts from one again: the first that it gives is the old one.
      if (kind === 'held') held.length = 0
      exchange.reset()
      const again = await call()
      expect(again.isError, again.text).toBe(false)
      expect(exchange.requests.map(({ headers }) => headers.authorization)[0]).toBe(old)
      expect(exchange.count).toBe(2)
      expect(endpoint.asked).toHaveLength(kind === 'held' ? 0 : 2)
    },
  )

  it.each(['forward', 'token-exchange', 'backend-services'] as const)(
    'is an error when there is none that it takes, after one more try at the most: %s',
    async (kind) => {
      const { connect, lines } = await stage(kind)
      const token = await tokenOf('ada')
      const client = await connect(token)
      taken = () => false
      const refused = await client.call('get_study_metadata', { study_id: 'study-a' })
      expect(refused.text).toContain('FHIR_MCP_EXCHANGE_REJECTED')
      expect(refused.text).toContain('It did not accept the credential.')
      expect(exchange.count).toBe(kind === 'forward' ? 1 : 2)
      expectNoSecrets(JSON.stringify(refused) + lines.join(''), token)
    },
  )
})

describe('a token endpoint that gives no token', () => {
  const refusals: readonly (readonly [string, Kind, TokenAnswer, string])[] = [
    [
      'does not take the caller’s token',
      'token-exchange',
      { status: 400, body: { error: 'invalid_grant', error_description: upstreamWords } },
      'FHIR_MCP_TOKEN_INVALID: The access token was not accepted.',
    ],
    [
      'does not know us',
      'token-exchange',
      { status: 401, body: { error: 'invalid_client', error_description: upstreamWords } },
      'It did not get a credential for the exchange.',
    ],
    [
      'does not know us',
      'backend-services',
      { status: 400, body: { error: 'invalid_grant', error_description: upstreamWords } },
      'It did not get a credential for the exchange.',
    ],
    ['fails', 'backend-services', { status: 500, body: upstreamWords }, 'FHIR_MCP_ISSUER_UNAVAILABLE'],
    [
      'answers with a page',
      'token-exchange',
      { body: `<html>${upstreamWords}`, headers: { 'content-type': 'text/html' } },
      'FHIR_MCP_EXCHANGE_REJECTED',
    ],
  ]
  it.each(refusals)(
    'because it %s is an error by the catalog, and nothing is sent: %s',
    async (_, kind, answer, text) => {
      const { connect, lines } = await stage(kind, () => answer)
      const token = await tokenOf('ada')
      const called = await (await connect(token)).call('get_study_metadata', { study_id: 'study-a' })
      expect(called.isError).toBe(true)
      expect(called.text).toContain(text)
      expect(exchange.count).toBe(0)
      expectNoSecrets(JSON.stringify(called) + lines.join(''), token)
    },
  )

  it.each(['token-exchange', 'backend-services'] as const)(
    'but a redirect is not followed: %s',
    async (kind) => {
      const elsewhere = await startTokenEndpoint(() => issued('stolen'))
      const redirect = { status: 307, headers: { location: elsewhere.url } }
      const { connect, endpoint } = await stage(kind, () => redirect)
      const called = await (await connect(await tokenOf('ada'))).call('get_study_metadata', {
        study_id: 'study-a',
      })
      expect(called.text).toContain('FHIR_MCP_EXCHANGE_REJECTED')
      expect(endpoint.asked.length).toBeGreaterThan(0)
      expect([elsewhere.asked, exchange.requests]).toEqual([[], []])
    },
  )
})

describe('a token that would be forwarded', () => {
  const post = async (app: FastifyInstance, token: string) => {
    const headers = { ...mcpHeaders, authorization: `Bearer ${token}` }
    const payload = rpc('tools/call', { name: 'get_study_metadata', arguments: { study_id: 'study-a' } })
    const answer = await app.inject({ method: 'POST', url: '/mcp', headers, payload })
    return [answer.statusCode, answer.json().error?.data.code]
  }

  it('has to be for us and for the exchange, or it goes nowhere', async () => {
    const { app } = await stage('forward')
    for (const aud of [[audience], [exchangeAudience], ['https://elsewhere.example.org']]) {
      expect(await post(app, await tokenOf('ada', ['study-a'], aud))).toEqual([401, 'FHIR_MCP_AUDIENCE'])
    }
    expect(exchange.requests).toEqual([])
    expect(await post(app, await tokenOf('ada'))).toEqual([200, undefined])
    expect(exchange.count).toBe(1)
  })

  it('has to be of one of our clients where it is opaque', async () => {
    taken = () => true
    exchange.reset()
    const app = Fastify()
    onTestFinished(() => app.close())
    const { client, introspectionUrl: url } = issuer
    await app.register(fhirMcp, {
      fhir: { baseUrl: exchange.url, dialect: 'hapi', credentials: 'forward', audience: exchangeAudience },
      auth: {
        issuer: issuer.url,
        audience,
        sources: ['introspection'],
        clients: ['our-app'],
        introspection: { url, clientId: client.id, clientSecret: client.secret },
      },
    })
    const opaque = (client_id: string) => {
      const claims = permissionsClaim({ studies: ['study-a'] })
      const introspection = { sub: 'ada', aud: [audience, exchangeAudience], client_id, ...claims }
      return issuer.opaque({ introspection })
    }
    expect(await post(app, opaque('another-app'))).toEqual([401, 'FHIR_MCP_AUDIENCE'])
    expect(exchange.requests).toEqual([])
    const ours = opaque('our-app')
    expect(await post(app, ours)).toEqual([200, undefined])
    expect(sent()).toEqual([`Bearer ${ours}`])
  })
})

describe('over stdio', () => {
  const environment = (kind: Kind, token: string, more: Readonly<Record<string, string>> = {}) => ({
    FHIR_MCP_FHIR_BASE_URL: exchange.url,
    FHIR_MCP_FHIR_DIALECT: 'hapi',
    FHIR_MCP_FHIR_CREDENTIALS: kind,
    FHIR_MCP_AUTH_ISSUER: issuer.url,
    FHIR_MCP_AUTH_AUDIENCE: audience,
    FHIR_MCP_ACCESS_TOKEN: token,
    FHIR_MCP_LOG_LEVEL: 'trace',
    ...more,
  })

  it.each(['forward', 'token-exchange', 'backend-services', 'none'] as const)(
    'the exchange is asked by %s as well',
    async (kind) => {
      taken = (authorization) => kind === 'none' || authorization !== undefined
      exchange.reset()
      const endpoint = await startTokenEndpoint(honest)
      const client = { FHIR_MCP_FHIR_CLIENT_TOKEN_URL: endpoint.url, FHIR_MCP_FHIR_CLIENT_ID: 'our-client' }
      const more: Readonly<Record<Kind, Readonly<Record<string, string>>>> = {
        // The token is the user's own: it needs no audience of the exchange.
        forward: {},
        held: {},
        none: {},
        'token-exchange': {
          ...client,
          FHIR_MCP_FHIR_AUDIENCE: exchangeAudience,
          FHIR_MCP_FHIR_CLIENT_SECRET: clientSecret,
        },
        'backend-services': {
          ...client,
          FHIR_MCP_FHIR_CLIENT_KEY: keys.pem,
          FHIR_MCP_FHIR_CLIENT_SCOPES: 'system/*.rs',
        },
      }
      const token = await tokenOf('ada', ['study-a'], [audience])
      const lines: string[] = []
      const connected = await connectStdio(environment(kind, token, more[kind]), lines)
      onTestFinished(() => connected.close())
      const denied = await connected.call('get_study_metadata', { study_id: 'study-c' })
      expect(denied.text).toContain('FHIR_MCP_FORBIDDEN')
      expect([exchange.requests, endpoint.asked]).toEqual([[], []])
      const called = await connected.call('get_study_metadata', { study_id: 'study-a' })
      expect(called.isError, called.text).toBe(false)
      expect(sent()).toHaveLength(1)
      expect(sent()[0]).toMatch(expected[kind]('ada', token))
      expectNoSecrets(JSON.stringify(called) + lines.join(''), token)
      expect(lines.join('')).toContain('get_study_metadata')
    },
  )

  it('there is no broker: held fails at start', async () => {
    const streams = { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() }
    const settings = environment('held', await tokenOf('ada'))
    const ended = run(['stdio'], { ...streams, environment: settings, stopped: new Promise(() => undefined) })
    expect(await ended).toBe(1)
    expect(String(streams.stderr.read())).toContain('fhir.credentials held needs the broker')
  })
})

describe('at start', () => {
  it.each(['none', 'backend-services'] as const)(
    '%s is logged: the claims alone protect the data',
    async (kind) => {
      const { lines } = await stage(kind)
      const note = lines
        .map((line) => JSON.parse(line))
        .find(({ msg }) => msg.includes(`fhir.credentials is ${kind}`))
      expect(note).toMatchObject({ level: 40, msg: expect.stringContaining('the claims alone protect it') })
    },
  )

  it.each(['forward', 'held', 'token-exchange'] as const)(
    '%s is not worth a warning (control)',
    async (kind) => {
      const { lines } = await stage(kind)
      expect(lines.join('')).not.toContain('fhir.credentials')
    },
  )
})
