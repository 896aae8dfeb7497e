import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { permissionsClaim } from '../../src/test-kit/index.ts'
import { stopTimers } from '../hand-clock.ts'
import { type AttackedGateway, startAttacked } from './gateway.ts'
import './seed.ts'
import { type Signer, startSigner } from './signer.ts'

const megabyte = 1_048_576
const gigabyte = 1024 * megabyte
const json = { 'content-type': 'application/fhir+json' }
const study = { resourceType: 'ResearchStudy', id: 'study-a', status: 'active', title: 'Study A' }

let signer: Signer
let server: Server
let url: string
let gateway: AttackedGateway
let token: string
/** What the attacker sends, and how much of it went out. */
let attackWith: (request: IncomingMessage, response: ServerResponse) => void
let sent = 0
let asked = 0

beforeAll(async () => {
  signer = await startSigner()
  server = createServer((request, response) => {
    asked += 1
    attackWith(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/fhir`
  gateway = await startAttacked(signer, {
    fhir: { baseUrl: url, credentials: 'none', dialect: 'hapi', maxResponseBytes: megabyte },
  })
  token = signer.token(signer.claims({ ...permissionsClaim({ studies: ['study-a'] }) }))
})
beforeEach(() => {
  sent = 0
  asked = 0
})
afterAll(async () => {
  await Promise.all([gateway.close(), signer.close()])
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

const describeStudy = () => gateway.call(token, 'get_study_metadata', { study_id: 'study-a' })

/** Sends a piece again and again, until so many bytes are out or the other side has gone. */
function pour(response: ServerResponse, piece: Buffer, most: number): void {
  const more = () => {
    while (sent < most && !response.destroyed) {
      sent += piece.length
      if (!response.write(piece)) return void response.once('drain', more)
    }
    if (!response.destroyed) response.end()
  }
  more()
}

describe('an exchange whose answers have no end', () => {
  it('is answered for when it is honest (control)', async () => {
    attackWith = (_, response) => void response.writeHead(200, json).end(JSON.stringify(study))
    expect((await describeStudy()).structured).toMatchObject({ id: 'study-a' })
  })

  it.each([
    ['in pieces', {}],
    ['that says how long it is', { 'content-length': String(gigabyte) }],
  ])('is cut off after what an answer may have: a gigabyte %s', async (_, headers) => {
    attackWith = (__, response) => {
      response.writeHead(200, { ...json, ...headers })
      pour(response, Buffer.alloc(65_536, 'x'), gigabyte)
    }
    const answer = await describeStudy()
    expect(answer.code).toBe('EXCHANGE_REJECTED')
    // What the system keeps of a connection goes out besides.
    expect(sent).toBeLessThan(32 * megabyte)
    expect(asked).toBe(1)
  })

  it('is not unpacked beyond what an answer may have: a gigabyte in gzip', async () => {
    const packed = gzipSync(Buffer.alloc(16 * megabyte, ' '))
    const bomb = Buffer.concat(Array.from({ length: 64 }, () => packed))
    expect(bomb.length).toBeLessThan(1.2 * megabyte)
    attackWith = (_, response) =>
      void response
        .writeHead(200, { ...json, 'content-encoding': 'gzip' })
        .end(bomb.subarray(0, megabyte - 1))
    const before = process.memoryUsage().rss
    const answer = await describeStudy()
    expect(answer.code).toBe('EXCHANGE_REJECTED')
    expect(process.memoryUsage().rss - before).toBeLessThan(256 * megabyte)
  })

  it.each(['deflate', 'br', 'gzip, gzip', 'zstd', 'compress', 'x'])(
    'is not unpacked from %s',
    async (encoding) => {
      attackWith = (_, response) =>
        void response
          .writeHead(200, { ...json, 'content-encoding': encoding })
          .end(gzipSync(JSON.stringify(study)))
      expect((await describeStudy()).code).toBe('EXCHANGE_REJECTED')
    },
  )

  it.each([
    ['cut', gzipSync(JSON.stringify(study)).subarray(0, 30)],
    ['none', Buffer.from(JSON.stringify(study))],
    ['empty', Buffer.alloc(0)],
  ])('that says gzip is taken at its word: %s', async (_, body) => {
    attackWith = (__, response) =>
      void response.writeHead(200, { ...json, 'content-encoding': 'gzip' }).end(body)
    expect((await describeStudy()).code).toBe('EXCHANGE_REJECTED')
  })

  it('is left when its headers, its body or the rest of it do not come', async () => {
    const dripping: ServerResponse[] = []
    const pass = stopTimers()
    const ways: ((response: ServerResponse) => void)[] = [
      () => undefined,
      (response) => void response.writeHead(200, json).write('{'),
      (response) => {
        response.writeHead(200, json)
        const drip = setInterval(() => response.write(' '), 20)
        response.once('close', () => clearInterval(drip))
      },
    ]
    for (const way of ways) {
      attackWith = (_, response) => {
        dripping.push(response)
        way(response)
        setImmediate(() => pass(60_000))
      }
      const answer = await describeStudy()
      expect(answer.code).toBe('EXCHANGE_TIMEOUT')
    }
    await Promise.all(dripping.map((one) => one.destroyed || new Promise((gone) => one.once('close', gone))))
  })

  const link = (n: number) => [{ relation: 'next', url: `${url}?_getpages=x&_getpagesoffset=${n}` }]
  const enrolment = {
    resourceType: 'ResearchSubject',
    id: 'rs-1',
    status: 'on-study',
    study: { reference: 'ResearchStudy/study-a' },
    individual: { reference: 'Patient/pat-1' },
  }
  const reading = (id: string) => ({
    resourceType: 'Observation',
    id,
    status: 'final',
    code: { text: 'x' },
    subject: { reference: 'Patient/pat-1' },
  })
  const patient = (n: number) => ({ resourceType: 'Patient', id: `p-${n}` })
  const statement = { resourceType: 'CapabilityStatement', fhirVersion: '4.0.1', software: { name: 'HAPI' } }

  /** Answers each search with pages that go on for ever, of what `rows` gives for the n-th; other searches honestly. */
  function endless(type: string, rows: (n: number) => readonly object[]): void {
    attackWith = (request, response) => {
      const path = request.url ?? ''
      const bundle = (resources: readonly object[], more: object) => ({
        resourceType: 'Bundle',
        type: 'searchset',
        entry: resources.map((resource) => ({ resource })),
        ...more,
      })
      const body = path.includes('metadata')
        ? statement
        : path.includes(`/fhir/${type}`) || path.includes('_getpages=')
          ? bundle(rows(asked), { link: link(asked) })
          : bundle(path.includes('/ResearchSubject') ? [enrolment] : [], {})
      response.writeHead(200, json).end(JSON.stringify(body))
    }
  }

  it.each([
    ['of the same enrolment', 'ResearchSubject', () => [enrolment]],
    ['without a row', 'ResearchSubject', () => []],
    ['of the same reading', 'Observation', () => [reading('obs-1')]],
    ['without a reading', 'Observation', () => []],
    ['of patients whom nobody asked for', 'Patient', (n: number) => [patient(n)]],
    ['of studies', 'ResearchStudy', (n: number) => [{ ...study, id: `study-${n}` }]],
  ])('is asked for few more pages when they go on for ever: %s', async (_, type, rows) => {
    endless(type, rows)
    const calls = {
      ResearchSubject: [['get_patient_observations', { patient_id: 'pat-1' }]],
      Observation: [
        ['get_patient_observations', { patient_id: 'pat-1' }],
        ['summarize_patient_observations', { patient_id: 'pat-1' }],
      ],
      Patient: [['search_patients', { birthdate: 'ge1900-01-01' }]],
      ResearchStudy: [['list_studies', {}]],
    } as const
    for (const [tool, given] of calls[type as keyof typeof calls]) {
      asked = 0
      const answer = await gateway.call(token, tool, given)
      expect(['EXCHANGE_REJECTED', 'EXCHANGE_LEAK'], answer.text).toContain(answer.code)
      expect(asked).toBeLessThan(40)
    }
  })
})
