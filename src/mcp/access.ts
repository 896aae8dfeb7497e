import { isDenial, type OpenDecision, openDecision } from '../access/decide.ts'
import type { Grant } from '../access/grant.ts'
import type { Loaded, LoadedRoster } from '../access/known.ts'
import { type Caller, type Policy, type Rule, rosterNeed, studyNeed } from '../access/narrowing.ts'
import type { RequestedType, RequestedTypes } from '../access/restrictions.ts'
import type { RoleTable } from '../access/roles.ts'
import { type Roster, refusedRoster, rosterOf } from '../access/roster.ts'
import type { RosterSource, RosterStore } from '../access/rosters.ts'
import type { RosterKey, Target } from '../access/target.ts'
import { fhirMcpError, isFhirMcpError } from '../errors.ts'
import type { Exchange, ExchangeCall, ExchangeOpener } from '../exchange/exchange.ts'
import { requireWhole } from '../exchange/whole.ts'
import type { Subject } from '../tools/tool.ts'
import { type Directory, resolve } from './resolve.ts'

/** What one call's access is made of. */
export interface AccessParts {
  readonly opener: ExchangeOpener
  readonly store: RosterStore
  readonly roles: RoleTable
}

/** A decision that was made for a call. */
export interface Decision {
  readonly grant: Grant
  readonly target: Target
}

/** Access of one caller in one call: everything that is asked of the exchange is decided here first. */
export interface CallAccess {
  readonly exchange: Exchange
  /**
   * Resolves what the call is about, loads the rosters that the decision needs, and decides. `fresh`: the rosters are read
   * past every cache. Throws FORBIDDEN or INSUFFICIENT_SCOPE.
   */
  decide(open: OpenDecision, subject: Subject, fresh: boolean): Promise<Decision>
  /** A roster, whole, by a decision of its own; for a token of patient scopes its own enrolments alone. Throws FORBIDDEN, without a request, where it is not permitted. */
  roster(rule: Rule, key: RosterKey): Promise<Roster>
  /**
   * The types of data that a study requested; undefined where the exchange does not record them, or refuses. Throws FORBIDDEN,
   * without a request, for a study that is not permitted.
   */
  requestedTypes(rule: Rule, study: string): Promise<readonly RequestedType[] | undefined>
}

const noRosters: readonly LoadedRoster[] = []
const noTypes: RequestedTypes = new Map()

/** Makes the access of one call. */
export function createCallAccess(parts: AccessParts, caller: Caller, call: ExchangeCall): CallAccess {
  const exchange = parts.opener.open(call)

  const opened = (rule: Rule, policy: Policy = policyOf(parts)) => openDecision(rule, caller, policy)

  /** Opens it with what is known of the dialect, which is looked at only for a call that would be allowed. */
  async function withTraits(open: OpenDecision, target: Target): Promise<OpenDecision> {
    const { rule, policy } = open
    if (policy.traits !== undefined || !open.needsTraits) return open
    const known = parts.opener.knownTraits()
    if (known !== undefined) return opened(rule, { ...policy, traits: known })
    const early = open.rostersFor(target).length === 0 ? open.decide(target, noRosters) : undefined
    if (early !== undefined && isDenial(early)) return open
    return opened(rule, { ...policy, traits: await parts.opener.traits(call) })
  }

  function source({ rule, policy }: OpenDecision): RosterSource {
    let open: OpenDecision | undefined
    const grantOn = (key: RosterKey) => {
      open ??= opened({ name: rule.name, needs: [rosterNeed], patients: false }, policy)
      return granted(open, targetOf(key), noRosters)
    }
    const openWith = (signal: AbortSignal) => parts.opener.open({ ...call, signal })
    return {
      identity: call.credential.identity,
      signal: call.signal,
      roster: (key, limit, signal) => orRefused(openWith(signal).roster(grantOn(key), limit)),
      enrolments: async (key, patient, signal) => openWith(signal).enrolments(grantOn(key), patient),
      requested: async (study, signal) => {
        const own = opened({ name: rule.name, needs: [], patients: false }, policy)
        const grant = granted(own, { kind: 'study', study }, noRosters)
        return orUndefined(openWith(signal).requestedTypes(grant))
      },
    }
  }

  /** The studies whose requested types matter, whatever the rosters say: they need not wait for them. */
  async function loaded(open: OpenDecision, target: Target, fresh: boolean): Promise<Loaded> {
    const keys = open.rostersFor(target)
    const whole = target.kind !== 'patient'
    const patient = target.kind === 'patient' ? { patient: target.patient } : {}
    const from = source(open)
    const requestedOf = (studies: readonly string[]) =>
      studies.length === 0 ? noTypes : parts.store.requested(from, studies, fresh)
    const named = open.studiesFor(target, noRosters)
    const [rosters, requested] = await Promise.all([
      keys.length === 0 ? noRosters : parts.store.load(from, { keys, fresh, whole, ...patient }),
      requestedOf(named),
    ])
    if (named.length > 0) return { rosters, requested }
    return { rosters, requested: await requestedOf(open.studiesFor(target, rosters)) }
  }

  async function roster(rule: Rule, key: RosterKey): Promise<Roster> {
    const rosterRule: Rule = { ...rule, needs: [rosterNeed], patients: true }
    const target = targetOf(key)
    const open = await withTraits(opened(rosterRule), target)
    const [permitted] = open.rostersFor(target)
    if (permitted === undefined) {
      granted(open, target, noRosters)
      throw fhirMcpError('FORBIDDEN')
    }
    const [loaded] = await parts.store.load(source(open), { keys: [permitted], whole: true })
    if (loaded === undefined || loaded.roster.refused) throw fhirMcpError('FORBIDDEN')
    return open.patientOnly ? onlyOwn(loaded.roster, caller.patient) : loaded.roster
  }

  function directory(rule: Rule): Directory {
    return {
      roster: (key) => roster(rule, key),
      async studies() {
        const { studies, superuser } = caller.permissions
        if (studies.size === 0 && !superuser) throw fhirMcpError('FORBIDDEN')
        const studyRule: Rule = { name: rule.name, needs: [studyNeed], patients: false }
        const target = { kind: 'reach' } as const
        const grant = granted(await withTraits(opened(studyRule), target), target, noRosters)
        // A second study of the same name must not go unseen.
        return requireWhole(await exchange.studies(grant)).studies
      },
    }
  }

  return {
    exchange,
    roster,
    async decide(prepared, subject, fresh) {
      const target = await resolve(subject, directory(prepared.rule))
      const open = await withTraits(prepared, target)
      const { rosters, requested } = await loaded(open, target, fresh)
      return { target, grant: granted(open, target, rosters, requested) }
    },
    async requestedTypes(rule, study) {
      const target = { kind: 'study', study } as const
      const open = await withTraits(opened({ ...rule, needs: [], patients: false }), target)
      granted(open, target, noRosters)
      const { requestedTypes } = open.policy.traits ?? (await parts.opener.traits(call))
      if (!requestedTypes) return undefined
      return (await parts.store.requested(source(open), [study])).get(study)
    },
  }
}

/** What the operator configured, and what is known of the dialect by now. */
export function policyOf({ roles, opener }: Pick<AccessParts, 'roles' | 'opener'>): Policy {
  return { roles, traits: opener.knownTraits() }
}

function granted(
  open: OpenDecision,
  target: Target,
  rosters: readonly LoadedRoster[],
  requested?: RequestedTypes,
): Grant {
  const decision = open.decide(target, rosters, requested)
  if (isDenial(decision)) {
    const { denied, ...options } = decision
    throw fhirMcpError(denied, options)
  }
  return decision
}

/** What a token of patient scopes may know of a roster: its own enrolments. */
function onlyOwn(roster: Roster, own: string | undefined): Roster {
  return rosterOf(own === undefined ? [] : roster.enrolments(own), roster.complete, roster.loadedAt)
}

/**
 * A roster that the exchange itself refuses, or a study that it does not have any more, reaches nobody; what the caller
 * reaches in other ways stays.
 */
async function orRefused(reading: Promise<Roster>): Promise<Roster> {
  try {
    return await reading
  } catch (thrown) {
    if (!isFhirMcpError(thrown, 'FORBIDDEN')) throw thrown
    return refusedRoster()
  }
}

/** What the exchange refuses is not known of, and so gives nothing. */
async function orUndefined<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading
  } catch (thrown) {
    if (!isFhirMcpError(thrown, 'FORBIDDEN')) throw thrown
    return undefined
  }
}

function targetOf(key: RosterKey): Target {
  return key.kind === 'study'
    ? { kind: 'study', study: key.id }
    : { kind: 'organization', organization: key.id }
}
