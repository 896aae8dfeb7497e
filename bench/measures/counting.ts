import { Pool } from 'undici'
import { z } from 'zod'
import { createCaller, toolCall } from '../frame/caller.ts'
import { sendOnce } from '../frame/compare.ts'
import { timed } from '../frame/interleave.ts'
import type { Measure, Round } from '../frame/measure.ts'
import { median } from '../frame/statistics.ts'
import { counted } from '../servers/cohorts.ts'
import type { Site } from '../servers/site.ts'
import { countedStudy, type Stage } from '../servers/stage.ts'
import { ourCall } from './prepare.ts'

/** What a JupyterHealth Exchange takes for a permission answer, in milliseconds. */
export const exchangeLatency = 35
const mostRounds = 3

const answerSchema = z.object({
  result: z.object({
    structuredContent: z.object({ parameter: z.array(z.looseObject({ name: z.string() })) }),
  }),
})

/** The same number of requests through as many connections, by undici alone. */
async function bare(site: Site, requests: number): Promise<number> {
  const { origin, pathname } = new URL(site.exchange.url)
  const pool = new Pool(origin, { connections: site.connections })
  const headers = site.authorization === undefined ? {} : { authorization: site.authorization }
  const one = async () => {
    const answered = await pool.request({
      path: `${pathname}/Patient/${site.subjects.patient}`,
      method: 'GET',
      headers,
    })
    await answered.body.dump()
  }
  await one()
  const took = await timed(() => Promise.all(Array.from({ length: requests }, one)))
  await pool.close()
  return took
}

async function run(stage: Stage, site: Site) {
  const study = countedStudy(site)
  const token = await stage.token([study])
  const gateway = await site.lifted()
  const call = ourCall(
    gateway,
    token,
    toolCall('count_study_observations', { study_id: study, by_patient: true }),
  )
  // Roster, connections, proofs of the search forms, and the recordings.
  const answer = answerSchema.parse(JSON.parse((await sendOnce(call)).toString('utf8')))
  const patients = answer.result.structuredContent.parameter.filter(({ name }) => name === 'patient').length
  if (patients !== counted.patients) throw new Error(`${patients} patients were counted`)
  await site.exchange.latency(exchangeLatency)
  const caller = createCaller(call)
  const rounds: Round[] = []
  const bareTimes: number[] = []
  let requests = 0
  for (let round = 0; round < Math.min(stage.rounds, mostRounds); round += 1) {
    await site.exchange.reset()
    const ours = await timed(() => caller.send())
    requests = (await site.exchange.log())?.count ?? 0
    rounds.push({ ours, reference: Math.ceil(requests / site.connections) * exchangeLatency })
    bareTimes.push(await bare(site, requests))
  }
  await caller.close()
  await site.exchange.latency(0)
  return {
    unit: 'ms',
    rounds,
    figures: [
      { name: 'requests', value: requests, unit: '' },
      { name: 'connections', value: site.connections, unit: '' },
      { name: 'as many requests by undici alone', value: median(bareTimes), unit: 'ms' },
    ],
    notes: [`The proofs of the search forms were made before; they are kept 5 minutes.`],
  }
}

function measureOf(dialect: Site['dialect'], name: string, server: string): Measure {
  return {
    name,
    title: `\`count_study_observations(by_patient)\`, ${counted.patients} patients, ${server} at ${exchangeLatency} ms`,
    against: 'the ideal: requests ÷ connections × latency',
    target: { of: 'ours ÷ reference', bound: 'at most', value: 1.3 },
    run: async (stage) => run(stage, await stage.site(dialect)),
  }
}

/** Counting 200 patients one by one. */
export const countByPatient = measureOf('jupyterhealth', 'count-by-patient', 'JupyterHealth Exchange')
export const countByPatientHapi = measureOf('hapi', 'count-by-patient-hapi', 'HAPI')
