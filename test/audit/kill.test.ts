import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it, onTestFinished } from 'vitest'
import { lineHash } from '../../src/audit/chain.ts'
import { verifyFiles } from '../../src/audit/verify/verify.ts'
import { permissionsClaim, startExchange, startIssuer } from '../../src/test-kit/index.ts'
import { temporaryFolder } from '../login/machine.ts'
import { mcpHeaders, rpc } from '../plugins/gateway.ts'
import { auditFile, recordsIn } from './records.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const audience = 'http://127.0.0.1/mcp'
const patients = ['pat-1', 'pat-2', 'pat-3', 'pat-4', 'pat-5', 'pat-6']
/** Out of reach, or not there at all. */
const refused = ['pat-10', 'pat-11', 'pat-12', 'nobody']
/** Answers after which the process is killed, and started again. */
const kills = [5, 60, 150, 300, 500]

/** The commands, compiled into a folder that goes with the test. */
async function compiled(): Promise<string> {
  const folder = temporaryFolder()
  const compiler = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc')
  const options = ['-p', 'tsconfig.build.json', '--noCheck', '--outDir', join(folder, 'dist')]
  await promisify(execFile)(process.execPath, [compiler, ...options], { cwd: root })
  cpSync(join(root, 'package.json'), join(folder, 'package.json'))
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  return join(folder, 'dist/src/cli/main.js')
}

async function served(program: string, env: Record<string, string>) {
  const child = spawn(process.execPath, [program, 'serve', '--port', '0'], {
    env: { PATH: process.env.PATH ?? '', NODE_OPTIONS: process.env.NODE_OPTIONS ?? '', ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let written = ''
  child.stderr.on('data', (chunk: Buffer) => {
    written += chunk.toString()
  })
  const address = () => /Server listening at (http:[^"]+)"/.exec(written)?.[1]
  while (address() === undefined) {
    if (child.exitCode !== null) throw new Error(written)
    await Promise.race([once(child.stderr, 'data'), once(child, 'close')])
  }
  return { child, url: `${address()}/mcp` }
}

it('a kill under load tears no line, and every answer that a client has got has its record', async () => {
  const issuer = await startIssuer()
  const exchange = await startExchange({ dialect: 'hapi', fhirVersion: 'R4' })
  onTestFinished(async () => {
    await issuer.close()
    await exchange.close()
  })
  const path = auditFile()
  const program = await compiled()
  const environment = {
    FHIR_MCP_FHIR_BASE_URL: exchange.url,
    FHIR_MCP_FHIR_CREDENTIALS: 'none',
    FHIR_MCP_FHIR_DIALECT: 'hapi',
    FHIR_MCP_AUTH_ISSUER: issuer.url,
    FHIR_MCP_AUTH_AUDIENCE: audience,
    FHIR_MCP_AUDIT_PATH: path,
    FHIR_MCP_LOG_LEVEL: 'info',
  }
  const token = await issuer.token({
    sub: 'ada',
    aud: audience,
    ...permissionsClaim({ studies: ['study-a'] }),
  })
  const asked = [...patients, ...refused]
  const answered = new Map(asked.map((patient) => [patient, 0]))
  const total = () => [...answered.values()].reduce((sum, n) => sum + n, 0)

  for (const limit of kills) {
    const { child, url } = await served(program, environment)
    const ended = once(child, 'close')
    let alive = true
    const work = asked.map(async (patient) => {
      while (alive) {
        const answer = await fetch(url, {
          method: 'POST',
          headers: { ...mcpHeaders, authorization: `Bearer ${token}` },
          body: JSON.stringify(
            rpc('tools/call', { name: 'get_patient_demographics', arguments: { patient_id: patient } }),
          ),
        }).then(
          (response) => response.text(),
          () => '',
        )
        if (!answer.includes(patients.includes(patient) ? 'birthDate' : 'FHIR_MCP_FORBIDDEN')) {
          // Only a process that is gone leaves a call without an answer.
          expect(alive).toBe(false)
          return
        }
        answered.set(patient, (answered.get(patient) ?? 0) + 1)
        if (total() >= limit && alive) {
          alive = false
          child.kill('SIGKILL')
        }
      }
    })
    await Promise.all([...work, ended])
  }

  const { child, url } = await served(program, environment)
  await fetch(url, {
    method: 'POST',
    headers: { ...mcpHeaders, authorization: `Bearer ${token}` },
    body: JSON.stringify(
      rpc('tools/call', { name: 'get_patient_demographics', arguments: { patient_id: 'pat-10' } }),
    ),
  })
  child.kill('SIGTERM')
  await once(child, 'close')
  // Throws for a line that is no JSON.
  const records = recordsIn(path)
  const lost = asked.map((patient) => {
    const kept = records.filter(({ target }) => target?.kind === 'patient' && target.id === patient).length
    return Math.max(0, (answered.get(patient) ?? 0) - kept)
  })
  expect(lost).toEqual(asked.map(() => 0))
  expect(total()).toBeGreaterThanOrEqual(500)
  expect(new Set(records.map(({ id }) => id)).size).toBe(records.length)
  // Each process has a chain of its own, which begins where the one before was killed.
  const { findings, heads } = await verifyFiles([path], { hashOf: lineHash(undefined) })
  expect([findings, heads.length]).toEqual([[], kills.length + 1])
  expect(records.at(-1)).toMatchObject({ outcome: 'denied', target: { id: 'pat-10', decided: false } })
})
