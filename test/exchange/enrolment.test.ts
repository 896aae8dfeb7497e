import { describe, expect, it } from 'vitest'
import { accessSchema } from '../../src/config/access.ts'
import { codesOf, enrolmentOf, enrolmentRow } from '../../src/exchange/enrolment.ts'
import type { FhirVersion } from '../../src/fhir/types.ts'
import { testNow } from './opened.ts'

const context = { enrolled: accessSchema.parse({}).enrolled, baseUrl: 'https://fhir.example/r', now: testNow }
const person = { individual: { reference: 'Patient/p1' }, subject: { reference: 'Patient/p1' } }

function standing(version: FhirVersion, elements: object): string {
  const enrolment = enrolmentOf(enrolmentRow({ id: 'rs', ...person, ...elements }), version, context)
  return `${enrolment?.status} ${enrolment?.enrolled ? 'enrolled' : 'not enrolled'}`
}

const state = (code: string | undefined, startDate?: string, endDate?: string) => ({
  subjectState: code === undefined ? { text: 'Withdrawn' } : { coding: [{ code }] },
  ...(startDate && { startDate }),
  ...(endDate && { endDate }),
})

describe('an enrolment in R4', () => {
  it.each([
    ['on-study', 'enrolled'],
    ['follow-up', 'enrolled'],
    ['off-study', 'enrolled'],
    ['withdrawn', 'not enrolled'],
    ['candidate', 'not enrolled'],
    ['something-new', 'not enrolled'],
  ])('with the status %s is %s', (status, expected) => {
    expect(standing('R4', { status })).toBe(`${status} ${expected}`)
  })

  it('without a status is none', () => {
    expect(standing('R4', {})).toBe('unknown not enrolled')
  })
})

describe('an enrolment in R5', () => {
  it.each<[string, object, string]>([
    ['is active without a state', { status: 'active' }, 'active enrolled'],
    [
      'is active with a milestone alone',
      { status: 'active', progress: [{ milestone: {} }] },
      'active enrolled',
    ],
    ['is retired', { status: 'retired' }, 'retired not enrolled'],
    ['has no status', {}, 'unknown not enrolled'],
    ['is on study', { status: 'active', progress: [state('on-study')] }, 'on-study enrolled'],
    [
      'is retired though on study',
      { status: 'retired', progress: [state('on-study')] },
      'on-study not enrolled',
    ],
    [
      'is withdrawn',
      { status: 'active', progress: [state('withdrawn', '2026-09')] },
      'withdrawn not enrolled',
    ],
    [
      'withdrew after it was on study',
      { status: 'active', progress: [state('withdrawn', '2026-09-01'), state('on-study', '2026-01-01')] },
      'withdrawn not enrolled',
    ],
    [
      'came back after it withdrew',
      {
        status: 'active',
        progress: [state('withdrawn', '2026-03', '2026-04'), state('on-study', '2026-05')],
      },
      'on-study enrolled',
    ],
    [
      'will withdraw in the future',
      { status: 'active', progress: [state('on-study', '2026-01'), state('withdrawn', '2026-12-24')] },
      'on-study enrolled',
    ],
    [
      'will be on study in the future',
      { status: 'active', progress: [state('screening', '2026-01'), state('on-study', '2027')] },
      'screening not enrolled',
    ],
    [
      'has no state any more',
      { status: 'active', progress: [state('on-study', '2026-01', '2026-02')] },
      'active not enrolled',
    ],
    [
      'ends its state later today',
      { status: 'active', progress: [state('on-study', '2026-01', '2026-11-23')] },
      'on-study enrolled',
    ],
    [
      'began two states at once, of which one is not enrolled',
      { status: 'active', progress: [state('on-study', '2026-01'), state('withdrawn', '2026-01')] },
      'on-study not enrolled',
    ],
    ['has a state without a code', { status: 'active', progress: [state(undefined)] }, 'active not enrolled'],
    [
      'has a state of unreadable dates',
      { status: 'active', progress: [state('withdrawn', 'soon', 'later'), state('on-study', '2026-01')] },
      'withdrawn not enrolled',
    ],
  ])('that %s', (_, elements, expected) => {
    expect(standing('R5', elements)).toBe(expected)
  })
})

describe('a ResearchSubject', () => {
  it.each([
    ['a group', { reference: 'Group/g1' }],
    ['a patient of another server', { reference: 'https://other.example/Patient/p1' }],
    ['nobody by reference', {}],
  ])('about %s enrols no patient', (_, subject) => {
    expect(enrolmentOf(enrolmentRow({ id: 'rs', status: 'active', subject }), 'R5', context)).toBeUndefined()
  })

  it('gives its identifiers as participant codes', () => {
    expect(codesOf([{ value: 'A1' }, {}, { value: 'B2' }])).toEqual(['A1', 'B2'])
    expect(codesOf(undefined)).toEqual([])
  })
})
