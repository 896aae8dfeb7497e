import { request } from 'undici'
import { presentedJwt } from '../identity/token-form.ts'
import { type Finding, fail, ok, skipped, warn } from './finding.ts'
import { issuerOf } from './issuer.ts'
import type { Probes } from './probes.ts'

/** The longest wait for one answer, in milliseconds. */
const patience = 5000
/** Seconds of difference to the exchange from which on "now" means something else there. */
const noticeable = 60

/** How far this machine's clock is from the issuer's and from the exchange's, by the Date of their answers (RFC 9110, §6.6.1). */
export async function checkClock(probes: Probes): Promise<Finding> {
  const { options, now, signal } = probes
  const ask = (url: string) => skewOf(url, now, signal)
  const [issuer, exchange] = await Promise.all([
    ask(`${issuerOf(probes).replace(/\/$/, '')}/.well-known/openid-configuration`),
    ask(`${options.fhir.baseUrl.replace(/\/+$/, '')}/metadata?_elements=CapabilityStatement.fhirVersion`),
  ])
  // A JWT that is not from the future may be of any age: only one that is tells of the clocks.
  const ahead = issuer === undefined ? await issuedAhead(probes) : undefined
  if (ahead !== undefined && ahead > options.auth.clockTolerance) {
    return fail(
      `By this machine's clock the token was issued ${ahead} s in the future, and is refused beyond ${options.auth.clockTolerance} s.`,
      clockCure,
    )
  }
  if (issuer === undefined && exchange === undefined)
    return skipped('Neither the issuer nor the exchange says its time.')
  const found = [
    ...(issuer === undefined ? [] : [`the issuer's ${inWords(issuer)}`]),
    ...(exchange === undefined ? [] : [`the exchange's ${inWords(exchange)}`]),
  ].join(', ')
  // A Date has whole seconds.
  const most = options.auth.clockTolerance + 1
  if (issuer !== undefined && Math.abs(issuer) > most) {
    return fail(
      `By this machine's clock ${found}; tokens from the future and expired ones are refused beyond ${options.auth.clockTolerance} s.`,
      clockCure,
    )
  }
  if (exchange !== undefined && Math.abs(exchange) > noticeable) {
    return warn(
      `By this machine's clock ${found}.`,
      'Set the clock of the exchange by NTP: "today" means another time there.',
    )
  }
  return ok(`By this machine's clock ${found}.`)
}

const clockCure =
  'Set the clock of this machine by NTP (or that of the issuer). FHIR_MCP_AUTH_CLOCK_TOLERANCE forgives a small difference.'

/** Seconds by which `iat` of the token is ahead of our clock, for issuers that say no Date; undefined where it does not say. */
async function issuedAhead(probes: Probes): Promise<number | undefined> {
  try {
    const { accessToken, idToken } = (await probes.tokens()) ?? {}
    const issued = [accessToken, idToken].flatMap((token) =>
      token === undefined ? [] : (presentedJwt(token)?.claims.iat ?? []),
    )
    const latest = Math.max(...issued.filter((one) => typeof one === 'number'))
    return Number.isFinite(latest) ? Math.round(latest - probes.now() / 1000) : undefined
  } catch {
    return undefined
  }
}

/** Seconds by which a server's clock is ahead of ours; undefined where it does not say. */
async function skewOf(url: string, now: () => number, signal: AbortSignal): Promise<number | undefined> {
  try {
    const asked = now()
    const answer = await request(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(patience)]) })
    const answered = now()
    await answer.body.dump()
    const date = Date.parse([answer.headers.date].flat()[0] ?? '')
    // An answer from a cache has been there for its Age.
    const age = Number([answer.headers.age].flat()[0] ?? 0) * 1000
    const skew = (date + (Number.isFinite(age) ? age : 0) - (asked + answered) / 2) / 1000
    return Number.isNaN(skew) ? undefined : Math.round(skew)
  } catch {
    return undefined
  }
}

function inWords(seconds: number): string {
  if (Math.abs(seconds) <= 1) return 'is the same'
  return `is ${Math.abs(seconds)} s ${seconds > 0 ? 'ahead' : 'behind'}`
}
