import { describe, expect, it } from 'vitest'
import type { ResearchStudy } from '../../src/fhir/types.ts'
import { getStudyMetadata } from '../../src/tools/get-study-metadata.ts'
import { studyOf } from '../../src/tools/target-study.ts'
import { callTool, emptiesIn, principalOf, resourceOf } from './call-tool.ts'

const study: ResearchStudy = {
  resourceType: 'ResearchStudy',
  id: 's1',
  meta: { versionId: '3', source: '#abc', security: [{ code: 'R' }] },
  text: { status: 'generated', div: '<div>narrative</div>' },
  identifier: [{ value: 'ST-1' }],
  status: 'active',
  title: 'Heart',
  description: 'First line.\nSecond line.',
  period: { end: '2027-01-01' },
  phase: { text: 'Phase 2' },
  condition: [{ coding: [{ code: 'I10', display: 'Hypertension' }] }, { coding: [{ code: 'E11' }] }],
  keyword: [{}],
  sponsor: { display: 'Northlake' },
}
const holdings = { studies: [study, { ...study, id: 's2' }] }
const principal = principalOf({ studies: ['s1'] })

describe('get_study_metadata', () => {
  it('gives one study, pruned, with all that matters in the text', async () => {
    const { answer } = await callTool(getStudyMetadata, { study_id: 's1' }, { principal, holdings })
    const { text: _, ...rest } = study
    expect(resourceOf(answer)).toEqual({
      ...rest,
      meta: {
        security: [{ code: 'R' }],
        tag: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'SUBSETTED' }],
      },
    })
    expect(answer.text?.split('\n')).toEqual([
      'Study s1',
      'as of 2026-11-23T05:00:10.000Z',
      'ResearchStudy: s1',
      'title: "Heart"',
      'status: active',
      'identifier: "ST-1"',
      'period: ? to 2027-01-01',
      'sponsor: "Northlake"',
      'phase: "Phase 2"',
      'condition: "Hypertension", "E11"',
      'keyword: "?"',
      'description: "First line. Second line."',
    ])
  })

  it('gives every element with fhir_full', async () => {
    const given = { study_id: 's1', format: 'fhir_full' }
    const { answer } = await callTool(getStudyMetadata, given, { principal, holdings })
    expect(resourceOf(answer)).toEqual(study)
  })

  it('says little where little is known', async () => {
    const bare: ResearchStudy = { resourceType: 'ResearchStudy', id: 's1', status: 'unknown' }
    const { answer } = await callTool(
      getStudyMetadata,
      { study_id: 's1' },
      { principal, holdings: { studies: [bare] } },
    )
    expect(resourceOf(answer)).toEqual(bare)
    expect(answer.text?.split('\n').slice(2)).toEqual(['ResearchStudy: s1', 'status: unknown'])
    expect(emptiesIn(answer.structured)).toEqual([])
  })

  it('refuses a forbidden study and one that does not exist in the same words, the first without a request', async () => {
    const refusal = (study_id: string) =>
      callTool(
        getStudyMetadata,
        { study_id },
        { principal: principalOf({ studies: ['s1', 'gone'] }), holdings },
      ).catch((error: unknown) => error)
    const forbidden = await refusal('s2')
    expect(forbidden).toMatchObject({ code: 'FHIR_MCP_FORBIDDEN' })
    expect(await refusal('gone')).toEqual(forbidden)
  })

  it('refuses an empty study_id', async () => {
    await expect(
      callTool(getStudyMetadata, { study_id: ' ' }, { principal, holdings }),
    ).rejects.toMatchObject({
      code: 'FHIR_MCP_INVALID_ARGUMENT',
    })
  })
})

describe('the study of a target', () => {
  it('is no other target', () => {
    expect(studyOf({ kind: 'study', study: 's1' })).toBe('s1')
    expect(() => studyOf({ kind: 'reach' })).toThrow(TypeError)
  })
})
