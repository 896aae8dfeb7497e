import { describe, expect, it } from 'vitest'
import { getServerCapabilities } from '../../src/tools/get-server-capabilities.ts'
import { callTool, principalOf } from './call-tool.ts'

describe('get_server_capabilities', () => {
  it('says what the exchange is, what it answers, and the limits, without its address', async () => {
    const { answer, exchange } = await callTool(getServerCapabilities, {}, { principal: principalOf({}) })
    expect(answer.structured).toEqual({
      software: 'HAPI FHIR Server 8.8.0',
      fhirVersion: 'R4',
      dialect: 'hapi',
      searches: { Patient: ['name', 'birthdate'] },
      limits: {
        rows: { default: 50, most: 1000 },
        answerBytes: 65_536,
        cursorSeconds: 3600,
        rosterSeconds: 60,
        deadlineMilliseconds: 60_000,
      },
      asOf: '2026-11-23T05:00:00.000Z',
    })
    expect(answer.text).toContain('FHIR R4, "HAPI FHIR Server 8.8.0", dialect hapi')
    expect(answer.text).toContain('- Patient: name, birthdate')
    expect(JSON.stringify(answer)).not.toContain('http')
    expect(exchange.asked).toEqual([{ method: 'capabilities' }])
  })

  it('names the searches of the types that tools read, not of all that a server has', async () => {
    const searches = { Observation: ['code'], Slot: ['start'] }
    const calling = { principal: principalOf({}), holdings: { capabilities: { searches } } }
    const { answer } = await callTool(getServerCapabilities, {}, calling)
    expect(answer.structured).toMatchObject({ searches: { Observation: ['code'] } })
    expect(JSON.stringify(answer)).not.toContain('Slot')
  })

  it('does not name software that the exchange does not name', async () => {
    const holdings = { capabilities: { software: undefined } }
    const { answer } = await callTool(getServerCapabilities, {}, { principal: principalOf({}), holdings })
    expect(answer.structured).not.toHaveProperty('software')
    expect(answer.text).toContain('software not named')
  })
})
