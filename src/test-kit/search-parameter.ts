/** A search parameter of the stand-in: how it compares, and the elements that it looks at. */
export interface SearchParameter {
  readonly kind: 'token' | 'string' | 'date' | 'reference'
  /** Dotted paths; lists on the way are walked through. `effective` stands for every `effective[x]`. */
  readonly paths: readonly string[]
  /** For a reference: the types that it may name. */
  readonly targets?: readonly string[]
}
