/** What a resource lost on its way out. */
export interface LeftOut {
  /** References that were masked. */
  readonly references: number
  /** Resources inside of it that are people, or somebody's. */
  readonly contained: number
  /** Contents of attachments. */
  readonly attachments: number
  /** Control characters that FHIR forbids. */
  readonly characters: number
}

const kept = new WeakMap<object, LeftOut>()

/** What a resource, as the exchange gave it, lost on its way out; undefined for one that is whole. */
export function leftOutOf(resource: object): LeftOut | undefined {
  return kept.get(resource)
}

/** Remembers what a resource lost, as long as there is the resource. */
export function noteLeftOut(resource: object, leftOut: LeftOut): void {
  kept.set(resource, leftOut)
}

/** What several resources lost together; undefined where they are whole. */
export function leftOutOfAll(all: Iterable<LeftOut | undefined>): LeftOut | undefined {
  let [references, contained, attachments, characters] = [0, 0, 0, 0]
  for (const one of all) {
    references += one?.references ?? 0
    contained += one?.contained ?? 0
    attachments += one?.attachments ?? 0
    characters += one?.characters ?? 0
  }
  const isWhole = references + contained + attachments + characters === 0
  return isWhole ? undefined : { references, contained, attachments, characters }
}
