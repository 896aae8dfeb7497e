import type { Keeper, Kept } from './keeper.ts'
import type { LoadedRoster } from './known.ts'
import type { Roster } from './roster.ts'
import { indexRosters, type RosterIndex, type Sighting } from './roster-index.ts'
import type { RosterKey } from './target.ts'

/** What a view is made over. */
export interface ViewParts {
  readonly identity: string
  readonly keys: readonly RosterKey[]
  readonly keeper: Keeper<Roster>
  readonly seconds: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/**
 * An index costs about as much as asking a roster for each 4 patients in it, so it is made when as many have been asked:
 * whoever asks once, or while rosters come and go, pays at most twice of what was needed.
 */
const patientsPerQuestion = 4

/** The name of a roster among what is kept. */
export function nameOf(identity: string, { kind, id }: RosterKey): string {
  return `${identity} ${kind}/${id}`
}

/**
 * What is kept of the rosters that one identity asks for together. It is settled, 0.3 µs for each key, whenever anything was kept
 * or dropped since, and when the first of its rosters expires; between two such moments asking it costs the same however
 * many rosters there are. (That it does not touch the keeper in between changes nothing there: what to drop is chosen when
 * something is kept.) It holds no roster that was dropped.
 */
export class RosterView {
  readonly identity: string
  readonly #parts: ViewParts
  /** The state of the keeper at which the view was settled, and the times between which none of its rosters expires. */
  #version: number | undefined
  #since = Number.POSITIVE_INFINITY
  #until = 0
  #cold: readonly RosterKey[] = []
  /** By the place of each in the keys; undefined where cold. */
  #kept: readonly (Kept<Roster> | undefined)[] = []
  #patients = 0
  #index: RosterIndex = () => []
  /** What the index was made over. */
  #indexed: readonly (Kept<Roster> | undefined)[] = []
  /** The places that are not cold and not as the index has them: asked one by one. */
  #loose: readonly number[] = []
  /** How many were asked one by one since the index was made. */
  #asked = 0

  constructor(parts: ViewParts) {
    this.identity = parts.identity
    this.#parts = parts
  }

  /** What has to be read: not kept, expired, or not complete. */
  get cold(): readonly RosterKey[] {
    return this.#cold
  }

  /** Bytes that it takes at most: 1 KB by itself, 128 for a key, 8 for a patient in the index. */
  get bytes(): number {
    return 1024 + 128 * this.#parts.keys.length + 8 * this.#patients
  }

  /** Whether a roster that it was settled on may still be good. */
  isCurrent(): boolean {
    const { seconds, now } = this.#parts
    const age = now() - this.#since
    return age >= 0 && age < seconds * 1000
  }

  /** Brings it up to what is kept now. Returns whether anything had to be done. */
  settle(): boolean {
    const { identity, keys, keeper, seconds, now } = this.#parts
    const time = now()
    if (this.#version === keeper.version() && time >= this.#since && time < this.#until) return false
    this.#version = keeper.version()
    // Earlier than the last settling, the clock was set back.
    this.#since = time
    this.#until = Number.POSITIVE_INFINITY
    this.#patients = 0
    const cold: RosterKey[] = []
    const loose: number[] = []
    this.#kept = keys.map((key, place) => {
      const kept = keeper.find(nameOf(identity, key))
      const roster = kept?.value
      if (kept === undefined || !roster?.complete) {
        cold.push(key)
        return undefined
      }
      this.#until = Math.min(this.#until, kept.at + seconds * 1000)
      this.#patients += roster.size
      if (kept !== this.#indexed[place]) loose.push(place)
      return kept
    })
    this.#cold = cold
    this.#loose = loose
    return true
  }

  /** The rosters that are not cold. */
  all(): LoadedRoster[] {
    return this.#loaded([...this.#kept.keys()].map((place) => ({ place })))
  }

  /** Those of them that may have this patient. */
  about(patient: string): LoadedRoster[] {
    const seen = this.#index(patient).filter(({ place }) => this.#kept[place] === this.#indexed[place])
    if (this.#loose.length === 0) return this.#loaded(seen)
    const loose = this.#loose.filter((place) => this.#kept[place]?.value?.membership(patient) !== 'stranger')
    this.#asked += this.#loose.length
    if (this.#asked * patientsPerQuestion >= this.#patients) this.#makeIndex()
    const all = [...seen, ...loose.map((place) => ({ place }))]
    return this.#loaded(all.sort((a, b) => a.place - b.place))
  }

  #makeIndex(): void {
    this.#index = indexRosters(this.#kept.map((kept) => kept?.value))
    this.#indexed = this.#kept
    this.#loose = []
    this.#asked = 0
  }

  #loaded(
    places: readonly (Sighting | { readonly place: number; readonly near?: undefined })[],
  ): LoadedRoster[] {
    const loaded: LoadedRoster[] = []
    for (const { place, near } of places) {
      const key = this.#parts.keys[place]
      const roster = this.#kept[place]?.value
      if (key !== undefined && roster !== undefined) loaded.push({ key, roster, near })
    }
    return loaded
  }
}
