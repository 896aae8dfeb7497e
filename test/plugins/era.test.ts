import { classifyInboundRequest } from '@modelcontextprotocol/server'
import fc from 'fast-check'
import Fastify from 'fastify'
import { describe, expect, it } from 'vitest'
import { isModern } from '../../plugins/era.ts'

const versionKey = 'io.modelcontextprotocol/protocolVersion'
const version = fc.constantFrom('2024-10-07', '2024-11-05', '2025-11-25', '2026-07-28', '1999-01-01', '')
const meta = fc.constantFrom(
  undefined,
  null,
  {},
  { progressToken: 1 },
  { [versionKey]: '2026-07-28' },
  { [versionKey]: 7 },
)
const params = fc.oneof(
  fc.constantFrom(undefined, null, [], 'text', 7, {}),
  fc.record({ name: fc.constant('get_study_count'), _meta: meta }, { requiredKeys: [] }),
)
const message = fc.record(
  {
    jsonrpc: fc.constantFrom('2.0', '1.0', 2),
    id: fc.constantFrom(1, 1.5, 'a', null, {}),
    method: fc.constantFrom('tools/call', 'initialize', 'notifications/cancelled', 7),
    params,
    result: fc.constant({}),
  },
  { requiredKeys: [] },
)
const body = fc.oneof(
  message,
  fc.array(message, { maxLength: 2 }),
  fc.constantFrom(undefined, null, 'text', 7),
)

describe('the era of a request', () => {
  it('is the one that the SDK says, whatever the message and its headers', async () => {
    const app = Fastify()
    app.post('/', async (request) => ({ modern: isModern(request) }))
    const cases = fc.asyncProperty(
      body,
      fc.option(version, { nil: undefined }),
      fc.option(fc.constantFrom('tools/call', 'tools/list'), { nil: undefined }),
      async (sent, versionHeader, methodHeader) => {
        const json: unknown = sent === undefined ? undefined : JSON.parse(JSON.stringify(sent))
        const answer = await app.inject({
          method: 'POST',
          url: '/',
          headers: {
            'content-type': 'application/json',
            ...(versionHeader === undefined ? {} : { 'mcp-protocol-version': versionHeader }),
            ...(methodHeader === undefined ? {} : { 'mcp-method': methodHeader }),
          },
          payload: JSON.stringify(json ?? null),
        })
        const route = classifyInboundRequest({
          httpMethod: 'POST',
          body: json ?? null,
          ...(versionHeader === undefined ? {} : { protocolVersionHeader: versionHeader }),
          ...(methodHeader === undefined ? {} : { mcpMethodHeader: methodHeader }),
        })
        expect(answer.json()).toEqual({ modern: route.kind !== 'legacy' })
      },
    )
    await fc.assert(cases, { numRuns: 2000 })
    await app.close()
  })
})
