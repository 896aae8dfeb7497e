/** How a form of search over several patients fares on one exchange. */
export interface Pace {
  /** How many patients go in one search. */
  readonly size: number
  /** Milliseconds per patient of the last search, or more where it was not answered in time; undefined: not tried. */
  readonly cost: number | undefined
  /** A search over so many patients was answered, whole. */
  answered(patients: number, milliseconds: number): void
  /** A search over so many patients was not answered in this time. */
  late(patients: number, milliseconds: number): void
  /** It costs so many milliseconds per patient, as far as was seen. */
  dear(cost: number): void
}

/** What is known of how one exchange answers searches over several patients. */
export interface Paces {
  /** Of searches with these parameters. */
  of(form: string): Pace
  /** Whether several patients in one search found each of them; undefined: not seen yet. */
  readonly worksTogether: boolean | undefined
  /** Notes whether they do. */
  note(worksTogether: boolean): void
}

interface Known {
  size: number
  /** No more than half of what was not answered. */
  most: number
  cost: number | undefined
}

/** Of a form that was never tried: on some servers ten patients with a code take longer than all patients without. */
const firstSize = 4
const largestSize = 100
/** Milliseconds up to which a search may have more patients next time, and from which on fewer. */
const quick = 3500
const slow = 8000
const growth = 4
/** What was given up would have taken longer, nobody knows how much: it is taken to cost so many times what was waited. */
const givenUp = 4
/** Servers and their load change: what was learnt is learnt anew. In milliseconds. */
const kept = 600_000

/** Remembers how one exchange answers, for all calls of a process; `now` gives milliseconds since the epoch. */
export function createPaces(now: () => number): Paces {
  let forms = new Map<string, Known>()
  let together: boolean | undefined
  let until = 0

  function current(): Map<string, Known> {
    if (now() >= until) {
      forms = new Map()
      together = undefined
      until = now() + kept
    }
    return forms
  }

  function knownOf(form: string): Known {
    const known = current().get(form) ?? { size: firstSize, most: largestSize, cost: undefined }
    forms.set(form, known)
    return known
  }

  return {
    of: (form) => ({
      get size() {
        return knownOf(form).size
      },
      get cost() {
        return knownOf(form).cost
      },
      answered(patients, milliseconds) {
        const known = knownOf(form)
        known.cost = milliseconds / patients
        if (milliseconds <= quick && patients >= known.size) {
          known.size = Math.min(known.most, patients * growth)
        }
        if (milliseconds >= slow) known.size = Math.min(known.size, half(patients))
      },
      late(patients, milliseconds) {
        const known = knownOf(form)
        known.cost = (givenUp * milliseconds) / patients
        known.most = Math.min(known.most, half(patients))
        known.size = Math.min(known.size, known.most)
      },
      dear(cost) {
        knownOf(form).cost = cost
      },
    }),
    get worksTogether() {
      current()
      return together
    },
    note(worksTogether) {
      current()
      together = worksTogether
    },
  }
}

function half(patients: number): number {
  return Math.max(1, Math.floor(patients / 2))
}
