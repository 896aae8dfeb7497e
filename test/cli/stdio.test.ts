import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createLog, logLevelOf } from '../../src/cli/log.ts'
import { run } from '../../src/cli/run.ts'
import { permissionsClaim } from '../../src/test-kit/index.ts'
import { siteForAll } from '../e2e/site.ts'
import { patience } from '../patience.ts'
import { rpc } from '../plugins/gateway.ts'

const site = siteForAll()

const audience = 'http://127.0.0.1:8765/mcp'

/** The command in this process, talked to line by line. */
async function connected(environment: Record<string, string>) {
  site.exchange.reset()
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  let stop: () => void = () => undefined
  const stopped = new Promise<void>((resolve) => {
    stop = resolve
  })
  onTestFinished(() => stop())
  const settings = {
    FHIR_MCP_FHIR_BASE_URL: site.exchange.url,
    FHIR_MCP_FHIR_CREDENTIALS: 'none',
    FHIR_MCP_FHIR_DIALECT: 'hapi',
    FHIR_MCP_AUTH_ISSUER: site.issuer.url,
    FHIR_MCP_AUTH_AUDIENCE: audience,
    ...environment,
  }
  const ended = run(['stdio'], { stdin, stdout, stderr, environment: settings, stopped })
  let log = ''
  stderr.on('data', (chunk: Buffer) => {
    log += chunk.toString()
  })
  const answers = new Map<unknown, Record<string, unknown>>()
  let rest = ''
  stdout.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const message = JSON.parse(line)
      answers.set(message.id, message)
    }
    stdout.emit('answer')
  })
  const send = (message: object) => void stdin.write(`${JSON.stringify(message)}\n`)
  const answerTo = async (id: string) => {
    while (!answers.has(id)) await once(stdout, 'answer')
    return JSON.stringify(answers.get(id))
  }
  const ask = (message: { id: string | number } & object) => {
    send(message)
    return answerTo(String(message.id))
  }
  const clientInfo = { name: 'test', version: '1' }
  await ask(rpc('initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo }, 'init'))
  return { ask, send, answerTo, answers, stop, ended, log: () => log }
}

/** Makes the exchange hold its next answers until they are released. */
function held(): { readonly reached: Promise<void>; release(): void } {
  let release: () => void = () => undefined
  const until = new Promise<void>((resolve) => {
    release = resolve
  })
  const reached = new Promise<void>((resolve) => {
    site.exchange.misbehave(() => {
      resolve()
      return { kind: 'hold', until }
    })
  })
  return { reached, release: () => release() }
}

const permissions = permissionsClaim({ studies: ['study-a'] })
const accessToken = () => site.issuer.token({ sub: 'ada', aud: audience, ...permissions })
const listStudies = rpc('tools/call', { name: 'list_studies', arguments: {} }, 'studies')

describe('stdio', () => {
  it('calls with the access token alone', async () => {
    const { ask, log } = await connected({ FHIR_MCP_ACCESS_TOKEN: await accessToken() })
    expect(await ask(rpc('tools/list', {}, 'tools'))).toContain('get_patient_observations')
    expect(await ask(listStudies)).toContain('ResearchStudy/study-a')
    expect(await ask(rpc('resources/read', { uri: 'exchange://study/study-a' }, 'study'))).toContain(
      'study-a',
    )
    expect(log()).toContain('"tool":"list_studies","outcome":"allowed"')
    expect(log()).toContain('the claims alone protect it')
  })

  it('says where a claim cannot be read, without its value', async () => {
    const jhe_permissions = { studies: ['study-a', 'secret value'], organizations: [] }
    const token = await site.issuer.token({ sub: 'ada', aud: audience, jhe_permissions })
    const { ask, log } = await connected({ FHIR_MCP_ACCESS_TOKEN: token })
    expect(await ask(listStudies)).toContain('A claim is there, but it cannot be read.')
    expect(log()).toContain('"at":"jhe_permissions.studies[1]"')
    expect(log()).not.toContain('secret value')
  })

  it('reads null as what is left out, wherever a client writes it', async () => {
    const { ask } = await connected({ FHIR_MCP_ACCESS_TOKEN: await accessToken() })
    const listed = { jsonrpc: '2.0', id: 'null', method: 'tools/list', params: null }
    expect(await ask(listed)).toContain('get_patient_observations')
    const paged = rpc('tools/list', { cursor: null, _meta: null }, 'paged')
    expect(await ask(paged)).toContain('get_patient_observations')
    const called = rpc('tools/call', { name: 'list_studies', arguments: null }, 'called')
    expect(await ask(called)).toContain('ResearchStudy/study-a')
    const given = { patient_id: 'pat-2', limit: '3', start: null }
    const read = rpc('tools/call', { name: 'get_patient_observations', arguments: given }, 'read')
    expect(await ask(read)).toContain('Given without a value, so taken as left out: start.')
  })

  it('takes the claims from an ID token that goes with an opaque access token', async () => {
    const access = site.issuer.opaque({ userinfo: { sub: 'ada' } })
    const idToken = await site.issuer.token({ sub: 'ada', aud: 'assistant', ...permissions }, { typ: 'JWT' })
    const { ask } = await connected({
      FHIR_MCP_ACCESS_TOKEN: access,
      FHIR_MCP_ID_TOKEN: idToken,
      FHIR_MCP_AUTH_SOURCES: 'userinfo',
      FHIR_MCP_AUTH_CLIENTS: 'assistant',
    })
    expect(await ask(listStudies)).toContain('ResearchStudy/study-a')
  })

  it('aborts the request to the exchange when the client cancels', async () => {
    const { send, ask, log } = await connected({ FHIR_MCP_ACCESS_TOKEN: await accessToken() })
    const { reached, release } = held()
    send(listStudies)
    await reached
    send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'studies' } })
    await vi.waitFor(() => expect(site.exchange.requests.at(-1)?.aborted).toBe(true), patience)
    release()
    expect(await ask(rpc('ping', {}, 'ping'))).toContain('result')
    await vi.waitFor(() => expect(log()).toContain('"tool":"list_studies"'), patience)
    expect(log()).toContain('"tool":"list_studies","outcome":"failed"')
    expect(log()).not.toContain('call failed')
  })

  it('lets calls under way end when it is asked to stop', async () => {
    const { send, answerTo, stop, ended } = await connected({ FHIR_MCP_ACCESS_TOKEN: await accessToken() })
    const { reached, release } = held()
    send(listStudies)
    await reached
    stop()
    release()
    expect(await answerTo('studies')).toContain('ResearchStudy/study-a')
    expect(await ended).toBe(0)
  })
})

describe('the log of the commands', () => {
  it('has lines of the least level and above, and none at all when it is silent', () => {
    const written: string[] = []
    const stream = new PassThrough()
    stream.on('data', (chunk: Buffer) => written.push(chunk.toString()))
    createLog(stream, 'warn')('info', 'too much')
    createLog(stream, 'warn')('error', 'this one', { code: 'x' })
    createLog(stream, 'silent')('fatal', 'nothing')
    expect(written.map((line) => JSON.parse(line))).toMatchObject([
      { level: 'error', msg: 'this one', code: 'x' },
    ])
    expect(logLevelOf(undefined)).toBe('info')
    expect(() => logLevelOf('loud')).toThrow('FHIR_MCP_LOG_LEVEL')
  })
})
