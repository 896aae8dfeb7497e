import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connections } from './clients.ts'
import type { MatrixScenario } from './matrix-scenario.ts'
import { matrixScenarios } from './matrix-scenarios.ts'
import { type Matrix, type Setting, startMatrix } from './matrix-setting.ts'
import { requirements } from './requirements.ts'

/** Requirements that no scenario cites which is played on any connection. */
function uncited(ids: readonly string[], scenarios: readonly Pick<MatrixScenario, 'verifies' | 'on'>[]) {
  const played = scenarios.filter(({ on = () => true }) => connections.some(on))
  const cited = new Set<string>(played.flatMap(({ verifies }) => verifies))
  return ids.filter((id) => !cited.has(id))
}

describe('the requirements', () => {
  const ids = Object.keys(requirements)

  it('are each cited by a scenario', () => {
    expect(uncited(ids, matrixScenarios)).toEqual([])
  })

  it('are found to be missing when no scenario is played for them', () => {
    const nowhere = matrixScenarios.map((scenario) => ({ ...scenario, on: () => false }))
    expect(uncited(ids, nowhere)).toEqual(ids)
    const withoutProgress = matrixScenarios.filter(({ verifies }) => !verifies.includes('progress'))
    expect(uncited(ids, withoutProgress)).toEqual(['progress'])
  })

  it('say where they are written, and every scenario cites one', () => {
    for (const { source, behaviour } of Object.values(requirements)) {
      expect(source).not.toBe('')
      expect(behaviour).toMatch(/\.$/)
    }
    for (const { verifies } of matrixScenarios) expect(verifies).not.toEqual([])
  })
})

describe('the official clients', () => {
  let matrix: Matrix
  beforeAll(async () => {
    matrix = await startMatrix()
  })
  afterAll(() => matrix.close())

  describe.each(connections)('$name', (connection) => {
    let setting: Setting
    beforeAll(async () => {
      const own = await matrix.settingOf(connection)
      setting = own
      return () => own.close()
    })

    const scenarios = matrixScenarios.filter(({ on = () => true }) => on(connection))
    it.each(scenarios)('$title', ({ play }) => play(setting))
  })
})
