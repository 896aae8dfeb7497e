import { describe, expect, it } from 'vitest'
import { tableOf } from '../../src/cli/check.ts'
import { startSetting, withToken } from '../check/setting.ts'
import { finished } from '../login/machine.ts'

describe('fastify-fhir-mcp check', () => {
  it('prints a table, and ends with 0 when nothing failed', async () => {
    const setting = await startSetting()
    const { code, stdout } = await finished(['check'], await withToken(setting))
    expect(code).toBe(0)
    expect(stdout).toMatch(/^ok {7}configuration {2}Every variable is known/)
    expect(stdout).toMatch(/\n15 checks: 14 ok, 0 to look at, 0 failed, 1 skipped\n$/)
  })

  it('ends with 1 when something failed, and prints its cure below it', async () => {
    const { environment } = await startSetting()
    const wrong = { ...environment, FHIR_MCP_FHIR_BASE_URL: 'http://127.0.0.1:9/fhir' }
    const { code, stdout } = await finished(['check'], wrong)
    expect(code).toBe(1)
    expect(stdout.split('→ Set FHIR_MCP_ACCESS_TOKEN_FILE')).toHaveLength(2)
    expect(stdout).toMatch(/^fail {5}exchange {7}FHIR_MCP_EXCHANGE_UNAVAILABLE.*\n {24}→ Start it/m)
  })

  it('prints JSON for programs', async () => {
    const { environment } = await startSetting()
    const { code, stdout } = await finished(['check', '--json'], environment)
    expect(code).toBe(0)
    expect(JSON.parse(stdout).checks[0]).toEqual({
      check: 'configuration',
      outcome: 'ok',
      found: 'Every variable is known and has a usable value.',
    })
  })

  it('takes no other argument', async () => {
    for (const argv of [
      ['check', 'more'],
      ['check', '--write'],
      ['whoami', '--json'],
    ]) {
      expect((await finished(argv, {})).code).toBe(2)
    }
  })

  it('lines the names up', () => {
    const table = tableOf([
      { check: 'a', outcome: 'ok', found: 'Good.' },
      { check: 'longer', outcome: 'skipped', found: 'Not now.' },
    ])
    expect(table).toBe(
      'ok       a       Good.\nskipped  longer  Not now.\n\n2 checks: 1 ok, 0 to look at, 0 failed, 1 skipped\n',
    )
  })
})
