import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Cast, Person } from './cast.ts'
import { call, clip, heading, paint, say } from './screen.ts'

/** One line of a session: a tool, its arguments, and whether the person may. */
interface Step {
  readonly tool: string
  readonly input: Readonly<Record<string, string | number>>
  readonly allowed: boolean
  /** Lines of the answer that are shown. */
  readonly lines: number
  /** What the requests were for, where that is not plain. */
  readonly why?: string
}

const may = (tool: string, input: Step['input'], lines: number, why?: string): Step => ({
  tool,
  input,
  allowed: true,
  lines,
  ...(why === undefined ? {} : { why }),
})
const mayNot = (tool: string, input: Step['input']): Step => ({ tool, input, allowed: false, lines: 1 })

const rosters = 'the rosters of what is permitted, then the patient; rosters are kept for 60 s'

/** What the manager asks: what the tools are for, then what is somebody else's. */
export function managerSteps({ study, patient, otherStudy, otherPatient }: Cast): Step[] {
  return [
    may('get_study_count', {}, 2, 'the claims know'),
    may('list_studies', {}, 4, 'once, what server this is; then the studies'),
    may('get_study_metadata', { study_id: study }, 4),
    may('get_patient_demographics', { patient_id: patient }, 4, rosters),
    may('get_patient_observations', { patient_id: patient, limit: 3 }, 5),
    may('summarize_study_observations', { study_id: study, data_type: 'heart-rate' }, 6),
    mayNot('get_study_metadata', { study_id: otherStudy }),
    mayNot('get_patient_demographics', { patient_id: otherPatient }),
    mayNot('get_patient_observations', { patient_id: 'no-such-patient' }),
  ]
}

/** What the viewer of another organization asks. */
export function viewerSteps({ study, patient, otherStudy, otherPatient }: Cast): Step[] {
  return [
    may('list_studies', {}, 3),
    may('get_study_metadata', { study_id: otherStudy }, 2),
    may('get_patient_observations', { patient_id: otherPatient, limit: 2 }, 4, rosters),
    mayNot('get_study_metadata', { study_id: study }),
    mayNot('get_patient_demographics', { patient_id: patient }),
  ]
}

/** What somebody asks who is permitted nothing. */
export function strangerSteps({ study, patient }: Cast): Step[] {
  return [
    may('get_study_count', {}, 2),
    mayNot('get_study_metadata', { study_id: study }),
    mayNot('get_patient_demographics', { patient_id: patient }),
    mayNot('get_patient_observations', { patient_id: patient }),
  ]
}

/**
 * Plays a session of one person through a real MCP client, and shows every call with what reached the exchange.
 * Returns how many calls did not come out as they should: a forbidden one that was answered or that sent a request, an
 * allowed one that was refused.
 */
export async function play(
  mcpUrl: string,
  token: string,
  person: Person,
  steps: readonly Step[],
  sent: () => number,
): Promise<number> {
  heading(person.name, person.about)
  const client = new Client({ name: 'fastify-fhir-mcp-demo', version: '1.0.0' })
  const headers = { Authorization: `Bearer ${token}` }
  await client.connect(new StreamableHTTPClientTransport(new URL(mcpUrl), { requestInit: { headers } }))
  const { tools } = await client.listTools()
  const names = tools.map(({ name }) => name).join(', ')
  say(`  ${paint('dim', clip(`${tools.length} tools: ${names}`, 98))}`)
  let surprises = 0
  for (const step of steps) surprises += (await playStep(client, step, sent)) ? 0 : 1
  await client.close()
  return surprises
}

async function playStep(client: Client, step: Step, sent: () => number): Promise<boolean> {
  const before = sent()
  const result = await client.callTool({ name: step.tool, arguments: step.input })
  const requests = sent() - before
  const blocks = Array.isArray(result.content) ? result.content : []
  const text = blocks.map((block: { text?: string }) => block.text ?? '').join('\n')
  const allowed = result.isError !== true
  const asExpected = allowed === step.allowed && (step.allowed ? text !== '' : requests === 0)
  const input = Object.entries(step.input).map(([name, value]) => `${name}=${value}`)
  const lines = text
    .split('\n')
    .map((line) => line.replace(/,? ?as of \d{4}-\d\d-\d\dT\S+/, ''))
    .filter((line) => line.trim() !== '')
  const why = step.why === undefined ? [] : [`(${step.why})`]
  call({
    asked: [step.tool, ...input].join(' '),
    allowed,
    asExpected,
    requests,
    lines: [...why, ...lines.slice(0, asExpected ? step.lines : 8)],
  })
  return asExpected
}
