import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Browser } from '../../broker/browser.ts'

const python = process.env.KEYCLOAK_PYTHON ?? 'python3'
const program = fileURLToPath(new URL('sign_in.py', import.meta.url))
const redirectUri = 'http://127.0.0.1:33419/callback'

/** Why the Python SDK cannot sign in here; undefined where it can. */
export function noPython(): string | undefined {
  return spawnSync(python, ['-c', 'import mcp']).status === 0
    ? undefined
    : `${python} has no module mcp (KEYCLOAK_PYTHON names another)`
}

/**
 * Has the official Python SDK sign in at a server and call list_studies; `client` is empty where it registers itself. `pass` is
 * what the person does in the browser.
 */
export async function signInByPython(
  mcpUrl: string,
  client: string,
  pass: (browser: Browser, url: URL) => Promise<URL>,
): Promise<string> {
  const child = spawn(python, [program, mcpUrl, redirectUri, client], { stdio: ['pipe', 'pipe', 'pipe'] })
  const gone = once(child, 'close')
  let complaints = ''
  child.stderr.on('data', (chunk: Buffer) => {
    complaints += chunk.toString()
  })
  let answered: string | undefined
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith('visit ')) {
      const back = await pass(new Browser(redirectUri), new URL(line.slice('visit '.length)))
      child.stdin.write(`${back.href}\n`)
    }
    if (line.startsWith('answer ')) answered = line
  }
  await gone
  if (answered === undefined) throw new Error(complaints)
  return answered
}
