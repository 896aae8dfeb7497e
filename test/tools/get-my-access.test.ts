import { describe, expect, it } from 'vitest'
import { getMyAccess } from '../../src/tools/get-my-access.ts'
import { callLocalTool, contextOf, emptiesIn, principalOf } from './call-tool.ts'

const tools = () => [
  { name: 'list_studies', missingScopes: [] },
  { name: 'search_patients', missingScopes: ['user/Patient.rs'] },
]

describe('get_my_access', () => {
  it('says what the token reaches, by what, until when and how fresh', async () => {
    const principal = principalOf({
      studies: ['30006', { id: '30007', organization: '20009' }],
      organizations: [{ id: '20009', name: 'Northlake Clinic', role: 'viewer' }, '20010'],
      scope: 'openid user/ResearchStudy.rs patient/Observation.rs?category=vital-signs',
      patient: 'p1',
    })
    const answer = await callLocalTool(getMyAccess, { ...contextOf({ principal }), tools })
    expect(answer.structured).toEqual({
      subject: 'user-1',
      issuer: 'https://issuer.example',
      client: 'assistant',
      source: 'jwt',
      superuser: false,
      studyCount: 2,
      studies: [{ id: '30006' }, { id: '30007', organization: '20009' }],
      organizationCount: 2,
      organizations: [{ id: '20009', name: 'Northlake Clinic', role: 'viewer' }, { id: '20010' }],
      patient: 'p1',
      scopes: ['user/ResearchStudy.rs', 'patient/Observation.rs?category=vital-signs'],
      expiresAt: '2026-11-23T05:10:10.000Z',
      claimsAt: '2026-11-23T04:59:10.000Z',
      rosterSeconds: 60,
      tools: [{ name: 'list_studies' }, { name: 'search_patients', missingScopes: ['user/Patient.rs'] }],
    })
    expect(answer.text?.split('\n')).toEqual([
      'Signed in as user-1 of https://issuer.example, client assistant; claims from jwt',
      'Studies (2): 30006, 30007 (of Organization/20009)',
      'Organizations, whose patients are within reach (2): 20009 "Northlake Clinic" (viewer), 20010 (no role)',
      'Patient context: Patient/p1',
      'Scopes: user/ResearchStudy.rs patient/Observation.rs?category=vital-signs',
      'Valid until 2026-11-23T05:10:10.000Z; claims of 2026-11-23T04:59:10.000Z; who is enrolled may be up to 60 s old',
      'Tools: list_studies, search_patients (needs user/Patient.rs)',
      'No request was made for this answer.',
    ])
  })

  it('says that there is nothing, and that scopes narrow nothing', async () => {
    const principal = principalOf({}, { client: undefined, expiresAt: Number.MAX_SAFE_INTEGER })
    const { structured, text } = await callLocalTool(getMyAccess, { ...contextOf({ principal }), tools })
    expect(text).toContain('Studies (0): none')
    expect(text).toContain('client not named')
    expect(text).toContain('no SMART scopes')
    expect(text).not.toContain('Superuser')
    expect(structured).not.toHaveProperty('scopes')
    expect(emptiesIn(structured)).toEqual(['$.studies', '$.organizations'])
  })

  it('says that a superuser sees everything, and that scopes without a use cover nothing', async () => {
    const principal = principalOf({ superuser: true, scope: 'user/Patient.write' })
    const { text } = await callLocalTool(getMyAccess, { ...contextOf({ principal }), tools })
    expect(text).toContain('Superuser: every study and every patient of the exchange')
    expect(text).toContain('Scopes: none for data. Its scope user/Patient.write is one of SMART')
  })

  it('stays within the byte budget for very many studies, and still says how many', async () => {
    const principal = principalOf({ studies: Array.from({ length: 5000 }, (_, n) => `study-${n}`) })
    const answer = await callLocalTool(getMyAccess, { ...contextOf({ principal, byteBudget: 8192 }), tools })
    expect(Buffer.byteLength(JSON.stringify(answer.structured) + answer.text)).toBeLessThan(8192)
    expect(answer.text).toMatch(/Studies \(5000\): study-0, .* and \d+ more/)
    expect(answer.structured).toMatchObject({ studyCount: 5000 })
  })
})
