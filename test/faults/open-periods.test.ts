import { afterEach, describe, expect, it } from 'vitest'
import type { AnyResource } from '../../src/fhir/types.ts'
import { syntheticCohort } from '../../src/test-kit/index.ts'
import { codeOf, type Setting, startSetting } from './setting.ts'

let setting: Setting
afterEach(() => setting.close())

function open(id: string, patient: string, effectivePeriod: object): AnyResource {
  return {
    resourceType: 'Observation',
    id,
    status: 'final',
    code: { coding: [{ system: 'http://loinc.org', code: '8867-4' }] },
    subject: { reference: `Patient/${patient}` },
    effectivePeriod,
    valueQuantity: { value: 60, unit: '/min', system: 'http://unitsofmeasure.org', code: '/min' },
  }
}

const october = { start: '2026-10-01', end: '2026-10-31' }

/** Counts on a server that holds these beside the cohort. */
async function counted(extra: readonly AnyResource[], tool: string, given: object, spoil = false) {
  setting = await startSetting([...syntheticCohort(), ...extra])
  const client = await (await setting.gateway()).connect('http', await setting.token())
  if (spoil) setting.exchange.misbehave(() => ({ kind: 'ignore', parameters: ['date'] }))
  return client.call(tool, { ...october, ...given })
}

describe('on a server that finds an open period after every date, as the specification says', () => {
  const since = { start: '2026-03-27T00:00:00Z' }
  const until = { end: '2026-03-27T00:00:00Z' }
  const patient = { patient_id: 'pat-2' }

  it.each([
    ['of somebody else', [open('px-open', 'px', since)], 'count_patient_observations', patient, 51],
    ['of the patient', [open('own-open', 'pat-2', since)], 'count_patient_observations', patient, 52],
    [
      'on both sides',
      [open('own-open', 'pat-2', since), open('own-begun', 'pat-2', until), open('px-begun', 'px', until)],
      'count_patient_observations',
      patient,
      52,
    ],
    [
      'of somebody else',
      [open('px-open', 'px', since)],
      'count_study_observations',
      { study_id: 'study-a' },
      312,
    ],
  ] as const)('dates are counted where a period is open %s', async (_, extra, tool, given, expected) => {
    const { text, isError } = await counted(extra, tool, given)
    expect(isError, text).toBe(false)
    expect(text).toMatch(new RegExp(`\\b${expected}\\b.*, exact`))
  })

  it('a server that ignores the date is found out all the same', async () => {
    const called = await counted(
      [open('own-open', 'pat-2', since)],
      'count_patient_observations',
      patient,
      true,
    )
    expect(codeOf(called), called.text).toBe('NOT_SUPPORTED_BY_EXCHANGE')
  })

  it('rows that are not open prove nothing', async () => {
    setting = await startSetting([...syntheticCohort(), open('own-open', 'pat-2', since)])
    const client = await (await setting.gateway()).connect('http', await setting.token())
    setting.exchange.misbehave(({ path, body }) =>
      `${path}${body}`.includes('ge9998') && !body.includes('_summary')
        ? {
            kind: 'rewrite',
            change: (bundle) =>
              JSON.parse(
                JSON.stringify(bundle).replaceAll(
                  '"start":"2026-03-27',
                  '"end":"2026-04-01","start":"2026-03-27',
                ),
              ),
          }
        : undefined,
    )
    const called = await client.call('count_patient_observations', { ...october, ...patient })
    expect(codeOf(called), called.text).toBe('NOT_SUPPORTED_BY_EXCHANGE')
  })
})
