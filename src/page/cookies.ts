import { hkdfSync, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { deflateRaw, inflateRaw } from 'node:zlib'
import { z } from 'zod'
import { cookieIn, cookieLine } from '../pages/cookies.ts'
import { createSeal } from '../seal.ts'
import type { PageAddress } from './address.ts'
import { type Reach, reachSchema } from './reach.ts'
import type { Challenge } from './sign-in.ts'

/** Seconds that a sign-in may take. */
const signInSeconds = 900
/** Seconds for which the page shows what was read; there is nothing else to end it. */
export const reachSeconds = 300

/** Browsers keep cookies of 4096 bytes, name and attributes included (RFC 6265, §6.1). */
const longestValue = 3600
const places = { signIn: 'page:sign-in', reach: 'page:reach' } as const
const [deflate, inflate] = [promisify(deflateRaw), promisify(inflateRaw)]

const challengeSchema = z.object({
  state: z.string(),
  nonce: z.string(),
  verifier: z.string(),
  until: z.number(),
})
const keptSchema = z.object({ packed: z.string(), until: z.number() })

/** What is kept for a browser, in that browser: sealed, for minutes, out of the reach of scripts and of other sites' requests. */
export interface PageCookies {
  keepChallenge(challenge: Challenge): Promise<string>
  challengeIn(header: string | undefined): Promise<Challenge | undefined>
  /** Keeps as many studies and organizations as there is room for; the numbers of all stay. */
  keepReach(reach: Reach): Promise<string>
  reachIn(header: string | undefined): Promise<Reach | undefined>
  readonly forgetChallenge: string
  readonly forgetReach: string
}

/**
 * Makes the cookies. `secret` is 32 bytes in base64url and the same in all processes; undefined: a random one. `now` is in
 * milliseconds since the epoch.
 */
export function createPageCookies(
  { isHttps }: PageAddress,
  secret: string | undefined,
  now: () => number,
): PageCookies {
  const material = secret === undefined ? randomBytes(32) : Buffer.from(secret, 'base64url')
  const key = Buffer.from(hkdfSync('sha256', material, '', 'fastify-fhir-mcp page', 32))
  const seal = createSeal([key.toString('base64url')])
  // `__Host-`: no other host of the same domain can put one there (RFC 6265bis, §4.1.3.2).
  const prefix = isHttps ? '__Host-fhir_mcp' : 'fhir_mcp'
  const names = { signIn: `${prefix}_page_sign_in`, reach: `${prefix}_page_reach` } as const
  const line = (name: string, value: string, seconds: number) =>
    cookieLine({ name, value }, { path: '/', secure: isHttps, seconds })
  const seconds = () => Math.floor(now() / 1000)

  async function open<T extends { until: number }>(
    schema: z.ZodType<T>,
    which: keyof typeof names,
    header: string | undefined,
  ): Promise<T | undefined> {
    const value = cookieIn(header, names[which])
    const opened = value === undefined ? undefined : await seal.open(places[which], value)
    if (opened === undefined) return undefined
    const kept = schema.parse(JSON.parse(opened))
    return kept.until > seconds() ? kept : undefined
  }

  async function packed(reach: Reach): Promise<string> {
    const text = (await deflate(JSON.stringify(reach))).toString('base64url')
    const kept: z.output<typeof keptSchema> = { packed: text, until: seconds() + reachSeconds }
    return seal.seal(places.reach, JSON.stringify(kept))
  }

  return {
    async keepChallenge({ state, nonce, verifier }) {
      const text = JSON.stringify({ state, nonce, verifier, until: seconds() + signInSeconds })
      return line(names.signIn, await seal.seal(places.signIn, text), signInSeconds)
    },
    challengeIn: (header) => open(challengeSchema, 'signIn', header),
    async keepReach(reach) {
      let most = Math.max(reach.studies.length, reach.organizations.length)
      let value = await packed(reach)
      while (value.length > longestValue && most > 0) {
        most = Math.floor(most * 0.8)
        const { studies, organizations } = reach
        value = await packed({
          ...reach,
          studies: studies.slice(0, most),
          organizations: organizations.slice(0, most),
        })
      }
      return line(names.reach, value, reachSeconds)
    },
    async reachIn(header) {
      const kept = await open(keptSchema, 'reach', header)
      if (kept === undefined) return undefined
      return reachSchema.parse(JSON.parse(String(await inflate(Buffer.from(kept.packed, 'base64url')))))
    },
    forgetChallenge: line(names.signIn, '', 0),
    forgetReach: line(names.reach, '', 0),
  }
}
