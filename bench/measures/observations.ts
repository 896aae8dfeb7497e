import { z } from 'zod'
import { type Call, toolCall } from '../frame/caller.ts'
import { compareCalls, sendOnce } from '../frame/compare.ts'
import type { Figure, Measure } from '../frame/measure.ts'
import type { Site } from '../servers/site.ts'
import { ourCall } from './prepare.ts'

const rowsAsked = 1000
const block = 6

const bundleAnswer = z.object({
  result: z.object({
    structuredContent: z.looseObject({
      entry: z.array(z.object({ search: z.object({ mode: z.string() }) })).default([]),
    }),
  }),
})
const tableAnswer = z.object({
  result: z.object({ structuredContent: z.object({ rows: z.array(z.array(z.unknown())) }) }),
})

/** The page that ours asks the exchange for, as the dialect asks for it: newest first. */
function pagePath({ exchange, subjects, dialect }: Site): string {
  const { pathname } = new URL(exchange.url)
  return dialect === 'jupyterhealth'
    ? `${pathname}/Observation?patient=${subjects.patient}&_sort=-date&_count=${rowsAsked}&_page=1`
    : `${pathname}/Observation?patient=Patient%2F${subjects.patient}&_sort=-date%2C_id&_count=${rowsAsked}&_total=accurate&_pretty=false`
}

/** The same page, fetched, parsed and made into text by a Fastify route. */
function fetched(site: Site): Call {
  const query = new URLSearchParams({ path: pagePath(site) })
  if (site.authorization !== undefined) query.set('authorization', site.authorization)
  return {
    origin: site.reference.facts.origin,
    path: `/fetch?${query}`,
    method: 'GET',
    headers: {},
    body: null,
  }
}

function observationCall(site: Site, format: string): string {
  const { patient } = site.subjects
  return toolCall('get_patient_observations', { patient_id: patient, limit: rowsAsked, format })
}

function rowsOf(answer: Buffer, format: string): number {
  const json: unknown = JSON.parse(answer.toString('utf8'))
  if (format === 'table') return tableAnswer.parse(json).result.structuredContent.rows.length
  const { entry } = bundleAnswer.parse(json).result.structuredContent
  return entry.filter(({ search }) => search.mode === 'match').length
}

function measureOf(format: 'table' | 'fhir'): Measure {
  return {
    on: ['hapi', 'jupyterhealth'],
    name: `observations-${format}`,
    title: `\`get_patient_observations\`, 1,000 Observations with Open mHealth bodies, as \`${format}\`, byte budget lifted`,
    against:
      'a Fastify route that does `undici.request`, `JSON.parse`, `JSON.stringify` with the same bytes of the exchange',
    target: { of: 'ours ÷ reference', bound: 'at most', value: 1.8 },
    async run(stage) {
      const site = await stage.site('jupyterhealth')
      const gateway = await site.lifted()
      const token = await stage.token([site.subjects.study])
      const ours = ourCall(gateway, token, observationCall(site, format))
      await sendOnce(ours)
      await site.exchange.reset()
      const answer = await sendOnce(ours)
      const log = await site.exchange.log()
      if (log !== undefined && log.asked.join() !== `GET ${pagePath(site)}`) {
        throw new Error(`The reference fetches another page than ours: ${log.asked}`)
      }
      const reference = fetched(site)
      const raw = await sendOnce(reference)
      const compared = await compareCalls(
        stage.rounds,
        block,
        { call: ours, child: gateway },
        { call: reference, child: site.reference },
      )
      return {
        unit: 'ms',
        rounds: compared.rounds,
        figures: [
          { name: 'rows given', value: rowsOf(answer, format), unit: '' },
          { name: 'bytes of the exchange', value: raw.length / 1_000_000, unit: 'MB' },
          { name: 'bytes of the answer', value: answer.length / 1_000_000, unit: 'MB' },
          ...compared.figures,
        ],
      }
    },
  }
}

/** A page of 1,000 as a table and as FHIR. */
export const observationsTable = measureOf('table')
export const observationsFhir = measureOf('fhir')

/** What is fetched for an answer that is bounded: as many rows as could fit, whatever was asked for. */
export const budget: Measure = {
  name: 'observations-budget',
  title: '`get_patient_observations`, 1,000 asked for, byte budget in force: what is fetched',
  against: 'the same call with the budget lifted',
  target: { of: 'ours ÷ reference', bound: 'at most', value: 1 },
  async run(stage) {
    const site = await stage.site('jupyterhealth')
    const lifted = await site.lifted()
    const token = await stage.token([site.subjects.study])
    const figures: Figure[] = []
    for (const format of ['table', 'fhir', 'fhir_full']) {
      const call = ourCall(site.gateway, token, observationCall(site, format))
      await sendOnce(call)
      await site.exchange.reset()
      const rows = rowsOf(await sendOnce(call), format)
      const log = await site.exchange.log()
      const asked = log?.asked.map((path) => Number(/_count=(\d+)/.exec(path)?.[1] ?? 0)) ?? []
      const sum = asked.reduce((all, one) => all + one, 0)
      figures.push({ name: `${format}: rows that the answer holds`, value: rows, unit: '' })
      if (log === undefined) continue
      figures.push(
        {
          name: `${format}: rows asked of the exchange`,
          value: sum,
          unit: '',
          atMost: mostThatFit[format] ?? 0,
        },
        { name: `${format}: requests`, value: log.count, unit: '' },
      )
    }
    const body = observationCall(site, 'table')
    const compared = await compareCalls(
      stage.rounds,
      block,
      { call: ourCall(site.gateway, token, body), child: site.gateway },
      { call: ourCall(lifted, token, body), child: lifted },
    )
    return { unit: 'ms', rounds: compared.rounds, figures: [...figures, ...compared.figures] }
  },
}

/** Rows of the least size that a reading can have, in the default budget of 65,536 bytes. */
const mostThatFit: Readonly<Record<string, number>> = { table: 327, fhir: 145, fhir_full: 93 }
