import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { startExchange } from '../../src/test-kit/exchange.ts'
import { startIssuer } from '../../src/test-kit/issuer.ts'
import { checkFinds, type Found, runClient } from './client.ts'
import { faultRow, type Injected } from './faults.ts'
import { startGatewayChild } from './gateway-child.ts'
import { claimsOf } from './people.ts'
import { figuresOf, type Sample, slopeOf, writePage } from './report.ts'

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, clients: { type: 'string', default: '100' } },
})
const [minutes, clients] = [Number(values.minutes), Number(values.clients)]
const root = new URL('../../../', import.meta.url)
const audience = 'https://gateway.example.org/mcp'
/** Most that the heap may grow after the first quarter, in MB per minute. A run of less than five minutes cannot say. */
const flat = minutes < 5 ? Number.POSITIVE_INFINITY : 1

const injected: Injected = new Map()
const row = faultRow(injected)
const exchange = await startExchange({ dialect: 'hapi', fhirVersion: 'R4', faults: row })
const issuer = await startIssuer()
const folder = mkdtempSync(join(tmpdir(), 'fhir-mcp-soak-'))
const path = join(folder, 'audit.ndjson')
const gateway = await startGatewayChild({
  fhir: { baseUrl: exchange.url, dialect: 'hapi', credentials: 'none', timeout: 8000, connections: 50 },
  auth: { issuer: issuer.url, jwksUri: issuer.jwksUri, audience, cacheSize: 500 },
  access: { rosterSeconds: 5 },
  audit: { sink: 'file', path },
  // All the load comes from one address; what is tried here is not whether it is refused.
  limits: {
    callsPerPrincipal: 0,
    messagesPerPrincipal: 0,
    requestsPerAddress: 0,
    refusedTokensPerAddress: 0,
    pressure: { eventLoopDelay: 0, heapUsed: 0 },
  },
})

const found: Found = { answers: 0, codes: new Map(), wrong: [], lost: [], toRecord: new Map() }
const began = performance.now()
const elapsed = () => (performance.now() - began) / 60_000
const run = {
  origin: gateway.origin,
  found,
  goesOn: () => elapsed() < minutes,
  token: (sub: string, studies: readonly string[], expiresIn: number) =>
    issuer.token({ sub, aud: audience, ...claimsOf(studies) }, { expiresIn }),
}
if (!(await checkFinds(run))) throw new Error('The check finds nothing wrong in answers that are')
const working = Promise.all(Array.from({ length: clients }, (_, number) => runClient(number, run)))
const samples: Sample[] = []
let printed = 0
while (run.goesOn()) {
  await Promise.race([wait(5000), working])
  samples.push({ at: elapsed(), ...(await gateway.memory()) })
  // The exchange and the issuer keep what arrived, which is their memory and not the gateway's.
  exchange.reset()
  exchange.misbehave(row)
  issuer.reset()
  if (elapsed() - printed >= 1) {
    printed = elapsed()
    const { answers, wrong, lost } = found
    console.log(
      `${printed.toFixed(0)} min: ${answers} answers, ${wrong.length} wrong, ${lost.length} without`,
    )
  }
}
await working
await gateway.close()

const recordSchema = z.looseObject({
  subject: z.string(),
  name: z.string(),
  code: z.string().optional(),
})
const recorded = new Map<string, number>()
const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
for (const line of lines) {
  const { subject, name, code } = recordSchema.parse(JSON.parse(line))
  const key = `${subject} ${name} ${code?.replace('FHIR_MCP_', '') ?? 'ok'}`
  recorded.set(key, (recorded.get(key) ?? 0) + 1)
}
let lostRecords = 0
for (const [key, count] of found.toRecord) lostRecords += Math.max(0, count - (recorded.get(key) ?? 0))

const settled = samples.filter(({ at }) => at >= minutes / 4)
const soak = { minutes, clients, found, injected, records: lines.length, lostRecords, samples: settled }
const figures = figuresOf(soak, root)
console.log(figures)
for (const one of [...found.wrong.slice(0, 20), ...found.lost.slice(0, 20)]) console.error(one)
writePage(figures, root)
rmSync(folder, { recursive: true })
await exchange.close()
await issuer.close()
const growth = slopeOf(settled, 'heapUsed')
if (growth > flat) console.error(`The heap grows by ${growth.toFixed(2)} MB per minute`)
const good = found.wrong.length + found.lost.length + lostRecords === 0 && growth <= flat
process.exit(good ? 0 : 1)
