import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import type { Writable } from 'node:stream'
import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose'
import { variableOf } from '../config/env.ts'
import { fhirMcpError } from '../errors.ts'

/**
 * Makes what the broker keeps secret, as lines of an environment file: a signing key (ES256), a cookie secret and an encryption
 * key. With `out` into a new file that is its owner's alone, and nothing of it is shown; without, to `stdout`: no other command
 * prints a secret. Throws CONFIG for a file that is there already or cannot be written.
 */
export async function brokerSecrets(out: string | undefined, stdout: Writable): Promise<void> {
  const lines = await freshLines()
  if (out === undefined) {
    stdout.write(`${lines.join('\n')}\n`)
    return
  }
  try {
    // Another file's secrets are never written over: every sign-in would end.
    await writeFile(out, `${lines.join('\n')}\n`, { mode: 0o600, flag: 'wx' })
  } catch (thrown) {
    const exists = thrown instanceof Error && 'code' in thrown && thrown.code === 'EEXIST'
    throw fhirMcpError('CONFIG', {
      detail: `--out names a file that ${exists ? 'exists already' : 'cannot be written'}.`,
    })
  }
  stdout.write(`New secrets of the broker are in ${out}; only you may read it.\n`)
}

async function freshLines(): Promise<string[]> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  const jwk = await exportJWK(privateKey)
  const key = { ...jwk, alg: 'ES256', kid: await calculateJwkThumbprint(jwk) }
  const secret = () => randomBytes(32).toString('base64url')
  const set = (option: string, value: string) => `${variableOf(['broker', option])}=${value}`
  return [
    '# Secrets of the broker of fastify-fhir-mcp. Whoever has them can make tokens and read what is held.',
    '# Keep them where only the server can read them. No other command prints a secret.',
    set('keys', `'${JSON.stringify(key)}'`),
    set('cookieSecrets', secret()),
    set('encryptionKey', secret()),
  ]
}
