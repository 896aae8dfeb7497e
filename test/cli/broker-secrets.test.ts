import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { brokerSettingsOf, valuesOf } from '../../src/config/env.ts'
import { finished, temporaryFolder } from '../login/machine.ts'
import { environmentIn } from './standalone.ts'

const upstream = {
  FHIR_MCP_BROKER_UPSTREAM_ISSUER: 'https://exchange.example.org/o',
  FHIR_MCP_BROKER_UPSTREAM_CLIENT_ID: 'gateway',
}
const settingsOf = (variables: Record<string, string>) =>
  brokerSettingsOf(valuesOf({ ...upstream, ...variables }), 'https://gateway.example.org')

describe('broker-secrets', () => {
  it('prints new values for what the broker keeps secret, and says what they are', async () => {
    const first = await finished(['broker-secrets'], {})
    expect([first.code, first.stderr]).toEqual([0, ''])
    expect(first.stdout).toContain('No other command prints a secret')
    const names = [...first.stdout.matchAll(/^(\w+)=/gm)].map(([, name]) => name)
    expect(names).toEqual([
      'FHIR_MCP_BROKER_KEYS',
      'FHIR_MCP_BROKER_COOKIE_SECRETS',
      'FHIR_MCP_BROKER_ENCRYPTION_KEY',
    ])
    const secondLines = (await finished(['broker-secrets'], {})).stdout.split('\n')
    const values = first.stdout.split('\n').filter((line) => line.includes('='))
    for (const line of values) expect(secondLines).not.toContain(line)
  })

  it('writes them into a file of its owner alone, shows none of them, and never writes over one', async () => {
    const file = join(temporaryFolder(), 'broker.env')
    const { code, stdout, stderr } = await finished(['broker-secrets', '--out', file], {})
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toContain(file)
    if (process.platform !== 'win32') expect(statSync(file).mode & 0o777).toBe(0o600)
    const variables = environmentIn(file)
    const { d } = JSON.parse(variables.FHIR_MCP_BROKER_KEYS ?? '')
    for (const secret of [d, ...Object.values(variables)]) expect(stdout).not.toContain(secret)

    const kept = readFileSync(file, 'utf8')
    const again = await finished(['broker-secrets', '--out', file], {})
    expect(again.code).toBe(1)
    expect(again.stderr).toContain('--out names a file that exists already')
    expect(readFileSync(file, 'utf8')).toBe(kept)
    const nowhere = await finished(['broker-secrets', '--out', join(file, 'x')], {})
    expect(nowhere.stderr).toContain('--out names a file that cannot be written')
    expect(`${again.stdout}${again.stderr}${nowhere.stdout}${nowhere.stderr}`).not.toContain(d)
  })

  it('has values that the broker takes, read by a shell and line by line alike', async () => {
    const file = join(temporaryFolder(), 'broker.env')
    await finished(['broker-secrets', '--out', file], {})
    const asLines = Object.fromEntries(
      [...readFileSync(file, 'utf8').matchAll(/^(\w+)=(.*)$/gm)].map(([, name = '', value = '']) => [
        name,
        value,
      ]),
    )
    expect(asLines.FHIR_MCP_BROKER_KEYS).toMatch(/^'\{.*\}'$/)
    const settings = settingsOf(environmentIn(file))
    expect(settings).toMatchObject({ keys: [{ alg: 'ES256' }], storage: 'memory' })
    expect(settingsOf(asLines)).toEqual(settings)
  })

  it('makes keys that can be rotated: each has a kid of its own', async () => {
    const folder = temporaryFolder()
    const keys = []
    for (const name of ['old', 'new']) {
      await finished(['broker-secrets', '--out', join(folder, name)], {})
      keys.push(environmentIn(join(folder, name)).FHIR_MCP_BROKER_KEYS)
    }
    const file = join(folder, 'both')
    writeFileSync(file, `[${keys.join(',')}]`)
    const variables = { ...environmentIn(join(folder, 'new')), FHIR_MCP_BROKER_KEYS: '' }
    const settings = settingsOf({ ...variables, FHIR_MCP_BROKER_KEYS_FILE: file })
    expect(new Set(settings?.keys.map(({ kid }) => kid)).size).toBe(2)
  })
})
