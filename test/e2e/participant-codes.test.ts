import { afterEach, describe, expect, it } from 'vitest'
import { type JupyterHealthSite, openJupyterHealth } from './jupyterhealth-gateway.ts'

const study = { study_id: '30006' }
type Site = NonNullable<Parameters<typeof openJupyterHealth>[0]>
let site: JupyterHealthSite | undefined
afterEach(() => site?.close())

async function member(access?: Site['access']) {
  site = await openJupyterHealth(access === undefined ? {} : { access })
  return site.as('northlake_member')
}

describe('the identifier of a patient of a JupyterHealth Exchange, often a record number', () => {
  it.each([
    ['list_study_patients', study],
    ['list_study_patients', { ...study, format: 'table' }],
    ['search_patients', { family: 'Fernwick' }],
    ['search_patients', { identifier: 'https://northlake.example/mrn|NL-1000', study_id: '30006' }],
    ['count_study_observations', { ...study, by_patient: true }],
    ['summarize_study_observations', { ...study, data_type: 'step-count', by: 'patient' }],
  ])('is not said by %s of %j', async (tool, given) => {
    const called = await (await member()).call(tool, given)
    expect(called.isError, called.text).toBe(false)
    expect(called.text).toContain('40006')
    // What was asked with is said again.
    const said = JSON.stringify(called).replaceAll(/https:\/ ?\/northlake\.example\/mrn\|NL-1000/g, '')
    expect(said.replaceAll(/mrn%7CNL-1000/g, '')).not.toMatch(/NL-1\d{3}/)
  })

  it.each([
    ['fhir', { ...study, detail: 'identified' }],
    ['fhir_full', { ...study, detail: 'identified', format: 'fhir_full' }],
    ['table', { ...study, detail: 'identified', format: 'table' }],
  ])('is said as one with detail identified, as %s', async (_, given) => {
    const { structured, text } = await (await member()).call('list_study_patients', given)
    expect(JSON.stringify(structured)).toContain('NL-1000')
    expect(text).toContain(
      '- Patient/40006 | "Isolde Fernwick" | identifier "NL-1000" | member in study 30006',
    )
    expect(text).not.toContain('code "NL-1000"')
  })

  it('names nobody as a participant code', async () => {
    const client = await member()
    const named = await client.call('get_patient_demographics', { patient_id: 'NL-1000', ...study })
    expect(named.text).toContain('FHIR_MCP_FORBIDDEN')
    const searched = await client.call('search_patients', { participant_code: 'NL-1000', ...study })
    expect(searched.structured).toMatchObject({ total: 0 })
    expect(searched.text).toContain('the studies here have no participant codes')
  })

  it('is one where its system is configured', async () => {
    const client = await member({ participantCodeSystem: 'https://northlake.example/mrn' })
    const listed = await client.call('list_study_patients', study)
    expect(listed.text).toContain('- Patient/40006 | code "NL-1000", member in study 30006')
    expect(JSON.stringify(listed.structured)).toContain('NL-1000')
    const named = await client.call('get_patient_demographics', { patient_id: 'NL-1000', ...study })
    expect(named.structured).toMatchObject({ id: '40006' })
    const searched = await client.call('search_patients', { participant_code: 'NL-1000', ...study })
    expect(searched.structured).toMatchObject({ total: 1 })
    const none = await client.call('search_patients', { participant_code: 'NL-9999', ...study })
    expect(none.text).toContain('Nobody within reach fits')
  })

  it('is none where another system is configured', async () => {
    const client = await member({ participantCodeSystem: 'urn:participants' })
    expect((await client.call('list_study_patients', study)).text).not.toContain('NL-1000')
  })
})
