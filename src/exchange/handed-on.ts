/**
 * What some work hands on, as it comes. `give` resolves when the reader asks for more, so that nothing piles up however fast
 * the work is. Throws what the work threw, after what it had given. A reader that leaves is waited for by nobody: end the work
 * with a signal of its own.
 */
export async function* handedOn<T>(
  work: (give: (item: T) => Promise<void>) => Promise<void>,
): AsyncGenerator<T, void> {
  const offers: { readonly item: T; readonly taken: () => void }[] = []
  let wake = () => {}
  let ended = false
  const end = work(
    (item) =>
      new Promise((taken) => {
        offers.push({ item, taken })
        wake()
      }),
  ).finally(() => {
    ended = true
    wake()
  })
  // It is awaited below, where the reader stays.
  end.catch(() => undefined)
  for (;;) {
    const offer = offers.shift()
    if (offer !== undefined) {
      yield offer.item
      offer.taken()
    } else if (ended) {
      return await end
    } else {
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }
}
