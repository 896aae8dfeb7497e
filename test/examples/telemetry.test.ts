import { describe, expect, it } from 'vitest'
import { readmeOf, startGatewayOf } from './example.ts'
import { ask, standInHere } from './stand-in.ts'

describe('the example with telemetry', () => {
  it('shows the spans of a call and counts it, as its README says, and names nobody', async () => {
    const variables = { ...(await standInHere()), METRICS_PORT: '0' }
    const gateway = await startGatewayOf('telemetry/gateway.js', variables)
    const metrics = await gateway.shown(/metrics: (http:\S+\/metrics)/)
    const { code } = await ask(gateway.origin, variables, 'get_study_metadata', { study_id: 'study-a' })
    expect(code).toBe(0)
    // Lines of the log may stand between them.
    await gateway.shown(/^span tools\/call[\s\S]*^span request/m)
    const spans = gateway.output().match(/^span (decide|tools\/call).*$/gm) ?? []
    expect(spans).toHaveLength(2)
    const counted = (await (await fetch(metrics)).text()).match(/^fhir_mcp_calls_total.*$/gm) ?? []
    expect(counted).toHaveLength(1)
    const readme = readmeOf('telemetry')
    for (const line of [...spans, ...counted]) expect(readme).toContain(line)
    expect(gateway.output().match(/^span .*study-a/gm)).toBeNull()
  })
})
