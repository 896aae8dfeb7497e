/** Reads the arguments of a call once: they are one object from the decision to the answer. */
export function oncePerCall<Input extends object, Read>(
  read: (input: Input) => Read,
): (input: Input) => Read {
  const known = new WeakMap<Input, { readonly read: Read }>()
  return (input) => {
    const found = known.get(input)
    if (found !== undefined) return found.read
    const made = { read: read(input) }
    known.set(input, made)
    return made.read
  }
}
