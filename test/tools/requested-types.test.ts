import { describe, expect, it } from 'vitest'
import { isDenial, openDecision } from '../../src/access/decide.ts'
import type { RequestedTypes } from '../../src/access/restrictions.ts'
import { rosterOf } from '../../src/access/roster.ts'
import type { Target } from '../../src/access/target.ts'
import { getStudyMetadata } from '../../src/tools/get-study-metadata.ts'
import { askedObservations, askedParameters, wordingOf } from '../../src/tools/observations/asked.ts'
import { studyBasis } from '../../src/tools/observations/requested.ts'
import { whyEmpty } from '../../src/tools/observations/why-empty.ts'
import type { GrantedContext } from '../../src/tools/tool.ts'
import { callerOf, jupyterhealth, observationRule, policy } from '../access/callers.ts'
import { callTool, contextOf, enrolmentOf, principalOf, resourceOf } from './call-tool.ts'
import { observationDouble } from './observation-double.ts'

const omh = 'https://w3id.org/openmhealth'
const steps = { system: omh, code: 'omh:step-count:3.0' }
const sleep = { system: omh, code: 'omh:sleep-duration:2.0' }

function grantOn(target: Target, requested: RequestedTypes, by = jupyterhealth) {
  const caller = callerOf({ studies: [...requested.keys()] })
  const rosters = [...requested.keys()].map((id) => ({
    key: { kind: 'study' as const, id },
    roster: rosterOf([enrolmentOf('p1')], true, 0),
  }))
  const grant = openDecision(observationRule, caller, by).decide(target, rosters, requested)
  if (isDenial(grant)) throw new Error(grant.denied)
  return grant
}

const one: RequestedTypes = new Map([['s1', [steps, sleep]]])
const two: RequestedTypes = new Map([
  ['s1', [steps]],
  ['s2', [steps, sleep]],
])
const study: Target = { kind: 'study', study: 's1' }
const patient: Target = { kind: 'patient', patient: 'p1' }
const asked = (data_type?: string) => askedObservations({ data_type, time_zone: 'UTC' })

describe('what was asked of a study that requested types', () => {
  it('names them, and of a type the codes that are searched', () => {
    expect(wordingOf(asked(), grantOn(study, one))).toBe(
      'all types that study s1 requested (omh:step-count:3.0, omh:sleep-duration:2.0), any time, time zone UTC',
    )
    expect(wordingOf(asked(), grantOn(patient, two))).toContain(
      'all types that the studies s1, s2 requested (omh:step-count:3.0, omh:sleep-duration:2.0)',
    )
    expect(wordingOf(asked('step-count'), grantOn(study, one))).toContain(
      'step-count (codes searched: omh:step-count:3.0, of those that study s1 requested',
    )
    expect(wordingOf(asked('heart-rate'), grantOn(study, one))).toContain('heart-rate (no code searched, of')
    expect(wordingOf(asked(), grantOn(study, new Map([['s1', []]])))).toContain('requested (none)')
  })

  it('has them in its parameters', () => {
    const parameters = askedParameters(asked('step-count'), grantOn(study, one))
    expect(parameters.filter(({ name }) => name === 'code')).toEqual([{ name: 'code', valueCoding: steps }])
    expect(parameters).toEqual(
      expect.arrayContaining([
        { name: 'requestedBy', valueReference: { reference: 'ResearchStudy/s1' } },
        { name: 'requestedType', valueCoding: sleep },
      ]),
    )
  })

  it('is what a study is made of there, and nowhere else (control)', () => {
    expect(studyBasis(grantOn(study, one))).toContain('of the types of data that the study requested')
    const elsewhere = grantOn(study, one, policy)
    expect(studyBasis(elsewhere, 'Counted over')).toBe(
      "Counted over the study's enrolled patients: the exchange does not record for which study an observation was made.",
    )
    expect(wordingOf(asked(), elsewhere)).toBe('all types, any time, time zone UTC')
    expect(askedParameters(asked(), elsewhere).map(({ name }) => name)).toEqual(['timeZone'])
  })
})

describe('why there is nothing', () => {
  const because = (data_type: string | undefined, grant = grantOn(patient, one)) => {
    const base = contextOf({ principal: principalOf({ studies: ['s1'] }) })
    const context: GrantedContext = {
      ...base,
      endsAt: base.now() + 60_000,
      grant,
      target: patient,
      exchange: observationDouble([]),
      roster: async () => rosterOf([], true, 0),
      requestedTypes: async () => undefined,
    }
    return whyEmpty(asked(data_type), context)
  }

  it('is not said of the patient where only some types were asked for', async () => {
    expect(await because(undefined)).toMatch(/^The patient has no observations of the types that study s1/)
    expect(await because('heart-rate')).toMatch(/^heart-rate is none of the types that study s1 requested/)
    expect(await because(undefined, grantOn(patient, one, policy))).toBe('The patient has no observations.')
  })
})

describe('get_study_metadata', () => {
  const studies = [{ resourceType: 'ResearchStudy' as const, id: 's1', status: 'active' as const }]
  const principal = principalOf({ studies: ['s1'] })
  const call = (requested?: readonly { system: string; code: string; display?: string }[]) =>
    callTool(
      getStudyMetadata,
      { study_id: 's1' },
      { principal, holdings: { studies, ...(requested && { requested: { s1: requested } }) } },
    )

  it('says what the study requested, where the exchange records it', async () => {
    const { answer } = await call([{ ...steps, display: 'Step count' }, sleep])
    const types = '"Step count" (omh:step-count:3.0), omh:sleep-duration:2.0'
    expect(answer.text).toContain(`requested types: ${types}`)
    expect(resourceOf(answer).note).toEqual([
      { text: `Types of data that the study requested: ${types.replaceAll('"', '')}` },
    ])
    expect((await call([])).answer.text).toContain('requested types: none')
    const silent = (await call()).answer
    expect(silent.text).not.toContain('requested types')
    expect(resourceOf(silent).note).toBeUndefined()
  })
})
