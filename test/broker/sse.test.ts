import { Client as ModernClient, SSEClientTransport as ModernTransport } from '@modelcontextprotocol/client'
import { auth } from '@modelcontextprotocol/sdk/client/auth.js'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { describe, expect, it, onTestFinished } from 'vitest'
import { rpc } from '../plugins/gateway.ts'
import { Assistant } from './assistant.ts'
import { type Setting, startSetting } from './setting.ts'

async function start(): Promise<Setting> {
  const setting = await startSetting()
  onTestFinished(() => setting.close())
  return setting
}

async function studiesOver(url: string, assistant: Assistant): Promise<string> {
  const client = new Client({ name: 'older', version: '1' })
  onTestFinished(() => client.close())
  await client.connect(new SSEClientTransport(new URL(url), { authProvider: assistant }))
  return JSON.stringify(await client.callTool({ name: 'list_studies', arguments: {} }))
}

/** The status and the challenge of a request at `/mcp` with a token. */
async function atMcp(setting: Setting, token: string) {
  const answer = await fetch(setting.mcpUrl, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify(rpc('tools/call', { name: 'list_studies', arguments: {} })),
  })
  return { status: answer.status, text: await answer.text() }
}

describe('a sign-in over HTTP+SSE', () => {
  it('is led by the metadata of the stream, and its token is for the stream alone', async () => {
    const setting = await start()
    const sse = `${setting.origin}/sse`
    const assistant = new Assistant(sse)
    // Nobody tells the client where anything is: it is refused first.
    await expect(studiesOver(sse, assistant)).rejects.toThrow()
    expect(assistant.sentTo?.searchParams.get('resource')).toBe(sse)
    await assistant.redeem(await assistant.approve(assistant.sentTo ?? new URL(sse)))
    expect(assistant.claims.aud).toBe(sse)
    expect(await studiesOver(sse, assistant)).toContain('30006')

    const refused = await atMcp(setting, assistant.stored?.access_token ?? '')
    expect(refused.status).toBe(401)
    expect(refused.text).toContain('FHIR_MCP_AUDIENCE')

    expect(await auth(assistant, { serverUrl: sse })).toBe('AUTHORIZED')
    expect(assistant.claims.aud).toBe(sse)
    expect(await studiesOver(sse, assistant)).toContain('30006')
  })

  it('works with the SDK of the newer protocol, too', async () => {
    const setting = await start()
    const sse = `${setting.origin}/sse`
    const assistant = new Assistant(sse)
    await assistant.signIn()
    const client = new ModernClient({ name: 'newer', version: '1' })
    onTestFinished(() => client.close())
    await client.connect(new ModernTransport(new URL(sse), { authProvider: assistant }))
    const answered = await client.callTool({ name: 'list_studies', arguments: {} })
    expect(JSON.stringify(answered)).toContain('30006')
  })

  it('the control: a token for the endpoint opens both, as that of an issuer that passes over `resource`', async () => {
    const setting = await start()
    const assistant = new Assistant(setting.mcpUrl)
    await assistant.signIn()
    expect(assistant.claims.aud).toBe(setting.mcpUrl)
    expect((await atMcp(setting, assistant.stored?.access_token ?? '')).status).toBe(200)
    expect(await studiesOver(`${setting.origin}/sse`, assistant)).toContain('30006')
  })

  it('is named by the documents and by the challenges of both of its routes', async () => {
    const { origin } = await start()
    const document = `${origin}/.well-known/oauth-protected-resource/sse`
    for (const [path, method] of [
      ['/sse', 'GET'],
      ['/messages?sessionId=x', 'POST'],
    ] as const) {
      const refused = await fetch(`${origin}${path}`, { method })
      expect(refused.status).toBe(401)
      expect(refused.headers.get('www-authenticate')).toBe(`Bearer resource_metadata="${document}"`)
    }
    expect(await (await fetch(document)).json()).toMatchObject({ resource: `${origin}/sse` })
    const ofMcp = await (await fetch(`${origin}/.well-known/oauth-protected-resource`)).json()
    expect(ofMcp).toMatchObject({ resource: `${origin}/mcp` })
  })

  it('does not ask for another resource', async () => {
    const setting = await start()
    const assistant = new Assistant(`${setting.origin}/sse`)
    const url = await assistant.start()
    for (const other of [`${setting.origin}/other`, `${setting.origin}/sse/`, `${setting.origin}/SSE`]) {
      url.searchParams.set('resource', other)
      const answer = await fetch(url, { redirect: 'manual' })
      expect(answer.headers.get('location') ?? (await answer.text())).toContain('invalid_target')
    }
  })
})
