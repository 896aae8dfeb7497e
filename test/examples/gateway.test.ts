import { describe, expect, it } from 'vitest'
import { finishedExample, readmeOf, startGatewayOf, steady } from './example.ts'
import { ask, standInHere, startStandIn } from './stand-in.ts'

const key = 'a-key-for-operators-of-32-letters'

describe('the example of a gateway', () => {
  it('answers an assistant by its claims, with a tool of its own, and says what its README shows', async () => {
    const variables = await startStandIn()
    const { origin } = await startGatewayOf('gateway/gateway.js', { ...variables, OPERATOR_KEY: key })
    const listed = await ask(origin, variables, 'list_studies')
    expect(listed.code).toBe(0)
    expect(readmeOf('gateway')).toContain(steady(listed.output))
    const own = await ask(origin, variables, 'get_study_title', { study_id: 'study-a' })
    expect(own).toEqual({ code: 0, output: 'Study A\n' })
    const denied = await ask(origin, variables, 'get_study_title', { study_id: 'study-b' })
    expect(denied.code).toBe(1)
    expect(readmeOf('gateway')).toContain(steady(denied.output))
  })

  it('lets operators alone at the exchange, and keeps their key from it', async () => {
    const variables = await standInHere()
    const { origin } = await startGatewayOf('gateway/gateway.js', { ...variables, OPERATOR_KEY: key })
    const asked = (headers: Record<string, string>) =>
      fetch(`${origin}/fhir/Patient?_summary=count`, { headers })
    const answer = await asked({ authorization: `Bearer ${key}` })
    expect(await answer.json()).toMatchObject({ resourceType: 'Bundle', total: 16 })
    const callers = { authorization: `Bearer ${variables.FHIR_MCP_ACCESS_TOKEN}` }
    for (const headers of [{}, callers, { authorization: `Bearer ${key}x` }]) {
      expect((await asked(headers)).status).toBe(401)
    }
  })

  it('does not start without a key for operators', async () => {
    const { code, output } = await finishedExample([process.execPath, 'gateway/gateway.js'])
    expect(code).toBe(1)
    expect(output).toContain('OPERATOR_KEY needs 32 characters')
  })
})
