import { clientV1, overHttpV1 } from '../e2e/client-v1.ts'
import { clientV2, overHttpV2 } from '../e2e/client-v2.ts'
import type { Called, TestClient } from '../e2e/test-client.ts'
import { patients, reachOf, rosters, studiesOf } from './people.ts'

/** What the clients found, all together. */
export interface Found {
  answers: number
  /** Answers by their code; `ok` for data. */
  readonly codes: Map<string, number>
  /** Answers that are not what the principal may see, in words. */
  readonly wrong: string[]
  /** Calls that ended without any answer, by what the client said. */
  readonly lost: string[]
  /** Answers by subject, tool and code: what the audit has to have recorded. */
  readonly toRecord: Map<string, number>
}

/** What a client needs of the run. */
export interface Run {
  readonly origin: string
  readonly found: Found
  goesOn(): boolean
  token(subject: string, studies: readonly string[], expiresIn: number): Promise<string>
}

const callsPerTurn = 10
const troubles = new Set(['EXCHANGE_UNAVAILABLE', 'ISSUER_UNAVAILABLE', 'EXCHANGE_TIMEOUT', 'RATE_LIMITED'])
const add = (map: Map<string, number>, key: string) => void map.set(key, (map.get(key) ?? 0) + 1)

/** One of the clients: an official SDK, a new token with other permissions each turn, every fifth time an expired one first. */
export async function runClient(number: number, run: Run): Promise<void> {
  const subject = `soak-${number}`
  let token = await run.token(subject, studiesOf(number, 0), 300)
  const url = `${run.origin}/mcp`
  const client =
    number % 2 === 0
      ? await clientV1(overHttpV1(url, () => token))
      : await clientV2(
          overHttpV2(url, () => token),
          number % 4 === 1 ? 'auto' : 'legacy',
        )
  for (let turn = 0; run.goesOn(); turn += 1) {
    const studies = studiesOf(number, turn)
    if (turn % 5 === 4) {
      token = await run.token(subject, studies, -60)
      await expectExpired(client, run.found)
    }
    token = await run.token(subject, studies, 300)
    for (let nth = 0; nth < callsPerTurn && run.goesOn(); nth += 1) {
      await oneCall(client, { subject, studies, nth: number + turn * callsPerTurn + nth }, run.found)
    }
  }
  await client.close()
}

/** Whether the check finds anything at all: answers to one who may see study A, held against what one of study B may. */
export async function checkFinds(run: Omit<Run, 'found'>): Promise<boolean> {
  const found: Found = { answers: 0, codes: new Map(), wrong: [], lost: [], toRecord: new Map() }
  const token = await run.token('control', ['study-a'], 300)
  const client = await clientV1(overHttpV1(`${run.origin}/mcp`, () => token))
  for (let nth = 0; nth < 40; nth += 1) {
    await oneCall(client, { subject: 'control', studies: ['study-b'], nth }, found)
  }
  await client.close()
  return found.wrong.length > 10
}

async function expectExpired(client: TestClient, found: Found): Promise<void> {
  const said = await client.call('list_studies').then(
    ({ text }) => `answered: ${text}`,
    (thrown: unknown) => String(thrown),
  )
  found.answers += 1
  if (/TOKEN_EXPIRED|invalid_token|Unauthorized|401/.test(said)) add(found.codes, 'TOKEN_EXPIRED')
  else found.wrong.push(`an expired token: ${said.slice(0, 200)}`)
}

interface Asked {
  readonly subject: string
  readonly studies: readonly string[]
  readonly nth: number
}

async function oneCall(client: TestClient, asked: Asked, found: Found): Promise<void> {
  const { subject, studies, nth } = asked
  const patient = patients[(nth * 7) % patients.length] ?? ''
  const study = Object.keys(rosters)[nth % 3] ?? ''
  const calls = [
    ['get_patient_demographics', { patient_id: patient }],
    ['get_patient_observations', { patient_id: patient, limit: 5 }],
    ['list_study_patients', { study_id: study }],
    ['list_studies', {}],
  ] as const
  const [tool, given] = calls[nth % calls.length] ?? calls[0]
  const called = await client.call(tool, given).catch((thrown: unknown) => {
    found.lost.push(String(thrown).slice(0, 200))
  })
  if (called === undefined) return
  const code = called.isError ? (called.text.split(':')[0]?.replace('FHIR_MCP_', '') ?? '') : 'ok'
  found.answers += 1
  add(found.codes, code)
  add(found.toRecord, `${subject} ${tool} ${code}`)
  const wrong = wrongIn(called, code, { tool, patient, study, studies })
  if (wrong !== undefined) found.wrong.push(`${subject} ${tool} (${studies.join(', ')}): ${wrong}`)
}

interface Expected {
  readonly tool: string
  readonly patient: string
  readonly study: string
  readonly studies: readonly string[]
}

/** Holds an answer against what its principal may see; what is wrong with it. */
function wrongIn(
  called: Called,
  code: string,
  { tool, patient, study, studies }: Expected,
): string | undefined {
  const reach = reachOf(studies)
  const body = `${called.text} ${JSON.stringify(called.structured)}`
  const named = new Set(body.match(/\bpat-\d+\b/g) ?? [])
  const foreign = [...named].filter((id) => !reach.has(id))
  if (foreign.length > 0) return `names ${foreign.join(', ')}`
  const foreignStudies = (body.match(/\bstudy-[abc]\b/g) ?? []).filter((id) => !studies.includes(id))
  if (code !== 'ok' && foreignStudies.length > 0) return `names ${foreignStudies.join(', ')}`
  if (troubles.has(code)) return undefined
  const allowed = tool.startsWith('get_patient')
    ? reach.has(patient)
    : tool === 'list_studies' || studies.includes(study)
  if (code !== (allowed ? 'ok' : 'FORBIDDEN')) return `${code} for ${patient}, ${study}`
  if (!allowed) return undefined
  const rows = tool === 'list_study_patients' ? (rosters[study] ?? []) : []
  const absent = rows.filter((id) => !named.has(id))
  if (absent.length > 0) return `lacks ${absent.join(', ')}`
  if (tool === 'get_patient_demographics' && !named.has(patient)) return `lacks ${patient}`
  if (tool !== 'get_patient_observations') return undefined
  const subjects = new Set(JSON.stringify(called.structured).match(/Patient\/pat-\d+/g) ?? [])
  subjects.delete(`Patient/${patient}`)
  return subjects.size > 0 ? `is about ${[...subjects].join(', ')}` : undefined
}
