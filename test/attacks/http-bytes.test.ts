import type { AddressInfo } from 'node:net'
import { PassThrough } from 'node:stream'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serve } from '../../src/cli/serve.ts'
import { permissionsClaim, startExchange, type TestExchange } from '../../src/test-kit/index.ts'
import { type AttackedGateway, startAttacked } from './gateway.ts'
import { type RawAnswer, send } from './raw-http.ts'
import { attackAtOnce } from './seed.ts'
import { audience, type Signer, startSigner } from './signer.ts'

let signer: Signer
let exchange: TestExchange<unknown>
let gateway: AttackedGateway
let port: number
let token: string

beforeAll(async () => {
  signer = await startSigner()
  exchange = await startExchange({ dialect: 'hapi', fhirVersion: 'R4' })
  gateway = await startAttacked(
    signer,
    { fhir: { baseUrl: exchange.url, credentials: 'none', dialect: 'hapi' }, bodyLimit: 65_536 },
    undefined,
    // Small, so that a request that never ends is one that is over soon.
    {
      requestTimeout: 300,
      keepAliveTimeout: 50,
      http: { headersTimeout: 200, connectionsCheckingInterval: 50 },
    },
  )
  await gateway.app.listen({ host: '127.0.0.1', port: 0 })
  port = (gateway.app.server.address() as AddressInfo).port
  token = signer.token(signer.claims({ ...permissionsClaim({ studies: ['study-a'] }) }))
})
afterAll(async () => {
  await Promise.all([gateway.close(), exchange.close(), signer.close()])
})

const call = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: { name: 'get_study_metadata', arguments: { study_id: 'study-a' } },
})

/** A good request in lines; `connection: close` ends the conversation. */
function lines(body = call, more: readonly string[] = []): string[] {
  return [
    'POST /mcp HTTP/1.1',
    'host: localhost',
    'connection: close',
    'accept: application/json, text/event-stream',
    'content-type: application/json',
    'mcp-protocol-version: 2025-11-25',
    `authorization: Bearer ${token}`,
    ...more,
    `content-length: ${Buffer.byteLength(body)}`,
  ]
}

const wire = (head: readonly string[], body: string | Buffer = call) =>
  Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1'), Buffer.from(body)])

const internals =
  /\n\s+at |node_modules|\/work|\.ts:\d|TypeError|RangeError|SyntaxError|Unexpected token|HPE_/

function isProper({ statuses, text }: RawAnswer): void {
  expect(text).not.toMatch(internals)
  for (const status of statuses) expect(status, text.slice(0, 300)).toBeLessThan(500)
  expect(text).not.toContain('-32603')
}

async function staysUp(): Promise<void> {
  expect((await send(port, wire(lines()))).text).toContain('"id":"study-a"')
}

describe('two Authorization headers', () => {
  const answered = async (more: readonly string[]) => (await send(port, wire(lines(call, more)))).text

  it.each([
    ['the same again', () => `authorization: Bearer ${token}`],
    ['another token', () => 'Authorization: Bearer abc'],
    ['another scheme', () => 'AUTHORIZATION: Basic YTpi'],
    ['nothing', () => 'authorization:'],
  ])('are refused, whichever stands first: %s', async (_, second) => {
    const after = await answered([second()])
    expect(after).toMatch(/^HTTP\/1.1 401 /)
    expect(after).toContain('more than one Authorization header')
    const head = lines()
    head.splice(1, 0, second())
    expect((await send(port, wire(head))).text).toMatch(/^HTTP\/1.1 401 /)
  })

  it('are not two when another header holds the word (control)', async () => {
    expect(await answered(['x-authorization: Bearer abc'])).toMatch(/^HTTP\/1.1 200 /)
  })
})

describe('a connection', () => {
  it('is answered on when its request is good (control)', async () => {
    const answer = await send(port, wire(lines()))
    expect(answer.statuses).toEqual([200])
    isProper(answer)
    await staysUp()
  })

  it('with any bytes is refused or ended, and the next one is answered', async () => {
    const base = wire(lines())
    const bytes = fc.uint8Array({ maxLength: 60 }).map((some) => Buffer.from(some))
    const broken = fc.oneof(
      bytes,
      fc.tuple(bytes, fc.nat()).map(([some, at]) => {
        const cut = at % base.length
        return Buffer.concat([base.subarray(0, cut), some, base.subarray(cut)])
      }),
      fc.nat(base.length - 1).map((end) => base.subarray(0, end)),
      fc.nat().map((bit) => {
        const changed = Buffer.from(base)
        const at = bit % (changed.length * 8)
        changed.writeUInt8(changed.readUInt8(at >> 3) ^ (1 << (at & 7)), at >> 3)
        return changed
      }),
      fc
        .tuple(fc.nat(), fc.constantFrom('', '\r\n', '\n', '\r', '\0', ' ', ':', '\t', '\r\n\r\n', 'é'))
        .map(([n, piece]) => {
          const head = lines()
          const at = n % head.length
          return wire(head.with(at, `${head[at] ?? ''}${piece}x`))
        }),
      fc
        .constantFrom(
          'GET',
          'HEAD',
          'PUT',
          'DELETE',
          'TRACE',
          'CONNECT',
          'OPTIONS',
          'PATCH',
          'post',
          'X',
          'PRI',
        )
        .map((method) => wire(lines().with(0, `${method} /mcp HTTP/1.1`))),
      fc
        .constantFrom(
          '/mcp HTTP/1.0',
          '/mcp HTTP/0.9',
          '/mcp HTTP/2.0',
          '/mcp',
          '* HTTP/1.1',
          'http://elsewhere/mcp HTTP/1.1',
          '//mcp HTTP/1.1',
          '/%ff HTTP/1.1',
          '/mcp/../mcp HTTP/1.1',
          '/mcp%2f HTTP/1.1',
          '/mcp?x=%zz HTTP/1.1',
          `/${'a'.repeat(20_000)} HTTP/1.1`,
        )
        .map((target) => wire(lines().with(0, `POST ${target}`))),
      fc.uint8Array({ minLength: 1, maxLength: 40 }).map((some) => {
        const body = Buffer.concat([
          Buffer.from('{"jsonrpc":"2.0","id":1,"method":"'),
          Buffer.from(some),
          Buffer.from('"}'),
        ])
        return wire([...lines().slice(0, -1), `content-length: ${body.length}`], body)
      }),
    )
    await attackAtOnce('http: bytes', 50, broken, async (some) => isProper(await send(port, some)))
    await staysUp()
  })

  it('carries no second request inside of a first one', async () => {
    const hidden = wire(lines(call, ['x-hidden: 1'])).toString('latin1')
    const without = lines().filter((line) => !line.startsWith('content-length'))
    const chunked = (end: string) => `${without.join('\r\n')}\r\n${end}\r\n\r\n0\r\n\r\n${hidden}`
    const smuggled = [
      chunked(`content-length: ${call.length}\r\ntransfer-encoding: chunked`),
      chunked(`transfer-encoding: chunked\r\ncontent-length: 5`),
      chunked('transfer-encoding: chunked, identity'),
      chunked('transfer-encoding: identity, chunked'),
      chunked('transfer-encoding:\tchunked\r\ntransfer-encoding: x'),
      chunked('transfer-encoding: xchunked'),
      chunked('transfer-encoding : chunked'),
      chunked('transfer-encoding\r\n: chunked'),
      chunked('Transfer-Encoding:\u000bchunked'),
      chunked('content-length: 0\r\ncontent-length: 5'),
      chunked('content-length: 0, 5'),
      chunked('content-length: +5'),
      chunked('content-length: -1'),
      chunked('content-length: 0x5'),
      chunked('content-length: 1e2'),
      chunked('content-length: 99999999999999999999'),
      `${without.join('\r\n')}\r\ntransfer-encoding: chunked\r\n\r\n5;x=\n\r\n${hidden}`,
      `${without.join('\r\n')}\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff\r\n${hidden}`,
      `${without.join('\n')}\ncontent-length: 0\n\n${hidden}`,
      `${without.join('\r\n')}\r\n content-length: 0\r\n\r\n${hidden}`,
      `${without.join('\r\n')}\r\ncontent-length: ${hidden.length}\r\n\r\n${hidden}`,
    ]
    for (const bytes of smuggled) {
      exchange.reset()
      const answer = await send(port, Buffer.from(bytes, 'latin1'))
      isProper(answer)
      expect(answer.statuses.length, bytes.slice(0, 400)).toBeLessThanOrEqual(1)
      expect(answer.text).not.toContain('"id":"study-a"')
      expect(exchange.requests).toEqual([])
    }
    await staysUp()
  })

  it('with headers that are double is taken by none of them in secret', async () => {
    const other = signer.token(signer.claims({ sub: 'bob', ...permissionsClaim() }))
    const double: readonly (readonly [string, number[]])[] = [
      [`authorization: Bearer ${other}`, [401]],
      ['host: elsewhere.example', [403]],
      ['content-type: text/plain', [415]],
      ['content-length: 3', [400]],
      ['origin: http://evil.example', [403]],
    ]
    for (const [line, expected] of double) {
      const answer = await send(port, wire(lines(call, [line])))
      isProper(answer)
      expect([line, answer.statuses]).toEqual([line, expected])
    }
  })

  it('with a flood of headers, or a body over the limit, is ended', async () => {
    const many = Array.from({ length: 5000 }, (_, index) => `x-${index}: ${'y'.repeat(20)}`)
    const flood = await send(port, wire(lines(call, many)))
    expect(flood.statuses).toEqual([431])
    isProper(flood)
    const large = await send(port, wire(lines(call, [`x-large: ${'y'.repeat(100_000)}`])))
    expect(large.statuses).toEqual([431])
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping', params: { x: 'x'.repeat(200_000) } })
    const over = await send(port, wire(lines(body), body))
    expect(over.statuses).toEqual([413])
    isProper(over)
    const pieces = lines().filter((line) => !line.startsWith('content-length'))
    const chunk = `8000\r\n${' '.repeat(32_768)}\r\n`
    const streamed = await send(
      port,
      `${pieces.join('\r\n')}\r\ntransfer-encoding: chunked\r\n\r\n${chunk.repeat(6)}0\r\n\r\n`,
    )
    expect(streamed.statuses).toEqual([413])
    await staysUp()
  })

  it('that is slow with its headers or its body is ended, however many there are', async () => {
    const request = wire(lines()).toString('latin1')
    const halves = [
      request.slice(0, 40),
      request.slice(0, request.indexOf('\r\n\r\n')),
      request.slice(0, -5),
      '',
    ]
    const slow = Array.from({ length: 100 }, (_, index) => send(port, halves[index % halves.length] ?? ''))
    await staysUp()
    for (const answer of await Promise.all(slow)) {
      isProper(answer)
      expect(answer.text).not.toContain('"id":"study-a"')
    }
    await staysUp()
  })
})

describe('the command serve', () => {
  it('ends requests that do not come to an end', async () => {
    const environment = {
      FHIR_MCP_FHIR_BASE_URL: exchange.url,
      FHIR_MCP_FHIR_CREDENTIALS: 'none',
      FHIR_MCP_AUTH_ISSUER: signer.origin,
      FHIR_MCP_AUTH_AUDIENCE: audience,
      FHIR_MCP_AUDIT_SINK: 'off',
    }
    const app = await serve(environment, { port: '0' }, new PassThrough())
    const { requestTimeout, headersTimeout } = app.server as {
      requestTimeout?: number
      headersTimeout?: number
    }
    await app.close()
    for (const timeout of [requestTimeout, headersTimeout]) {
      expect(timeout).toBeGreaterThan(0)
      expect(timeout).toBeLessThanOrEqual(60_000)
    }
  })
})
