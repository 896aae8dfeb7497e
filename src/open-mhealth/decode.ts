import type { CodeableConcept, Observation, ObservationComponent, Quantity } from '../fhir/types.ts'
import { ownMember, readBody } from './body.ts'
import { type DataType, type LoincCode, loincCoding, type Member, schemaOf } from './data-types.ts'
import {
  agreedTime,
  type EffectiveTime,
  effectiveElement,
  effectiveTimeOf,
  hasEffectiveTime,
  isReversed,
  isWholeDay,
} from './effective-time.ts'
import { headerElements } from './header.ts'
import { type LoincFacts, loincOfMember, loincOfType, stepsOfDay } from './loinc-rules.ts'
import { componentOf, conceptOf, type Leaf, leavesOf } from './members.ts'
import { namespaceSystems } from './systems.ts'
import { frameMember, type TimeFrame, timeFrameOf } from './time-frame.ts'
import { isReadable, memberSystemOf, undescribedElements } from './undescribed.ts'
import { quantityOf } from './units.ts'

/**
 * An observation after decoding. `note` says why it was not decoded, where it has an attachment at all; the observation says
 * the same in a `note` of ours.
 */
export interface Decoded {
  readonly observation: Observation
  readonly decoded: boolean
  readonly note?: string
}

/** Fixed texts: nothing of the attachment is in them. */
export const decodeNotes = {
  unknownType:
    'The attachment is of a type that is not known here, and is not a few numbers; it is kept as it came.',
  unexpectedShape: 'The body does not have the shape of its type; the attachment is kept as it came.',
  otherTime:
    "The body says another time than the exchange: both are kept. Filters, order and counts go by the exchange's.",
  undatedThere:
    'Only the body says when; the exchange has no time for it, so that filters by date leave it out.',
} as const

/** Who says it, in a `note` of an observation that this package wrote. */
export const noteAuthor = 'fastify-fhir-mcp'

const statisticMember = 'descriptive_statistic'
/** The one schema that has it further down. */
const summaryStatistic = `sleep_stage_summary.${statisticMember}`
const openMHealthSystems: ReadonlySet<string | undefined> = new Set(Object.values(namespaceSystems))

/**
 * Decodes the Open mHealth or IEEE 1752.1 body of an observation's `valueAttachment` into FHIR elements, without loss,
 * and then leaves the attachment out: the value as `valueQuantity`, or as `component` where the type has several; LOINC
 * beside the original coding where it is certain; `effective[x]` where the resource has none or says the same time without
 * its offset; `measurement_location` as `bodySite`, `measurement_method` as `method`, `descriptive_statistic` as `interpretation` (its value is an
 * aggregate, not a reading). Every other member, and a time that differs from the resource's own, is a component (see
 * `componentOf`). Numbers are those of the body. A body of a type that nobody described is read member by member. The
 * header says how, by what and when it was made (see `headerElements`). An odd
 * time frame keeps the rest of the body from nothing: a `note` says what is odd. What cannot be decoded so is given back as it
 * is, with a note why. An observation without an attachment comes back as it is, without a note.
 */
export function decodeObservation(observation: Observation): Decoded {
  const { valueAttachment, ...rest } = observation
  if (valueAttachment === undefined) return { observation, decoded: false }
  const schema = schemaOf(observation)
  const body = readBody(valueAttachment)
  if ('note' in body) return undecoded(observation, body.note)
  const content = contentOf(schema?.type, body.members)
  if (content === undefined) return undecoded(observation, decodeNotes.unexpectedShape)
  if (schema === undefined && !isReadable(content.leaves)) {
    return undecoded(observation, decodeNotes.unknownType)
  }
  const built =
    schema === undefined ? buildUndescribed(rest, content) : build(rest, schema.type, schema.system, content)
  const system = schema?.system ?? memberSystemOf(rest.code)
  return { observation: Object.assign(built, headerElements(built, body.header, system)), decoded: true }
}

function undecoded(observation: Observation, note: string): Decoded {
  return { observation: { ...observation, ...notesElement(observation, [note]) }, decoded: false, note }
}

function notesElement(
  resource: Pick<Observation, 'note'>,
  texts: readonly string[],
): Pick<Observation, 'note'> {
  if (texts.length === 0) return {}
  return { note: [...(resource.note ?? []), ...texts.map((text) => ({ authorString: noteAuthor, text }))] }
}

/** The statistic that an observation's value is, as Open mHealth says it; undefined for a single reading. */
export function statisticOf(observation: Observation): string | undefined {
  return observation.interpretation
    ?.filter(isStatistic)
    .map(({ text }) => text)
    .find((text) => text !== undefined)
}

/** Whether an interpretation says which statistic a value is, as Open mHealth does. */
export function isStatistic({ coding }: CodeableConcept): boolean {
  return coding?.some(({ system }) => openMHealthSystems.has(system)) ?? false
}

interface Content {
  readonly leaves: readonly Leaf[]
  readonly measured: ReadonlyMap<string, Leaf>
  readonly frame: TimeFrame
}

/** A body that says nothing of its time. */
const noFrame: TimeFrame = { time: undefined, held: [] }

function contentOf(type: DataType | undefined, body: object): Content | undefined {
  const members = type?.members ?? []
  const leaves = leavesOf(body)?.map((leaf) => withUnit(leaf, members))
  const said = ownMember(body, frameMember)
  const frame = said === undefined || said === null ? noFrame : timeFrameOf(said)
  if (leaves === undefined) return undefined
  // Two ways to one path (`{"a.b": 1, "a": {"b": 2}}`): neither can be told from the other any more.
  if (new Set(leaves.map(({ path }) => path)).size < leaves.length) return undefined
  const measured = new Map<string, Leaf>()
  for (const { path, kind } of members) {
    const leaf = leaves.find((one) => one.path === path)
    if (leaf === undefined || leaf.value.kind === 'empty') continue
    if (leaf.value.kind !== (kind === 'text' ? 'string' : 'unitValue')) return undefined
    measured.set(path, leaf)
  }
  if (!(type?.required ?? []).every((path) => measured.has(path))) return undefined
  if (type !== undefined && measured.size === 0 && frame.time === undefined) return undefined
  return { leaves, measured, frame }
}

/** Gives a number that its schema writes without a unit the unit that it has. */
function withUnit(leaf: Leaf, members: readonly Member[]): Leaf {
  const unit = members.find(({ path }) => path === leaf.path)?.bareUnit
  if (unit === undefined || leaf.value.kind !== 'number') return leaf
  return { path: leaf.path, value: { kind: 'unitValue', value: leaf.value.value, unit } }
}

function build(
  resource: Omit<Observation, 'valueAttachment'>,
  type: DataType,
  system: string,
  content: Content,
): Observation {
  const own = effectiveTimeOf(resource)
  const time = timing(resource, own, content.frame)
  const facts: LoincFacts = {
    text: (path) => textOf(content.leaves, path),
    measured: content.measured,
    wholeDay: isWholeDay(content.frame.time ?? own),
  }
  const used = new Set<string>(time.held)
  // Not `{ ...resource, … }`: V8 gives each object that grows after a spread a shape of its own, and reading it is slow.
  const built: Observation = Object.assign(
    {},
    resource,
    { code: coded(resource, loincOfType(type, facts)) },
    time.elements,
    wordElements(resource, system, facts.text, used),
    valueElements(type, content, facts, used),
    notesElement(resource, time.notes),
  )
  for (const element of time.replaced) delete built[element]
  const components = componentsOf(type, system, content, facts, used)
  const component = [...(resource.component ?? []), ...components]
  if (component.length > 0) built.component = component
  return built
}

function buildUndescribed(resource: Omit<Observation, 'valueAttachment'>, content: Content): Observation {
  const time = timing(resource, effectiveTimeOf(resource), content.frame)
  const used = new Set<string>(time.held)
  const text = (path: string) => textOf(content.leaves, path)
  const built: Observation = Object.assign(
    {},
    resource,
    time.elements,
    wordElements(resource, memberSystemOf(resource.code), text, used),
    notesElement(resource, time.notes),
  )
  for (const element of time.replaced) delete built[element]
  const { valueQuantity, component = [] } = undescribedElements(resource.code, content.leaves, used)
  if (valueQuantity !== undefined) built.valueQuantity = valueQuantity
  const all = [...(resource.component ?? []), ...component]
  if (all.length > 0) built.component = all
  return built
}

function textOf(leaves: readonly Leaf[], path: string): string | undefined {
  const value = leaves.find((leaf) => leaf.path === path)?.value
  if (value === undefined || value.kind === 'empty') return undefined
  // What is there and is no text must not read as absent.
  return value.kind === 'string' ? value.value : ''
}

function coded(
  resource: Omit<Observation, 'valueAttachment'>,
  codes: readonly LoincCode[],
): Observation['code'] {
  const original = resource.code.coding ?? []
  const added = codes
    .map(loincCoding)
    .filter(({ system, code }) => !original.some((own) => own.system === system && own.code === code))
  return { ...resource.code, coding: [...original, ...added] }
}

/** What the time of a body makes of the time of its resource. */
interface Timing {
  readonly elements: Pick<Observation, 'effectiveDateTime' | 'effectivePeriod'>
  /** Elements of the resource that are not to stand beside them. */
  readonly replaced: readonly ('effectiveInstant' | 'effectivePeriod')[]
  /** Paths of the body that the elements hold. */
  readonly held: readonly string[]
  readonly notes: readonly string[]
}

function timing(resource: Observation, own: EffectiveTime | undefined, frame: TimeFrame): Timing {
  const { time, held, note } = frame
  const asItIs: Timing = { elements: {}, replaced: [], held: [], notes: note === undefined ? [] : [note] }
  if (time === undefined) return asItIs
  const agreed = own && agreedTime(own, time)
  if (hasEffectiveTime(resource) && agreed === undefined) {
    return { ...asItIs, notes: [...asItIs.notes, decodeNotes.otherTime] }
  }
  // FHIR has no such period (per-1); the exchange copies the ends of the body as they are.
  if (isReversed(time)) return { ...asItIs, replaced: ['effectivePeriod'] }
  const replaced: Timing['replaced'] = resource.effectiveInstant === undefined ? [] : ['effectiveInstant']
  const isOdd = own === undefined && note !== undefined
  const notes = isOdd ? [note, decodeNotes.undatedThere] : asItIs.notes
  return { elements: effectiveElement(agreed ?? time), replaced, held, notes }
}

function wordElements(
  resource: Observation,
  system: string,
  text: LoincFacts['text'],
  used: Set<string>,
): Pick<Observation, 'bodySite' | 'method' | 'interpretation'> {
  const take = (path: string) => {
    const word = text(path)
    if (word === undefined || word === '') return undefined
    used.add(path)
    return conceptOf(word, system)
  }
  const bodySite = resource.bodySite === undefined ? take('measurement_location') : undefined
  const method = resource.method === undefined ? take('measurement_method') : undefined
  const statistic = take(statisticMember) ?? take(summaryStatistic)
  const elements: Pick<Observation, 'bodySite' | 'method' | 'interpretation'> = {}
  if (bodySite !== undefined) elements.bodySite = bodySite
  if (method !== undefined) elements.method = method
  if (statistic !== undefined) elements.interpretation = [...(resource.interpretation ?? []), statistic]
  return elements
}

function valueElements(
  type: DataType,
  content: Content,
  facts: LoincFacts,
  used: Set<string>,
): Pick<Observation, 'valueQuantity'> {
  const [member] = type.members
  const leaf = member && content.measured.get(member.path)
  if (type.shape !== 'quantity' || leaf?.value.kind !== 'unitValue') return {}
  used.add(leaf.path)
  const { value, unit } = leaf.value
  return { valueQuantity: type.name === 'step-count' ? steps(value, unit, facts) : quantityOf(value, unit) }
}

/** Steps of a day are a rate in LOINC and UCUM; any other count of steps is a number. */
function steps(value: number, unit: string, facts: LoincFacts): Quantity {
  const quantity = quantityOf(value, unit)
  if (quantity.code !== '{steps}' || !stepsOfDay(facts)) return quantity
  return { ...quantity, unit: 'steps/24 h', code: '{steps}/(24.h)' }
}

/** The type's own members in the order of the registry, then all others in the order of the body. */
function componentsOf(
  type: DataType,
  system: string,
  content: Content,
  facts: LoincFacts,
  used: ReadonlySet<string>,
): ObservationComponent[] {
  const left = content.leaves.filter(({ path }) => !used.has(path))
  const memberOf = (leaf: Leaf): Member | undefined => type.members.find(({ path }) => path === leaf.path)
  const own = type.members.flatMap((member) => left.filter(({ path }) => path === member.path))
  const others = left.filter((leaf) => memberOf(leaf) === undefined)
  return [...own, ...others].map((leaf) => {
    const member = memberOf(leaf)
    return componentOf(
      leaf,
      system,
      member === undefined ? [] : loincOfMember(member, facts).map(loincCoding),
    )
  })
}
