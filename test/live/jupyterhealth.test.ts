import { describe, it } from 'vitest'
import { connectStdio } from '../e2e/clients.ts'
import { matches } from '../e2e/scenarios.ts'
import { codeOf } from './discover.ts'
import { type Live, liveSuite } from './suite.ts'

const { JUPYTERHEALTH_URL: url, JUPYTERHEALTH_TOKEN: token, JUPYTERHEALTH_ID_TOKEN: idToken } = process.env

/** By stdio, as a researcher would: the token goes on to the exchange, permissions come from the ID token or from there. */
async function open(baseUrl: string, accessToken: string): Promise<Live> {
  const claims =
    idToken === undefined
      ? {}
      : (JSON.parse(atob((idToken.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/'))) as {
          iss?: string
          aud?: string
        })
  const client = await connectStdio({
    FHIR_MCP_FHIR_BASE_URL: baseUrl,
    FHIR_MCP_FHIR_CREDENTIALS: 'forward',
    FHIR_MCP_AUTH_ISSUER: claims.iss ?? new URL('/o', baseUrl).href,
    FHIR_MCP_AUTH_AUDIENCE: 'live',
    FHIR_MCP_AUTH_USERINFO_URL: new URL('/o/userinfo/', baseUrl).href,
    FHIR_MCP_AUTH_SOURCES: 'userinfo,exchange',
    FHIR_MCP_AUTH_ALLOW_TOKENS_WITHOUT_AUDIENCE: 'true',
    ...(claims.aud === undefined ? {} : { FHIR_MCP_AUTH_CLIENTS: claims.aud }),
    FHIR_MCP_ACCESS_TOKEN: accessToken,
    ...(idToken === undefined ? {} : { FHIR_MCP_ID_TOKEN: idToken }),
  })
  const listed = await client.call('list_studies')
  if (listed.isError) throw new Error(listed.text)
  const studies = matches(listed, 'ResearchStudy').map((id) => ({ id: id ?? '', title: undefined }))
  for (const { id: study } of studies) {
    const patients = matches(
      await client.call('list_study_patients', { study_id: study, limit: 5 }),
      'Patient',
    )
    for (const patient of patients) {
      const newest = await client.call('get_patient_observations', { patient_id: patient, limit: 1 })
      const [reading] = matches(newest, 'Observation')
      if (patient === undefined || reading === undefined) continue
      const described = await Promise.all(
        studies.map(async ({ id }) => {
          const { structured } = await client.call('get_study_metadata', { study_id: id })
          return { id, title: typeof structured.title === 'string' ? structured.title : undefined }
        }),
      )
      return {
        client,
        found: {
          studies: described,
          study,
          patient,
          stranger: undefined,
          otherStudy: undefined,
          code: codeOf(firstOf(newest.structured)),
        },
        close: () => client.close(),
      }
    }
  }
  throw new Error(`${baseUrl} shows this token no study with a patient who has observations`)
}

function firstOf(bundle: Record<string, unknown>): Record<string, unknown> {
  const [entry] = Array.isArray(bundle.entry) ? bundle.entry : []
  return entry?.resource ?? {}
}

if (url === undefined || token === undefined) {
  console.log(
    'SKIPPED: JUPYTERHEALTH_URL (its FHIR base) and JUPYTERHEALTH_TOKEN are not both set; JUPYTERHEALTH_ID_TOKEN is optional',
  )
  describe.skip('JUPYTERHEALTH_URL', () => it('needs a live server and a token', () => undefined))
} else liveSuite('JUPYTERHEALTH_URL', () => open(url.replace(/\/$/, ''), token))
