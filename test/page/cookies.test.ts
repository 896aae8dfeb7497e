import { describe, expect, it } from 'vitest'
import { pageAddress } from '../../src/page/address.ts'
import { createPageCookies } from '../../src/page/cookies.ts'
import type { Reach } from '../../src/page/reach.ts'

const address = pageAddress('https://mcp.example.org/mcp', '/mcp')
const secret = Buffer.alloc(32, 7).toString('base64url')
const start = Date.parse('2026-11-23T10:00:00Z')

function reachOf(studies: number): Reach {
  const title = (at: number) => `Study ${at} ${Math.sin(at)} of the sleep of nurses`
  return {
    subject: 'ada',
    superuser: false,
    studyCount: studies,
    studies: Array.from({ length: studies }, (_, at) => ({ id: `study-${at}`, title: title(at) })),
    organizationCount: 1,
    organizations: [{ id: 'org-1', name: 'Northlake', role: 'manager' }],
    expiresAt: '2026-11-23T11:00:00.000Z',
  }
}

/** A Cookie header of what a Set-Cookie line sets. */
const sent = (line: string) => line.split(';')[0]

describe('the cookies of the start page', () => {
  it('end on the server too, whatever a browser keeps', async () => {
    const clock = { now: start }
    const cookies = createPageCookies(address, secret, () => clock.now)
    const reach = sent(await cookies.keepReach(reachOf(2)))
    const challenge = sent(await cookies.keepChallenge({ state: 's', nonce: 'n', verifier: 'v' }))
    clock.now = start + 299_000
    expect(await cookies.reachIn(reach)).toMatchObject({ subject: 'ada' })
    clock.now = start + 300_000
    expect(await cookies.reachIn(reach)).toBeUndefined()
    expect(await cookies.challengeIn(challenge)).toMatchObject({ verifier: 'v' })
    clock.now = start + 900_000
    expect(await cookies.challengeIn(challenge)).toBeUndefined()
  })

  it('fit into what browsers keep, and keep the numbers of all', async () => {
    const cookies = createPageCookies(address, secret, () => start)
    const small = await cookies.reachIn(sent(await cookies.keepReach(reachOf(20))))
    expect(small?.studies).toHaveLength(20)
    const line = await cookies.keepReach(reachOf(5000))
    expect(Buffer.byteLength(line)).toBeLessThan(4096)
    const large = await cookies.reachIn(sent(line))
    expect(large?.studyCount).toBe(5000)
    expect(large?.studies.length).toBeGreaterThan(20)
    expect(large?.studies.length).toBeLessThan(5000)
  })

  it('are shared by processes with the same key, and by no others', async () => {
    const header = sent(await createPageCookies(address, secret, () => start).keepReach(reachOf(1)))
    const read = (key: string | undefined) => createPageCookies(address, key, () => start).reachIn(header)
    expect(await read(secret)).toBeDefined()
    expect(await read(Buffer.alloc(32, 8).toString('base64url'))).toBeUndefined()
    expect(await read(undefined)).toBeUndefined()
  })

  it('hold nothing that can be read', async () => {
    const line = await createPageCookies(address, secret, () => start).keepReach(reachOf(1))
    const parts = line.split(/[=.;]/).map((part) => Buffer.from(part, 'base64url').toString())
    expect(parts.join()).not.toContain('ada')
    expect(parts.join()).not.toContain('nurses')
  })
})
