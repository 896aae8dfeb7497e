import { describe, expect, it } from 'vitest'
import { subsetted } from '../../src/fhir/subsetted.ts'
import { researchSubjectOf } from '../../src/results/research-subject.ts'
import { enrolmentOf } from '../tools/call-tool.ts'

const meta = { tag: [subsetted] }
const study = { reference: 'ResearchStudy/s1' }
const states = 'http://terminology.hl7.org/CodeSystem/research-subject-state'

describe('a ResearchSubject in the shape of R5', () => {
  it('has the state of the person in progress, and is active where the person is enrolled', () => {
    const enrolment = enrolmentOf('p1', { codes: ['A|1', '2'], end: '2026-02-01' })
    expect(researchSubjectOf({ study: 's1', enrolment }, 'p1', 'R5')).toEqual({
      resourceType: 'ResearchSubject',
      id: 'rs-p1',
      meta,
      identifier: [{ value: 'A|1' }, { value: '2' }],
      status: 'active',
      progress: [{ subjectState: { coding: [{ system: states, code: 'on-study' }] } }],
      period: { start: '2026-01-01', end: '2026-02-01' },
      study,
      subject: { reference: 'Patient/p1' },
    })
  })

  it('does not say of somebody who is not enrolled whether the record is active', () => {
    const enrolment = enrolmentOf('p1', { status: 'withdrawn', start: undefined, end: '2026-02-01' })
    const subject = researchSubjectOf({ study: 's1', enrolment }, 'p1', 'R5')
    expect(subject).toMatchObject({
      status: 'unknown',
      progress: [{ subjectState: { coding: [{ code: 'withdrawn' }] } }],
      period: { end: '2026-02-01' },
    })
  })

  it.each(['active', 'retired', 'draft', 'unknown'])('takes %s for the status of the record', (status) => {
    const enrolment = enrolmentOf('p1', { status })
    const subject = researchSubjectOf({ study: 's1', enrolment }, 'p1', 'R5')
    expect(subject?.status).toBe(status)
    expect(subject).not.toHaveProperty('progress')
  })
})

describe('a ResearchSubject in the shape of R4', () => {
  it('has individual and the status as the exchange words it', () => {
    const enrolment = enrolmentOf('p1', { codes: [] })
    expect(researchSubjectOf({ study: 's1', enrolment }, 'p1', 'R4')).toEqual({
      resourceType: 'ResearchSubject',
      id: 'rs-p1',
      meta,
      status: 'on-study',
      period: { start: '2026-01-01' },
      study,
      individual: { reference: 'Patient/p1' },
    })
  })
})

it('there is none where the exchange has none', () => {
  const enrolment = enrolmentOf('p1', { subject: undefined })
  expect(researchSubjectOf({ study: 's1', enrolment }, 'p1', 'R5')).toBeUndefined()
})
