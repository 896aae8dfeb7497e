import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { onTestFinished } from 'vitest'
import { run } from '../../src/cli/run.ts'
import type { OpenBrowser } from '../../src/cli/surroundings.ts'
import { confidentialClient, publicClient, type Upstream } from './upstream.ts'

/** An empty folder that goes with the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'fhir-mcp-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** The variables for a JupyterHealth Exchange: opaque access tokens, claims in the ID token and in userinfo. */
export function jupyterHealthVariables(upstream: Upstream, folder: string): Record<string, string> {
  return {
    FHIR_MCP_FHIR_BASE_URL: 'http://127.0.0.1:9/FHIR/R5',
    FHIR_MCP_FHIR_DIALECT: 'jupyterhealth',
    FHIR_MCP_FHIR_CREDENTIALS: 'forward',
    FHIR_MCP_AUTH_ISSUER: upstream.url,
    FHIR_MCP_AUTH_SOURCES: 'userinfo',
    FHIR_MCP_LOGIN_CLIENT_ID: publicClient.id,
    FHIR_MCP_LOGIN_FOLDER: join(folder, 'sign-in'),
  }
}

/** The same with a client that has a secret. */
export const confidentialVariables = {
  FHIR_MCP_LOGIN_CLIENT_ID: confidentialClient.id,
  FHIR_MCP_LOGIN_CLIENT_SECRET: confidentialClient.secret,
}

/** A command under way in this process, and everything that it writes. */
export interface Running {
  readonly code: Promise<number>
  readonly stdin: PassThrough
  readonly stdout: PassThrough
  /** All output so far. */
  written(): { stdout: string; stderr: string }
  /** Waits until the output holds this, and gives its first group (or the whole match). */
  shown(pattern: RegExp): Promise<string>
  stop(): void
}

/** Starts a command in this process. No real browser is ever opened. */
export function start(
  argv: readonly string[],
  environment: Readonly<Record<string, string>>,
  openBrowser: OpenBrowser = async () => undefined,
): Running {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  let stop: () => void = () => undefined
  const stopped = new Promise<void>((resolve) => {
    stop = resolve
  })
  onTestFinished(() => stop())
  const out = { stdout: '', stderr: '' }
  const seen = new PassThrough()
  for (const [name, stream] of [
    ['stdout', stdout],
    ['stderr', stderr],
  ] as const) {
    stream.on('data', (chunk: Buffer) => {
      out[name] += chunk.toString()
      seen.emit('more')
    })
  }
  const code = run(argv, { stdin, stdout, stderr, environment, stopped, openBrowser })
  void code.then(() => seen.emit('more'))
  let ended = false
  void code.then(() => {
    ended = true
  })
  return {
    code,
    stdin,
    stdout,
    stop,
    written: () => ({ ...out }),
    async shown(pattern) {
      for (;;) {
        const match = pattern.exec(`${out.stdout}\n${out.stderr}`)
        if (match !== null) return match[1] ?? match[0]
        if (ended) throw new Error(`the command ended without it: ${out.stderr}`)
        await once(seen, 'more')
      }
    },
  }
}

/** Runs a command to its end. */
export async function finished(
  argv: readonly string[],
  environment: Readonly<Record<string, string>>,
  openBrowser?: OpenBrowser,
): Promise<{ code: number; stdout: string; stderr: string }> {
  const running = start(argv, environment, openBrowser)
  return { code: await running.code, ...running.written() }
}
