import { z } from 'zod'
import { toolCall } from '../frame/caller.ts'
import type { Measure, Round } from '../frame/measure.ts'
import { generatedPatient } from '../servers/generated.ts'

const calls = 100_000
const tokens = 10_000
const rosterSize = 10
const passes = calls / tokens
/** Passes until every cache is full: each token, principal and roster was there. */
const warmUpPasses = 4
const concurrency = 32
const megabyte = 1_048_576

/** As docs/hardening.md starts a server. Without them Node lets garbage lie as long as memory is free, ours or anybody's. */
const flags = ['--max-old-space-size=512', '--max-semi-space-size=4']

/** 100,000 calls of 10,000 people, each with a study of their own, and what the process holds then. */
export const endurance: Measure = {
  name: 'memory-endurance',
  title: 'Resident memory after 100,000 calls with 10,000 different tokens and studies',
  against: 'the same process after warm-up',
  target: { of: 'ours ÷ reference', bound: 'at most', value: 1.1 },
  async run(stage) {
    const site = await stage.site('hapi')
    const gateway = await site.another(flags)
    const load = await stage.load()
    const studies = Array.from({ length: tokens }, (_, index) => `g${rosterSize}-${index}`)
    const people = await Promise.all(studies.map((study) => stage.token([study], { alg: 'ES256' })))
    const walk = (bodies: readonly string[]) =>
      load.ask('walk', z.number(), { origin: gateway.facts.origin, tokens: people, bodies, concurrency })
    const allowed = studies.map((study) =>
      toolCall('get_patient_demographics', { patient_id: generatedPatient(study, 3) }),
    )
    const forbidden = studies.map((_, index) =>
      toolCall('get_study_metadata', { study_id: `g${rosterSize}-${index + 1}` }),
    )
    const counting = studies.map(() => toolCall('get_study_count', {}))
    const resident: number[] = []
    const start = performance.now()
    let failed = 0
    for (let pass = 0; pass < passes; pass += 1) {
      failed += await walk(pass % 5 === 0 ? allowed : pass % 5 === 1 ? counting : forbidden)
      resident.push((await gateway.memory()) / megabyte)
    }
    const seconds = (performance.now() - start) / 1000
    const heap = (await gateway.ask('heap', z.number())) / megabyte
    await gateway.stop()
    const left = await site.another()
    failed += await load.ask('walk', z.number(), {
      ...{ origin: left.facts.origin, tokens: people, bodies: allowed, concurrency },
    })
    const lying = (await left.memory()) / megabyte
    await left.stop()
    const warm = Math.max(...resident.slice(0, warmUpPasses))
    const rounds: Round[] = resident.slice(warmUpPasses).map((ours) => ({ ours, reference: warm }))
    return {
      unit: 'MB',
      rounds,
      figures: [
        { name: 'resident at the end', value: resident.at(-1) ?? 0, unit: 'MB', atMost: 200 },
        { name: 'most resident', value: Math.max(...resident), unit: 'MB', atMost: 200 },
        { name: 'of that, heap in use at the end, garbage included', value: heap, unit: 'MB' },
        { name: `without ${flags.join(' ')}, after ${tokens} calls`, value: lying, unit: 'MB' },
        { name: 'calls that failed', value: failed, unit: '', atMost: 0 },
        { name: 'calls per second', value: calls / seconds, unit: 'calls/s' },
      ],
      notes: [
        'A fifth of the calls read a patient, and the first of each person a roster; the others are denied or need no request.',
        `Resident after each ${tokens.toLocaleString('en-US')} calls, in MB: ${resident.map((one) => one.toFixed(0)).join(', ')}.`,
      ],
    }
  },
}
