import { z } from 'zod'
import { syntheticCast } from '../../src/demo/cast.ts'
import { startIssuer, type TestIssuer, type TokenOptions } from '../../src/test-kit/issuer.ts'
import { permissionsClaim } from '../../src/test-kit/permissions-claim.ts'
import type { Live } from '../frame/arguments.ts'
import { counted } from './cohorts.ts'
import { liveSubjects } from './live.ts'
import { type Site, type SiteExchange, type Subjects, startLocalExchange, startSite } from './site.ts'
import { type Child, startChild } from './spawn.ts'

/** What measures have to do with: servers that are started when they are first asked for, and stopped at the end. */
export interface Stage {
  /** Rounds of a comparison. */
  readonly rounds: number
  /** Signs tokens, and publishes its keys. */
  readonly issuer: TestIssuer
  /** The audience of the gateways. */
  readonly audience: string
  /** The live exchange where there is one, whatever its dialect; else the local one of this dialect. */
  site(local: Site['dialect']): Promise<Site>
  /** Where load comes from. */
  load(): Promise<Child<unknown>>
  /** A token that permits these studies. */
  token(studies: readonly string[], options?: TokenOptions): Promise<string>
  close(): Promise<void>
}

/** Audience of every token here; it is a name, nothing is asked there. */
const audience = 'https://gateway.example.org/mcp'
const tokenSeconds = 3600

/** The patients and studies of the JupyterHealth cohort; the user of the exchange sees all of them. */
const jupyterHealthSubjects: Subjects = {
  study: '30006',
  patient: '40006',
  otherStudy: '30008',
  otherPatient: '40029',
}

/** Makes the stage; nothing but the issuer runs yet. `exchangePort`: of the local exchange, 0 for a free one. */
export async function createStage(options: {
  readonly rounds: number
  readonly live: Live | undefined
  readonly exchangePort: number
}): Promise<Stage> {
  const { rounds, live, exchangePort } = options
  const issuer = await startIssuer()
  const children: { stop(): Promise<void> }[] = []
  const started = (child: { stop(): Promise<void> }) => void children.push(child)
  const auth = { issuer: issuer.url, jwksUri: issuer.jwksUri, audience }
  let load: Promise<Child<unknown>> | undefined
  const sites = new Map<Site['dialect'], Promise<Site>>()

  const startLocal = async (dialect: Site['dialect']) => {
    const exchange = await startLocalExchange(dialect, exchangePort, started)
    const [subjects, heldToken] =
      dialect === 'hapi' ? [syntheticCast(), undefined] : [jupyterHealthSubjects, 'stand-in-token']
    return startSite({ dialect, exchange, subjects, heldToken, auth, started })
  }
  const startLive = async (server: Live) => {
    const { dialect, url, token } = server
    const subjects = await liveSubjects(server)
    return startSite({ dialect, exchange: liveExchange(url), subjects, heldToken: token, auth, started })
  }
  return {
    rounds,
    issuer,
    audience,
    site(local) {
      const dialect = live?.dialect ?? local
      const known = sites.get(dialect)
      if (known !== undefined) return known
      const starting = live === undefined ? startLocal(local) : startLive(live)
      sites.set(dialect, starting)
      return starting
    },
    load() {
      load ??= startChild('load', {}, z.unknown()).then((child) => {
        started(child)
        return child
      })
      return load
    },
    token: (studies, asked) =>
      issuer.token(
        { aud: audience, ...permissionsClaim({ studies }) },
        { expiresIn: tokenSeconds, ...asked },
      ),
    async close() {
      await Promise.all(children.map((child) => child.stop()))
      await issuer.close()
    },
  }
}

/** The study of a site whose 200 patients are counted. */
export function countedStudy({ dialect }: Site): string {
  return dialect === 'hapi' ? counted.hapiStudy : String(counted.jupyterHealthStudy)
}

function liveExchange(url: string): SiteExchange {
  return { url, latency: async () => undefined, log: async () => undefined, reset: async () => undefined }
}
