import { describe, expect, it, vi } from 'vitest'
import { gateway, listen, mcpHeaders, rpc } from './gateway.ts'

const envelope = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
}

const modern = (method: string, name?: string) => ({
  ...mcpHeaders,
  'mcp-protocol-version': '2026-07-28',
  'mcp-method': method,
  ...(name === undefined ? {} : { 'mcp-name': name }),
})

describe('the newest era', () => {
  it('says for how long a list may be kept, and by whom', async () => {
    const { app } = await gateway()
    const payload = rpc('tools/list', { _meta: envelope })
    const answer = await app.inject({ method: 'POST', url: '/mcp', headers: modern('tools/list'), payload })
    expect(answer.json().result).toMatchObject({ ttlMs: 60_000, cacheScope: 'private' })
  })

  it('answers an unknown method with 404 and -32601', async () => {
    const { app } = await gateway()
    const payload = rpc('nothing/such', { _meta: envelope })
    const answer = await app.inject({ method: 'POST', url: '/mcp', headers: modern('nothing/such'), payload })
    expect([answer.statusCode, answer.json().error.code]).toEqual([404, -32601])
  })

  it('holds the headers against the body', async () => {
    const { app, double } = await gateway()
    const payload = rpc('tools/call', { name: 'echo', arguments: { text: 'a' }, _meta: envelope })
    const headers = modern('tools/call', 'count_to')
    const answer = await app.inject({ method: 'POST', url: '/mcp', headers, payload })
    expect(answer.statusCode).toBe(400)
    expect(double.calls).toEqual([])
  })

  it('refuses content of an own tool that is none of MCP', async () => {
    const { app, double } = await gateway()
    vi.spyOn(double.service, 'callTool').mockResolvedValue({ content: [{ type: 'smell' }] })
    const payload = rpc('tools/call', { name: 'echo', arguments: {}, _meta: envelope })
    const answer = await app.inject({
      method: 'POST',
      url: '/mcp',
      headers: modern('tools/call', 'echo'),
      payload,
    })
    expect(answer.json().error).toMatchObject({ code: -32603 })
  })

  it('lets calls in flight end when the server stops', async () => {
    const { app, double } = await gateway()
    const url = await listen(app)
    const body = JSON.stringify(rpc('tools/call', { name: 'wait_for_abort', arguments: {}, _meta: envelope }))
    const headers = { ...modern('tools/call', 'wait_for_abort'), connection: 'close' }
    const answering = fetch(new URL('/mcp', url), { method: 'POST', headers, body })
    await double.waiting
    const closing = app.close()
    double.release()
    expect(await (await answering).json()).toMatchObject({ result: { content: [{ text: 'Released.' }] } })
    await closing
    expect(double.events).toEqual(['call ended', 'service closed'])
  })

  it('has no change stream that could outlive its token: nothing changes, so it is complete at once', async () => {
    const { app } = await gateway()
    const notifications = { toolsListChanged: true, resourceSubscriptions: ['fhir://capabilities'] }
    const payload = rpc('subscriptions/listen', { notifications, _meta: envelope })
    const headers = modern('subscriptions/listen')
    const answer = await app.inject({ method: 'POST', url: '/mcp', headers, payload })
    expect(answer.statusCode).toBe(200)
    expect(answer.body).toContain('"resultType":"complete"')
  })
})
