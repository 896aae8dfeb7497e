import { type Call, toolCall } from '../frame/caller.ts'
import { compareCalls, sendOnce } from '../frame/compare.ts'
import type { Measure } from '../frame/measure.ts'
import type { Site } from '../servers/site.ts'
import { ourCall } from './prepare.ts'

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
    return { unit: 'ms', rounds: compared.rounds, figures: [...asked, ...compared.figures] }
  },
}
