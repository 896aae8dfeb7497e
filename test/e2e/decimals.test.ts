import { once } from 'node:events'
import { createServer, get, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AnyResource } from '../../src/fhir/types.ts'
import {
  permissionsClaim,
  startExchange,
  startIssuer,
  syntheticCohort,
  type TestExchange,
  type TestIssuer,
} from '../../src/test-kit/index.ts'
import { mcpHeaders, rpc } from '../plugins/gateway.ts'
import { type Gateway, startGateway } from './gateway.ts'
import { startStdio } from './stdio-command.ts'

const audience = 'https://mcp.test/mcp'
let issuer: TestIssuer
let exchange: TestExchange<AnyResource[]>
let proxy: Server
let gateway: Gateway
let fhir: string

/** A reading whose number the proxy writes as a server would that keeps all digits. */
const reading = (id: string, value: number): AnyResource => ({
  resourceType: 'Observation',
  id,
  status: 'final',
  code: { coding: [{ system: 'http://loinc.org', code: '29463-7' }] },
  subject: { reference: 'Patient/pat-1' },
  effectiveDateTime: '2026-11-01T08:00:00Z',
  valueQuantity: { value, unit: 'kg', system: 'http://unitsofmeasure.org', code: 'kg' },
})
const prescription: AnyResource = {
  resourceType: 'MedicationRequest',
  id: 'digits-request',
  status: 'active',
  intent: 'order',
  medicationCodeableConcept: { text: 'tablets' },
  subject: { reference: 'Patient/pat-1' },
  dispenseRequest: { quantity: { value: 777005, unit: 'mg' } },
}
const written: Readonly<Record<string, string>> = {
  777001: '1.00',
  777002: '12345678901234567',
  777003: '1e999',
  777004: '70.5',
  777005: '2.50',
}

beforeAll(async () => {
  issuer = await startIssuer()
  const own = [777001, 777002, 777003, 777004].map((value) => reading(`digits-${value}`, value))
  exchange = await startExchange({
    dialect: 'hapi',
    fhirVersion: 'R4',
    cohort: [...syntheticCohort(), ...own, prescription],
  })
  proxy = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const { method = 'GET', url = '', headers } = request
    const type = headers['content-type']
    const answer = await fetch(`${exchange.origin}${url}`, {
      method,
      headers: { ...(type === undefined ? {} : { 'content-type': type }), 'cache-control': 'no-cache' },
      ...(method === 'POST' ? { body: Buffer.concat(chunks) } : {}),
    })
    let text = await answer.text()
    for (const [value, digits] of Object.entries(written))
      text = text.replaceAll(`"value":${value}`, `"value":${digits}`)
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' }).end(text)
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  const { port } = proxy.address() as AddressInfo
  fhir = `http://127.0.0.1:${port}${new URL(exchange.url).pathname}`
  gateway = await startGateway({
    fhir: { baseUrl: fhir, credentials: 'none', dialect: 'hapi', types: ['MedicationRequest'] },
    auth: { issuer: issuer.url, audience },
  })
})
afterAll(async () => {
  await gateway.close()
  proxy.closeAllConnections()
  proxy.close()
  await exchange.close()
  await issuer.close()
})

const token = () => issuer.token({ sub: 'one', aud: audience, ...permissionsClaim({ studies: ['study-a'] }) })
const weights = (format: string) => ({
  name: 'get_patient_observations',
  arguments: {
    patient_id: 'pat-1',
    data_type: 'body-weight',
    start: '2026-11-01',
    end: '2026-11-01',
    format,
  },
})
const numbersIn = (text: string) =>
  [...text.matchAll(/"value":([-+.\deE]+)/g)].map(([, digits]) => digits).sort()
const expected = ['1.00', '12345678901234567', '70.5']

async function post(params: object, headers: Record<string, string> = {}): Promise<string> {
  const answer = await fetch(`${gateway.origin}/mcp`, {
    method: 'POST',
    headers: { ...mcpHeaders, authorization: `Bearer ${await token()}`, ...headers },
    body: JSON.stringify(rpc('tools/call', { ...params })),
  })
  return answer.text()
}

describe('the digits of a number', () => {
  it.each(['fhir', 'fhir_full'])(
    'are those of the exchange in format %s, in JSON and in text',
    async (format) => {
      const text = await post(weights(format))
      expect(numbersIn(text)).toEqual(expected)
      expect(text).not.toContain('decimal-digits","valueString":"1.00"')
      const { result } = JSON.parse(text)
      const [{ text: block }] = result.content
      expect(block).toContain('| 1.00 kg |')
      expect(block).toContain('| 12345678901234567 kg |')
      expect(block).toContain('| 70.5 kg |')
    },
  )

  it('are in the text of a table, whose cells are numbers to compute with', async () => {
    const { structuredContent } = JSON.parse(await post(weights('table'))).result
    const at = (name: string) => structuredContent.columns.indexOf(name)
    const rows = new Map<string, unknown[]>(
      structuredContent.rows.map((row: unknown[]) => [row[at('id')], row]),
    )
    expect(rows.get('digits-777001')?.[at('text')]).toBe('1.00 kg')
    expect(rows.get('digits-777001')?.[at('value')]).toBe(1)
    expect(rows.get('digits-777003')?.[at('value')]).toBeNull()
  })

  it('that no double can hold are an error of their row, with the digits, and in no statistic', async () => {
    const text = await post(weights('fhir'))
    expect(text).not.toMatch(/:null|Infinity|1e999[,}]/)
    const { result } = JSON.parse(text)
    const entries: { resource: AnyResource }[] = result.structuredContent.entry
    const odd = entries.find(({ resource }) => resource.id === 'digits-777003')?.resource
    expect(odd?.valueQuantity).toMatchObject({
      unit: 'kg',
      _value: { extension: [{ valueCode: 'error' }, { valueString: '1e999' }] },
    })
    expect(result.content[0].text).toContain('1e999 kg (not a number that can be computed with)')
    const summary = JSON.parse(
      await post({
        name: 'summarize_patient_observations',
        arguments: { patient_id: 'pat-1', data_type: 'body-weight', start: '2026-11-01', end: '2026-11-01' },
      }),
    ).result.content[0].text
    expect(summary).toContain('| kg | n 3 | excluded: out of range 1 |')
  })

  it('are in what search_fhir gives', async () => {
    const text = await post({
      name: 'search_fhir',
      arguments: { patient_id: 'pat-1', type: 'MedicationRequest' },
    })
    expect(numbersIn(text)).toContain('2.50')
    expect(text).toContain('2.50 mg')
  })

  it('are in a stream of events over HTTP', async () => {
    const text = await post({ ...weights('fhir'), _meta: { progressToken: 1 } })
    expect(text).toContain('data: ')
    expect(numbersIn(text)).toEqual(expected)
  })

  it('are in an answer of the newest era', async () => {
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': {},
    }
    const text = await post(
      { ...weights('fhir'), _meta },
      {
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': 'tools/call',
        'mcp-name': 'get_patient_observations',
      },
    )
    expect(numbersIn(text)).toEqual(expected)
  })

  it('are in HTTP+SSE', async () => {
    const authorization = `Bearer ${await token()}`
    const request = get(`${gateway.origin}/sse`, { agent: false, headers: { authorization } })
    const [response] = await once(request, 'response')
    let text = ''
    response.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      response.emit('more')
    })
    const until = async (piece: string) => {
      while (!text.includes(piece)) await once(response, 'more')
    }
    await until('\n\n')
    const endpoint = /data: (\S+)/.exec(text)?.[1] ?? ''
    await fetch(`${gateway.origin}${endpoint}`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify(rpc('tools/call', weights('fhir'), 'digits')),
    })
    await until('"id":"digits"}')
    request.destroy()
    expect(numbersIn(text)).toEqual(expected)
  })

  it('are in stdio', async () => {
    const command = startStdio({
      FHIR_MCP_FHIR_BASE_URL: fhir,
      FHIR_MCP_FHIR_CREDENTIALS: 'none',
      FHIR_MCP_FHIR_DIALECT: 'hapi',
      FHIR_MCP_AUTH_ISSUER: issuer.url,
      FHIR_MCP_AUTH_AUDIENCE: audience,
      FHIR_MCP_ACCESS_TOKEN: await token(),
    })
    let text = ''
    command.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    const send = (message: object) => void command.stdin.write(`${JSON.stringify(message)}\n`)
    send(
      rpc(
        'initialize',
        { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
        'first',
      ),
    )
    while (!text.includes('"first"')) await once(command.stdout, 'data')
    send({ jsonrpc: '2.0', method: 'notifications/initialized' })
    send(rpc('tools/call', weights('fhir'), 'digits'))
    while (!text.includes('"digits"')) await once(command.stdout, 'data')
    await command.end()
    expect(numbersIn(text)).toEqual(expected)
  })
})
