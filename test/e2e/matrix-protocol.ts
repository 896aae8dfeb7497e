import { expect } from 'vitest'
import type { Connection } from './clients.ts'
import { type MatrixScenario, refusalOf } from './matrix-scenario.ts'
import { bytes } from './matrix-setting.ts'
import { cursorOf, matches } from './scenarios.ts'

/** The `stdio` command has no tools, resources and prompts of a gateway's own. */
const withOwn = ({ by }: Connection) => by !== 'stdio'

const forbiddenWords = 'Not found, or not within what this token may see.'

/** What the protocol has: introduction, tools, resources, completions, prompts, and how each fails. */
export const protocolScenarios: readonly MatrixScenario[] = [
  {
    title: 'is told who the server is, in the newest protocol that both speak',
    verifies: ['introduction:handshake', 'introduction:capabilities'],
    async play({ client, connection }) {
      const { name, version, protocol, instructions, capabilities } = client.introduction()
      expect(name).toBe('fastify-fhir-mcp')
      expect(version).toMatch(/^\d+\.\d+\.\d+/)
      expect(protocol).toBe(connection.protocol)
      expect(instructions).toContain('get_my_access')
      expect(capabilities).toEqual({ tools: {}, resources: {}, prompts: {}, completions: {} })
    },
  },
  {
    title: 'lists the tools, always in the same order, and in few bytes',
    verifies: ['tools:order', 'tools:size', 'tools:schemas'],
    async play({ connectAs, token }) {
      const bearer = await token()
      // A client of its own for each listing: one may keep what it has listed.
      const [one, other] = [await connectAs(() => bearer), await connectAs(() => bearer)]
      const tools = await one.listTools()
      expect(tools.map(({ name }) => name)).toEqual((await other.listTools()).map(({ name }) => name))
      expect(tools[0]?.name).toBe('get_my_access')
      expect(Buffer.byteLength(JSON.stringify(tools))).toBeLessThan(16_384)
      for (const tool of tools) {
        expect(tool.description).toEqual(expect.any(String))
        expect(tool.inputSchema).toMatchObject({ type: 'object' })
        expect(tool.annotations).toMatchObject({ readOnlyHint: true, destructiveHint: false })
      }
    },
  },
  {
    title: 'is answered with a FHIR resource and a text, page by page',
    verifies: ['tools:structured', 'tools:paging'],
    async play({ client }) {
      const asked = { study_id: 'study-a', limit: 4 }
      const first = await client.call('list_study_patients', asked)
      expect(first.structured).toMatchObject({ resourceType: 'Bundle', type: 'searchset', total: 7 })
      for (const id of matches(first, 'Patient')) expect(first.text).toContain(id)
      const second = await client.call('list_study_patients', { ...asked, cursor: cursorOf(first) })
      const ids = [...matches(first, 'Patient'), ...matches(second, 'Patient')]
      expect(new Set(ids).size).toBe(7)
      expect(cursorOf(second)).toBeUndefined()
    },
  },
  {
    title: 'gets every kind of content from a tool of the gateway',
    verifies: ['tools:own-content'],
    on: withOwn,
    async play({ client }) {
      const { content, isError } = await client.call('show_everything')
      expect(isError).toBe(false)
      expect(content).toMatchObject([
        { type: 'text', text: 'Everything:' },
        { type: 'image', data: bytes },
        { type: 'audio', data: bytes },
        { type: 'resource_link', uri: 'own://bytes' },
        { type: 'resource', resource: { uri: 'own://bytes', blob: bytes } },
      ])
    },
  },
  {
    title: 'is told what is wrong with a call, as an answer',
    verifies: ['errors:tool'],
    async play({ client }) {
      const called = await client.call('get_patient_observations', { patient_id: 'pat-1', limit: -1 })
      expect(called.isError).toBe(true)
      expect(called.structured).toMatchObject({ resourceType: 'OperationOutcome' })
      expect(called.text).toContain('FHIR_MCP_INVALID_ARGUMENT')
    },
  },
  {
    title: 'is not told what own code threw',
    verifies: ['errors:fault'],
    on: withOwn,
    async play({ client }) {
      const prompting = () => client.getPrompt('explain', { what: 'it', tone: 'none' })
      for (const ask of [() => client.call('fail'), prompting]) {
        const { code, message } = await refusalOf(ask())
        expect(code).toBe(-32603)
        expect(message).toContain('Internal error')
        expect(message).not.toContain('secret')
      }
    },
  },
  {
    title: 'is refused what the server does not have',
    verifies: ['errors:unknown-tool', 'errors:unknown-method'],
    async play({ client, connection }) {
      expect(await refusalOf(client.call('no_such_tool'))).toMatchObject({ code: -32602 })
      const refused = await refusalOf(client.request('no/such/method'))
      // There it is a 404, and what the client throws holds the body.
      const inBody = connection.by === 'http' && connection.protocol === '2026-07-28'
      if (inBody) expect(refused.message).toContain('"code":-32601')
      else expect(refused.code).toBe(-32601)
    },
  },
  {
    title: 'finds resources and reads them',
    verifies: ['resources:list', 'resources:read'],
    async play({ client }) {
      expect(await client.listResources()).toContainEqual(
        expect.objectContaining({ uri: 'fhir://capabilities', mimeType: 'application/json' }),
      )
      expect((await client.listTemplates()).map(({ uriTemplate }) => uriTemplate)).toEqual([
        'exchange://study/{id}',
        'exchange://patient/{id}',
        'open-mhealth://data-type/{name}',
      ])
      const study = JSON.parse(await client.readResource('exchange://study/study-a'))
      expect(study).toMatchObject({ resourceType: 'ResearchStudy', id: 'study-a' })
    },
  },
  {
    title: 'reads a resource that is no text',
    verifies: ['resources:read'],
    on: withOwn,
    async play({ client }) {
      expect(await client.readContents('own://bytes')).toMatchObject([
        { uri: 'own://bytes', mimeType: 'image/png', blob: bytes },
      ])
    },
  },
  {
    title: 'is refused a resource that is not there, or not permitted, in the same words',
    verifies: ['resources:not-found', 'access:forbidden'],
    async play({ client, exchange }) {
      await client.readResource('exchange://patient/pat-4')
      exchange.reset()
      for (const uri of [
        'exchange://patient/no-such-patient',
        'exchange://patient/pat-10',
        'own://nothing',
      ]) {
        const refused = await refusalOf(client.readResource(uri))
        expect(refused).toMatchObject({ code: -32602, data: { uri } })
        expect(refused.message).toContain(forbiddenWords)
      }
      expect(exchange.requests).toEqual([])
    },
  },
  {
    title: 'completes within its reach',
    verifies: ['completion:reach'],
    async play({ client }) {
      expect(await client.complete('exchange://study/{id}', 'id', 'study-')).toEqual(['study-a', 'study-b'])
      expect(await client.complete('exchange://patient/{id}', 'id', 'pat-10')).toEqual([])
    },
  },
  {
    title: 'gets a prompt with all that it holds',
    verifies: ['prompts:content'],
    on: withOwn,
    async play({ client }) {
      const own = (await client.listPrompts()).filter(({ name }) => name === 'explain')
      expect(own).toMatchObject([
        { name: 'explain', arguments: [{ name: 'what', required: true }, { name: 'tone' }] },
      ])
      expect(await client.getPrompt('explain', { what: 'the trend' })).toMatchObject([
        { role: 'user', content: { type: 'text', text: 'Explain the trend.' } },
        { role: 'user', content: { type: 'image', data: bytes } },
        { role: 'assistant', content: { type: 'resource', resource: { blob: bytes } } },
      ])
    },
  },
  {
    title: 'is refused a prompt that is not there, and one without its arguments',
    verifies: ['prompts:errors'],
    async play({ client }) {
      expect(await refusalOf(client.getPrompt('no-such-prompt', {}))).toMatchObject({ code: -32602 })
      expect(await refusalOf(client.getPrompt('explain', {}))).toMatchObject({ code: -32602 })
    },
  },
]
