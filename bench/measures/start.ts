import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { mcpCall, toolCall } from '../frame/caller.ts'
import { sendOnce } from '../frame/compare.ts'
import { interleave, timed } from '../frame/interleave.ts'
import type { Measure } from '../frame/measure.ts'
import { median } from '../frame/statistics.ts'

const mostRounds = 5
const address = /Server listening at (http:\/\/127\.0\.0\.1:\d+)/
const call = toolCall('get_study_count', {})

/** From nothing to the first answer, with a command that writes its address to its log. */
async function firstAnswer(
  script: string,
  args: readonly string[],
  environment: Record<string, string>,
  token: string,
): Promise<void> {
  const child = spawn(process.execPath, [script, ...args], {
    env: { PATH: process.env.PATH, ...environment },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const ended = new Promise<never>((_, reject) => {
    child.once('exit', () => reject(new Error(`${script} ended`)))
  })
  ended.catch(() => undefined)
  const listening = new Promise<string>((resolve) => {
    let log = ''
    child.stderr.on('data', (chunk: Buffer) => {
      log += chunk.toString('utf8')
      const origin = address.exec(log)?.[1]
      if (origin !== undefined) resolve(origin)
    })
  })
  try {
    await sendOnce(mcpCall(await Promise.race([listening, ended]), token, call))
  } finally {
    child.kill('SIGKILL')
    await ended.catch(() => undefined)
  }
}

/** The command, as it is installed. */
export const start: Measure = {
  name: 'start',
  title: 'Start of `serve` to its first answered call',
  against: "Fastify with the SDK's low-level server and one tool, nothing else",
  target: undefined,
  async run({ rounds, issuer, audience, token }) {
    const bearer = await token(['study-a'])
    const fileOf = (path: string) => fileURLToPath(new URL(path, import.meta.url))
    const folder = await mkdtemp(join(tmpdir(), 'bench-start-'))
    const environment = {
      // Records of calls are kept, but not among those of the user.
      XDG_STATE_HOME: folder,
      HOME: folder,
      FHIR_MCP_FHIR_BASE_URL: 'http://127.0.0.1:9/fhir',
      FHIR_MCP_FHIR_CREDENTIALS: 'none',
      FHIR_MCP_AUTH_ISSUER: issuer.url,
      FHIR_MCP_AUTH_AUDIENCE: audience,
    }
    const serve = () =>
      firstAnswer(fileOf('../../src/cli/main.js'), ['serve', '--port', '0'], environment, bearer)
    const lean = () => firstAnswer(fileOf('../servers/lean.js'), [], {}, bearer)
    const made = await interleave(
      Math.min(rounds, mostRounds),
      { block: 1, sample: () => timed(serve) },
      { block: 1, sample: () => timed(lean) },
    )
    await rm(folder, { recursive: true })
    return {
      unit: 'ms',
      rounds: made,
      figures: [
        {
          name: 'start to first answer',
          value: median(made.map(({ ours }) => ours)),
          unit: 'ms',
          atMost: 1000,
        },
      ],
      notes: [
        'The first call verifies a token, for which the discovery and the keys of the issuer are read.',
      ],
    }
  },
}
