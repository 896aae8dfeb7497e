import { describe, it } from 'vitest'
import type { FhirVersion } from '../../src/fhir/types.ts'
import { permissionsClaim, startIssuer } from '../../src/test-kit/index.ts'
import { startGateway } from '../e2e/gateway.ts'
import { discoverHapi } from './discover.ts'
import { type Live, liveSuite } from './suite.ts'

const audience = 'https://mcp.test/mcp'

async function open(baseUrl: string, fhirVersion: FhirVersion): Promise<Live> {
  const found = await discoverHapi(baseUrl)
  const issuer = await startIssuer()
  const gateway = await startGateway(
    {
      fhir: { baseUrl, credentials: 'none' },
      auth: { issuer: issuer.url, audience },
    },
    undefined,
    fhirVersion,
  )
  const claims = permissionsClaim({ studies: found.studies.map(({ id }) => id) })
  const client = await gateway.connect('http', await issuer.token({ sub: 'live', aud: audience, ...claims }))
  return {
    client,
    found,
    async close() {
      await gateway.close()
      await issuer.close()
    },
  }
}

for (const version of ['R4', 'R5'] as const) {
  const variable = `HAPI_${version}_URL`
  const url = process.env[variable]
  if (url === undefined) {
    console.log(
      `SKIPPED: ${variable} is not set (FHIR base URL of a HAPI server with studies, enrolments and observations)`,
    )
    describe.skip(variable, () => it('needs a live server', () => undefined))
  } else liveSuite(variable, () => open(url.replace(/\/$/, ''), version))
}
