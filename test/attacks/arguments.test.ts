import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { defineLocalTool } from '../../plugins/index.ts'
import { permissionsClaim, startExchange, type TestExchange } from '../../src/test-kit/index.ts'
import { patientsIn } from './answers.ts'
import { cases } from './cases.ts'
import { stopClock } from './clock.ts'
import { type AttackedGateway, startAttacked } from './gateway.ts'
import { type HostileCall, hostileCalls, hostileText, isRequired, textArguments } from './hostile.ts'
import { attack, comesThrough } from './seed.ts'
import { audience, type Signer, startSigner } from './signer.ts'
import { hapi, jupyterHealth, jupyterHealthImports } from './stages.ts'
import { notePages, outside } from './wire.ts'

/** An own tool that asks the exchange past the plugin, with whatever it is told. */
const carelessTool = (url: () => string) =>
  defineLocalTool({
    name: 'careless',
    title: 'Careless',
    description: 'Passes on what it is told.',
    input: z.object({ text: z.string() }),
    output: 'object',
    local: true,
    async run({ text }) {
      await fetch(`${url()}/Patient?name=${text}`).catch(() => undefined)
      return { text: 'done' }
    },
  })

describe('an argument of ten megabytes', () => {
  it('is refused without a request, by the limit of bodies or by its own', async () => {
    const signer = await startSigner()
    const exchange = await startExchange({ dialect: 'hapi', fhirVersion: 'R4' })
    const fhir = { baseUrl: exchange.url, credentials: 'none' } as const
    const gateway = await startAttacked(signer, { fhir })
    const roomy = await startAttacked(signer, { fhir, bodyLimit: 32 * 1_048_576 })
    const token = signer.token(signer.claims({ ...permissionsClaim({ studies: ['study-a'] }) }))
    const large = 'pat-1,'.repeat(1_750_000)
    const tried = new Set<string>()
    for (const { name, inputSchema } of await gateway.tools(token)) {
      for (const argument of textArguments(inputSchema).filter((one) => !tried.has(one))) {
        const given = Object.entries({ patient_id: 'pat-1', study_id: 'study-a', [argument]: large })
        const fitting = given.filter(([one]) => one === argument || isRequired(inputSchema, one))
        const answer = await roomy.call(token, name, Object.fromEntries(fitting))
        expect(answer.code, `${name} ${argument}`).toBe('INVALID_ARGUMENT')
        tried.add(argument)
      }
    }
    expect(tried.size).toBeGreaterThan(10)
    expect((await gateway.call(token, 'get_patient_demographics', { patient_id: large })).status).toBe(413)
    const { reach, rules } = hapi('R4')
    const bounds = { ...reach, pages: new Set<string>(), authorization: undefined }
    expect(exchange.requests.flatMap((request) => outside(request, bounds, rules))).toEqual([])
    await Promise.all([gateway.close(), roomy.close(), exchange.close(), signer.close()])
  })
})

describe.each([hapi('R4'), hapi('R5'), jupyterHealth, jupyterHealthImports])('$title', (stage) => {
  let clock: ReturnType<typeof stopClock>
  let signer: Signer
  let exchange: TestExchange<unknown>
  let gateway: AttackedGateway
  let token: string
  let calls: fc.Arbitrary<HostileCall>
  const pages = new Set<string>()

  beforeAll(async () => {
    clock = stopClock()
    signer = await startSigner()
    exchange = await stage.start()
    gateway = await startAttacked(
      signer,
      {
        fhir: stage.fhir(exchange.url),
        access: { rosterSeconds: 1, participantCodeSystem: 'https://northlake.example/mrn' },
      },
      (app) => app.fhirMcp.tool(carelessTool(() => exchange.url)),
    )
    token = signer.token(signer.claims({ ...stage.claims, aud: [audience, 'https://exchange.test'] }))
    const tools = (await gateway.tools(token)).filter(({ name }) => name !== 'careless')
    expect(tools.length).toBeGreaterThanOrEqual(13)
    calls = hostileCalls(tools, stage.names, stage.usual)
  })
  afterAll(async () => {
    clock.release()
    await Promise.all([gateway.close(), exchange.close(), signer.close()])
  })

  /** Forgets what was asked, and keeps in mind the pages that the exchange gives. */
  function watch() {
    exchange.reset()
    exchange.misbehave(() => ({ kind: 'rewrite', change: (body) => notePages(body, pages) }))
  }

  function nothingOutside() {
    const authorization = stage.fhir('').credentials === 'forward' ? `Bearer ${token}` : undefined
    const reach = { ...stage.reach, pages, authorization }
    expect(exchange.requests.flatMap((request) => outside(request, reach, stage.rules))).toEqual([])
  }

  let tried = 0
  async function withstands({ tool, given }: HostileCall) {
    watch()
    // Now and then the rosters are cold, so that they are seen on the wire as well.
    tried += 1
    if (tried % 25 === 0) clock.step(2)
    const answer = await gateway.call(token, tool, given)
    nothingOutside()
    expect([200, 400]).toContain(answer.status)
    expect(answer.code).not.toBe('RATE_LIMITED')
    expect(answer.body).not.toMatch(/\n\s+at |node_modules|"code":-32603/)
    for (const patient of patientsIn(answer.structured)) {
      expect([...stage.reach.patients, ...stage.known]).toContain(patient)
    }
  }

  it('names nothing outside the grant on the wire, whatever the arguments are', async () => {
    let asked = 0
    await attack(stage.title, calls, async (call) => {
      await withstands(call)
      asked += exchange.count
    })
    // Or else the attacks would have ended at the first check of the arguments.
    expect(asked).toBeGreaterThan(cases[stage.title] / 4)
  })

  it('asks the exchange when the arguments are calm (control)', async () => {
    watch()
    const [patient_id, study_id, name] = [
      stage.usual.patient_id?.[0],
      stage.usual.study_id?.[0],
      stage.usual.name?.[0],
    ]
    const answers = [
      await gateway.call(token, 'get_patient_observations', { patient_id, limit: 2 }),
      await gateway.call(token, 'count_study_observations', { study_id }),
      await gateway.call(token, 'search_patients', { name, detail: 'identified' }),
      await gateway.call(token, 'get_study_metadata', { study_id }),
    ]
    for (const search of stage.usual.search ?? []) {
      const type = JSON.stringify(search).includes('finished') ? 'Encounter' : 'Condition'
      answers.push(await gateway.call(token, 'search_fhir', { patient_id, type, search }))
    }
    expect(answers.map(({ isError, text }) => (isError ? text : ''))).toEqual(answers.map(() => ''))
    expect(exchange.count).toBeGreaterThan(4)
    nothingOutside()
  })

  it('would be found out if it did: a tool that passes on what it is told is (control)', async () => {
    const careless = hostileText(stage.names).map((text) => ({ tool: 'careless', given: { text } }))
    expect(await comesThrough(careless, withstands)).toBe(true)
  })

  it('reads no resource outside the grant by its URI', async () => {
    await attack(
      'arguments: URIs',
      fc.tuple(fc.constantFrom('patient', 'study'), hostileText(stage.names)),
      async ([kind, id]) => {
        watch()
        await gateway.read(token, `exchange://${kind}/${id.slice(0, 400)}`)
        nothingOutside()
      },
    )
  })
})
