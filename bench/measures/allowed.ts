import { type Call, toolCall } from '../frame/caller.ts'
import { compareCalls, sendOnce } from '../frame/compare.ts'
import type { Figure, Measure } from '../frame/measure.ts'
import { median } from '../frame/statistics.ts'
import type { Site } from '../servers/site.ts'
import { ourCall } from './prepare.ts'

const floorRounds = 5

/** The patient through a Fastify proxy. */
function proxied({ reference, subjects, authorization }: Site): Call {
  return {
    origin: reference.facts.origin,
    path: `/proxy/Patient/${subjects.patient}`,
    method: 'GET',
    headers: authorization === undefined ? {} : { authorization },
    body: null,
  }
}

/** The same patient by the SDK's server and fhir-kit-client, with nothing of ours in between. */
function floorOf({ reference, subjects, exchange, authorization }: Site, ours: Call): Call {
  const query = new URLSearchParams({ path: `${new URL(exchange.url).pathname}/Patient/${subjects.patient}` })
  if (authorization !== undefined) query.set('authorization', authorization)
  return { ...ours, origin: reference.facts.origin, path: `/floor?${query}` }
}

/** How far the two libraries that every tool runs on are from the proxy. */
async function floorFigures(site: Site, floor: Call, proxy: Call): Promise<Figure[]> {
  if (!(await sendOnce(floor)).includes(`"resourceType":"Patient"`))
    throw new Error('the floor gives no patient')
  const { rounds } = await compareCalls(
    floorRounds,
    150,
    { call: floor, child: site.reference },
    { call: proxy, child: site.reference },
  )
  const value = median(rounds.map(({ ours, reference }) => ours / reference))
  return [{ name: 'floor: the SDK with fhir-kit-client and nothing else ÷ reference', value, unit: '×' }]
}

/** Throws unless the proxy passes on the very bytes of the exchange. */
async function assertFromExchange(
  { exchange, subjects, authorization }: Site,
  reference: Call,
): Promise<void> {
  const headers = authorization === undefined ? {} : { authorization }
  const direct = await fetch(`${exchange.url}/Patient/${subjects.patient}`, { headers })
  const [there, through] = [await direct.text(), (await sendOnce(reference)).toString('utf8')]
  // A live server may say when it answered.
  const differ = (await exchange.log()) === undefined ? through === '' : there !== through
  if (differ) throw new Error('the proxy gives other bytes than the exchange')
}

/** One patient, the roster warm: one request to the exchange on either side. */
export const allowed: Measure = {
  name: 'allowed',
  title: 'Allowed call: `get_patient_demographics`, exchange at 0 ms',
  against: 'the same FHIR URL through a Fastify proxy (`@fastify/http-proxy`)',
  on: ['hapi', 'jupyterhealth'],
  target: { of: 'ours ÷ reference', bound: 'at most', value: 2 },
  async run(stage) {
    const site = await stage.site('hapi')
    const token = await stage.token([site.subjects.study])
    const ours = ourCall(
      site.gateway,
      token,
      toolCall('get_patient_demographics', { patient_id: site.subjects.patient }),
    )
    const reference = proxied(site)
    if (!(await sendOnce(ours)).includes(`"resourceType":"Patient"`)) throw new Error('ours gives no patient')
    await assertFromExchange(site, reference)
    await site.exchange.reset()
    await sendOnce(ours)
    const log = await site.exchange.log()
    const compared = await compareCalls(
      stage.rounds,
      150,
      { call: ours, child: site.gateway },
      { call: reference, child: site.reference },
    )
    const asked =
      log === undefined ? [] : [{ name: 'requests of a call', value: log.count, unit: '', atMost: 1 }]
    const floor = await floorFigures(site, floorOf(site, ours), reference)
    return { unit: 'ms', rounds: compared.rounds, figures: [...asked, ...floor, ...compared.figures] }
  },
}
