import type { DataType, LoincCode, Member } from './data-types.ts'
import type { Leaf } from './members.ts'
import { ucumOf } from './units.ts'

/** What of a body decides which LOINC codes fit it. */
export interface LoincFacts {
  /** Text of a member of the body; undefined where it has none. */
  readonly text: (path: string) => string | undefined
  /** The members that its schema defines, as far as the body has them. */
  readonly measured: ReadonlyMap<string, Leaf>
  /** Whether the period is exactly 24 hours. */
  readonly wholeDay: boolean
}

/** Statistics that are not a value of the property any more: 5 /min of spread is no heart rate. */
const spreads: ReadonlySet<string> = new Set([
  'count',
  'quartile deviation',
  'standard deviation',
  'variance',
])
const specimens: ReadonlyMap<string | undefined, readonly [LoincCode, LoincCode]> = new Map<
  string | undefined,
  readonly [LoincCode, LoincCode]
>([
  [undefined, ['2339-0', '15074-8']],
  ['blood', ['2339-0', '15074-8']],
  ['whole blood', ['2339-0', '15074-8']],
  ['capillary blood', ['2339-0', '15074-8']],
  ['plasma', ['2345-7', '14749-6']],
  ['serum', ['2345-7', '14749-6']],
  ['interstitial fluid', ['99504-3', '105272-9']],
])

/** Whether a unit is one that the member's property is measured in, so that a LOINC code can stand for it. */
function fits(member: Member, leaf: Leaf | undefined): boolean {
  if (leaf === undefined) return false
  if (member.kind === 'text') return leaf.value.kind === 'string'
  const unit = leaf.value.kind === 'unitValue' ? ucumOf(leaf.value.unit) : undefined
  return unit !== undefined && member.units.includes(unit)
}

/** LOINC for the component of a member; none where its unit or the statistic says that it is another property. */
export function loincOfMember(member: Member, facts: LoincFacts): readonly LoincCode[] {
  const { loinc } = member
  return loinc === undefined || isSpread(facts) || !fits(member, facts.measured.get(member.path))
    ? []
    : [loinc]
}

/** LOINC for the whole observation: only where property, specimen, method and time match. No code before a wrong one. */
export function loincOfType(type: DataType, facts: LoincFacts): readonly LoincCode[] {
  if (isSpread(facts)) return []
  if (type.name === 'physical-activity') return type.loinc
  const required = type.members.filter(({ path }) => type.required.includes(path))
  if (!required.every((member) => fits(member, facts.measured.get(member.path)))) return []
  switch (type.name) {
    case 'blood-glucose':
      return glucose(facts)
    case 'heart-rate':
      return facts.text('temporal_relationship_to_physical_activity') === 'at rest'
        ? ['8867-4', '40443-4']
        : ['8867-4']
    case 'heart-rate-variability': {
      const algorithm = facts.text('algorithm') ?? facts.text('heart_rate_variability_algorithm')
      return algorithm?.toUpperCase() === 'SDNN' ? ['80404-7'] : []
    }
    case 'oxygen-saturation':
      return facts.text('measurement_method') === 'pulse oximetry' ? ['2708-6', '59408-5'] : ['2708-6']
    case 'step-count':
      return stepsOfDay(facts) ? ['41950-7'] : ['55423-8']
    default:
      return type.loinc
  }
}

/** Whether a step count is the count of one day: 24 hours, and not the mean or maximum of shorter stretches of them. */
export function stepsOfDay(facts: LoincFacts): boolean {
  const statistic = facts.text('descriptive_statistic')
  const per = facts.text('descriptive_statistic_denominator')
  const whole = statistic === undefined || statistic === 'sum' || (statistic === 'average' && per === 'd')
  return facts.wholeDay && whole && (per === undefined || per === 'd')
}

function glucose({ text, measured }: LoincFacts): readonly LoincCode[] {
  const sources = [...new Set([text('specimen_source'), text('blood_specimen_type')])]
  const named = sources.filter((source) => source !== undefined)
  const codes = named.length > 1 ? undefined : specimens.get(named[0])
  const value = measured.get('blood_glucose')?.value
  if (codes === undefined || value?.kind !== 'unitValue') return []
  // LOINC has codes of their own for the averages of a continuous monitor (97507-8), and says so at 99504-3.
  if (named[0] === 'interstitial fluid' && text('descriptive_statistic') === 'average') return []
  return [value.unit === 'mg/dL' ? codes[0] : codes[1]]
}

function isSpread(facts: LoincFacts): boolean {
  return spreads.has(facts.text('descriptive_statistic') ?? '')
}
