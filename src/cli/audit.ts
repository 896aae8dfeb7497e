import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { type ChainHead, lineHash } from '../audit/chain.ts'
import { defaultAuditPath } from '../audit/default-path.ts'
import { chainKeyOf } from '../audit/keys.ts'
import { type Place, verifyFiles } from '../audit/verify/verify.ts'
import { valuesOf } from '../config/env.ts'
import { fhirMcpError } from '../errors.ts'
import type { Surroundings } from './surroundings.ts'

/** What `audit` is told. */
export interface AuditArguments {
  readonly what: string | undefined
  /** Oldest first; by default the file that the server writes to. */
  readonly files: readonly string[]
  /** File with the heads of the files before these. */
  readonly after: string | undefined
  /** File with the heads that these have to reach. */
  readonly heads: string | undefined
}

const head = z.object({ chain: z.string(), count: z.int().nonnegative(), hash: z.string() })
const headsSchema = z.union([z.array(head), head.transform((one) => [one])])

/**
 * `audit verify`: checks files of records, and says of each line what is wrong with it; false where something is. `audit heads`:
 * prints the last line of each chain, to be kept elsewhere. Nothing of a record is printed. Throws CONFIG.
 */
export async function audit(
  { what, files, after, heads }: AuditArguments,
  { environment, stdout, stderr }: Pick<Surroundings, 'environment' | 'stdout' | 'stderr'>,
): Promise<boolean> {
  const values = valuesOf(environment)
  const hashOf = lineHash(chainKeyOf(values.get('FHIR_MCP_AUDIT_CHAIN_KEY')))
  const looked = files.length > 0 ? files : [values.get('FHIR_MCP_AUDIT_PATH') ?? defaultAuditPath()]
  const verified = await verifyFiles(looked, { hashOf, after: headsIn(after), heads: headsIn(heads) }).catch(
    (thrown: unknown) => {
      throw unreadable('A file of records', thrown)
    },
  )
  const isGood = verified.findings.length === 0
  if (what === 'heads') {
    stdout.write(`${JSON.stringify(verified.heads, undefined, 2)}\n`)
    if (!isGood) stderr.write('These files are not whole: see audit verify\n')
    return isGood
  }
  for (const { at, problem } of verified.findings) {
    stdout.write(`${at === undefined ? '' : `${shown(at)}: `}${problem}\n`)
  }
  for (const place of verified.torn) {
    stdout.write(`${shown(place)}: cut off by a kill or a failed write; its call was not answered\n`)
  }
  const { lines, heads: ends, torn, findings } = verified
  const counts = [
    counted(lines, 'record'),
    counted(ends.length, 'chain'),
    `${counted(torn.length, 'line')} cut off`,
  ]
  stdout.write(`${counts.join(', ')}: ${isGood ? 'whole' : counted(findings.length, 'finding')}\n`)
  return isGood
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}

function shown({ file, line }: Place): string {
  return `${file}:${line}`
}

function headsIn(path: string | undefined): readonly ChainHead[] {
  if (path === undefined) return []
  try {
    return headsSchema.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch (thrown) {
    throw unreadable('The file of heads', thrown)
  }
}

function unreadable(what: string, thrown: unknown) {
  const code =
    thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'not what audit heads writes'
  return fhirMcpError('CONFIG', { detail: `${what} cannot be read (${code}).` })
}
