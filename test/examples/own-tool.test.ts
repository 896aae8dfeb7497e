import { describe, expect, it } from 'vitest'
import { examples, finishedExample, readmeOf, startGatewayOf, steady } from './example.ts'
import { ask, standInHere } from './stand-in.ts'

describe('the example of an own tool', () => {
  it('is decided on its organization, and says what its README shows', async () => {
    const variables = await standInHere()
    const { origin } = await startGatewayOf('own-tool/gateway.js', variables)
    const given = { organization_id: 'org-1', days: 1 }
    const answer = await ask(origin, variables, 'list_overdue_patients', given)
    expect(answer.output).toMatch(/of 6 patients of Organization\/org-1 have no observation since/)
    const denied = await ask(origin, variables, 'list_overdue_patients', { organization_id: 'org-2' })
    expect(denied.code).toBe(1)
    expect(readmeOf('own-tool')).toContain(steady(denied.output))
  })

  it('has a test that passes by the test runner of Node.js', async () => {
    const argv = [process.execPath, '--test', 'overdue-patients.test.js'] as const
    const { code, output } = await finishedExample(argv, {}, `${examples}own-tool`)
    expect(code, output).toBe(0)
    expect(output).toMatch(/pass 2\b/)
  })
})
