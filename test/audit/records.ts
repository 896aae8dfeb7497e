import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CallRecord } from '../../src/audit/record.ts'
import { temporaryFolder } from '../login/machine.ts'

/** A file of records that goes with the test. */
export function auditFile(): string {
  return join(temporaryFolder(), 'audit.ndjson')
}

/** The lines of a file of records, blank ones left out. */
export function linesIn(path: string): string[] {
  if (!existsSync(path)) return []
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '')
}

/** The records of a file, without their places in a chain; throws for a line that is none. */
export function recordsIn(path: string): CallRecord[] {
  return linesIn(path).map((line) => {
    const { chain: _, ...record } = JSON.parse(line)
    return record
  })
}

/** A record of somebody who looked at two patients. */
export function recordOf(more: Partial<CallRecord> = {}): CallRecord {
  return {
    id: '6f9619ff-8b86-4d01-b42d-00cf4fc964ff',
    time: '2026-11-01T10:00:00.000Z',
    kind: 'tool',
    name: 'list_study_patients',
    issuer: 'https://login.example.org',
    subject: 'ada',
    client: 'assistant',
    arguments: ['study_id', 'limit'],
    target: { kind: 'study', id: 'study-a', decided: true },
    patients: ['pat-1', 'pat-2'],
    outcome: 'allowed',
    code: undefined,
    duration: 12,
    requests: 2,
    received: 4096,
    bytes: 2048,
    ...more,
  }
}

/** The id of the n-th record. */
export function idOf(n: number): string {
  return `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`
}
