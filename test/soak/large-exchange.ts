import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { z } from 'zod'
import { startExchange } from '../../src/test-kit/exchange.ts'

/**
 * An exchange whose observations are large, in a process of its own: the first message says how many bytes a page of them has.
 * It answers as the stand-in of the test kit does, which is asked once for each search.
 */
process.once('disconnect', () => process.exit())
process.once('message', async (given) => {
  const { pageBytes } = z.object({ pageBytes: z.number() }).parse(given)
  const inner = await startExchange({ dialect: 'hapi', fhirVersion: 'R4' })
  const pages = new Map<string, string>()
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(Buffer.from(chunk))
    const body = Buffer.concat(chunks).toString()
    const key = `${request.method} ${request.url} ${body}`
    const known = pages.get(key)
    const text = known ?? (await answered(request.method ?? 'GET', request.url ?? '/', body))
    response.writeHead(200, { 'content-type': 'application/fhir+json' })
    response.end(text)

    async function answered(method: string, path: string, form: string): Promise<string> {
      const answer = await fetch(`${inner.origin}${path}`, {
        method,
        headers: { 'content-type': request.headers['content-type'] ?? '' },
        ...(method === 'POST' ? { body: form } : {}),
      })
      const original = (await answer.text()).replaceAll(inner.origin, `http://${request.headers.host}`)
      const grown = grow(JSON.parse(original), pageBytes)
      if (grown === undefined) return original
      pages.set(key, grown)
      return grown
    }
  })
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address() as AddressInfo
    process.send?.({ url: `http://127.0.0.1:${port}/fhir` })
  })
})

const bundleSchema = z.looseObject({
  entry: z.array(z.looseObject({ resource: z.looseObject({ resourceType: z.string() }) })),
})

/** A page of observations with so many components that it has these bytes; undefined for any other answer. */
function grow(answer: unknown, bytes: number): string | undefined {
  const parsed = bundleSchema.safeParse(answer)
  if (!parsed.success) return undefined
  const { entry } = parsed.data
  if (entry.length === 0 || entry.some(({ resource }) => resource.resourceType !== 'Observation'))
    return undefined
  const of = (nth: number) => ({
    code: {
      coding: [{ system: 'http://loinc.org', code: '8867-4', display: 'Heart rate' }],
      text: `Part ${nth}`,
    },
    valueQuantity: {
      value: 60 + (nth % 40),
      unit: 'beats/minute',
      system: 'http://unitsofmeasure.org',
      code: '/min',
    },
    interpretation: [{ text: 'as measured' }],
  })
  const each = JSON.stringify(of(1000)).length + 1
  const parts = Math.ceil(bytes / entry.length / each)
  const component = Array.from({ length: parts }, (_, nth) => of(nth))
  const grown = entry.map((one) => ({ ...one, resource: { ...one.resource, component } }))
  return JSON.stringify({ ...parsed.data, entry: grown })
}
