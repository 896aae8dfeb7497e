import { randomBytes } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { freePort } from '../../src/demo/gateway.ts'
import { permissionsClaim, startExchange, startIssuer } from '../../src/test-kit/index.ts'
import { type Called, type Connection, connect, connections, type TestClient } from '../e2e/clients.ts'
import { cursorOf } from '../e2e/scenarios.ts'
import { type Repeating, type RoundRobin, startRoundRobin } from './round-robin.ts'
import { type ServeProcess, startServe } from './serve-process.ts'

/** Every official client over Streamable HTTP. */
const overHttp = connections.filter(({ by }) => by === 'http')
const ends: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

interface Stage {
  readonly proxy: RoundRobin
  readonly instances: ServeProcess[]
  start(nth: number): Promise<void>
  connect(connection: Connection): Promise<TestClient>
}

/** Two instances behind a proxy, in front of an exchange that takes its time, so that there always are calls in flight. */
async function startStage(repeating: Repeating, keepAlive: boolean): Promise<Stage> {
  const exchange = await startExchange({
    dialect: 'hapi',
    fhirVersion: 'R4',
    faults: () => ({ kind: 'hold', until: wait(20) }),
  })
  const issuer = await startIssuer()
  const proxy = await startRoundRobin(repeating, keepAlive)
  ends.push(exchange.close, issuer.close, proxy.close)
  const audience = `${proxy.origin}/mcp`
  const environment = {
    FHIR_MCP_FHIR_BASE_URL: exchange.url,
    FHIR_MCP_FHIR_DIALECT: 'hapi',
    FHIR_MCP_FHIR_CREDENTIALS: 'none',
    FHIR_MCP_AUTH_ISSUER: issuer.url,
    FHIR_MCP_AUTH_AUDIENCE: audience,
    FHIR_MCP_PUBLIC_URL: proxy.origin,
    FHIR_MCP_RESULTS_CURSOR_KEY: randomBytes(32).toString('base64url'),
    FHIR_MCP_AUDIT_SINK: 'off',
    FHIR_MCP_LIMITS_CALLS_PER_PRINCIPAL: '0',
  }
  const ports = [await freePort(), await freePort()]
  const instances: ServeProcess[] = []
  const start = async (nth: number) => {
    const instance = await startServe(ports[nth] ?? 0, environment)
    instances[nth] = instance
    ends.push(() => instance.end('SIGKILL'))
  }
  await Promise.all([start(0), start(1)])
  proxy.instances = ports
  return {
    proxy,
    instances,
    start,
    async connect(connection) {
      const claims = { sub: connection.sdk, aud: audience, ...permissionsClaim({ studies: ['study-a'] }) }
      const token = await issuer.token(claims)
      const client = await connect(connection, { origin: proxy.origin, environment: {} }, () => token)
      ends.push(() => client.close())
      return client
    },
  }
}

/** What a call answered, but for when it did and the cursor that goes on. */
function withoutTime({ text, isError }: Called): string {
  return `${isError} ${text}`
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 't')
    .replaceAll(/cursor: \S+/g, 'cursor')
}

/** Reads all pages of a patient, each wherever the proxy sends it, and the tools. */
async function work(client: TestClient): Promise<string[]> {
  const said = [(await client.listTools()).length.toString()]
  let cursor: string | undefined
  do {
    const given = { patient_id: 'pat-5', limit: 40, ...(cursor === undefined ? {} : { cursor }) }
    const page = await client.call('get_patient_observations', given)
    said.push(withoutTime(page))
    cursor = cursorOf(page)
  } while (cursor !== undefined)
  said.push(withoutTime(await client.call('get_patient_demographics', { patient_id: 'pat-2' })))
  said.push(withoutTime(await client.call('get_patient_demographics', { patient_id: 'pat-9' })))
  return said
}

/** The clients work on and on while `happens` goes on, and once more after it; what they were told that is not as before. */
async function during(
  { connect: reach }: Stage,
  happens: () => Promise<void>,
): Promise<{ rounds: number; failures: string[] }> {
  const clients = await Promise.all(overHttp.map(reach))
  const [first] = clients
  if (first === undefined) throw new TypeError('no client')
  const right = await work(first)
  expect(right.length).toBeGreaterThan(4)
  const failures: string[] = []
  let [rounds, going] = [0, true]
  const each = async (client: TestClient) => {
    let last = false
    while (!last) {
      last = !going
      const said = await work(client).catch((thrown: unknown) => [String(thrown)])
      if (JSON.stringify(said) !== JSON.stringify(right)) failures.push(said.join('\n'))
      rounds += 1
    }
  }
  const working = Promise.all(clients.flatMap((client) => [each(client), each(client)]))
  try {
    await happens()
  } finally {
    going = false
    await working
  }
  return { rounds, failures }
}

const answeredBy = ({ proxy, instances }: Stage, nth: number) =>
  proxy.answered.get(instances[nth]?.port ?? 0) ?? 0

describe('two instances behind a proxy without stickiness', () => {
  it('one killed in the middle: no client notices, where the proxy repeats what was not answered', async () => {
    const stage = await startStage('unanswered', true)
    const { rounds, failures } = await during(stage, async () => {
      await wait(500)
      expect(await stage.instances[0]?.end('SIGKILL')).toBe('SIGKILL')
      await wait(500)
      const before = answeredBy(stage, 0)
      await stage.start(0)
      await expect.poll(() => answeredBy(stage, 0)).toBeGreaterThan(before + 10)
    })
    expect(failures).toEqual([])
    expect(rounds).toBeGreaterThan(overHttp.length)
    // The control: there were requests to repeat.
    expect([stage.proxy.again > 0, stage.proxy.lost]).toEqual([true, 0])
    expect(answeredBy(stage, 1)).toBeGreaterThan(0)
  })

  it('one killed in the middle: where it does not, what that one had in hand is lost, and nothing else', async () => {
    const stage = await startStage('unsent', false)
    const { failures } = await during(stage, async () => {
      await wait(500)
      await stage.instances[0]?.end('SIGKILL')
      await wait(500)
    })
    expect(failures.length).toBe(stage.proxy.lost)
    expect(stage.proxy.lost).toBeLessThanOrEqual(2 * overHttp.length)
  })

  it('restarted one after the other, taken out of the rotation before: no request is lost or repeated', async () => {
    const stage = await startStage('unsent', true)
    const { failures } = await during(stage, async () => {
      const all = stage.proxy.instances
      for (const [nth, instance] of [...stage.instances].entries()) {
        await wait(300)
        stage.proxy.instances = all.filter((port) => port !== instance.port)
        expect(await instance.end('SIGTERM')).toBe(0)
        await stage.start(nth)
        stage.proxy.instances = all
      }
      await wait(300)
    })
    expect(failures).toEqual([])
    expect([stage.proxy.again, stage.proxy.lost]).toEqual([0, 0])
  })

  it('restarted one after the other under a proxy that knows nothing of it: no client notices', async () => {
    const stage = await startStage('unanswered', true)
    const { failures } = await during(stage, async () => {
      for (const [nth, instance] of [...stage.instances].entries()) {
        await wait(300)
        expect(await instance.end('SIGTERM')).toBe(0)
        await stage.start(nth)
      }
      await wait(300)
    })
    expect(failures).toEqual([])
    expect(stage.proxy.lost).toBe(0)
  })
})
