import { randomUUID } from 'node:crypto'
import { get } from 'node:http'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { permissionsClaim, startExchange, type TestExchange } from '../../src/test-kit/index.ts'
import { patience } from '../patience.ts'
import { type AttackedGateway, startAttacked } from './gateway.ts'
import { attack, comesThrough } from './seed.ts'
import { type Signer, startSigner } from './signer.ts'

let signer: Signer
let exchange: TestExchange<unknown>
let gateway: AttackedGateway
let origin: string
let token: string
let stranger: string

beforeAll(async () => {
  signer = await startSigner()
  exchange = await startExchange({ dialect: 'hapi', fhirVersion: 'R4' })
  gateway = await startAttacked(signer, {
    fhir: { baseUrl: exchange.url, credentials: 'none', dialect: 'hapi' },
    bodyLimit: 65_536,
    allowedOrigins: ['https://assistant.example'],
  })
  origin = await gateway.app.listen({ host: '127.0.0.1', port: 0 })
  const claims = permissionsClaim({ studies: ['study-a'] })
  token = signer.token(signer.claims({ ...claims, sub: 'ada' }))
  stranger = signer.token(signer.claims({ ...claims, sub: 'bob' }))
})
afterAll(async () => {
  await Promise.all([gateway.close(), exchange.close(), signer.close()])
})

const rpc = (method: string, params: object = {}) => ({ jsonrpc: '2.0', id: 1, method, params })
const internals =
  /\n\s+at |node_modules|\/work|\.ts:\d|TypeError|RangeError|SyntaxError|Unexpected token|ZodError|FST_ERR|Cannot /

/** An answer that a client may get: of HTTP or of JSON-RPC, and nothing of our insides. */
function isProper(status: number, body: string, type: unknown): void {
  expect(status).toBeGreaterThanOrEqual(200)
  expect(status).toBeLessThan(500)
  expect(body).not.toMatch(internals)
  if (body === '' || status === 202) return
  const messages: unknown[] = String(type).startsWith('text/event-stream')
    ? [...body.matchAll(/^data: (.*)$/gm)].map(([, data = '']) => JSON.parse(data))
    : [JSON.parse(body)].flat()
  for (const message of messages) expect(message).toMatchObject({ jsonrpc: '2.0' })
  const errors = messages.filter((one) => typeof one === 'object' && one !== null && 'error' in one)
  for (const error of errors) {
    expect(error).toMatchObject({ error: { code: expect.any(Number), message: expect.any(String) } })
    expect(JSON.stringify(error)).not.toContain('-32603')
  }
}

async function staysUp(): Promise<void> {
  const answer = await gateway.call(token, 'get_study_metadata', { study_id: 'study-a' })
  expect(answer.isError, answer.text).toBe(false)
}

const standard = {
  accept: 'application/json, text/event-stream',
  'content-type': 'application/json',
  'mcp-protocol-version': '2025-11-25',
}

function inject(headers: Record<string, string>, payload: string | Buffer, url = '/mcp') {
  return gateway.app.inject({ method: 'POST', url, headers, payload })
}

describe('a request with another Host or Origin', () => {
  const others = fc.oneof(
    fc.domain(),
    // All of 127.0.0.0/8 is this machine (RFC 1122, §3.2.1.3), and an Origin there may call.
    fc.ipV4().filter((ip) => !ip.startsWith('127.')),
    fc
      .tuple(fc.constantFrom('localhost', '127.0.0.1'), fc.domain())
      .map(([ours, domain]) => `${ours}.${domain}`),
    fc
      .tuple(fc.constantFrom('localhost', '127.0.0.1'), fc.domain())
      .map(([ours, domain]) => `${domain}:80@${ours}x`),
    fc.constantFrom(
      ...[
        '',
        ' ',
        '.',
        'localhost.',
        'localhost.evil',
        'xlocalhost',
        'local host',
        'localhost,evil',
        'evil,localhost',
        '[::2]',
      ],
      ...[
        'localhost@evil',
        'evil@localhost',
        'localhost\\evil',
        'evil/localhost',
        'localhost#evil',
        '127.0.0.1.nip.io',
        '0.0.0.0',
      ],
      ...['ｌocalhost', 'localhost%00', '169.254.169.254', 'metadata.google.internal', '*'],
    ),
  )
  const withPort = fc
    .tuple(others, fc.constantFrom('', ':80', ':443', ':8765'))
    .map((parts) => parts.join(''))

  it('is refused, in words of the protocol, before its token is looked at', async () => {
    const before = signer.seen.length
    const attacks = fc.tuple(
      fc.constantFrom('host', 'origin'),
      withPort,
      fc.constantFrom('http://', 'https://', ''),
    )
    await attack('http: hosts and origins', attacks, async ([header, name, scheme]) => {
      // A request without a Host is made one of localhost's here; over a socket it is refused.
      const value = header === 'host' ? name.trim() || 'elsewhere' : `${scheme}${name}`
      const headers = { ...standard, authorization: `Bearer ${randomUUID()}`, [header]: value }
      const answer = await inject(headers, JSON.stringify(rpc('tools/list')))
      expect(answer.statusCode, value).toBe(403)
      isProper(answer.statusCode, answer.body, answer.headers['content-type'])
      expect(answer.headers['access-control-allow-origin']).toBeUndefined()
    })
    expect(signer.seen.length).toBe(before)
    await staysUp()
  })

  it.each(['evil@localhost', 'localhost#evil', 'localhost\\\\evil', 'localhost?x', 'localhost/evil'])(
    'is none of ours with what a URL parser would pass over: %s',
    async (host) => {
      const authorization = `Bearer ${token}`
      for (const headers of [{ host }, { origin: `http://${host}` }]) {
        const answer = await inject({ ...standard, authorization, ...headers }, JSON.stringify(rpc('ping')))
        expect([headers, answer.statusCode]).toEqual([headers, 403])
      }
    },
  )

  it('would be let in under our own names (control)', async () => {
    for (const headers of [
      { host: 'localhost:8765' },
      { host: '127.0.0.1' },
      { origin: 'https://assistant.example' },
    ]) {
      const all = { ...standard, ...headers, authorization: `Bearer ${token}` }
      expect((await inject(all, JSON.stringify(rpc('tools/list')))).statusCode).toBe(200)
    }
  })
})

describe('a body', () => {
  const methods = [
    'initialize',
    'ping',
    'tools/list',
    'tools/call',
    'resources/read',
    'resources/list',
    'prompts/get',
    'completion/complete',
    'notifications/cancelled',
    'notifications/initialized',
    'logging/setLevel',
    'sampling/createMessage',
    'server/discover',
    'subscriptions/listen',
    '__proto__',
    'constructor',
    '',
  ]
  const oddity = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom<unknown>(undefined, null, '', 0, [], {}),
  )
  const params = fc.oneof(
    oddity,
    fc.record(
      {
        name: fc.oneof(oddity, fc.constantFrom('get_my_access', 'get_study_metadata', 'get_data_type')),
        arguments: fc.oneof(oddity, fc.constant({ study_id: 'study-a' })),
        uri: fc.oneof(
          oddity,
          fc.constantFrom('exchange://study/study-a', 'exchange://study/{id}', 'fhir://capabilities', 'x:'),
        ),
        ref: fc.oneof(oddity, fc.constant({ type: 'ref/resource', uri: 'exchange://patient/{id}' })),
        argument: fc.oneof(oddity, fc.constant({ name: 'id', value: 'p' })),
        protocolVersion: oddity,
        capabilities: oddity,
        clientInfo: oddity,
        requestId: oddity,
        cursor: oddity,
        _meta: fc.oneof(
          oddity,
          fc.record({ progressToken: oddity }),
          fc.constant({ 'io.modelcontextprotocol/protocolVersion': '2026-07-28' }),
        ),
      },
      { requiredKeys: [] },
    ),
  )
  const message = fc.record(
    {
      jsonrpc: fc.oneof(
        { weight: 6, arbitrary: fc.constant<unknown>('2.0') },
        { weight: 1, arbitrary: oddity },
      ),
      id: fc.oneof(
        { weight: 6, arbitrary: fc.oneof(fc.nat(9), fc.string({ maxLength: 9 })) },
        { weight: 1, arbitrary: oddity },
      ),
      method: fc.oneof(
        { weight: 8, arbitrary: fc.constantFrom<unknown>(...methods) },
        { weight: 1, arbitrary: oddity },
      ),
      params,
    },
    { requiredKeys: ['jsonrpc', 'method'] },
  )
  const strangeMessage = fc
    .tuple(message, fc.record({ result: oddity, error: oddity, extra: oddity }, { requiredKeys: [] }))
    .map(([good, more]) => ({ ...good, ...more }))
  const envelope = fc.oneof(
    { weight: 12, arbitrary: message },
    { weight: 2, arbitrary: strangeMessage },
    { weight: 2, arbitrary: fc.array(message, { maxLength: 5 }) },
    { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
  )
  const version = fc.constantFrom(
    '2025-11-25',
    '2025-11-25',
    '2024-11-05',
    '2026-07-28',
    '1999-01-01',
    'x',
    '',
  )

  it('of any form gets a proper answer, and the next one too', async () => {
    await attack('http: envelopes', fc.tuple(envelope, version), async ([body, protocol]) => {
      const headers = { ...standard, authorization: `Bearer ${token}`, 'mcp-protocol-version': protocol }
      const answer = await inject(headers, JSON.stringify(body) ?? '')
      isProper(answer.statusCode, answer.body, answer.headers['content-type'])
    })
    await staysUp()
  })

  it.each([
    ['tools/call', {}],
    ['tools/call', { name: 'get_my_access', arguments: 5 }],
    ['resources/read', {}],
    ['completion/complete', { ref: 5 }],
    ['initialize', {}],
  ])(
    'whose params are not those of %s: %j is told so, with the code for it and no list of schemas',
    async (method, params) => {
      const headers = { ...standard, authorization: `Bearer ${token}` }
      const answer = await inject(headers, JSON.stringify(rpc(method, params)))
      const message = 'Invalid params: they do not have the form that this method takes'
      expect(answer.json().error).toEqual({ code: -32602, message })
    },
  )

  it('of bytes that are no text, or none of its type, gets one as well', async () => {
    const bodies = [
      Buffer.from([0xff, 0xfe, 0x00]),
      Buffer.from('{"jsonrpc":"2.0\xc3\x28"}', 'latin1'),
      Buffer.alloc(3),
      Buffer.from('\ufeff{}'),
    ]
    for (const body of bodies) {
      for (const type of [
        'application/json',
        'application/json; charset=utf-16',
        'text/plain',
        'application/xml',
        'multipart/form-data; boundary=x',
        '',
        'application/json\u0000',
      ]) {
        const answer = await inject(
          { ...standard, 'content-type': type, authorization: `Bearer ${token}` },
          body,
        )
        isProper(answer.statusCode, answer.body, answer.headers['content-type'])
        expect(answer.statusCode).toBeGreaterThanOrEqual(400)
      }
    }
  })

  it('over the limit, or of more messages than a batch may have, is refused', async () => {
    const authorized = { ...standard, authorization: `Bearer ${token}` }
    const large = await inject(authorized, JSON.stringify(rpc('ping', { x: 'x'.repeat(70_000) })))
    expect([large.statusCode, large.json().jsonrpc]).toEqual([413, '2.0'])
    const batch = await inject(authorized, JSON.stringify(Array.from({ length: 101 }, () => rpc('ping'))))
    isProper(batch.statusCode, batch.body, batch.headers['content-type'])
    expect(batch.statusCode).toBeGreaterThanOrEqual(400)
    await staysUp()
  })

  it('that is refused where it should be taken would be noticed (control)', async () => {
    const failing = fc.constant(rpc('ping'))
    expect(await comesThrough(failing, () => isProper(500, '{"jsonrpc":"2.0"}', 'application/json'), 1)).toBe(
      true,
    )
    expect(
      await comesThrough(failing, () => isProper(400, '{"message":"TypeError: x"}', 'application/json'), 1),
    ).toBe(true)
  })
})

describe('the session of an HTTP+SSE stream', () => {
  let endpoint: string
  let received = ''
  let close: () => void

  beforeAll(async () => {
    endpoint = await new Promise((resolve, reject) => {
      const request = get(
        `${origin}/sse`,
        { agent: false, headers: { authorization: `Bearer ${token}` } },
        (response) => {
          response.setEncoding('utf8').on('data', (chunk: string) => {
            received += chunk
            const path = /data: (\/\S+)\n/.exec(received)?.[1]
            if (path !== undefined) resolve(path)
          })
          response.on('error', () => undefined)
        },
      )
      request.on('error', reject)
      close = () => void request.destroy()
    })
  })
  afterAll(() => close())

  const post = (url: string, bearer: string) =>
    inject({ ...standard, authorization: `Bearer ${bearer}` }, JSON.stringify(rpc('tools/list')), url)

  it('is open to who opened it (control)', async () => {
    expect((await post(endpoint, token)).statusCode).toBe(202)
    await vi.waitFor(() => expect(received).toContain('get_my_access'), patience)
  })

  it('is nobody else’s, and cannot be guessed', async () => {
    const id = new URL(endpoint, origin).searchParams.get('sessionId') ?? ''
    const guesses = fc.oneof(
      fc.uuid(),
      fc.nat(id.length - 1).map((at) => `${id.slice(0, at)}${id[at] === '0' ? '1' : '0'}${id.slice(at + 1)}`),
      fc.nat(id.length - 1).map((end) => id.slice(0, end)),
      fc.constantFrom(
        '',
        '*',
        '__proto__',
        'constructor',
        ' ',
        `${id}0`,
        `${id} `,
        id.toUpperCase().replace(/[A-F]/, 'g'),
      ),
      fc.string({ maxLength: 50 }),
    )
    const before = received.length
    await attack('http: sessions', fc.tuple(guesses, fc.boolean()), async ([guess, own]) => {
      if (own && guess === id) return
      const answer = await post(`/messages?sessionId=${encodeURIComponent(guess)}`, own ? token : stranger)
      expect(answer.statusCode).toBe(404)
      isProper(404, answer.body, answer.headers['content-type'])
    })
    for (const url of [endpoint, `${endpoint}&sessionId=${id}`, `/messages?sessionId[]=${id}`, '/messages']) {
      expect((await post(url, stranger)).statusCode).toBe(404)
    }
    expect(received.length).toBe(before)
    await staysUp()
  })
})
