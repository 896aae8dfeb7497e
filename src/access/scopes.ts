/** One way in which a scope lets a type be read and searched. */
export interface ScopeClause {
  /** Only for the patient of the token's launch context (`patient/…`). */
  readonly patientOnly: boolean
  /** Only resources of one of these categories (`?category=`): `system|code` or `code`. */
  readonly categories: readonly string[] | undefined
}

/** The SMART scopes of a token, as far as reading goes. */
export interface Scopes {
  /** Whether the token has SMART scopes at all; without any, scopes narrow nothing. */
  readonly present: boolean
  /** The clauses per resource type; `*` for scopes on every type. */
  readonly clauses: ReadonlyMap<string, readonly ScopeClause[]>
}

const compartment = /^(?:patient|user|system)\//
const v1 = /^([A-Z][A-Za-z]+|\*)\.(read|write|\*)$/
const v2 = /^([A-Z][A-Za-z]+|\*)\.(?=[cruds])(c?r?u?d?s?)(?:\?(.+))?$/s

/**
 * Reads the `scope` of a token: SMART App Launch 1.0 (`user/Patient.read`) and 2.x (`user/Observation.rs?category=…`).
 * Scopes that are not SMART's (`openid`, `launch/patient`) are passed over. A SMART scope that cannot be understood,
 * gives only `r` or only `s`, or has another restriction than one `category`, narrows like any other and grants nothing.
 */
export function parseScopes(scope: string | readonly string[] | undefined): Scopes {
  const words = typeof scope === 'string' ? scope.split(/\s+/) : (scope ?? [])
  const clauses = new Map<string, ScopeClause[]>()
  let present = false
  for (const word of words) {
    const prefix = compartment.exec(word)?.[0]
    if (prefix === undefined) continue
    present = true
    const granted = readClause(word.slice(prefix.length), prefix === 'patient/')
    if (granted === undefined) continue
    const known = clauses.get(granted.type)
    if (known === undefined) clauses.set(granted.type, [granted.clause])
    else known.push(granted.clause)
  }
  return { present, clauses }
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
