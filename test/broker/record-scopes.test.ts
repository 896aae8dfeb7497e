import Fastify from 'fastify'
import { describe, expect, it, onTestFinished } from 'vitest'
import { broker } from '../../src/broker/index.ts'
import { allScopes, completeScope, isDataScope, offeredScopes, wordsOf } from '../../src/broker/scopes.ts'
import { compartmentTypes } from '../../src/fhir/compartment.ts'
import { brokerOptions } from './setting.ts'

const base = ['user/Patient.rs', 'user/Observation.rs', 'user/ResearchStudy.rs']

describe('scopes for types of the record', () => {
  it('are offered where the types are allowed, each with words of its own', () => {
    expect(offeredScopes([])).toEqual(base)
    expect(offeredScopes(['Condition'])).toEqual([...base, 'user/Condition.rs'])
    expect(allScopes(offeredScopes(['Condition'])).at(-1)).toBe('user/Condition.rs')
    const words = offeredScopes(compartmentTypes).map(wordsOf)
    expect(new Set(words).size).toBe(base.length + compartmentTypes.length)
  })

  it('are asked for by a request that names none, and left out of one for what is not offered', () => {
    const offered = offeredScopes(['Condition'])
    expect(completeScope('openid', offered)).toBe(['openid', ...offered].join(' '))
    expect(completeScope('openid user/Condition.rs user/Procedure.rs', offered)).toBe(
      'openid user/Condition.rs',
    )
    expect(completeScope('user/Condition.rs')).toBe(base.join(' '))
    expect(isDataScope('user/Account.rs')).toBe(false)
  })

  it.each([
    ['with none allowed', [], base],
    ['with one allowed', ['Condition'], [...base, 'user/Condition.rs']],
  ] as const)('are in the metadata %s', async (_, fhirTypes, scopes) => {
    const app = Fastify()
    onTestFinished(() => app.close())
    const options = await brokerOptions('http://127.0.0.1:9', 'http://127.0.0.1:10')
    await app.register(broker, { ...options, fhirTypes: [...fhirTypes] })
    const answer = await app.inject('/.well-known/oauth-authorization-server/oauth')
    expect(answer.json().scopes_supported).toEqual(['openid', 'offline_access', ...scopes])
  })
})
