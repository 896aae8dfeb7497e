import { describe, expect, it } from 'vitest'
import { createAdapters, keepClient } from '../../src/broker/adapter.ts'
import { parseBrokerOptions } from '../../src/broker/options.ts'
import { createMemoryStorage } from '../../src/broker/storage-memory.ts'
import { brokerOptions } from './setting.ts'

async function adapters() {
  const clock = { now: Date.now() }
  const storage = createMemoryStorage({ passing: 10, lasting: 10 }, () => clock.now)
  const settings = parseBrokerOptions({
    ...(await brokerOptions('https://gateway.example', 'https://idp.example')),
    registration: { limit: 1, unusedLifetime: 60 },
  })
  const ended: string[] = []
  const endGrant = async (grantId: string) => void ended.push(grantId)
  const of = createAdapters({ storage, registration: settings.registration, endGrant })
  return { clock, storage, settings, ended, of }
}

const exp = Math.floor(Date.now() / 1000) + 600

describe('what oidc-provider keeps', () => {
  it('is used up by one of two who use it at the same time, and the grant is nobody’s then', async () => {
    const { of, storage, ended } = await adapters()
    await of('Grant').upsert('a-grant', { jti: 'a-grant' }, 600)
    const tokens = of('RefreshToken')
    await tokens.upsert('a-token', { jti: 'a-token', grantId: 'a-grant', exp }, 600)
    const uses = await Promise.allSettled([tokens.consume('a-token'), tokens.consume('a-token')])
    expect(uses.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(ended).toEqual(['a-grant'])
    expect(await of('Grant').find('a-grant')).toBeUndefined()
    expect(await storage.get('RefreshToken', 'a-token')).toBeUndefined()
    expect(await tokens.find('a-token')).toMatchObject({ consumed: true, jti: 'a-token' })
  })

  it('is remembered as used up for as long as it is there at all', async () => {
    const { of, clock } = await adapters()
    const tokens = of('RefreshToken')
    await tokens.upsert('a-token', { jti: 'a-token', grantId: 'a-grant', exp }, 600)
    await tokens.consume('a-token')
    clock.now += 120_000
    expect(await tokens.find('a-token')).toMatchObject({ consumed: true })
    clock.now += 600_000
    expect(await tokens.find('a-token')).toBeUndefined()
    await expect(tokens.consume('a-token')).rejects.toThrow()
  })

  it('ends what is held for a grant before the grant', async () => {
    const { of, ended } = await adapters()
    await of('Grant').upsert('a-grant', { jti: 'a-grant' }, 600)
    await of('Grant').destroy('a-grant')
    expect(ended).toEqual(['a-grant'])
    expect(await of('Grant').find('a-grant')).toBeUndefined()
  })

  it('keeps a client that somebody signed in with, and one that nobody knows not at all', async () => {
    const { of, clock, storage, settings } = await adapters()
    await of('Client').upsert('a-client', { client_id: 'a-client' })
    await expect(of('Client').upsert('another', { client_id: 'another' })).rejects.toMatchObject({
      status: 429,
    })
    await keepClient(storage, settings, 'a-client')
    await keepClient(storage, settings, 'https://client.example/document.json')
    clock.now += 86_400_000
    expect(await of('Client').find('a-client')).toEqual({ client_id: 'a-client' })
    expect(await of('Client').find('https://client.example/document.json')).toBeUndefined()
  })

  it('is nothing of a feature that is off', async () => {
    const { of } = await adapters()
    await expect(of('DeviceCode').upsert('x', {}, 1)).rejects.toThrow(TypeError)
    expect(await of('DeviceCode').find('x')).toBeUndefined()
    expect(await of('DeviceCode').findByUserCode('x')).toBeUndefined()
    expect(await of('DeviceCode').findByUid('x')).toBeUndefined()
    expect(await of('Session').findByUid('x')).toBeUndefined()
    expect(await of('Session').findByUserCode('x')).toBeUndefined()
    await of('AccessToken').revokeByGrantId('x')
    await of('RefreshToken').revokeByGrantId('x')
  })
})
