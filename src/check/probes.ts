import { randomBytes } from 'node:crypto'
import type { Principal } from '../access/principal.ts'
import { createRosterStore } from '../access/rosters.ts'
import type { Audit } from '../audit/record.ts'
import type { Environment } from '../config/env.ts'
import { fhirMcpError, isFhirMcpError } from '../errors.ts'
import { createBytesInFlight } from '../exchange/bytes-in-flight.ts'
import { createFhirClient } from '../exchange/client.ts'
import { createCredentials } from '../exchange/credentials/credentials.ts'
import { detectDialect } from '../exchange/detect.ts'
import type { Credential } from '../exchange/exchange.ts'
import type { ServerKind } from '../exchange/metadata.ts'
import { createExchangeOpener } from '../exchange/opener.ts'
import { exchangeApiUrl } from '../identity/exchange-api.ts'
import { createStdioIdentify, type TokenPair } from '../identity/stdio.ts'
import { createTurns } from '../limits/turns.ts'
import { createLoginTokens } from '../login/login-tokens.ts'
import type { CallParts } from '../mcp/call.ts'
import type { Asker } from '../mcp/service.ts'
import { createCursors } from '../results/cursor.ts'
import { openCheckAudit } from './open-audit.ts'
import type { CheckSetting } from './setting.ts'

/** What a check takes from the process that it runs in. */
export interface CheckSurroundings {
  readonly environment: Environment
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Ends every question. */
  readonly signal: AbortSignal
  /** Says how far a long check is. */
  readonly progress: (line: string) => void
}

/** What several checks ask for: each is asked once, by the first that wants it. */
export interface Probes extends CheckSetting, CheckSurroundings {
  /** What `metadata` says of the exchange, asked without a credential. Throws what the exchange's client throws. */
  server(): Promise<ServerKind>
  /** The token of the environment, or else that of the kept sign-in; undefined where there is none that could be used. */
  tokens(): Promise<TokenPair | undefined>
  /** The same, where one that is there and cannot be used throws: CONFIG, TOKEN_EXPIRED, ISSUER_UNAVAILABLE or EXCHANGE_UNAVAILABLE. */
  tokensThere(): Promise<TokenPair | undefined>
  /** Whose that token is. Throws what identification throws; UNAUTHENTICATED without one. */
  principal(): Promise<Principal>
  /** Where the records of the checks' own calls go. Throws CONFIG. */
  audit(): Promise<Audit>
  /** What a decided question needs: who asks, and the parts of a call. Throws what `principal` and `audit` throw. */
  calling(): Promise<{ readonly parts: CallParts; readonly asker: Asker }>
  close(): Promise<void>
}

const nobodys: Credential = { authorization: async () => undefined, identity: 'check' }

/** Opens the probes of one run. Nothing is asked before a check wants it. */
export function openProbes(setting: CheckSetting, surroundings: CheckSurroundings): Probes {
  const { options, command, login } = setting
  const { now, signal } = surroundings
  const closing: (() => Promise<void>)[] = []

  const server = once(async () => {
    const client = createFhirClient(options.fhir)
    closing.push(() => client.close())
    return detectDialect(client, { credential: nobodys, signal })
  })

  const tokensThere = once(async (): Promise<TokenPair | undefined> => {
    const { FHIR_MCP_ACCESS_TOKEN: accessToken, FHIR_MCP_ID_TOKEN: idToken } = command
    if (accessToken !== undefined) return { accessToken, idToken }
    if (login === undefined) return undefined
    try {
      return await createLoginTokens({ ...login, signIn: undefined, callPatience: 0, now }).tokens(signal)
    } catch (thrown) {
      if (isFhirMcpError(thrown, 'UNAUTHENTICATED')) return undefined
      throw thrown
    }
  })

  const tokens = () => tokensThere().catch(() => undefined)

  const principal = once(async () => {
    const pair = await tokens()
    if (pair === undefined) throw fhirMcpError('UNAUTHENTICATED')
    const { fhir, auth } = options
    const identify = createStdioIdentify(auth, {
      now,
      exchangeAudience: fhir.credentials === 'forward' ? fhir.audience : undefined,
      apiUrl: auth.sources.includes('exchange') ? exchangeApiUrl(fhir) : undefined,
    })
    return identify(pair, signal)
  })

  const audit = once(async () => {
    const opened = openCheckAudit(options, now)
    closing.push(() => opened.close())
    return opened
  })

  const calling = once(async () => {
    const [who, pair, record] = await Promise.all([principal(), tokens(), audit()])
    const { fhir, access } = options
    const opener = createExchangeOpener({ fhir, access, now })
    closing.push(() => opener.close())
    const parts: CallParts = {
      opener,
      roles: access.roles,
      store: createRosterStore({
        seconds: access.rosterSeconds,
        limit: access.rosterLimit,
        size: access.rosterCacheSize,
        now,
      }),
      audit: record,
      standings: () => [],
      credentialOf: createCredentials(fhir, { now }),
      bytes: createBytesInFlight(fhir.bytesInFlight),
      turns: createTurns({ atOnce: fhir.connections, waiting: Infinity, patience: Infinity }),
      context: {
        cursors: createCursors(randomBytes(32), now),
        byteBudget: options.results.byteBudget,
        now,
        settings: {
          rosterSeconds: access.rosterSeconds,
          deadline: options.results.deadline,
          concurrency: fhir.connections,
          filtersRows: fhir.filtersRows,
          baseUrl: opener.baseUrl,
        },
      },
    }
    return { parts, asker: { principal: who, token: pair?.accessToken ?? '', signal } }
  })

  return {
    ...setting,
    ...surroundings,
    server,
    tokens,
    tokensThere,
    principal,
    audit,
    calling,
    async close() {
      await Promise.allSettled(closing.map((end) => end()))
    },
  }
}

/** Does a piece of work once, for all who ask. */
function once<T>(work: () => Promise<T>): () => Promise<T> {
  let done: Promise<T> | undefined
  return () => {
    if (done === undefined) {
      done = work()
      // Those who asked look at it themselves.
      done.catch(() => undefined)
    }
    return done
  }
}
