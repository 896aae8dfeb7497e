import { createHmac, randomBytes } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { CallLine, CallRecord } from './record.ts'

/** Hashes in one line at the most. */
const mostHashes = 20

/**
 * Makes lines of the ordinary log. Subjects and patients are HMAC-SHA256 (RFC 2104) of 96 bits: with a configured key the same
 * in every process and after a restart, otherwise random for this one.
 */
export function createCallLines(key: Uint8Array = randomBytes(32)): (record: CallRecord) => CallLine {
  const known = new LRUCache<string, string>({ max: 2000 })

  function hashOf(kind: 'subject' | 'patient', ...parts: readonly string[]): string {
    const text = JSON.stringify([kind, ...parts])
    const kept = known.get(text)
    if (kept !== undefined) return kept
    const hash = createHmac('sha256', key).update(text).digest('base64url').slice(0, 16)
    known.set(text, hash)
    return hash
  }

  return (record) => {
    const { id, kind, name, outcome, code, duration, requests, issuer, subject, target } = record
    const asked = target?.kind === 'patient' && target.id !== undefined ? [target.id] : []
    const patients = (record.patients.length > 0 ? record.patients : asked).slice(0, mostHashes)
    return {
      [kind]: name,
      outcome,
      code,
      duration,
      requests,
      record: id,
      subject: hashOf('subject', issuer, subject),
      ...(patients.length > 0 ? { patients: patients.map((patient) => hashOf('patient', patient)) } : {}),
    }
  }
}
