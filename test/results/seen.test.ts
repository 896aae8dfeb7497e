import { describe, expect, it } from 'vitest'
import type { Observation, Patient, ResearchStudy } from '../../src/fhir/types.ts'
import { observationTable } from '../../src/results/observations.ts'
import {
  pruneDemographics,
  pruneListedPatient,
  pruneListedStudy,
  pruneRecord,
  pruneStudy,
} from '../../src/results/prune.ts'
import { pruneObservation } from '../../src/results/prune-observation.ts'
import { withSeenTexts } from '../../src/results/seen.ts'
import { studyRow } from '../../src/results/studies.ts'

const hidden = 'a\u200bb\u202e\u{e0041}\u0007c\nd\u2800'
const seen = 'abc\nd'
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is what is looked for
const unseen = /[\u0007\u200b\u202e\u2800]|\u{e0041}/u
const patient: Patient = {
  resourceType: 'Patient',
  id: 'p',
  name: [{ family: hidden, given: [hidden, 'x'] }],
}
const study: ResearchStudy = { resourceType: 'ResearchStudy', id: 's', status: 'active', title: hidden }
const observation = {
  resourceType: 'Observation',
  id: 'o',
  status: 'final',
  code: { text: hidden },
  note: [{ text: hidden }],
} as Observation

describe('formats that leave something out', () => {
  it.each([
    ['demographics', pruneDemographics(patient)],
    ['a listed patient', pruneListedPatient(patient, { detail: 'identified', full: false, codes: [] })],
    ['a listed study', pruneListedStudy(study)],
    ['a study', pruneStudy(study)],
    ['an observation', pruneObservation(observation)],
    ['a record', pruneRecord({ resourceType: 'Condition', id: 'c', note: [{ text: hidden }] })],
  ])('have nothing in them that nobody sees: %s', (_, resource) => {
    expect(JSON.stringify(resource)).toContain(JSON.stringify(seen))
    expect(JSON.stringify(resource)).not.toMatch(/\\u0007/)
    expect(JSON.stringify(resource)).not.toMatch(unseen)
  })

  it('leave the resource as it is where there is nothing of it, and out what is nothing else', () => {
    const plain = { resourceType: 'Basic', text: 'a\tb\r\n\u06DD' }
    expect(withSeenTexts(plain)).toBe(plain)
    expect(withSeenTexts({ resourceType: 'Basic', a: '\u200b', b: { c: hidden } })).toEqual({
      resourceType: 'Basic',
      b: { c: seen },
    })
  })

  it('are not fhir_full, which keeps every text as it came (control)', async () => {
    const view = { timeZone: 'UTC', baseUrl: 'http://x/fhir', related: new Map() } as const
    const [whole] = (await observationTable([observation], { ...view, format: 'fhir_full' })).rows
    expect(whole?.resource).toEqual(observation)
    expect(studyRow(study, { format: 'fhir_full', baseUrl: 'http://x/fhir' }).resource).toEqual(study)
  })
})
