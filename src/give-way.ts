import { setImmediate } from 'node:timers/promises'

/** Lets everything that waits for this process have its turn: other requests, answers that have arrived, timers. */
export function giveWay(): Promise<void> {
  return setImmediate()
}

/** So long work may keep the process to itself, in milliseconds. */
const slice = 50

/** Long work in slices: what it returns gives way when the last slice is over, and costs next to nothing before. */
export function createSlices(): () => Promise<void> | undefined {
  let began = performance.now()
  return () => {
    if (performance.now() - began < slice) return undefined
    return giveWay().then(() => {
      began = performance.now()
    })
  }
}

/** Maps a list in slices: long ones give way to others in between. */
export async function mapInSlices<T, Mapped>(
  list: readonly T[],
  map: (item: T) => Mapped,
): Promise<Mapped[]> {
  const sliceEnd = createSlices()
  const mapped: Mapped[] = []
  for (const item of list) {
    mapped.push(map(item))
    const others = sliceEnd()
    if (others !== undefined) await others
  }
  return mapped
}
