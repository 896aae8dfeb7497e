import { type Call, toolCall, toolsList } from '../frame/caller.ts'
import { compareCalls, sendOnce } from '../frame/compare.ts'
import type { Figure, Measure, Outcome } from '../frame/measure.ts'
import { median } from '../frame/statistics.ts'
import type { Site } from '../servers/site.ts'
import type { Stage } from '../servers/stage.ts'
import { constantReferenceFor, ourCall } from './prepare.ts'

const block = 150
const bareRounds = 3

/** A call that costs no request, beside the SDK's low-level server and a plain route with the same bytes. */
async function withoutRequests(stage: Stage, name: string, body: (site: Site) => string): Promise<Outcome> {
  const site = await stage.site('hapi')
  const token = await stage.token([site.subjects.study])
  const ours = ourCall(site.gateway, token, body(site))
  // Rosters that the decision needs are read once, before.
  await sendOnce(ours)
  const { sdk, bare } = await constantReferenceFor(ours, site.reference, name)
  await site.exchange.reset()
  const compared = await compareCalls(
    stage.rounds,
    block,
    { call: ours, child: site.gateway },
    { call: sdk, child: site.reference },
  )
  const log = await site.exchange.log()
  const beside = await bareFigures(site, ours, bare)
  const asked: Figure[] =
    log === undefined ? [] : [{ name: 'requests to the exchange', value: log.count, unit: '', atMost: 0 }]
  return { unit: 'ms', rounds: compared.rounds, figures: [...asked, ...compared.figures, ...beside] }
}

async function bareFigures(site: Site, ours: Call, bare: Call): Promise<Figure[]> {
  const { rounds } = await compareCalls(
    bareRounds,
    block,
    { call: ours, child: site.gateway },
    { call: bare, child: site.reference },
  )
  const took = median(rounds.map(({ reference }) => reference))
  return [{ name: 'a bare Fastify route with the same bytes', value: took, unit: 'ms' }]
}

const againstSdk = "the SDK's low-level server, the same bytes on a Fastify route"

/** A study that the token does not permit: nothing has to be known of the exchange. */
export const denied: Measure = {
  name: 'denied',
  title: 'Denied call: a study that is not permitted',
  against: againstSdk,
  on: ['hapi', 'jupyterhealth'],
  target: { of: 'ours ÷ reference', bound: 'at most', value: 1.25 },
  run: (stage) =>
    withoutRequests(stage, 'denied', ({ subjects }) =>
      toolCall('get_study_metadata', { study_id: subjects.otherStudy }),
    ),
}

/** A patient who is on no permitted roster; the rosters are warm. */
export const deniedPatient: Measure = {
  name: 'denied-patient',
  title: 'Denied call: a patient who is on no permitted roster, rosters warm',
  against: againstSdk,
  on: ['hapi', 'jupyterhealth'],
  target: { of: 'ours ÷ reference', bound: 'at most', value: 1.25 },
  run: (stage) =>
    withoutRequests(stage, 'denied-patient', ({ subjects }) =>
      toolCall('get_patient_demographics', { patient_id: subjects.otherPatient }),
    ),
}

/** The list of tools. */
export const listing: Measure = {
  name: 'tools-list',
  title: '`tools/list`',
  against: againstSdk,
  on: ['hapi', 'jupyterhealth'],
  target: { of: 'ours ÷ reference', bound: 'at most', value: 1.2 },
  run: (stage) => withoutRequests(stage, 'tools-list', () => toolsList),
}
