import { describe, it } from 'vitest'
import { recordSuite } from '../e2e/record-suite.ts'
import { record } from '../tools/record.ts'

for (const version of ['R4', 'R5'] as const) {
  const variable = `HAPI_${version}_RECORD_URL`
  const url = process.env[variable]?.replace(/\/$/, '')
  if (url === undefined) {
    console.log(
      `SKIPPED: ${variable} is not set (a HAPI server with the synthetic cohort that may be written to)`,
    )
    describe.skip(variable, () => it('needs a live server', () => undefined))
    continue
  }
  recordSuite(variable, version, async () => {
    const people = (type: string) => Number(type !== 'RelatedPerson')
    for (const one of record(version).toSorted((a, b) => people(a.resourceType) - people(b.resourceType))) {
      const stored = await fetch(`${url}/${one.resourceType}/${one.id}`, {
        method: 'PUT',
        headers: { 'content-type': 'application/fhir+json' },
        body: JSON.stringify(one),
      })
      if (!stored.ok) throw new Error(`${one.resourceType}/${one.id} could not be stored: ${stored.status}`)
    }
    return { baseUrl: url, close: async () => undefined }
  })
}
