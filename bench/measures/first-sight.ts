import { createRemoteJWKSet, jwtVerify } from 'jose'
import { authSchema } from '../../src/config/auth.ts'
import { createIdentify } from '../../src/identity/create-identify.ts'
import { interleave, timed } from '../frame/interleave.ts'
import type { Measure } from '../frame/measure.ts'

const block = 80

/** A token that was never seen, and everything that becomes of it. */
export const firstSight: Measure = {
  name: 'first-sight',
  title: 'First sight of a token (RS256, keys cached), in process',
  against: 'bare `jose.jwtVerify` with the same cached keys, for the same claims',
  target: { of: 'ours ÷ reference', bound: 'at most', value: 1.3 },
  async run({ rounds, issuer, audience, token }) {
    const tokens = await Promise.all(
      Array.from({ length: block * (rounds + 1) * 2 }, () => token(['study-a', 'study-b'])),
    )
    const fresh = () => {
      const next = tokens.pop()
      if (next === undefined) throw new RangeError('There are too few tokens')
      return next
    }
    const options = authSchema.parse({ issuer: issuer.url, jwksUri: issuer.jwksUri, audience })
    const identify = createIdentify(options, { now: () => Date.now() })
    const keys = createRemoteJWKSet(new URL(issuer.jwksUri))
    const verify = { issuer: issuer.url, audience, algorithms: ['RS256'], requiredClaims: ['exp', 'sub'] }
    const { signal } = new AbortController()
    const seen = await token(['study-a'])
    await identify(seen, signal)
    await jwtVerify(seen, keys, verify)
    const made = await interleave(
      rounds,
      {
        block,
        sample: async () => {
          const one = fresh()
          return (await timed(() => identify(one, signal))) * 1000
        },
      },
      {
        block,
        sample: async () => {
          const one = fresh()
          return (await timed(() => jwtVerify(one, keys, verify))) * 1000
        },
      },
    )
    const again: number[] = []
    for (let turn = 0; turn < 2000; turn += 1) again.push((await timed(() => identify(seen, signal))) * 1000)
    again.sort((a, b) => a - b)
    return {
      unit: 'µs',
      rounds: made,
      figures: [{ name: 'the same token again', value: again[1000] ?? 0, unit: 'µs' }],
    }
  },
}
