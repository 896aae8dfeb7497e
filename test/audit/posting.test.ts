import { appendFileSync, readFileSync, renameSync, rmSync, truncateSync } from 'node:fs'
import { jwtVerify } from 'jose'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startPosting } from '../../src/audit/fhir/posting.ts'
import { auditSchema } from '../../src/config/audit.ts'
import { permissionsClaim, startExchange, startIssuer } from '../../src/test-kit/index.ts'
import { startGateway } from '../e2e/gateway.ts'
import { issued, keyPair, startTokenEndpoint } from '../exchange/credentials/token-endpoint-double.ts'
import { auditFile, idOf, recordOf, recordsIn } from './records.ts'
import { startRepository, type TestRepository } from './repository.ts'

const source = { exchangeUrl: 'https://fhir.example.org/fhir', serverUrl: undefined, sameServer: false }

/** Posts from a file; a pause ends in the next turn, so that what is waited for in minutes comes at once. */
function posting(path: string, repository: TestRepository, more = {}) {
  const { fhir } = auditSchema.parse({ sink: 'fhir', fhir: { baseUrl: repository.url, ...more } })
  if (fhir === undefined) throw new Error('no options')
  const lines: string[] = []
  const started = startPosting(path, fhir, {
    log: (level, message, members) => void lines.push(`${level} ${message} ${JSON.stringify(members ?? {})}`),
    now: () => Date.now(),
    source,
    pause: () => new Promise(setImmediate),
  })
  onTestFinished(() => started.close())
  return { ...started, lines }
}

function append(path: string, ...numbers: number[]): void {
  const text = numbers
    .map((n) => `${JSON.stringify(recordOf({ id: idOf(n), patients: ['pat-1'] }))}\n`)
    .join('')
  appendFileSync(path, text, { mode: 0o600 })
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise(setImmediate)
}

const eventOf = (n: number) => `${idOf(n)}-0`
const has = (repository: TestRepository, ...numbers: number[]) =>
  numbers.every((n) => repository.events.has(eventOf(n)))

describe('posting AuditEvents', () => {
  it('puts what calls leave in the file, with a credential of its own', async () => {
    const repository = await startRepository()
    const [issuer, exchange] = await Promise.all([
      startIssuer(),
      startExchange({ dialect: 'hapi', fhirVersion: 'R4' }),
    ])
    const path = auditFile()
    const gateway = await startGateway({
      fhir: { baseUrl: exchange.url, credentials: 'none', dialect: 'hapi' },
      auth: { issuer: issuer.url, audience: 'https://mcp.test/mcp' },
      audit: { sink: 'fhir', path, fhir: { baseUrl: repository.url, token: 'of-the-audit', version: 'R5' } },
    })
    onTestFinished(async () => {
      await issuer.close()
      await exchange.close()
    })
    const token = await issuer.token({
      sub: 'ada',
      aud: 'https://mcp.test/mcp',
      ...permissionsClaim({ studies: ['study-a'] }),
    })
    const client = await gateway.connect('http', token)
    await client.call('list_study_patients', { study_id: 'study-a', limit: 3 })
    await client.call('get_patient_demographics', { patient_id: 'pat-10' })
    await gateway.close()
    const [listed, denied] = recordsIn(path)
    const patients = [...repository.events.values()].map(({ patient }) => patient)
    expect(patients).toEqual(
      [...(listed?.patients ?? []), 'pat-10'].map((value) => ({
        type: 'Patient',
        identifier: { system: `${exchange.url}/Patient`, value },
      })),
    )
    expect(repository.events.get(`${denied?.id}-0`)).toMatchObject({ outcome: { code: { code: '4' } } })
    expect(new Set(repository.requests.map(({ authorization }) => authorization))).toEqual(
      new Set(['Bearer of-the-audit']),
    )
    expect(JSON.stringify([...repository.events.values()])).not.toContain(token)
    expect(gateway.app.fhirMcp.auditStatus()).toMatchObject({ posted: patients.length, skipped: 0 })
  })

  it('gets its credential by SMART Backend Services, once for many batches, and a new one where it is refused', async () => {
    const repository = await startRepository()
    const { pem, publicKey } = await keyPair('ES384')
    const endpoint = await startTokenEndpoint((_, nth) => issued(`audit-${nth}`))
    const client = { id: 'audit', key: pem, tokenUrl: endpoint.url, scopes: ['system/AuditEvent.c'] }
    const path = auditFile()
    append(path, 1)
    const { wake } = posting(path, repository, { client, batchSize: 1 })
    await until(() => has(repository, 1))
    append(path, 2)
    wake()
    await until(() => has(repository, 2))
    const [first] = repository.requests
    expect(new Set(repository.requests.map(({ authorization }) => authorization)).size).toBe(1)
    expect(endpoint.asked).toHaveLength(1)
    const [{ form } = { form: new URLSearchParams() }] = endpoint.asked
    expect([form.get('grant_type'), form.get('scope')]).toEqual(['client_credentials', 'system/AuditEvent.c'])
    const assertion = await jwtVerify(form.get('client_assertion') ?? '', publicKey)
    expect(assertion.payload).toMatchObject({ iss: 'audit', sub: 'audit', aud: endpoint.url })

    let refused = 0
    repository.whole = () => (++refused === 1 ? 401 : undefined)
    append(path, 3)
    wake()
    await until(() => has(repository, 3))
    expect(endpoint.asked).toHaveLength(2)
    expect(repository.requests.at(-1)?.authorization).not.toBe(first?.authorization)
  })

  it('waits while the repository is away, and says so once', async () => {
    const repository = await startRepository()
    const path = auditFile()
    append(path, 1, 2)
    repository.whole = () => 503
    const { lines, status } = posting(path, repository)
    await until(() => repository.requests.length > 8)
    expect(status()).toEqual({ posted: 0, skipped: 0 })
    repository.whole = () => undefined
    await until(() => has(repository, 1, 2))
    append(path, 3)
    await until(() => has(repository, 3))
    expect(lines.filter((line) => line.includes('takes no AuditEvents'))).toHaveLength(1)
    expect(lines.join('')).toContain('takes AuditEvents again')
    expect(lines.join('')).not.toMatch(/patient|127\.0\.0\.1/)
  })

  it.each([401, 403, 404, 302, 200])('loses nothing to a wrong setting: answers of %d', async (status) => {
    const repository = await startRepository()
    const path = auditFile()
    append(path, 1)
    repository.whole = () => status
    const started = posting(path, repository)
    await until(() => repository.requests.length > 12)
    expect(started.status()).toEqual({ posted: 0, skipped: 0 })
    repository.whole = () => undefined
    await until(() => has(repository, 1))
  })

  it('goes on after a restart where it was, and sends nothing twice', async () => {
    const repository = await startRepository()
    const path = auditFile()
    append(path, 1, 2)
    const first = posting(path, repository)
    await until(() => has(repository, 1, 2))
    await first.close()
    append(path, 3)
    const second = posting(path, repository)
    await until(() => has(repository, 3))
    await second.close()
    expect([...repository.puts]).toEqual([1, 2, 3].map((n) => [eventOf(n), 1]))
  })

  it('makes no second event of one that it sends again, because nothing remembered the first time', async () => {
    const repository = await startRepository()
    const path = auditFile()
    append(path, 1)
    const first = posting(path, repository)
    await until(() => has(repository, 1))
    await first.close()
    rmSync(`${path}.posted`)
    append(path, 2)
    const second = posting(path, repository)
    await until(() => has(repository, 2))
    await second.close()
    expect([...repository.puts]).toEqual([
      [eventOf(1), 2],
      [eventOf(2), 1],
    ])
    expect(repository.events.size).toBe(2)
  })

  it('keeps what it could not send in time when it closes', async () => {
    const repository = await startRepository()
    const path = auditFile()
    repository.whole = () => 503
    append(path, 1)
    const first = posting(path, repository)
    await until(() => repository.requests.length > 1)
    await first.close()
    repository.whole = () => undefined
    posting(path, repository)
    await until(() => has(repository, 1))
  })

  it.each([
    ['itself', 422],
    ['itself, as its own failure', 500],
  ])('leaves out one that the repository refuses for %s, and no other', async (_, refused) => {
    const repository = await startRepository()
    const path = auditFile()
    append(path, 1, 2, 3)
    repository.each = (id) => (id === eventOf(2) ? refused : 200)
    const { lines, status } = posting(path, repository)
    append(path, 4)
    await until(() => has(repository, 1, 3, 4) && status().skipped === 1)
    expect(status().posted).toBe(3)
    expect(lines.join('')).toContain(`left out {"event":"${eventOf(2)}"}`)
  })

  it.each([400, 500])('finds the one for which the repository refuses all, by %d', async (refused) => {
    const repository = await startRepository()
    const path = auditFile()
    append(path, 1, 2, 3)
    repository.whole = (ids) => (ids.includes(eventOf(2)) ? refused : undefined)
    const { status } = posting(path, repository)
    await until(() => status().skipped === 1)
    expect(has(repository, 1, 3)).toBe(true)
    append(path, 4)
    await until(() => has(repository, 4) && status().posted === 3)
    expect(status().skipped).toBe(1)
  })

  it('does not let the very first one block those that come later', async () => {
    const repository = await startRepository()
    const path = auditFile()
    repository.each = (id) => (id === eventOf(1) ? 500 : 200)
    append(path, 1)
    const { status } = posting(path, repository)
    await until(() => repository.requests.length > 12)
    // Alone it cannot be told from an outage.
    expect(status().skipped).toBe(0)
    append(path, 2)
    await until(() => status().skipped === 1)
    expect(has(repository, 2)).toBe(true)
  })

  it('follows the file through rotations, running and stopped', async () => {
    const repository = await startRepository()
    const path = auditFile()
    append(path, 1)
    const first = posting(path, repository)
    await until(() => has(repository, 1))
    renameSync(path, `${path}.1`)
    append(`${path}.1`, 2)
    append(path, 3)
    await until(() => has(repository, 2, 3))
    await first.close()
    append(path, 4)
    renameSync(path, `${path}.2`)
    append(path, 5)
    const second = posting(path, repository)
    await until(() => has(repository, 4, 5))
    await second.close()
    expect([...repository.puts]).toEqual([1, 2, 3, 4, 5].map((n) => [eventOf(n), 1]))
  })

  it('begins again in a file that was emptied, and says when a rotated one is gone', async () => {
    const repository = await startRepository()
    const path = auditFile()
    append(path, 1)
    const first = posting(path, repository)
    await until(() => has(repository, 1))
    truncateSync(path)
    append(path, 2)
    await first.close()
    renameSync(path, `${path}.1.gz`)
    append(path, 3)
    const second = posting(path, repository)
    await until(() => has(repository, 3))
    expect(second.lines.join('')).toContain('was not there any more')
  })

  it('passes over lines that are no records, counted, and blank ones', async () => {
    const repository = await startRepository()
    const path = auditFile()
    append(path, 1)
    appendFileSync(path, '\n   \n{"id":"x"}\nnot json\n')
    append(path, 2)
    appendFileSync(path, '{"torn":')
    const { lines, status } = posting(path, repository)
    await until(() => has(repository, 1, 2) && status().posted === 2)
    expect(status().skipped).toBe(2)
    expect(lines.join('')).toContain('lines of the file are no records')
  })

  it('is done by one of several processes with the same file, and taken over from it', async () => {
    const repository = await startRepository()
    const path = auditFile()
    append(path, 1)
    const first = posting(path, repository)
    await until(() => has(repository, 1))
    const second = posting(path, repository)
    append(path, 2)
    await until(() => has(repository, 2))
    await first.close()
    append(path, 3)
    await until(() => second.status().posted === 1)
    expect([...repository.puts.values()]).toEqual([1, 1, 1])
    expect(first.status().posted).toBe(2)
  })

  it('keeps its place in a file of its owner alone, and sends no more at once than it is told', async () => {
    const repository = await startRepository()
    const path = auditFile()
    append(path, 1, 2, 3, 4, 5)
    const { close } = posting(path, repository, { batchSize: 2 })
    await until(() => has(repository, 5))
    await close()
    expect(repository.requests.map(({ events }) => events)).toEqual([2, 2, 1])
    expect(JSON.parse(readFileSync(`${path}.posted`, 'utf8'))).toMatchObject({
      offset: readFileSync(path).length,
    })
  })
})
