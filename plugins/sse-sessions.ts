import type { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js'
import { isJSONRPCRequest, type JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js'
import type { Principal } from '../src/access/principal.ts'
import { fhirMcpError } from '../src/errors.ts'
import { personKey } from '../src/limits/person-key.ts'
import { type Bearer, handleOf } from '../src/mcp/bearers.ts'
import { atExpiry } from './expiry.ts'

/** How many streams may be open: over all, and for one person. */
export interface StreamLimits {
  readonly total: number
  readonly perPrincipal: number
}

/** The open streams of HTTP+SSE, each bound to the principal that opened it. */
export interface SseSessions {
  /** Binds a stream to its principal, until the token expires. Throws RATE_LIMITED when there are too many. */
  add(transport: SSEServerTransport, principal: Principal, close: () => void): void
  /**
   * Hands a message to a stream; false when there is no such stream of this principal (issuer, subject and client). The
   * bearer's token may be newer than the stream's: the stream then lasts as long as that one. Throws when the message is none
   * of JSON-RPC.
   */
  deliver(id: string, bearer: Bearer, message: unknown): Promise<boolean>
  /** Waits for the calls under way, then closes every stream. */
  drain(): Promise<void>
}

interface Session {
  readonly transport: SSEServerTransport
  readonly owner: string
  readonly person: string
  readonly close: () => void
  /** Closes it once nothing is pending. */
  readonly expire: () => void
  /** Ids of the requests that are not answered yet. */
  readonly pending: Set<string | number>
  idle: () => void
  expiresAt: number
  callOff: () => void
}

/** Makes an empty set of sessions. `now` gives milliseconds since the epoch. */
export function createSseSessions(limits: StreamLimits, now: () => number): SseSessions {
  const sessions = new Map<string, Session>()

  function assertRoom(principal: Principal): void {
    const person = personKey(principal)
    const own = [...sessions.values()].filter((session) => session.person === person).length
    if (sessions.size >= limits.total || own >= limits.perPrincipal) {
      throw fhirMcpError('RATE_LIMITED', { detail: 'Too many SSE streams are open.', retryAfter: 60 })
    }
  }

  return {
    add(transport, principal, close) {
      assertRoom(principal)
      const { expiresAt } = principal
      // What was taken is answered; what comes later is judged by its own token.
      const expire = () =>
        void settled(session).then(() => {
          if (session.expiresAt * 1000 <= now()) close()
        })
      const callOff = atExpiry(expiresAt, now, expire)
      const session: Session = {
        transport,
        owner: ownerOf(principal),
        person: personKey(principal),
        close,
        expire,
        pending: new Set(),
        idle: () => undefined,
        expiresAt,
        callOff,
      }
      sessions.set(transport.sessionId, session)
      watchAnswers(session)
      transport.onclose = after(transport.onclose, () => {
        session.callOff()
        session.pending.clear()
        session.idle()
        sessions.delete(transport.sessionId)
      })
    },

    async deliver(id, bearer, message) {
      const session = sessions.get(id)
      if (session === undefined || session.owner !== ownerOf(bearer.principal)) return false
      if (bearer.principal.expiresAt > session.expiresAt) {
        session.expiresAt = bearer.principal.expiresAt
        session.callOff()
        session.callOff = atExpiry(session.expiresAt, now, session.expire)
      }
      if (isJSONRPCRequest(message)) session.pending.add(message.id)
      await session.transport.handleMessage(message, { authInfo: handleOf(bearer) })
      return true
    },

    async drain() {
      await Promise.all([...sessions.values()].map(settled))
      for (const session of sessions.values()) session.close()
    },
  }
}

/** Two clients of one person are two owners: a stream is never handed from one to the other. */
function ownerOf({ issuer, subject, client }: Principal): string {
  return JSON.stringify([issuer, subject, client ?? null])
}

function watchAnswers(session: Session): void {
  const { transport } = session
  const send = transport.send.bind(transport)
  transport.send = async (message: JSONRPCMessage) => {
    await send(message)
    if ('id' in message && message.id !== undefined && !('method' in message))
      session.pending.delete(message.id)
    if (session.pending.size === 0) session.idle()
  }
}

function settled(session: Session): Promise<void> {
  if (session.pending.size === 0) return Promise.resolve()
  return new Promise((resolve) => {
    session.idle = after(session.idle, resolve)
  })
}

function after(first: (() => void) | undefined, then: () => void): () => void {
  return () => {
    first?.()
    then()
  }
}
