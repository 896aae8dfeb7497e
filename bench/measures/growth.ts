import { z } from 'zod'
import { type Call, createCaller, toolCall } from '../frame/caller.ts'
import { timed } from '../frame/interleave.ts'
import type { Curve, Figure, Measure } from '../frame/measure.ts'
import { median } from '../frame/statistics.ts'
import { generatedPatient } from '../servers/generated.ts'
import type { HttpChild } from '../servers/site.ts'
import type { Stage } from '../servers/stage.ts'
import { ourCall } from './prepare.ts'

const turns = 5
const callsPerTurn = 30
/** Of each point, so many calls or so long. */
const warmUp = { calls: 300, milliseconds: 800 }
/** Ten times as much may take ten times as long, and what a measurement wavers. */
const linear = 11.5
const smallRoster = 10

/** One size of a curve: calls that are sent by turns. */
interface Point {
  readonly size: number
  readonly calls: readonly Call[]
}

/** Median times of the points, taken by turns. */
async function curveOf(name: string, grows: string, points: readonly Point[]): Promise<Curve> {
  const sides = points.map(({ size, calls }) => {
    const callers = calls.map(createCaller)
    let next = 0
    return {
      size,
      medians: [] as number[],
      sample: () => timed(async () => callers[next++ % callers.length]?.send()),
      close: () => Promise.all(callers.map((caller) => caller.close())),
    }
  })
  for (const { sample } of sides) {
    const start = performance.now()
    const isWarm = () => performance.now() - start > warmUp.milliseconds
    for (let call = 0; call < warmUp.calls && !isWarm(); call += 1) await sample()
  }
  for (let turn = 0; turn < turns; turn += 1) {
    for (const { sample, medians } of sides) {
      const times: number[] = []
      for (let call = 0; call < callsPerTurn; call += 1) times.push(await sample())
      medians.push(median(times))
    }
  }
  await Promise.all(sides.map(({ close }) => close()))
  return { name, grows, points: sides.map(({ size, medians }) => ({ size, milliseconds: median(medians) })) }
}

const denied = toolCall('get_study_metadata', { study_id: 'not-permitted' })

function demographics(patient: string): string {
  return toolCall('get_patient_demographics', { patient_id: patient })
}

/** People whose tokens are known; a call of some of them, from all over. */
async function users(stage: Stage, gateway: HttpChild): Promise<Curve> {
  const load = await stage.load()
  const sizes = [100, 1000, 10_000]
  const most = sizes.at(-1) ?? 0
  const tokens = await Promise.all(
    Array.from({ length: most }, (_, index) => stage.token([`g${smallRoster}-${index}`], { alg: 'ES256' })),
  )
  const points: Point[] = []
  for (const size of sizes) {
    const some = tokens.slice(0, size)
    const some20 = Array.from({ length: 20 }, (_, index) => some[Math.floor((index * size) / 20)] ?? '')
    points.push({ size, calls: some20.map((token) => ourCall(gateway, token, denied)) })
  }
  // Each size is measured with as many principals in the cache as it says.
  const measured: Curve['points'][number][] = []
  for (const [index, point] of points.entries()) {
    const seen = tokens.slice(index === 0 ? 0 : (sizes[index - 1] ?? 0), point.size)
    const given = {
      origin: gateway.facts.origin,
      tokens: seen,
      bodies: seen.map(() => denied),
      concurrency: 16,
    }
    await load.ask('walk', z.number(), given)
    const { points: one } = await curveOf('users', '', [point])
    measured.push(...one)
  }
  return { name: 'users', grows: 'users whose tokens were seen, a denied call', points: measured }
}

async function studies(stage: Stage, gateway: HttpChild): Promise<Curve[]> {
  const sizes = [10, 100, 1000]
  const points = await Promise.all(
    sizes.map(async (size) => {
      const ids = Array.from({ length: size }, (_, index) => `g9-${index}`)
      const token = await stage.token(ids)
      const patient = generatedPatient(ids.at(-1) ?? '', 1)
      return { size, token, patient }
    }),
  )
  return [
    await curveOf(
      'studies, denied',
      'studies of the token, a denied call',
      points.map(({ size, token }) => ({ size, calls: [ourCall(gateway, token, denied)] })),
    ),
    await curveOf(
      'studies, allowed',
      'studies of the token, rosters warm, get_patient_demographics',
      points.map(({ size, token, patient }) => ({
        size,
        calls: [ourCall(gateway, token, demographics(patient))],
      })),
    ),
  ]
}

async function rosters(stage: Stage, gateway: HttpChild): Promise<Curve> {
  const points = await Promise.all(
    [50, 500, 5000].map(async (size) => {
      const study = `g${size}-0`
      const call = ourCall(
        gateway,
        await stage.token([study]),
        demographics(generatedPatient(study, size - 1)),
      )
      return { size, calls: [call] }
    }),
  )
  return curveOf('roster', 'patients in the roster, warm, get_patient_demographics', points)
}

async function pages(stage: Stage): Promise<Curve> {
  const site = await stage.site('jupyterhealth')
  const gateway = await site.lifted()
  const token = await stage.token([site.subjects.study])
  const points = [10, 100, 1000].map((size) => {
    const args = { patient_id: site.subjects.patient, limit: size, format: 'table' }
    return { size, calls: [ourCall(gateway, token, toolCall('get_patient_observations', args))] }
  })
  return curveOf('page', 'rows of a page, get_patient_observations as table', points)
}

/** What becomes of a call when there is ten and a hundred times as much of something. */
export const growth: Measure = {
  name: 'growth',
  title: 'Growth: 10× and 100× of users, studies, roster and page',
  against: 'itself at 1×',
  target: undefined,
  async run(stage) {
    const gateway = await (await stage.site('hapi')).another()
    const curves = [
      ...(await studies(stage, gateway)),
      await rosters(stage, gateway),
      await pages(stage),
      await users(stage, gateway),
    ]
    const step = {
      name: 'the worst step to ten times as much',
      value: worstStep(curves),
      unit: '×',
      atMost: linear,
    }
    return { unit: 'ms', rounds: [], curves, figures: [step, ...curves.flatMap(figuresOf)] }
  },
}

function figuresOf({ grows, points }: Curve): Figure[] {
  return points.map(({ size, milliseconds }) => ({
    name: `${grows}: ${size.toLocaleString('en-US')}`,
    value: milliseconds,
    unit: 'ms',
  }))
}

/** How many times as long the worst step takes, from a size to the next, which is ten times as much. */
function worstStep(curves: readonly Curve[]): number {
  const steps = curves.flatMap(({ points }) =>
    points
      .slice(1)
      .map(({ milliseconds }, index) => milliseconds / (points[index]?.milliseconds ?? Number.NaN)),
  )
  return Math.max(...steps)
}
