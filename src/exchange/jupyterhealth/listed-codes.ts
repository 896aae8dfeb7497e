import { LRUCache } from 'lru-cache'
import { z } from 'zod'
import { isFhirMcpError } from '../../errors.ts'
import type { Coding, Observation } from '../../fhir/types.ts'
import type { Asking } from '../asking.ts'
import type { SearchBranch } from './branches.ts'

/** Codes of an exchange as `system|code`; undefined where it does not say which it has. */
type Names = ReadonlySet<string> | undefined

/** What each caller was told last of the codes that an exchange has. */
export interface ListedCodes {
  last(identity: string): { readonly names: Names } | undefined
  keep(identity: string, names: Names): void
}

/** Its list of all codes: they name no study and no person, and whoever is signed in may read them. */
const path = 'data_sources/all_scopes'
const rowsSchema = z
  .array(z.looseObject({ codingSystem: z.string().min(1), codingCode: z.string().min(1) }))
  .min(1)

/** Searches for fewer codes are no more requests than the list and one search. */
const worthwhile = 3
const form = 'list of codes'
const [lasting, callers] = [300_000, 1000]

/** Keeps it for 5 minutes; `now` gives milliseconds since the epoch. */
export function createListedCodes(now: () => number): ListedCodes {
  const kept = new LRUCache<string, { readonly names: Names; readonly until: number }>({ max: callers })
  return {
    last(identity) {
      const found = kept.get(identity)
      return found !== undefined && found.until > now() ? found : undefined
    },
    keep: (identity, names) => void kept.set(identity, { names, until: now() + lasting }),
  }
}

/** What was read in this call already. */
const read = new WeakMap<Asking, Promise<Names>>()

/**
 * Asks by several searches, without those that can find nothing since the exchange does not have their code: an observation of
 * its own refers to one row of its list, so none can have another code. What the list said last is a guess, by which the
 * searches begin; the list is read once more in each call, beside them, and where it has come to say otherwise they are made
 * anew. A type of which no code is listed is asked for all the same, so that no list alone says that there is nothing, and a
 * list that an observation contradicted is not used. `ask` gets those that it is to leave out.
 */
export async function askListed<T>(
  asking: Asking,
  searches: readonly SearchBranch[],
  ask: (empty: ReadonlySet<SearchBranch>) => Promise<T>,
): Promise<T> {
  const coded = searches.filter(({ code }) => code !== undefined)
  if (coded.length < worthwhile || asking.proofs.known(form) === false) return ask(new Set())
  const emptyBy = (names: Names): ReadonlySet<SearchBranch> => {
    if (names === undefined) return new Set()
    const unlisted = coded.filter(({ code }) => code !== undefined && !names.has(nameOf(code)))
    return new Set(unlisted.length === coded.length ? [] : unlisted)
  }
  const guess = asking.codes.last(asking.call.credential.identity)
  if (guess === undefined) return ask(emptyBy(await listNow(asking)))
  const empty = emptyBy(guess.names)
  if (empty.size === 0) return ask(empty)
  const [answer, now] = await Promise.all([ask(empty), listNow(asking)])
  const stillEmpty = emptyBy(now)
  return [...empty].every((search) => stillEmpty.has(search)) ? answer : ask(stillEmpty)
}

/** Holds the list that is kept against observations that came. */
export function holdAgainstList({ codes, call, proofs }: Asking, rows: readonly Observation[]): void {
  const names = codes.last(call.credential.identity)?.names
  if (names === undefined) return
  const isListed = ({ code }: Observation) => {
    const codings = Array.isArray(code?.coding) ? code.coding : []
    return codings.length === 0 || codings.some((coding) => names.has(nameOf(coding)))
  }
  if (!rows.every(isListed)) proofs.note(form, false)
}

function listNow(asking: Asking): Promise<Names> {
  const known = read.get(asking)
  if (known !== undefined) return known
  const list = readList(asking).then((names) => {
    asking.codes.keep(asking.call.credential.identity, names)
    return names
  })
  read.set(asking, list)
  void list.catch(() => read.delete(asking))
  return list
}

async function readList(asking: Asking): Promise<Names> {
  try {
    const rows = rowsSchema.safeParse(await asking.api(path))
    if (!rows.success) return undefined
    const names = rows.data.map(({ codingSystem: system, codingCode: code }) => nameOf({ system, code }))
    return new Set(names)
  } catch (thrown) {
    asking.call.signal.throwIfAborted()
    // It may have no such list, or not for this caller.
    if (isFhirMcpError(thrown)) return undefined
    throw thrown
  }
}

function nameOf({ system, code }: Coding): string {
  return `${system}|${code}`
}
