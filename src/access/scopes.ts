/** One way in which a scope lets a type be read and searched. */
export interface ScopeClause {
  /** Only for the patient of the token's launch context (`patient/…`). */
  readonly patientOnly: boolean
  /** Only resources of one of these categories (`?category=`): `system|code` or `code`. */
  readonly categories: readonly string[] | undefined
}

/** The SMART scopes of a token, as far as reading goes. */
export interface Scopes {
  /** Whether scopes narrow: the token has one of SMART's, or every token must (`auth.requireScopes`). */
  readonly present: boolean
  /** The first word that makes them SMART's; undefined where none does. */
  readonly decidedBy: string | undefined
  /** The clauses per resource type; `*` for scopes on every type. */
  readonly clauses: ReadonlyMap<string, readonly ScopeClause[]>
}

const compartment = /^(?:patient|user|system)\//
const v1 = /^([A-Z][A-Za-z]+|\*)\.(read|write|\*)$/
const v2 = /^([A-Z][A-Za-z]+|\*)\.(?=[cruds])(c?r?u?d?s?)(?:\?(.+))?$/s

/** Words of SMART App Launch 2.2 (scopes and launch context) that no other use of OAuth has, in whatever letters. */
const smartWord =
  /^(?:launch(?:\/.*)?|fhirUser|online_access|(?:patient|user|system)\/.*|[^/\s]+\/(?:[a-z]+|\*)\.(?:read|write|\*|[cruds]+)(?:\?.*)?)$/is

/**
 * Reads the `scope` of a token: SMART App Launch 1.0 (`user/Patient.read`) and 2.x (`user/Observation.rs?category=…`).
 * Words that are not SMART's (`openid`, `offline_access`) are passed over, and a token with none of SMART's is not narrowed,
 * unless `required`. A SMART word that gives no data (`launch/patient`), cannot be understood, gives only `r` or only `s`,
 * or has another restriction than one `category`, narrows like any other and grants nothing.
 */
export function parseScopes(scope: string | readonly string[] | undefined, required = false): Scopes {
  const words = typeof scope === 'string' ? scope.split(/\s+/) : (scope ?? [])
  const clauses = new Map<string, ScopeClause[]>()
  let decidedBy: string | undefined
  for (const word of words) {
    if (!smartWord.test(word)) continue
    decidedBy ??= word
    const prefix = compartment.exec(word)?.[0]
    if (prefix === undefined) continue
    const granted = readClause(word.slice(prefix.length), prefix === 'patient/')
    if (granted === undefined) continue
    const known = clauses.get(granted.type)
    if (known === undefined) clauses.set(granted.type, [granted.clause])
    else known.push(granted.clause)
  }
  return { present: required || decidedBy !== undefined, decidedBy, clauses }
}

/**
 * Why scopes narrow a token, in one sentence. The word is named where it is one that can be told in an error: others, which
 * anybody could have made, are not.
 */
export function whyScopesNarrow({ decidedBy }: Scopes): string {
  if (decidedBy === undefined) return 'Every token needs SMART scopes here (auth.requireScopes).'
  const named = /^[\w./*-]{1,64}$/.test(decidedBy) ? ` ${decidedBy}` : ''
  return `Its scope${named} is one of SMART App Launch, so scopes say what may be read.`
}

function readClause(text: string, patientOnly: boolean): { type: string; clause: ScopeClause } | undefined {
  const old = v1.exec(text)
  if (old?.[1] !== undefined) {
    return old[2] === 'write' ? undefined : { type: old[1], clause: { patientOnly, categories: undefined } }
  }
  const current = v2.exec(text)
  if (current?.[1] === undefined || !current[2]?.includes('r') || !current[2].includes('s')) return undefined
  if (current[3] === undefined) return { type: current[1], clause: { patientOnly, categories: undefined } }
  const restriction = [...new URLSearchParams(current[3])]
  const [name, value] = restriction[0] ?? []
  if (restriction.length !== 1 || name !== 'category' || value === undefined) return undefined
  const categories = value.split(',').filter((category) => category !== '')
  return categories.length === 0 ? undefined : { type: current[1], clause: { patientOnly, categories } }
}

/** A need for data: one of these types, to be read and searched (`.rs`). */
export interface ScopeNeed {
  readonly types: readonly string[]
}

/** The clauses that cover a need; empty when none does. */
export function clausesFor(scopes: Scopes, need: ScopeNeed): readonly ScopeClause[] {
  if (!scopes.present) return everything
  const clauses: ScopeClause[] = []
  for (const type of need.types) clauses.push(...(scopes.clauses.get(type) ?? []))
  clauses.push(...(scopes.clauses.get('*') ?? []))
  return clauses
}

const everything: readonly ScopeClause[] = [{ patientOnly: false, categories: undefined }]

/** The scopes to ask for so that all needs are covered, in SMART 2 form. */
export function scopesFor(needs: readonly ScopeNeed[]): string[] {
  return [...new Set(needs.map((need) => `user/${need.types[0]}.rs`))]
}
