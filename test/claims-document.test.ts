import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { runInNewContext } from 'node:vm'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import { parsePermissions } from '../src/access/permissions.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const document = readFileSync(`${root}/docs/claims.md`, 'utf8')
const accepts = new Ajv2020().compile(
  JSON.parse(readFileSync(`${root}/docs/jhe-permissions.schema.json`, 'utf8')),
)

const section = (title: string) => document.split(/^## /m).find((one) => one.startsWith(`${title}\n`)) ?? ''
const code = (text: string, language: string) => {
  const [, found = ''] = new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(text) ?? []
  return found
}

describe('the document on the claim', () => {
  it('shows a claim that the schema and the plugin accept', () => {
    const claim: unknown = JSON.parse(code(document, 'json'))
    expect(accepts(claim)).toBe(true)
    expect(parsePermissions(claim).studies.get('30007')?.organizations).toEqual(['20009'])
  })

  it('says what a token costs, as its own command measures it', async () => {
    const [, script = ''] = /-e '([\s\S]*)'\n$/.exec(code(section('Sizes'), 'sh')) ?? []
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
      cwd: root,
    })
    const measured = stdout
      .trim()
      .split('\n')
      .map((line) => line.split(' ').map(Number))
    const rows = section('Sizes').match(/^\|[ \d,|]+\|$/gm) ?? []
    const written = rows.map((row) =>
      row
        .split('|')
        .slice(1, -1)
        .map((cell) => Number(cell.replace(',', ''))),
    )
    expect(measured).toHaveLength(4)
    expect(written).toEqual(measured)
  })

  it('has an Action for Auth0 that sends the claim, and no token to whom nothing is recorded for', async () => {
    const exports: { onExecutePostLogin?: (event: unknown, api: unknown) => Promise<void> } = {}
    runInNewContext(code(section('Auth0'), 'js'), { exports })
    const run = async (metadata: unknown) => {
      const sent: Record<string, unknown> = {}
      const setCustomClaim = (token: string) => ({
        setCustomClaim: (name: string, value: unknown) =>
          void Object.assign(sent, { [`${token} ${name}`]: value }),
      })
      const denied: string[] = []
      const access = { deny: (reason: string) => void denied.push(reason) }
      const api = { accessToken: setCustomClaim('access'), idToken: setCustomClaim('id'), access }
      await exports.onExecutePostLogin?.({ user: { app_metadata: metadata } }, api)
      return { sent, denied }
    }
    const jhe_permissions = { studies: ['1'], organizations: [] }
    const { sent, denied } = await run({ jhe_permissions })
    expect(denied).toEqual([])
    expect(Object.keys(sent)).toEqual([
      'access https://mcp.example.org/jhe_permissions',
      'id https://mcp.example.org/jhe_permissions',
    ])
    for (const claim of Object.values(sent))
      expect([...parsePermissions(claim).studies.keys()]).toEqual(['1'])
    for (const metadata of [{}, { jhe_permissions: { studies: ['1'] } }, { jhe_permissions: 'all' }]) {
      const refused = await run(metadata)
      expect(refused.sent).toEqual({})
      expect(refused.denied).toHaveLength(1)
    }
  })

  it('has a script for Keycloak that makes the claim from groups', () => {
    const group = (name: string, attributes: Record<string, string>) => ({
      getName: () => name,
      getFirstAttribute: (attribute: string) => attributes[attribute] ?? null,
    })
    const claimOf = (groups: readonly ReturnType<typeof group>[]): unknown => {
      const context = { user: { getGroupsStream: () => groups }, exports: '' }
      runInNewContext(code(section('Keycloak'), 'js'), context)
      return JSON.parse(context.exports)
    }
    const claim = claimOf([
      group('Sleep', { study: '30006' }),
      group('Glucose', { study: '30007', organization: '20009' }),
      group('Northlake Clinic', { organization: '20009', role: 'manager' }),
      group('Riverside', { organization: '20010' }),
      group('Staff', {}),
    ])
    expect(accepts(claim)).toBe(true)
    const { studies, organizations } = parsePermissions(claim)
    expect([...studies.values()]).toEqual([
      { id: '30006', organizations: [] },
      { id: '30007', organizations: ['20009'] },
    ])
    expect([...organizations.values()]).toEqual([
      { id: '20009', name: 'Northlake Clinic', roles: ['manager'] },
      { id: '20010', name: 'Riverside', roles: [] },
    ])
    expect(claimOf([])).toEqual({ studies: [], organizations: [] })
  })
})
