import { decide, isDenial, type LoadedRoster, rostersFor } from '../access/decide.ts'
import type { Grant } from '../access/grant.ts'
import {
  type Caller,
  isInsufficient,
  narrow,
  type Policy,
  type Rule,
  rosterNeed,
  studyNeed,
} from '../access/narrowing.ts'
import type { RoleTable } from '../access/roles.ts'
import { type Roster, refusedRoster, rosterOf } from '../access/roster.ts'
import type { RosterSource, RosterStore } from '../access/rosters.ts'
import type { RosterKey, Target } from '../access/target.ts'
import { fhirMcpError, isFhirMcpError } from '../errors.ts'
import type { Exchange, ExchangeCall, ExchangeOpener } from '../exchange/exchange.ts'
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
  decide(rule: Rule, subject: Subject, fresh: boolean): Promise<Decision>
  /** A roster, whole, by a decision of its own; for a token of patient scopes its own enrolments alone. Throws FORBIDDEN, without a request, where it is not permitted. */
  roster(rule: Rule, key: RosterKey): Promise<Roster>
}

const noRosters: readonly LoadedRoster[] = []

/** Makes the access of one call. */
export function createCallAccess(parts: AccessParts, caller: Caller, call: ExchangeCall): CallAccess {
  const exchange = parts.opener.open(call)

  /** Decides with what is known of the dialect; it is looked at only for a call that would be allowed. */
  async function policyFor(rule: Rule, target: Target): Promise<Policy> {
    const policy: Policy = { roles: parts.roles, traits: parts.opener.knownTraits() }
    if (policy.traits !== undefined || !caller.scopes.present) return policy
    const early =
      rostersFor(rule, caller, target, policy).length === 0
        ? decide(rule, caller, target, noRosters, policy)
        : undefined
    if (early !== undefined && isDenial(early)) return policy
    return { ...policy, traits: await parts.opener.traits(call) }
  }

  function granted(rule: Rule, target: Target, rosters: readonly LoadedRoster[], policy: Policy): Grant {
    const decision = decide(rule, caller, target, rosters, policy)
    if (isDenial(decision)) throw fhirMcpError(decision.denied, { scopes: decision.scopes })
    return decision
  }

  function source(rule: Rule, policy: Policy): RosterSource {
    const rosterRule: Rule = { name: rule.name, needs: [rosterNeed], patients: false }
    const grantOn = (key: RosterKey) => granted(rosterRule, targetOf(key), noRosters, policy)
    const openWith = (signal: AbortSignal) => parts.opener.open({ ...call, signal })
    return {
      identity: call.credential.identity,
      signal: call.signal,
      roster: (key, limit, signal) => orRefused(openWith(signal).roster(grantOn(key), limit)),
      enrolments: async (key, patient, signal) => openWith(signal).enrolments(grantOn(key), patient),
    }
  }

  async function roster(rule: Rule, key: RosterKey): Promise<Roster> {
    const rosterRule: Rule = { ...rule, needs: [rosterNeed], patients: true }
    const target = targetOf(key)
    const policy = await policyFor(rosterRule, target)
    const [permitted] = rostersFor(rosterRule, caller, target, policy)
    if (permitted === undefined) {
      granted(rosterRule, target, noRosters, policy)
      throw fhirMcpError('FORBIDDEN')
    }
    const [loaded] = await parts.store.load(source(rosterRule, policy), { keys: [permitted], whole: true })
    if (loaded === undefined || loaded.roster.refused) throw fhirMcpError('FORBIDDEN')
    const narrowing = narrow(rosterRule, caller, policy)
    return !isInsufficient(narrowing) && narrowing.patientOnly
      ? onlyOwn(loaded.roster, caller.patient)
      : loaded.roster
  }

  function directory(rule: Rule): Directory {
    return {
      roster: (key) => roster(rule, key),
      async studies() {
        const { studies, superuser } = caller.permissions
        if (studies.size === 0 && !superuser) throw fhirMcpError('FORBIDDEN')
        const studyRule: Rule = { name: rule.name, needs: [studyNeed], patients: false }
        const target = { kind: 'reach' } as const
        const grant = granted(studyRule, target, noRosters, await policyFor(studyRule, target))
        return (await exchange.studies(grant)).studies
      },
    }
  }

  return {
    exchange,
    roster,
    async decide(rule, subject, fresh) {
      const target = await resolve(subject, directory(rule))
      const policy = await policyFor(rule, target)
      const keys = rostersFor(rule, caller, target, policy)
      const whole = target.kind !== 'patient'
      const request = {
        keys,
        fresh,
        whole,
        ...(target.kind === 'patient' ? { patient: target.patient } : {}),
      }
      const rosters = keys.length === 0 ? noRosters : await parts.store.load(source(rule, policy), request)
      return { target, grant: granted(rule, target, rosters, policy) }
    },
  }
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

function targetOf(key: RosterKey): Target {
  return key.kind === 'study'
    ? { kind: 'study', study: key.id }
    : { kind: 'organization', organization: key.id }
}
