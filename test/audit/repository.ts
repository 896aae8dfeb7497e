import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

/** A server that keeps AuditEvents, on loopback, and can be told to misbehave. */
export interface TestRepository {
  readonly url: string
  /** What it has, by id, and how often each was put. */
  readonly puts: ReadonlyMap<string, number>
  readonly events: ReadonlyMap<string, Record<string, unknown>>
  /** Authorization headers of the requests, and how many events each had. */
  readonly requests: { authorization: string | undefined; events: number }[]
  /** Status of a whole answer; undefined where each event has its own. */
  whole: (events: readonly string[]) => number | undefined
  /** Status of one event. */
  each: (id: string) => number
}

interface Sent {
  readonly entry: { resource: Record<string, unknown>; request: { method: string; url: string } }[]
}

/** Starts a repository that closes with the test. */
export async function startRepository(): Promise<TestRepository> {
  const puts = new Map<string, number>()
  const events = new Map<string, Record<string, unknown>>()
  const requests: TestRepository['requests'] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => void chunks.push(chunk))
    request.on('end', () => {
      const { entry }: Sent = JSON.parse(Buffer.concat(chunks).toString())
      const ids = entry.map(({ request: { url } }) => url.replace('AuditEvent/', ''))
      requests.push({ authorization: request.headers.authorization, events: ids.length })
      const whole = repository.whole(ids)
      if (whole !== undefined) {
        response.writeHead(whole).end('<html>patient</html>')
        return
      }
      const answers = entry.map(({ resource }, index) => {
        const id = ids[index] ?? ''
        const status = repository.each(id)
        if (status < 300) {
          puts.set(id, (puts.get(id) ?? 0) + 1)
          events.set(id, resource)
        }
        return { response: { status: `${status} Said` } }
      })
      response.writeHead(200, { 'content-type': 'application/fhir+json' })
      response.end(JSON.stringify({ resourceType: 'Bundle', type: 'batch-response', entry: answers }))
    })
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => {
      server.close(resolve)
    })
  })
  const { port } = server.address() as AddressInfo
  const repository: TestRepository = {
    url: `http://127.0.0.1:${port}/fhir`,
    puts,
    events,
    requests,
    whole: () => undefined,
    each: () => 201,
  }
  return repository
}
