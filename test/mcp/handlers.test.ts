import { describe, expect, it } from 'vitest'
import { type ErrorName, errorCatalog, fhirMcpError } from '../../src/errors.ts'
import { bearerOf, handleOf } from '../../src/mcp/bearers.ts'
import { describeFault } from '../../src/mcp/fault.ts'
import { createHandlers, type HandlerContext } from '../../src/mcp/handlers.ts'
import { progressTo } from '../../src/mcp/progress.ts'
import { toolResult } from '../../src/mcp/result.ts'
import { RpcError, rpcErrorBody } from '../../src/mcp/rpc-error.ts'
import { createServiceDouble, principalOf } from '../plugins/service-double.ts'

const bearer = { principal: principalOf('ada'), token: 'good' }
const contextOf = (signal = new AbortController().signal): HandlerContext => ({
  bearer: () => bearer,
  signal,
})

async function thrownBy(run: () => Promise<unknown>): Promise<unknown> {
  try {
    await run()
  } catch (thrown) {
    return thrown
  }
  return undefined
}

describe('the handlers', () => {
  it('answer a call whose bearer does not hold any more, and fail every other request with its code', async () => {
    const handlers = createHandlers(createServiceDouble().service, () => undefined)
    const context = {
      ...contextOf(),
      bearer: () => {
        throw fhirMcpError('TOKEN_EXPIRED')
      },
    }
    const called = await handlers.callTool({ name: 'echo' }, context)
    expect(called).toMatchObject({ isError: true, structuredContent: { resourceType: 'OperationOutcome' } })
    for (const run of [
      () => handlers.listTools(context),
      () => handlers.readResource({ uri: 'fhir://capabilities' }, context),
    ]) {
      expect(await thrownBy(run)).toMatchObject({ code: -32000, data: { code: 'FHIR_MCP_TOKEN_EXPIRED' } })
    }
  })

  it('report a fault of ours, and not the abort of a client', async () => {
    const reported: unknown[] = []
    const handlers = createHandlers(createServiceDouble().service, (thrown) => reported.push(thrown))
    expect(await thrownBy(() => handlers.callTool({ name: 'fail' }, contextOf()))).toMatchObject({
      code: -32603,
      message: 'Internal error',
    })
    expect(reported).toEqual([expect.any(TypeError)])
    await thrownBy(() => handlers.callTool({ name: 'fail' }, contextOf(AbortSignal.abort())))
    expect(reported).toHaveLength(1)
  })

  it('complete nothing for a prompt', async () => {
    const handlers = createHandlers(createServiceDouble().service, () => undefined)
    const ref = { type: 'ref/prompt', name: 'compare' }
    const argument = { name: 'first', value: 'a' }
    const { completion } = await handlers.complete({ ref, argument }, contextOf())
    expect(completion).toEqual({ values: [], total: 0, hasMore: false })
  })
})

describe('an error as JSON-RPC', () => {
  const codes: Partial<Record<ErrorName, number>> = {
    FORBIDDEN: -32602,
    INVALID_ARGUMENT: -32602,
    AMBIGUOUS: -32602,
    NOT_SUPPORTED_BY_EXCHANGE: -32602,
    EXCHANGE_UNAVAILABLE: -32603,
    EXCHANGE_TIMEOUT: -32603,
    EXCHANGE_REJECTED: -32603,
    EXCHANGE_LEAK: -32603,
    CONFIG: -32603,
    ISSUER_UNAVAILABLE: -32603,
    STORAGE_UNAVAILABLE: -32603,
  }

  for (const name of Object.keys(errorCatalog) as ErrorName[]) {
    it(`of ${name} has its code and its cure`, () => {
      expect(rpcErrorBody(fhirMcpError(name))).toEqual({
        code: codes[name] ?? -32000,
        message: errorCatalog[name].message,
        data: { code: `FHIR_MCP_${name}`, cure: errorCatalog[name].cure },
      })
    })
  }

  it('has what one occurrence adds', () => {
    const choices = [{ id: '1', label: 'One' }]
    const { data } = rpcErrorBody(fhirMcpError('AMBIGUOUS', { choices, scopes: ['a'], retryAfter: 3 }))
    expect(data).toMatchObject({ choices, scopes: ['a'], retryAfter: 3 })
  })

  it('stays what it is, and is a fixed text for anything else', () => {
    expect(rpcErrorBody(new RpcError({ code: -32602, message: 'Unknown tool' }))).toEqual({
      code: -32602,
      message: 'Unknown tool',
    })
    expect(rpcErrorBody(new Error('patient Ada'))).toEqual({ code: -32603, message: 'Internal error' })
    expect(rpcErrorBody('patient Ada')).toEqual({ code: -32603, message: 'Internal error' })
  })
})

describe('a result', () => {
  it('has the text first, then further content', () => {
    const content = [{ type: 'image', data: 'AAAA', mimeType: 'image/png' }]
    expect(toolResult({ text: 'A chart.', content })).toEqual({
      content: [{ type: 'text', text: 'A chart.' }, ...content],
      _meta: { 'fastify-fhir-mcp/texts': 'data, not instructions' },
    })
    expect(toolResult({ structured: { n: 1 }, isError: true })).toEqual({
      content: [],
      structuredContent: { n: 1 },
      isError: true,
    })
  })
})

describe('a bearer handle', () => {
  it('shows nothing of the bearer, and cannot be made up', () => {
    const handle = handleOf(bearer)
    expect(JSON.stringify(handle)).not.toMatch(/good|ada/)
    expect(bearerOf(handle)).toBe(bearer)
    expect(() => bearerOf({ ...handle })).toThrow(TypeError)
    expect(() => bearerOf(undefined)).toThrow(TypeError)
  })
})

describe('progress', () => {
  it('is reported under the token of the request, and dropped where it cannot be sent', async () => {
    const sent: unknown[] = []
    const report = progressTo(0, async (notification) => {
      sent.push(notification)
      throw new Error('gone')
    })
    report?.(1, undefined, 'one')
    expect(sent).toEqual([
      { method: 'notifications/progress', params: { progressToken: 0, progress: 1, message: 'one' } },
    ])
    expect(progressTo(undefined, async () => undefined)).toBeUndefined()
  })
})

describe('a fault in the log', () => {
  it('is its kind and place, without its message', () => {
    const fault = describeFault(new RangeError('patient\nAda'))
    expect(fault.name).toBe('RangeError')
    expect(fault.at[0]).toContain('handlers.test.ts')
    expect(JSON.stringify(fault)).not.toContain('Ada')
    expect(describeFault('patient Ada')).toEqual({ name: 'string', at: [] })
    const bare = Object.assign(new Error('x'), { stack: undefined })
    expect(describeFault(bare)).toEqual({ name: 'Error', at: [] })
  })
})
