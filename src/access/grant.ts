import type { Restriction } from './restrictions.ts'
import type { ScopeNeed } from './scopes.ts'
import type { Target } from './target.ts'

/** Whether a patient may be in an answer: `member` yes; `known` belongs to the study but is not enrolled: left out. */
export type PatientStanding = 'member' | 'known' | 'foreign'

/** What was decided, for code that compiles it into a search and holds answers against it. */
export interface GrantTerms {
  /** The tool (or resource) that the decision was made for. */
  readonly tool: string
  /** The types that it was made for. */
  readonly needs: readonly ScopeNeed[]
  readonly target: Target
  /** Studies that may be in an answer. */
  readonly studies: ReadonlySet<string>
  /** Organizations whose patients may be in an answer. */
  readonly organizations: ReadonlySet<string>
  /**
   * Patients that may be in an answer, and known ones that have to be left out. Undefined where the decision did
   * not look at patients (nothing about a patient may be in an answer then), unless `unrestricted`.
   */
  readonly patients: PatientSet | undefined
  /** Set by the superuser rule only: studies and patients are not restricted. */
  readonly unrestricted: boolean
  /** The token's own patient context, where a decision on it or on the whole reach includes it. */
  readonly own: string | undefined
  /** What narrows the resources that may be in an answer beyond whose they are; none: nothing does. */
  readonly restrictions: readonly Restriction[]
}

/** Patients within a grant, by id. */
export interface PatientSet {
  /** The enrolled ones. */
  readonly members: ReadonlySet<string>
  /** Members of the same studies with another status. */
  readonly known: ReadonlySet<string>
}

const mint = Symbol('mint')

/** Proof that a decision allowed something. Only `decide` can make one; nothing else passes `assertGrant`. */
export class Grant {
  readonly terms: GrantTerms
  /** Only an object that this constructor made has it: no copy, no look-alike, nothing that borrows the prototype. */
  readonly #issued = true

  constructor(key: symbol, terms: GrantTerms) {
    if (key !== mint) throw new TypeError('A Grant is made by decide only')
    this.terms = Object.freeze(terms)
    Object.freeze(this)
  }

  /** Whether something is a grant that was issued. */
  static isIssued(grant: unknown): grant is Grant {
    return typeof grant === 'object' && grant !== null && #issued in grant
  }

  /** Whether a study may be in an answer. */
  allowsStudy(study: string): boolean {
    return this.terms.unrestricted || this.terms.studies.has(study)
  }

  /** The token's own patient, where the grant is on nobody else; else undefined. */
  get ownAlone(): string | undefined {
    const { own, studies, organizations, unrestricted } = this.terms
    return studies.size + organizations.size === 0 && !unrestricted ? own : undefined
  }

  /** How a patient stands to this grant. */
  standing(patient: string): PatientStanding {
    const { target, patients, unrestricted } = this.terms
    if (target.kind === 'patient') return target.patient === patient ? 'member' : 'foreign'
    if (patients?.members.has(patient)) return 'member'
    if (patients?.known.has(patient)) return 'known'
    return unrestricted && patients === undefined ? 'member' : 'foreign'
  }
}

/** For `decide` alone. It is not exported from the package. */
export function issueGrant(terms: GrantTerms): Grant {
  return new Grant(mint, terms)
}

/** Throws a TypeError unless this is a grant that was issued. Every method of an exchange calls it first. */
export function assertGrant(grant: unknown): asserts grant is Grant {
  if (!Grant.isIssued(grant)) throw new TypeError('The exchange is asked with a Grant only')
}
