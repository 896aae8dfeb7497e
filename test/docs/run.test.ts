import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { freePort } from '../../src/demo/gateway.ts'
import { permissionsClaim, startExchange, startIssuer } from '../../src/test-kit/index.ts'
import { connectHttp } from '../e2e/clients.ts'
import { finishedExample, startExample } from '../examples/example.ts'
import { blocksOf } from './markdown.ts'
import { startWorkshop } from './workshop.ts'

const audience = 'http://127.0.0.1:8765/mcp'
const readme = blocksOf('README.md')
const snippet = (part: string) =>
  readme.find(({ text, language }) => language === 'js' && text.includes(part))?.text

/** The first program of the README as it stands there, but for what is elsewhere on this machine. */
async function startReadme(more = '') {
  const exchange = await startExchange({ dialect: 'hapi', fhirVersion: 'R4' })
  const issuer = await startIssuer()
  const port = await freePort()
  onTestFinished(async () => {
    await exchange.close()
    await issuer.close()
  })
  const program = (snippet('app.listen') ?? '')
    .replace('http://127.0.0.1:8080/fhir', exchange.url)
    .replace('https://login.example.org/realms/research', issuer.url)
    .replace('port: 8765', `port: ${port}`)
    .replace('await app.listen', () => `${more}\nawait app.listen`)
  const folder = startWorkshop()
  writeFileSync(join(folder, 'gateway.js'), program)
  const gateway = startExample([process.execPath, 'gateway.js'], {}, folder)
  await gateway.shown(/MCP: http/)
  const token = await issuer.token({ aud: audience, ...permissionsClaim({ studies: ['study-a'] }) })
  const client = await connectHttp(`http://127.0.0.1:${port}/mcp`, token)
  onTestFinished(() => client.close())
  return { client, exchange }
}

describe('the README', () => {
  it('its first program starts, and answers a forbidden call as it says, without a request', async () => {
    const { client, exchange } = await startReadme()
    await client.call('list_studies')
    expect(exchange.count).toBeGreaterThan(0)
    exchange.reset()
    const { content, structured, isError } = await client.call('get_study_metadata', { study_id: 'study-b' })
    const shown =
      readme.find(({ text, language }) => language === 'json' && text.includes('FHIR_MCP_FORBIDDEN'))?.text ??
      ''
    expect(JSON.parse(shown)).toEqual({ content, structuredContent: structured, isError })
    expect(exchange.count).toBe(0)
  })

  it('its tool is one', async () => {
    const { client } = await startReadme(snippet('defineTool'))
    expect((await client.call('get_study_title', { study_id: 'study-a' })).text).toBe('Study A')
    expect((await client.call('get_study_title', { study_id: 'study-b' })).text).toContain(
      'FHIR_MCP_FORBIDDEN',
    )
  })
})

describe('the page for authors', () => {
  it('has a tool whose test passes', async () => {
    const folder = startWorkshop()
    for (const { text } of blocksOf('docs/authors.md')) {
      const [, name] = /^\/\/ ([\w.-]+\.js)\n/.exec(text) ?? []
      if (name !== undefined) writeFileSync(join(folder, name), text)
    }
    const argv = [process.execPath, '--test', 'latest-reading.test.js'] as const
    const { code, output } = await finishedExample(argv, {}, folder)
    expect(code, output).toBe(0)
    expect(output).toMatch(/pass 1\b/)
    mkdirSync(join(folder, 'control'))
    const wrong = "import { test } from 'node:test'\ntest('fails', () => { throw new Error('no') })\n"
    writeFileSync(join(folder, 'control/wrong.test.js'), wrong)
    expect(
      (await finishedExample([process.execPath, '--test', 'control/wrong.test.js'], {}, folder)).code,
    ).toBe(1)
  })
})
